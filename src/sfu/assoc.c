#include "sfu/assoc.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"

/* What the peer and others were told of a transport, in this order. */
enum told { TOLD_NOTHING, TOLD_KEYS, TOLD_UP, TOLD_END };

struct member {
    uint64_t id;
    struct map_node node; /* by id; not in the map once forgotten */
    bool forgotten;
    enum dtls_role role;
    struct dtls_fingerprint peer;
    struct dtls *dtls; /* while there is something to say or to hear */
    enum told told;
    bool heard;      /* the peer is up, too */
    bool rests;      /* it needs OpenSSL no more */
    unsigned worker; /* where it was heard last; fixed when keys are given */
    enum srtp_profile profile;
    bool pending; /* counts as a handshake under way */
    usec give_up; /* at this time, while pending */
    enum err why; /* we ended it ourselves, and why */
    struct timer timer;
    struct list waiting; /* our handshake waits for its turn */
    struct list talking; /* may have something to be polled */
    struct data *data;   /* NULL: it carries none */
    struct timer reads;  /* of what it sends more is read then */
};

struct assoc {
    struct assoc_conf conf;
    struct map members;
    struct timers timers, reads;
    struct list waiting, talking;
    struct list stalled;     /* members whose messages control has no room for */
    struct sctp_stack *sctp; /* NULL until somebody needs it */
    size_t above;            /* messages that control has not acknowledged */
    usec
        next_begin; /* when the rate allows another handshake, if none had come at once */
    struct assoc_stats stats;
};

struct assoc *sl_assoc_new(const struct assoc_conf *conf)
{
    struct assoc *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->conf = *conf;
    sl_map_init(&a->members, conf->hash_key);
    list_init(&a->waiting);
    list_init(&a->talking);
    list_init(&a->stalled);
    return a;
}

static void member_free(struct assoc *a, struct member *m)
{
    sl_timer_stop(&a->timers, &m->timer);
    sl_timer_stop(&a->reads, &m->reads);
    list_del(&m->waiting);
    list_del(&m->talking);
    sl_data_free(m->data);
    sl_dtls_free(m->dtls);
    free(m);
}

void sl_assoc_free(struct assoc *a)
{
    if (!a)
        return;
    list_each_safe(struct member, m, &a->talking, talking) if (m->forgotten)
        member_free(a, m);
    for (struct map_node *n; (n = sl_map_next(&a->members, NULL));) {
        sl_map_del(&a->members, n);
        member_free(a, map_entry(n, struct member, node));
    }
    sl_map_fini(&a->members);
    sl_timers_fini(&a->timers);
    sl_timers_fini(&a->reads);
    sl_sctp_stack_free(a->sctp);
    free(a);
}

static struct span key_of(const uint64_t *id)
{
    return (struct span){(const uint8_t *)id, sizeof *id};
}

static struct member *find(const struct assoc *a, uint64_t id)
{
    struct map_node *n = sl_map_get(&a->members, key_of(&id));
    return n ? map_entry(n, struct member, node) : NULL;
}

enum err sl_assoc_expect(struct assoc *a, uint64_t transport, enum dtls_role role,
                         const struct dtls_fingerprint *peer)
{
    if (!sl_dtls_fingerprint_known(peer))
        return E_UNSUPPORTED;
    struct member *m = malloc(sizeof *m);
    if (!m)
        return E_MEMORY;
    *m = (struct member){
        .id = transport, .role = role, .peer = *peer, .give_up = USEC_NEVER};
    list_init(&m->waiting);
    list_init(&m->talking);
    enum err e = sl_map_put(&a->members, key_of(&m->id), &m->node);
    if (e)
        free(m);
    else
        a->stats.transports++;
    return e;
}

enum err sl_assoc_expect_data(struct assoc *a, uint64_t transport, uint16_t remote_port,
                              uint32_t send_max)
{
    struct member *m = find(a, transport);
    if (!m || m->data)
        return E_ABSENT;
    m->data = sl_data_new(&(struct data_conf){.transport = transport,
                                              .remote_port = remote_port,
                                              .send_max = send_max,
                                              .dtls_client = m->role == DTLS_CLIENT,
                                              .user = m});
    return m->data ? E_OK : E_MEMORY;
}

static void talk(struct assoc *a, struct member *m)
{
    list_del(&m->talking); /* it may be stalled */
    list_add(&a->talking, &m->talking);
}

void sl_assoc_data(struct assoc *a, struct data_cmd *cmd)
{
    struct member *m = find(a, cmd->transport);
    if (!m || !m->data) {
        free(cmd);
        return;
    }
    a->stats.data_out++;
    sl_data_command(m->data, cmd);
    if (m->dtls)
        talk(a, m);
}

void sl_assoc_data_done(struct assoc *a, uint64_t transport, size_t cost)
{
    struct member *m = find(a, transport);
    a->above -= a->above > 0;
    if (m && m->data && m->dtls) {
        sl_data_done(m->data, cost);
        talk(a, m);
    }
    while (!list_empty(&a->stalled))
        talk(a, list_entry(a->stalled.next, struct member, talking));
}

/* ---- what is allowed ---- */

static usec begin_interval(const struct assoc *a)
{
    return SEC(1) / (a->conf.handshakes_per_s ? a->conf.handshakes_per_s : 1);
}

/* When the rate allows one more: a bucket that a quarter of a second fills. */
static usec begin_allowed(const struct assoc *a)
{
    usec burst = MSEC(250) > begin_interval(a) ? MSEC(250) - begin_interval(a) : 0;
    return a->next_begin - burst;
}

static void begin_count(struct assoc *a, usec now)
{
    usec from = a->next_begin > now ? a->next_begin : now;
    a->next_begin = from + begin_interval(a);
}

/* ---- one member ---- */

static void stop_pending(struct assoc *a, struct member *m)
{
    a->stats.pending -= m->pending;
    m->pending = false;
    m->give_up = USEC_NEVER;
}

/* It ends as not having come up: in silence, since close_notify needs keys. */
static void give_up(struct member *m, enum err why, usec now)
{
    m->why = why;
    sl_dtls_close(m->dtls, now);
}

/* After each thing that was done to its association. */
static void settle(struct assoc *a, struct member *m, usec now)
{
    if (sl_dtls_state(m->dtls) != DTLS_HANDSHAKE)
        stop_pending(a, m);
    usec at = sl_dtls_deadline(m->dtls);
    if (m->give_up < at)
        at = m->give_up;
    if (at == USEC_NEVER)
        sl_timer_stop(&a->timers, &m->timer);
    else if (sl_timer_set(&a->timers, &m->timer, at) != E_OK)
        give_up(m, E_MEMORY, now); /* it would stay for ever */
    if (list_empty(&m->talking))
        list_add(&a->talking, &m->talking);
}

/* E_EARLY: over the rate; E_FULL: too many; E_MEMORY. */
static enum err begin(struct assoc *a, struct member *m, usec now)
{
    if (a->stats.pending >= a->conf.pending_max)
        return E_FULL;
    if (now < begin_allowed(a))
        return E_EARLY;
    begin_count(a, now);
    m->dtls = sl_dtls_new(a->conf.dtls, m->role, &m->peer, now);
    if (!m->dtls)
        return E_MEMORY;
    a->stats.begun++;
    a->stats.pending++;
    m->pending = true;
    m->give_up = now + ASSOC_HANDSHAKE_MAX;
    settle(a, m, now);
    return E_OK;
}

/* Begins what waits, in the order in which it came, as far as the limits allow. */
static void begin_waiting(struct assoc *a, usec now)
{
    while (!list_empty(&a->waiting)) {
        struct member *m = list_entry(a->waiting.next, struct member, waiting);
        if (begin(a, m, now) != E_OK)
            return;
        list_del(&m->waiting);
    }
}

void sl_assoc_path(struct assoc *a, uint64_t transport, unsigned worker, usec now)
{
    struct member *m = find(a, transport);
    if (!m || m->role != DTLS_CLIENT || m->told != TOLD_NOTHING)
        return;
    m->worker = worker;
    if (!m->dtls && list_empty(&m->waiting))
        list_add(&a->waiting, &m->waiting);
    begin_waiting(a, now);
}

/* A ClientHello, or a piece of one (RFC 6347 §4.1, §4.2.2). Nothing else makes us work. */
static bool is_hello(struct span datagram)
{
    enum { RECORD_HEADER = 13, TYPE_HANDSHAKE = 22, CLIENT_HELLO = 1 };
    return datagram.n > RECORD_HEADER && datagram.p[0] == TYPE_HANDSHAKE &&
           datagram.p[RECORD_HEADER] == CLIENT_HELLO;
}

/* Where a server's association does not exist yet. */
static bool begin_by_hello(struct assoc *a, struct member *m, struct span datagram,
                           usec now)
{
    if (m->role != DTLS_SERVER || m->told != TOLD_NOTHING || !is_hello(datagram)) {
        a->stats.unasked++;
        return false;
    }
    enum err e = begin(a, m, now);
    if (e == E_EARLY)
        a->stats.over_rate++;
    else if (e)
        a->stats.over_limit++;
    return e == E_OK;
}

void sl_assoc_datagram(struct assoc *a, uint64_t transport, unsigned worker,
                       struct span datagram, usec now)
{
    a->stats.datagrams++;
    struct member *m = find(a, transport);
    if (!m) {
        a->stats.unknown++;
        return;
    }
    if (!m->dtls && !begin_by_hello(a, m, datagram, now))
        return;
    if (m->told == TOLD_NOTHING)
        m->worker = worker;
    enum err e = sl_dtls_input(m->dtls, datagram, now);
    if (e)
        *(e == E_UNSUPPORTED ? &a->stats.ignored : &a->stats.refused) += 1;
    settle(a, m, now);
    begin_waiting(a, now); /* one may have ended */
}

void sl_assoc_forget(struct assoc *a, uint64_t transport, usec now)
{
    struct member *m = find(a, transport);
    if (!m)
        return;
    sl_map_del(&a->members, &m->node);
    a->stats.transports--;
    m->forgotten = true;
    if (!m->dtls) {
        member_free(a, m);
        return;
    }
    sl_data_free(m->data); /* the end of DTLS says it all */
    m->data = NULL;
    sl_dtls_close(m->dtls, now);
    settle(a, m, now); /* freed when its last datagram was polled */
    begin_waiting(a, now);
}

void sl_assoc_heard(struct assoc *a, uint64_t transport)
{
    struct member *m = find(a, transport);
    if (!m || !m->dtls || m->heard)
        return;
    m->heard = true;
    talk(a, m);
}

void sl_assoc_tick(struct assoc *a, usec now)
{
    for (struct timer *t; (t = sl_timers_due(&a->timers, now));) {
        struct member *m = list_entry(t, struct member, timer);
        if (now >= m->give_up)
            give_up(m, E_LATE, now);
        else
            sl_dtls_tick(m->dtls, now);
        settle(a, m, now);
    }
    for (struct timer *t; (t = sl_timers_due(&a->reads, now));)
        talk(a, list_entry(t, struct member, reads));
    if (a->sctp && now >= sl_sctp_stack_deadline(a->sctp))
        sl_sctp_stack_tick(a->sctp, now);
    begin_waiting(a, now);
}

usec sl_assoc_deadline(const struct assoc *a)
{
    usec at = sl_timers_deadline(&a->timers);
    usec sctp = a->sctp ? sl_sctp_stack_deadline(a->sctp) : USEC_NEVER;
    usec reads = sl_timers_deadline(&a->reads);
    if (sctp < at)
        at = sctp;
    if (reads < at)
        at = reads;
    bool turn = !list_empty(&a->waiting) && a->stats.pending < a->conf.pending_max;
    return turn && begin_allowed(a) < at ? begin_allowed(a) : at;
}

/* ---- what comes of it ---- */

static bool poll_keys(struct member *m, struct assoc_out *ret)
{
    if (m->told >= TOLD_KEYS || sl_dtls_state(m->dtls) != DTLS_UP)
        return false;
    enum err e = sl_dtls_keys(m->dtls, &ret->in, &ret->out);
    if (e) {
        give_up(m, e, 0);
        return false;
    }
    m->told = TOLD_KEYS;
    m->profile = ret->in.profile;
    ret->kind = ASSOC_KEYS;
    return true;
}

static bool poll_datagram(struct assoc *a, struct member *m, struct assoc_out *ret,
                          usec now)
{
    struct dtls_out out;
    while (sl_dtls_poll(m->dtls, &out)) {
        if (out.kind == DTLS_OUT_DATAGRAM) {
            ret->kind = ASSOC_SEND;
            ret->bytes = out.bytes;
            return true;
        }
        if (m->data && sl_data_begun(m->data))
            sl_data_input(m->data, out.bytes, now);
        else
            a->stats.messages++;
    }
    return false;
}

/* What SCTP has to say goes into records; each is sent before the next is made. */
static bool poll_data(struct assoc *a, struct member *m, struct assoc_out *ret, usec now)
{
    struct data_out o;
    bool silent = a->above >= ASSOC_ABOVE_MAX;
    if (!m->data || m->told != TOLD_UP || sl_dtls_state(m->dtls) != DTLS_UP)
        return false;
    while (sl_data_poll(m->data, silent, &o, now)) {
        ret->cmd = o.cmd;
        ret->cost = o.cost;
        ret->kind = o.kind == DATA_UP ? ASSOC_DATA : ASSOC_DONE;
        if (o.kind == DATA_UP) {
            a->above++;
            a->stats.data_in++;
        }
        if (o.kind != DATA_SEND)
            return true;
        if (sl_dtls_send(m->dtls, o.bytes, now) == E_OK && poll_datagram(a, m, ret, now))
            return true;
    }
    return false;
}

static void begin_data(struct assoc *a, struct member *m, usec now)
{
    if (!m->data)
        return;
    if (!a->sctp)
        a->sctp = sl_sctp_stack_new(now);
    if (a->sctp && sl_data_begin(m->data, a->sctp, now) == E_OK)
        return;
    sl_data_free(m->data); /* memory ended: media goes on without */
    m->data = NULL;
}

static bool poll_up(struct assoc *a, struct member *m, struct assoc_out *ret, usec now)
{
    if (m->told != TOLD_KEYS || sl_dtls_state(m->dtls) != DTLS_UP)
        return false;
    m->told = TOLD_UP;
    ret->kind = ASSOC_UP;
    a->stats.up++;
    begin_data(a, m, now);
    return true;
}

static bool poll_end(struct assoc *a, struct member *m, struct assoc_out *ret)
{
    enum dtls_state s = sl_dtls_state(m->dtls);
    if (s == DTLS_HANDSHAKE || s == DTLS_UP || m->told == TOLD_END)
        return false;
    ret->why = m->why ? m->why : sl_dtls_error(m->dtls);
    ret->reason = m->why ? sl_err_text(m->why) : sl_dtls_reason(m->dtls);
    bool was_up = m->told != TOLD_NOTHING || ret->why == E_OK;
    ret->kind = was_up ? ASSOC_CLOSED : ASSOC_FAILED;
    *(was_up ? &a->stats.closed : &a->stats.failed) += 1;
    m->told = TOLD_END;
    return true;
}

static bool poll_one(struct assoc *a, struct member *m, struct assoc_out *ret, usec now)
{
    if (m->forgotten)
        return poll_datagram(a, m, ret, now);
    return poll_keys(m, ret) || poll_datagram(a, m, ret, now) ||
           poll_up(a, m, ret, now) || poll_data(a, m, ret, now) || poll_end(a, m, ret);
}

/* At once where the last flight is kept: in a crowd that comes, those who are not yet heard are
 * as many as come within a round trip and a report. If memory ended, it is tried again when the
 * next datagram came. */
static void rest(struct assoc *a, struct member *m)
{
    if (m->rests || !(m->heard || sl_dtls_repeats(m->dtls)) || !sl_dtls_rest(m->dtls))
        return;
    m->rests = true;
    a->stats.rested++;
}

/* Of who sends too fast. Where memory ends for that, what it sends next reminds us. */
static void read_later(struct assoc *a, struct member *m)
{
    usec at = m->data ? sl_data_deadline(m->data) : USEC_NEVER;
    if (at == USEC_NEVER || sl_timer_set(&a->reads, &m->reads, at) != E_OK)
        sl_timer_stop(&a->reads, &m->reads);
}

/* It has nothing more to say for now. */
static void quiet(struct assoc *a, struct member *m)
{
    list_del(&m->talking);
    if (m->forgotten) {
        member_free(a, m);
        return;
    }
    if (m->told == TOLD_END) {
        sl_data_free(m->data);
        m->data = NULL;
        sl_dtls_free(m->dtls);
        m->dtls = NULL;
    } else if (m->data && a->above >= ASSOC_ABOVE_MAX) {
        list_add(&a->stalled, &m->talking);
    } else if (!m->data && m->told == TOLD_UP) {
        rest(a, m);
    }
    read_later(a, m);
}

bool sl_assoc_poll(struct assoc *a, struct assoc_out *ret, usec now)
{
    for (struct member *m; a->sctp && (m = sl_data_talking(a->sctp));)
        talk(a, m);
    while (!list_empty(&a->talking)) {
        struct member *m = list_entry(a->talking.next, struct member, talking);
        *ret = (struct assoc_out){.transport = m->id, .worker = m->worker, .reason = ""};
        bool more = poll_one(a, m, ret, now);
        ret->profile = m->profile;
        if (more)
            return true;
        quiet(a, m);
    }
    return false;
}

const struct assoc_stats *sl_assoc_stats(const struct assoc *a)
{
    return &a->stats;
}
