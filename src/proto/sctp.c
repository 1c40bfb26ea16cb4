#include "proto/sctp.h"

#include <errno.h>
#include <stdlib.h>
#include <usrsctp.h>

#include "base/list.h"
#include "base/map.h"

/* Our own: how often usrsctp's timers are looked at while something goes on, and otherwise,
 * when only its long timers run. */
#define TICK_BUSY MSEC(10)
#define TICK_IDLE MSEC(100)
#define BUSY_FOR  SEC(1)

enum {
    READ_MAX = 16 * 1024, /* octets of a message that needs no memory of its own */
    /* RFC 9260 §16 is for networks of 1990; these are what browsers use. */
    RTO_MIN_MS = 200,
    RTO_INITIAL_MS = 500,
    RTO_MAX_MS = 10000,
    SACK_DELAY_MS = 20,
    ATTEMPTS = 10, /* of anything, then the association ends; ICE notices before */
    /* What usrsctp adds to the path MTU of AF_CONN for itself. */
    MTU_EXTRA = 12,
};

struct datagram {
    struct list node;
    size_t n;
    uint8_t p[];
};

struct sctp {
    struct sctp_stack *stack;
    uint64_t id;          /* what usrsctp knows it by */
    struct map_node node; /* by id */
    struct sctp_conf conf;
    struct socket *so;
    struct list talking;
    struct list out; /* struct datagram */
    size_t out_n;
    struct datagram *polled;
    bool up, down;  /* it is; it was told */
    bool told_up;   /* and so was this */
    bool broken;    /* it is over */
    bool reading;   /* the socket may have more */
    uint8_t *whole; /* a message that came in pieces, so far */
    size_t whole_n;
    bool too_long;                 /* its pieces are thrown away */
    bool whole_told;               /* it was polled */
    uint64_t reset_want;           /* streams to be reset */
    uint64_t reset_under;          /* and those of which usrsctp was told */
    uint64_t reset_in, reset_done; /* to be told */
};
_Static_assert(SCTP_STREAMS <= 64, "a bit for each stream");

struct sctp_stack {
    struct map by_id;
    struct list talking;
    uint64_t last_id;
    usec ticked, busy_until;
    uint8_t read[READ_MAX];
};

/* usrsctp is global, and tells its output function nothing but the address. */
static struct sctp_stack *the_stack;

static struct span key_of(const uint64_t *id)
{
    return (struct span){(const uint8_t *)id, sizeof *id};
}

/* By what usrsctp calls an address: a number, not a pointer, since it may still send after
 * the association was freed here. */
static struct sctp *find(const void *addr)
{
    uint64_t id = (uintptr_t)addr;
    struct map_node *n = the_stack ? sl_map_get(&the_stack->by_id, key_of(&id)) : NULL;
    return n ? map_entry(n, struct sctp, node) : NULL;
}

static void *addr_of(const struct sctp *s)
{
    return (void *)(uintptr_t)s->id; /* NOLINT(performance-no-int-to-ptr) */
}

static void talk(struct sctp *s)
{
    if (list_empty(&s->talking))
        list_add(&s->stack->talking, &s->talking);
}

/* ---- what usrsctp calls ---- */

static int output(void *addr, void *p, size_t n, uint8_t tos, uint8_t df)
{
    (void)tos;
    (void)df;
    struct sctp *s = find(addr);
    struct datagram *d = s && s->out_n < SCTP_OUT_MAX ? malloc(sizeof *d + n) : NULL;
    if (!d)
        return 0; /* lost, as on any network */
    d->n = n;
    memcpy(d->p, p, n);
    list_add(&s->out, &d->node);
    s->out_n++;
    talk(s);
    return 0;
}

static void readable(struct socket *so, void *addr, int flags)
{
    (void)so;
    (void)flags;
    struct sctp *s = find(addr);
    if (!s)
        return;
    s->reading = true;
    talk(s);
}

/* ---- the stack ---- */

static void set_rules(void)
{
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0); /* before auth, which it needs */
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_blackhole(2); /* no answer to what is nobody's */
    usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(SCTP_STREAMS);
    usrsctp_sysctl_set_sctp_nr_incoming_streams_default(SCTP_STREAMS);
    usrsctp_sysctl_set_sctp_rto_min_default(RTO_MIN_MS);
    usrsctp_sysctl_set_sctp_rto_initial_default(RTO_INITIAL_MS);
    usrsctp_sysctl_set_sctp_rto_max_default(RTO_MAX_MS);
    usrsctp_sysctl_set_sctp_init_rto_max_default(RTO_MAX_MS);
    usrsctp_sysctl_set_sctp_delayed_sack_time_default(SACK_DELAY_MS);
    usrsctp_sysctl_set_sctp_init_rtx_max_default(ATTEMPTS);
    usrsctp_sysctl_set_sctp_assoc_rtx_max_default(ATTEMPTS);
    usrsctp_sysctl_set_sctp_path_rtx_max_default(ATTEMPTS);
    /* No stock of freed chunks: it would be counted nowhere. */
    usrsctp_sysctl_set_sctp_system_free_resc_limit(0);
    usrsctp_sysctl_set_sctp_asoc_free_resc_limit(0);
}

struct sctp_stack *sl_sctp_stack_new(usec now)
{
    static const uint64_t no_secret[2] = {0}; /* the keys are our own */
    struct sctp_stack *st = the_stack ? NULL : calloc(1, sizeof *st);
    if (!st)
        return NULL;
    sl_map_init(&st->by_id, no_secret);
    list_init(&st->talking);
    st->ticked = now;
    usrsctp_init_nothreads(0, output, NULL);
    set_rules();
    the_stack = st;
    return st;
}

void sl_sctp_stack_free(struct sctp_stack *st)
{
    if (!st)
        return;
    /* Refused while it frees what was closed, which its timers do. */
    for (int i = 0; i < 1000 && usrsctp_finish() != 0; i++)
        usrsctp_handle_timers(100);
    the_stack = NULL;
    sl_map_fini(&st->by_id);
    free(st);
}

void sl_sctp_stack_tick(struct sctp_stack *st, usec now)
{
    usec ms = (now - st->ticked) / MSEC(1);
    if (ms <= 0)
        return;
    st->ticked += MSEC(ms);
    if (ms > 60000) /* it was suspended */
        ms = 60000;
    usrsctp_handle_timers((uint32_t)ms);
}

usec sl_sctp_stack_deadline(const struct sctp_stack *st)
{
    if (st->by_id.n == 0)
        return USEC_NEVER;
    return st->ticked + (st->ticked < st->busy_until ? TICK_BUSY : TICK_IDLE);
}

/* Before anything is done with an association: timers that it sets count from here. */
static void busy(struct sctp_stack *st, usec now)
{
    sl_sctp_stack_tick(st, now);
    st->busy_until = now + BUSY_FOR;
}

struct sctp *sl_sctp_talking(struct sctp_stack *st)
{
    if (list_empty(&st->talking))
        return NULL;
    struct sctp *s = list_entry(st->talking.next, struct sctp, talking);
    list_del(&s->talking);
    return s;
}

/* ---- one association ---- */

static bool set(struct socket *so, int level, int what, const void *p, size_t n)
{
    return usrsctp_setsockopt(so, level, what, p, (socklen_t)n) == 0;
}

static bool set_events(struct socket *so)
{
    static const uint16_t types[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT,
                                     SCTP_PARTIAL_DELIVERY_EVENT};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct sctp_event e = {
            .se_assoc_id = SCTP_ALL_ASSOC, .se_type = types[i], .se_on = 1};
        if (!set(so, IPPROTO_SCTP, SCTP_EVENT, &e, sizeof e))
            return false;
    }
    return true;
}

static bool set_options(struct socket *so)
{
    const struct linger at_once = {.l_onoff = 1};
    const int yes = 1, whole = 0, send_max = SCTP_SEND_MAX,
              receive_max = SCTP_RECEIVE_MAX;
    const struct sctp_assoc_value reset = {.assoc_id = SCTP_ALL_ASSOC,
                                           .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
    const struct sctp_initmsg init = {.sinit_num_ostreams = SCTP_STREAMS,
                                      .sinit_max_instreams = SCTP_STREAMS};
    return usrsctp_set_non_blocking(so, 1) == 0 && set_events(so) &&
           set(so, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) &&
           set(so, SOL_SOCKET, SO_SNDBUF, &send_max, sizeof send_max) &&
           set(so, SOL_SOCKET, SO_RCVBUF, &receive_max, sizeof receive_max) &&
           set(so, IPPROTO_SCTP, SCTP_NODELAY, &yes, sizeof yes) &&
           set(so, IPPROTO_SCTP, SCTP_RECVRCVINFO, &yes, sizeof yes) &&
           set(so, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, &whole, sizeof whole) &&
           set(so, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset) &&
           set(so, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init);
}

static struct sockaddr_conn sockaddr_of(const struct sctp *s, uint16_t port)
{
    return (struct sockaddr_conn){
        .sconn_family = AF_CONN, .sconn_port = htons(port), .sconn_addr = addr_of(s)};
}

static bool begin(struct sctp *s)
{
    struct sockaddr_conn us = sockaddr_of(s, s->conf.local_port);
    struct sockaddr_conn peer = sockaddr_of(s, s->conf.remote_port);
    s->so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (!s->so || !set_options(s->so) ||
        usrsctp_set_upcall(s->so, readable, addr_of(s)) != 0 ||
        usrsctp_bind(s->so, (struct sockaddr *)&us, sizeof us) != 0)
        return false;
    if (usrsctp_connect(s->so, (struct sockaddr *)&peer, sizeof peer) != 0 &&
        errno != EINPROGRESS)
        return false;
    /* ICE tells whether the path lives (RFC 7675) and what fits it is known. */
    struct sctp_paddrparams path = {.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_DISABLE,
                                    .spp_pathmtu = SCTP_DATAGRAM_MAX - MTU_EXTRA};
    memcpy(&path.spp_address, &peer, sizeof peer);
    return set(s->so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
}

struct sctp *sl_sctp_new(struct sctp_stack *st, const struct sctp_conf *conf, usec now)
{
    struct sctp *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct sctp){.stack = st, .id = ++st->last_id, .conf = *conf};
    list_init(&s->talking);
    list_init(&s->out);
    if (sl_map_put(&st->by_id, key_of(&s->id), &s->node) != E_OK) {
        free(s);
        return NULL;
    }
    busy(st, now);
    usrsctp_register_address(addr_of(s));
    if (!begin(s)) {
        sl_sctp_free(s);
        return NULL;
    }
    return s;
}

static struct datagram *take_datagram(struct sctp *s)
{
    if (list_empty(&s->out))
        return NULL;
    struct datagram *d = list_entry(s->out.next, struct datagram, node);
    list_del(&d->node);
    s->out_n--;
    return d;
}

void sl_sctp_free(struct sctp *s)
{
    if (!s)
        return;
    sl_map_del(&s->stack->by_id, &s->node); /* what it says from here on is lost */
    if (s->so)
        usrsctp_close(s->so);
    usrsctp_deregister_address(addr_of(s));
    list_del(&s->talking);
    for (struct datagram *d; (d = take_datagram(s));)
        free(d);
    free(s->polled);
    free(s->whole);
    free(s);
}

void *sl_sctp_user(const struct sctp *s)
{
    return s->conf.user;
}

/* ---- streams that begin anew ---- */

/* One request at a time (RFC 6525 §5.1.1); what is refused for now is asked for again. */
static void ask_resets(struct sctp *s)
{
    uint64_t ask = s->reset_want & ~s->reset_under;
    if (ask == 0 || !s->up)
        return;
    union {
        struct sctp_reset_streams r;
        uint8_t room[sizeof(struct sctp_reset_streams) + SCTP_STREAMS * sizeof(uint16_t)];
    } u = {
        .r = {.srs_assoc_id = SCTP_ALL_ASSOC, .srs_flags = SCTP_STREAM_RESET_OUTGOING}};
    for (unsigned i = 0; i < SCTP_STREAMS; i++)
        if (ask >> i & 1)
            u.r.srs_stream_list[u.r.srs_number_streams++] = (uint16_t)i;
    size_t n = sizeof u.r + u.r.srs_number_streams * sizeof(uint16_t);
    if (set(s->so, IPPROTO_SCTP, SCTP_RESET_STREAMS, &u, n))
        s->reset_under |= ask;
}

void sl_sctp_reset(struct sctp *s, uint16_t stream, usec now)
{
    if (stream >= SCTP_STREAMS)
        return;
    busy(s->stack, now);
    s->reset_want |= UINT64_C(1) << stream;
    ask_resets(s);
}

static void note_resets(struct sctp *s, const struct sctp_stream_reset_event *e,
                        size_t octets)
{
    size_t n = (octets - sizeof *e) / sizeof(uint16_t);
    uint64_t streams = n > 0 ? 0 : ~UINT64_C(0); /* none named: all of them */
    for (size_t i = 0; i < n; i++)
        if (e->strreset_stream_list[i] < SCTP_STREAMS)
            streams |= UINT64_C(1) << e->strreset_stream_list[i];
    if (e->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN)
        s->reset_in |= streams;
    if (e->strreset_flags & SCTP_STREAM_RESET_OUTGOING_SSN) {
        s->reset_done |= streams & s->reset_under;
        s->reset_want &= ~(streams & s->reset_under);
        s->reset_under &= ~streams;
    }
    ask_resets(s);
}

/* ---- in ---- */

void sl_sctp_input(struct sctp *s, struct span datagram, usec now)
{
    busy(s->stack, now);
    usrsctp_conninput(addr_of(s), datagram.p, datagram.n, 0);
    s->reading = true;
    ask_resets(s);
    talk(s);
}

static void drop_whole(struct sctp *s)
{
    free(s->whole);
    s->whole = NULL;
    s->whole_n = 0;
    s->too_long = false;
    s->whole_told = false;
}

static void note(struct sctp *s, const uint8_t *p, size_t n)
{
    union sctp_notification e;
    if (n < sizeof e.sn_header)
        return;
    memcpy(&e, p, n < sizeof e ? n : sizeof e);
    if (e.sn_header.sn_type == SCTP_ASSOC_CHANGE) {
        s->up |= e.sn_assoc_change.sac_state == SCTP_COMM_UP;
        s->broken |= e.sn_assoc_change.sac_state != SCTP_COMM_UP;
        ask_resets(s);
    } else if (e.sn_header.sn_type == SCTP_PARTIAL_DELIVERY_EVENT) {
        drop_whole(s); /* its sender gave the message up */
    } else if (e.sn_header.sn_type == SCTP_STREAM_RESET_EVENT &&
               n >= sizeof(struct sctp_stream_reset_event)) {
        const void *event = p; /* usrsctp aligns it, and so do we */
        note_resets(s, event, n);
    }
}

/* A piece of a message that came in several. True: it was the last, and is in *ret. */
static bool gather(struct sctp *s, const uint8_t *p, size_t n, bool last,
                   struct sctp_out *ret)
{
    uint8_t *grown = NULL;
    if (!s->too_long && s->whole_n + n <= s->conf.receive_max)
        grown = realloc(s->whole, s->whole_n + n);
    if (grown) {
        memcpy(grown + s->whole_n, p, n);
        s->whole = grown;
        s->whole_n += n;
    } else {
        drop_whole(s);
        s->too_long = true;
    }
    if (!last)
        return false;
    s->whole_told = true;
    ret->kind = s->too_long ? SCTP_TOO_LONG : SCTP_MESSAGE;
    ret->bytes = (struct span){s->whole, s->whole_n};
    return true;
}

static bool read_message(struct sctp *s, struct sctp_out *ret)
{
    uint8_t *buf = s->stack->read;
    while (s->reading) {
        struct sctp_rcvinfo info = {0};
        socklen_t info_n = sizeof info, from_n = 0;
        unsigned type = 0;
        int flags = 0;
        ssize_t n = usrsctp_recvv(s->so, buf, READ_MAX, NULL, &from_n, &info, &info_n,
                                  &type, &flags);
        if (n <= 0) {
            s->reading = false;
            s->broken |= n == 0 || (errno != EWOULDBLOCK && errno != EAGAIN &&
                                    errno != EINPROGRESS && errno != ENOTCONN);
        } else if (flags & MSG_NOTIFICATION) {
            note(s, buf, (size_t)n);
            return false; /* to be told before what follows it */
        } else {
            bool last = flags & MSG_EOR;
            *ret = (struct sctp_out){.kind = SCTP_MESSAGE,
                                     .stream = info.rcv_sid,
                                     .ppid = ntohl(info.rcv_ppid),
                                     .bytes = {buf, (size_t)n}};
            bool alone = last && s->whole_n == 0 && !s->too_long;
            if ((alone && (size_t)n <= s->conf.receive_max) ||
                gather(s, buf, (size_t)n, last, ret))
                return true;
        }
    }
    return false;
}

/* ---- out ---- */

enum err sl_sctp_send(struct sctp *s, const struct sctp_message *m, usec now)
{
    if (m->bytes.n == 0 || m->bytes.n > SCTP_MESSAGE_MAX || m->stream >= SCTP_STREAMS)
        return E_MALFORMED;
    if (!s->up || s->broken || s->reset_want >> m->stream & 1)
        return E_STATE;
    struct sctp_sendv_spa spa = {
        .sendv_flags = SCTP_SEND_SNDINFO_VALID,
        .sendv_sndinfo = {.snd_sid = m->stream, .snd_ppid = htonl(m->ppid)}};
    if (m->unordered)
        spa.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
    if (m->limit_resends || m->limit_lifetime) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy =
            m->limit_resends ? SCTP_PR_SCTP_RTX : SCTP_PR_SCTP_TTL;
        spa.sendv_prinfo.pr_value = m->limit;
    }
    busy(s->stack, now);
    ssize_t n = usrsctp_sendv(s->so, m->bytes.p, m->bytes.n, NULL, 0, &spa,
                              (socklen_t)sizeof spa, SCTP_SENDV_SPA, 0);
    if (n >= 0)
        return E_OK;
    return errno == EWOULDBLOCK || errno == EAGAIN || errno == ENOBUFS ? E_FULL : E_STATE;
}

bool sl_sctp_poll_datagram(struct sctp *s, struct sctp_out *ret)
{
    free(s->polled);
    s->polled = take_datagram(s);
    if (s->polled)
        *ret =
            (struct sctp_out){.kind = SCTP_SEND, .bytes = {s->polled->p, s->polled->n}};
    return s->polled;
}

static bool poll_streams(uint64_t *streams, enum sctp_kind kind, struct sctp_out *ret)
{
    if (*streams == 0)
        return false;
    int i = __builtin_ctzll(*streams);
    *streams &= *streams - 1;
    *ret = (struct sctp_out){.kind = kind, .stream = (uint16_t)i};
    return true;
}

/* What became of it, in the order in which it did. */
static bool poll_news(struct sctp *s, struct sctp_out *ret)
{
    if (s->up && !s->told_up) {
        s->told_up = true;
        *ret = (struct sctp_out){.kind = SCTP_UP};
        return true;
    }
    return poll_streams(&s->reset_in, SCTP_RESET_IN, ret) ||
           poll_streams(&s->reset_done, SCTP_RESET_DONE, ret);
}

bool sl_sctp_poll(struct sctp *s, struct sctp_out *ret)
{
    if (s->whole_told)
        drop_whole(s);
    do {
        if (sl_sctp_poll_datagram(s, ret) || poll_news(s, ret) || read_message(s, ret))
            return true;
    } while (s->reading);
    if (sl_sctp_poll_datagram(s, ret) || poll_news(s, ret))
        return true; /* reading opened the window */
    if (!s->broken || s->down)
        return false;
    s->down = true;
    *ret = (struct sctp_out){.kind = SCTP_DOWN};
    return true;
}
