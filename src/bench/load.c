#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/load_inside.h"
#include "net/udp.h"

#define NAP      50        /* microseconds without a look at sockets and deadlines */
#define DRAIN    MSEC(300) /* after the last packet left, for those under way */
#define FLOW     SEC(5)    /* by then every subscriber has got something */
#define LATE     SEC(20)   /* the last who is late gets something, at the latest */
#define OVERRUN  MSEC(10)
#define GREETING MSEC(100) /* between two */

/* ---- making ---- */

static bool possible(const struct load_conf *c)
{
    size_t sections = c->publishers * load_kinds(c);
    return c->rooms > 0 && c->publishers > 0 && c->publishers <= LOAD_PUBLISHERS_MAX &&
           sections > 0 && sections <= CLIENT_SECTIONS_MAX &&
           c->late <= LOAD_CLIENTS_MAX &&
           c->rooms * (c->publishers + (uint64_t)c->subscribers + c->late) <=
               LOAD_CLIENTS_MAX;
}

enum err sl_load_new(const struct load_conf *conf, struct load **ret,
                     char error[LOAD_ERROR_MAX])
{
    struct load *l = calloc(1, sizeof *l);
    enum err e = E_MEMORY;
    if (!l)
        return sl_signaling_fail(error, e, "no memory");
    l->conf = *conf;
    l->signaling = conf->signaling ? conf->signaling : &sl_signaling_whip;
    l->srtp = sl_srtp_backend_best();
    l->per_room = (size_t)conf->publishers + conf->subscribers + conf->late;
    l->late_due = USEC_NEVER;
    l->sources_per_room = conf->publishers * load_kinds(conf);
    if (!possible(conf)) {
        e = sl_signaling_fail(error, E_MALFORMED,
                              "so many rooms, publishers or subscribers cannot be");
        goto fail;
    }
    if ((e = sl_web_new(conf->url, &l->web)) != E_OK) {
        (void)sl_signaling_fail(error, e, "%s: %s", conf->url, sl_err_text(e));
        goto fail;
    }
    l->members_n = conf->rooms * l->per_room;
    l->members = calloc(l->members_n, sizeof *l->members);
    l->sources = calloc(conf->rooms * l->sources_per_room, sizeof(struct source *));
    e = l->members && l->sources ? sl_cert_init(&l->cert) : E_MEMORY;
    e = e ? e : sl_wire_new(sl_web_addr(l->web), l->members_n, &l->wire);
    if (!e && !(l->dtls = sl_dtls_ctx_new(&l->cert, &conf->profile, 1)))
        e = E_CRYPTO;
    if (!e && conf->data && !(l->stack = sl_sctp_stack_new(sl_udp_now())))
        e = E_MEMORY;
    if (e) {
        (void)sl_signaling_fail(error, e, "sockets: %s%s%s", sl_err_text(e),
                                e == E_SYS ? ": " : "",
                                e == E_SYS ? strerror(errno) : "");
        goto fail;
    }
    *ret = l;
    return E_OK;

fail:
    sl_load_free(l);
    return e;
}

void sl_load_free(struct load *l)
{
    if (!l)
        return;
    for (size_t i = 0; l->members && i < l->members_n; i++) {
        struct member *m = &l->members[i];
        sl_client_free(m->client);
        for (int k = 0; k < LOAD_KINDS; k++)
            free(m->source[k]);
        free(m->sink);
    }
    sl_sctp_stack_free(l->stack);
    sl_timers_fini(&l->timers);
    sl_dtls_ctx_free(l->dtls);
    sl_cert_fini(&l->cert);
    sl_wire_free(l->wire);
    sl_web_free(l->web);
    free(l->members);
    free(l->sources);
    free(l);
}

/* ---- one member ---- */

static size_t number_of(const struct load *l, const struct member *m)
{
    return (size_t)(m - l->members);
}

static void send_one(struct load *l, const struct member *m, const uint8_t *p, size_t n)
{
    if (n > 0)
        sl_wire_send(l->wire, number_of(l, m), sl_client_remote(m->client), p, n, 0);
}

static bool active(const struct load *l, const struct member *m)
{
    return l->sending && m->room < l->phase.rooms && m->source[!l->phase.audio];
}

/* A packet of each track, by which the server and all who watch know of it. */
static void greet(struct load *l, struct member *m, usec now)
{
    for (int k = 0; k < LOAD_KINDS; k++)
        if (m->source[k])
            send_one(l, m, l->burst,
                     sl_source_burst(m->source[k], m->out, 1, SOURCE_SIZE_MIN,
                                     (uint32_t)(SEC(1) / GREETING), now, l->burst));
    m->due = now + GREETING;
}

static void publish(struct load *l, struct member *m, usec now)
{
    const struct load_phase *ph = &l->phase;
    if (l->greeting && now >= m->due)
        greet(l, m, now);
    if (active(l, m) && now >= m->due) {
        struct source *s = m->source[!ph->audio];
        size_t n =
            sl_source_burst(s, m->out, ph->burst, ph->size, ph->rate_hz, now, l->burst);
        /* One run, so that the server gets them at once. */
        for (size_t i = 1; i < ph->burst; i++)
            memmove(l->burst + i * n, l->burst + i * SOURCE_STRIDE, n);
        sl_wire_send(l->wire, number_of(l, m), sl_client_remote(m->client), l->burst,
                     n * ph->burst, ph->burst > 1 ? n : 0);
        l->overruns += now - m->due > OVERRUN;
        m->due += SEC(1) / ph->rate_hz;
    }
    if (now < m->report)
        return;
    m->report = now + SEC(1);
    for (int k = 0; k < LOAD_KINDS; k++) {
        uint8_t report[128];
        struct timespec wall;
        (void)clock_gettime(CLOCK_REALTIME, &wall);
        if (m->source[k] && m->source[k]->next > 0)
            send_one(l, m, report,
                     sl_source_report(m->source[k], m->out,
                                      (usec)wall.tv_sec * 1000000 + wall.tv_nsec / 1000,
                                      report));
    }
}

static void went_up(struct load *l, struct member *m, usec now)
{
    m->up = true;
    m->out = sl_client_out(m->client);
    m->in = sl_client_in(m->client);
    l->joining--;
    uint8_t twcc = sl_client_ext(m->client, 0, EXT_TWCC);
    m->report = now;
    for (int k = 0; k < LOAD_KINDS; k++)
        if (m->source[k])
            m->source[k]->twcc_id = twcc;
    if (!m->sink)
        return;
    uint32_t chance;
    sl_random(&chance, sizeof chance);
    m->sink->twcc_id = twcc;
    m->sink->unasked = l->conf.unasked;
    m->sink->next_feedback = now + chance % SINK_FEEDBACK;
    m->sink->next_report = now + chance % SINK_REPORT;
}

void sl_load_arm(struct load *l, struct member *m)
{
    usec at = sl_client_deadline(m->client);
    usec own = USEC_NEVER;
    if (m->up && m->sink)
        own = sl_sink_deadline(m->sink);
    else if (m->up)
        own = (active(l, m) || l->greeting) && m->due < m->report ? m->due : m->report;
    if (sl_timer_set(&l->timers, &m->timer, own < at ? own : at) != E_OK)
        l->failed = m; /* no memory: it would never be served again */
}

/* What the client wants to say, and what became of it. */
void sl_load_serve(struct load *l, struct member *m, usec now)
{
    struct span out;
    while (sl_client_poll(m->client, &out))
        send_one(l, m, out.p, out.n);
    enum client_state s = sl_client_state(m->client);
    if (s == CLIENT_UP && !m->up)
        went_up(l, m, now);
    if (s == CLIENT_FAILED && !l->failed)
        l->failed = m;
}

/* Those with a data channel whose association went on: their timers are the stack's. */
static void talk(struct load *l, usec now)
{
    if (!l->stack)
        return;
    if (now >= sl_sctp_stack_deadline(l->stack))
        sl_sctp_stack_tick(l->stack, now);
    for (const struct client *c; (c = sl_client_talking(l->stack));)
        sl_load_serve(l, sl_client_user(c), now);
}

static void tick(struct load *l, struct member *m, usec now)
{
    uint8_t rtcp[SINK_RTCP_MAX];
    if (now >= sl_client_deadline(m->client)) {
        sl_client_tick(m->client, now);
        sl_load_serve(l, m, now);
    }
    if (m->up && m->sink)
        while (now >= sl_sink_deadline(m->sink))
            send_one(l, m, rtcp, sl_sink_poll(m->sink, m->out, now, rtcp));
    else if (m->up)
        publish(l, m, now);
    sl_load_arm(l, m);
}

static void hear(struct load *l, struct member *m, const struct wire_in *in)
{
    sl_sink_input(m->sink, m->in, in->p, in->n, in->at);
    if (m->asked == 0 || sl_sink_flowing(m->sink) == 0)
        return;
    sl_quantiles_add(&l->late.to_media,
                     in->at > m->asked ? (uint64_t)(in->at - m->asked) : 0);
    m->asked = 0;
}

static void take(struct load *l, const struct wire_in *in, usec now)
{
    if (in->client >= l->members_n || in->n == 0 || !l->members[in->client].client)
        return;
    struct member *m = &l->members[in->client];
    if (in->p[0] >= 128 && in->p[0] <= 191) {
        if (m->up && m->sink)
            hear(l, m, in);
        return;
    }
    sl_client_input(m->client, (struct span){in->p, in->n}, now);
    sl_load_serve(l, m, now);
    sl_load_arm(l, m);
}

/* One round: what is due, then one batch of what came, so that bursts leave when they are due
 * and not several together. */
bool sl_load_pump(struct load *l)
{
    const struct wire_in *in;
    usec now = sl_udp_now();
    for (struct timer *due; (due = sl_timers_due(&l->timers, now));)
        tick(l, list_entry(due, struct member, timer), now);
    talk(l, now);
    sl_wire_flush(l->wire);
    size_t n = sl_wire_receive(l->wire, &in);
    for (size_t i = 0; i < n; i++)
        take(l, &in[i], now);
    sl_wire_flush(l->wire);
    if (n == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)NAP * 1000}, NULL);
    return n < WIRE_BATCH;
}

void sl_load_idle(struct load *l, usec duration)
{
    for (usec end = sl_udp_now() + duration; sl_udp_now() < end;)
        (void)sl_load_pump(l);
}

/* ---- sending ---- */

static void start(struct load *l, usec now)
{
    size_t publishers = (size_t)l->phase.rooms * l->conf.publishers, nth = 0;
    usec every = SEC(1) / l->phase.rate_hz;
    l->sending = true;
    for (size_t i = 0; i < l->members_n; i++) {
        struct member *m = &l->members[i];
        if (m->sink || m->late || m->room >= l->phase.rooms)
            continue;
        /* Evenly over the time between two bursts, so that rooms do not come together. */
        m->due = now + every * (usec)nth++ / (usec)publishers;
        sl_load_arm(l, m);
    }
}

/* Subscribers of active rooms that do not get all tracks yet. */
static size_t waiting(const struct load *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->members_n && l->members[i].room < l->phase.rooms; i++) {
        const struct sink *s = l->members[i].sink;
        n += s && !l->members[i].late && s->taken < l->conf.publishers;
    }
    return n;
}

/* From now on packets count. */
static void count_anew(struct load *l)
{
    for (size_t i = 0; i < l->conf.rooms * l->sources_per_room; i++)
        l->sources[i]->counted = l->sources[i]->next;
    for (size_t i = 0; i < l->members_n; i++) {
        struct member *m = &l->members[i];
        if (!m->sink)
            continue;
        m->counts = !m->late || (m->up && m->asked == 0);
        m->sink->counts = m->counts ? &l->counts : &l->uncounted;
        m->sink->taken = 0;
        m->sink->lost_then = sl_sink_lost(m->sink);
    }
    l->before += l->counts.packets;
    memset(&l->counts, 0, sizeof l->counts);
    l->overruns = 0;
}

/* What sources of a room have sent since then. */
static uint64_t sent_in(const struct load *l, unsigned room)
{
    uint64_t n = 0;
    for (size_t i = 0; i < l->sources_per_room; i++) {
        const struct source *s = l->sources[room * l->sources_per_room + i];
        n += s->next - s->counted;
    }
    return n;
}

static void add_up(const struct load *l, struct load_result *r)
{
    uint64_t taken = 0;
    int64_t on_way = 0;
    for (unsigned room = 0; room < l->conf.rooms; room++)
        r->sent += sent_in(l, room);
    for (size_t i = 0; i < l->members_n; i++)
        if (l->members[i].counts) {
            r->expected += sent_in(l, l->members[i].room);
            taken += l->members[i].sink->taken;
            on_way += sl_sink_lost(l->members[i].sink) - l->members[i].sink->lost_then;
        }
    r->lost = r->expected > taken ? r->expected - taken : 0;
    r->on_way = on_way > 0 ? (uint64_t)on_way : 0;
}

static uint64_t unanswered(const struct load *l)
{
    uint64_t n = 0;
    for (size_t i = 0; i < l->members_n; i++)
        if (l->members[i].client) {
            struct client_checks c = sl_client_checks(l->members[i].client);
            n += c.sent - c.answered;
        }
    return n;
}

enum err sl_load_failure(const struct load *l, char *error)
{
    return sl_signaling_fail(error, E_LATE, "client %zu of room %u: %s",
                             number_of(l, l->failed), l->failed->room,
                             sl_client_reason(l->failed->client));
}

/* Some who are late have not come, or get nothing yet. */
static bool coming(const struct load *l)
{
    return l->late_due != USEC_NEVER ||
           l->late.to_media.n < l->late.asked - l->late.refused;
}

/* For as long as it counts; who is late comes meanwhile, and is waited for. */
static enum err pass(struct load *l, usec until, char *error)
{
    enum err e = E_OK;
    for (usec now = sl_udp_now();
         !e && !l->failed && (now < until || (coming(l) && now < until + LATE));
         now = sl_udp_now()) {
        /* Not before those who are there were heard: a crowd waits, if this side is slow. */
        if (sl_load_pump(l))
            e = sl_load_late_step(l, now, error);
    }
    return e;
}

enum err sl_load_run(struct load *l, const struct load_phase *phase, load_mark *mark,
                     void *ctx, struct load_result *ret, char error[LOAD_ERROR_MAX])
{
    if (phase->rooms > l->conf.rooms || phase->burst < 1 ||
        phase->burst > SOURCE_BURST_MAX || phase->size < SOURCE_SIZE_MIN ||
        phase->size > SOURCE_SIZE_MAX || phase->rate_hz < 1 ||
        !(phase->audio ? l->conf.audio : l->conf.video))
        return sl_signaling_fail(error, E_MALFORMED, "such a phase cannot be");
    *ret = (struct load_result){0};
    l->phase = *phase;
    usec now = sl_udp_now(), begun = now;
    count_anew(l);
    start(l, now);
    sl_load_idle(l, phase->settle);
    while (waiting(l) > 0 && sl_udp_now() - begun < phase->settle + FLOW)
        (void)sl_load_pump(l);
    if (waiting(l) > 0) {
        l->sending = false;
        return sl_signaling_fail(
            error, E_LATE, "%zu subscribers get nothing, or not all tracks", waiting(l));
    }
    count_anew(l);
    uint64_t datagrams = sl_wire_stats(l->wire)->sent, missing = unanswered(l);
    if (mark)
        mark(ctx, true);
    begun = sl_udp_now();
    sl_load_late_begin(l, begun);
    enum err e = pass(l, begun + phase->duration, error);
    if (mark)
        mark(ctx, false);
    ret->duration = sl_udp_now() - begun;
    ret->counts = l->counts;
    ret->datagrams = sl_wire_stats(l->wire)->sent - datagrams;
    ret->overruns = l->overruns;
    l->sending = false;
    sl_load_idle(l, DRAIN);
    ret->late = l->late;
    add_up(l, ret);
    uint64_t still = unanswered(l);
    ret->unanswered = still > missing ? still - missing : 0;
    return l->failed ? sl_load_failure(l, error) : e;
}

uint64_t sl_load_received(const struct load *l)
{
    return l->before + l->counts.packets + l->uncounted.packets;
}

void sl_load_leave(struct load *l)
{
    for (size_t i = 0; i < l->members_n; i++)
        if (l->members[i].seat[0] != '\0' &&
            l->signaling->leave(l->web, l->conf.token, l->members[i].seat) != E_OK)
            return;
}
