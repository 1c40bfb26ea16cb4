#include "service/worker.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/hash.h"
#include "net/loop.h"
#include "service/rest.h"
#include "service/tape.h"
#include "sfu/transport.h"

struct worker {
    struct worker_conf conf;
    struct pkt_pool *pool;
    struct udp *udp;
    struct tcp *tcp; /* NULL: no streams */
    usec tcp_looked; /* when they were last looked at */
    struct shard *shard;
    struct shard_conf shard_conf;
    struct tape *tape; /* NULL: nothing is captured */
    struct tape *traces[TAPE_TRACES_MAX];
    size_t traces_n;
    struct rest rest;
    pthread_t thread;
    bool running;
    atomic_bool stop;
};

enum {
    MAILS_A_ROUND = 1024, /* so that datagrams have their turn */
    LEASES_A_PACKET = 2,  /* places for packets of other workers, for each of our own */
};
#define TCP_LOOK MSEC(1) /* at streams, however busy it is otherwise */

/* Those to sockets and those to streams, each as they come. */
static void send_mixed(struct worker *w, const struct tx *tx, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        bool stream = tx_is_stream(tx[i].port);
        k = 1;
        while (i + k < n && tx_is_stream(tx[i + k].port) == stream)
            k++;
        if (stream)
            sl_tcp_send(w->tcp, tx + i, k);
        else
            sl_udp_send(w->udp, tx + i, k);
    }
}

static usec send_all(void *ctx, const struct tx *tx, size_t n)
{
    struct worker *w = ctx;
    if (w->tcp)
        send_mixed(w, tx, n);
    else
        sl_udp_send(w->udp, tx, n);
    usec done = sl_udp_now();
    if (w->tape)
        sl_capture_sent(&w->tape->capture, tx, n, done);
    return done;
}

/* A stream goes where its transport lives: only there it can be sent to. If there is no room
 * in the mailbox, the next check asks again. */
static void proved(void *ctx, uint16_t port, uint16_t owner)
{
    struct worker *w = ctx;
    struct mail m = {.type = MAIL_STREAM};
    if (w->tape)
        sl_capture_proved(&w->tape->capture, port, owner);
    sl_tcp_proved(w->tcp, port, sl_udp_now());
    if (owner == w->conf.number || owner == TP_NOBODY ||
        !(m.p = sl_tcp_release(w->tcp, port)))
        return;
    if (!sl_post_put(w->conf.post, w->conf.number, owner, &m, SHARD_KEEP_MEDIA))
        sl_tcp_adopt(w->tcp, m.p);
}

static bool post_one(void *ctx, unsigned to, const struct mail *m, size_t keep)
{
    struct worker *w = ctx;
    if (!w->tape)
        return sl_post_put(w->conf.post, w->conf.number, to, m, keep);
    const struct capture_letter l = sl_capture_letter(m);
    bool taken = sl_post_put(w->conf.post, w->conf.number, to, m, keep);
    sl_capture_posted(&w->tape->capture, to, &l, taken);
    return taken;
}

static void wake(void *ctx)
{
    const struct worker *w = ctx;
    sl_udp_wake(w->udp);
}

static enum err listen_tcp(struct worker *w)
{
    struct tcp_conf tc = {.at = w->conf.tcp_at,
                          .at_n = w->conf.tcp_at_n,
                          .conns_max = w->conf.tcp_max,
                          .conns_per_address = w->conf.tcp_per_address,
                          .numbers = w->conf.numbers};
    if (tc.at_n == 0)
        return E_OK;
    sl_random(tc.hash_key, sizeof tc.hash_key);
    enum err e = sl_tcp_new(&tc, &w->tcp);
    if (!e)
        sl_udp_watch(w->udp, sl_tcp_fd(w->tcp));
    return e;
}

/* A shard without a past, but for what was counted. False: no memory, and it is the old one. */
static bool renew(struct worker *w)
{
    struct shard_conf *c = &w->shard_conf;
    c->before = w->shard ? sl_shard_stats(w->shard) : NULL;
    sl_random(&c->seed, sizeof c->seed);
    sl_random(c->hash_key, sizeof c->hash_key);
    struct shard *s = sl_shard_new(c);
    if (!s)
        return false;
    sl_shard_free(w->shard);
    w->shard = s;
    return true;
}

enum err sl_worker_new(const struct worker_conf *conf, struct worker **ret)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return E_MEMORY;
    w->conf = *conf;
    w->shard_conf = (struct shard_conf){
        .worker = conf->number,
        .srtp = conf->srtp,
        .probe_key = conf->probe_key,
        .io = {.ctx = w, .send = send_all, .post = post_one, .proved = proved},
    };
    enum err e = sl_udp_new(conf->at, conf->at_n, conf->socket_buffer, &w->udp);
    if (!e)
        e = listen_tcp(w);
    if (e)
        goto fail;
    e = E_MEMORY;
    w->pool =
        sl_pkt_pool_new(conf->packets, conf->packets * LEASES_A_PACKET, conf->number);
    w->shard_conf.pool = w->pool;
    if (!w->pool || !renew(w))
        goto fail;
    sl_post_bell(conf->post, conf->number, wake, w);
    *ret = w;
    return E_OK;

fail:
    sl_worker_free(w);
    return e;
}

static void fill_stats(const struct worker *w, struct worker_stats *ret)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    *ret = (struct worker_stats){
        .shard = *sl_shard_stats(w->shard),
        .udp = *sl_udp_stats(w->udp),
        .tcp = w->tcp ? *sl_tcp_stats(w->tcp) : (struct tcp_stats){0},
        .packets_used = sl_pkt_pool_used(w->pool),
        .packets_none = sl_pkt_pool_empty(w->pool),
        .cpu_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec,
        .at = sl_udp_now(),
    };
}

/* ---- captures ---- */

static bool give_back(const struct worker *w, struct tape *t)
{
    const struct mail m = {.type = MAIL_CAPTURE, .arg = t->state, .p = t};
    return sl_post_put(w->conf.post, w->conf.number, SHARD_TO_CONTROL, &m, 0);
}

/* Control lends one at a time. What is refused is over, and goes back at the end of the round. */
static void begin_capture(struct worker *w, struct tape *t, usec now)
{
    w->tape = NULL;
    sl_shard_flush(w->shard, now);
    t->state = TAPE_REFUSED;
    t->capture.over = true;
    if (sl_shard_idle(w->shard) && renew(w)) {
        const struct shard_conf *c = &w->shard_conf;
        const struct capture_head head = {
            .worker = c->worker,
            .packets = (uint32_t)w->conf.packets,
            .leases = (uint32_t)(w->conf.packets * LEASES_A_PACKET),
            .seed = c->seed,
            .hash_key = {c->hash_key[0], c->hash_key[1]},
            .probe_key = c->probe_key};
        sl_capture_init(&t->capture, wr_of(t->memory, t->size), &head, w->pool,
                        now + t->length);
        t->state = TAPE_RUNS;
        (void)give_back(w, t); /* or control hears of it at its end */
    }
    w->tape = t;
}

/* Control asks for numbers each second, so even an idle worker comes by here. While there is no
 * room to tell control, it is tried again. */
static void end_capture(struct worker *w)
{
    struct tape *t = w->tape;
    if (!t->capture.over && !atomic_load_explicit(&t->stop, memory_order_relaxed))
        return;
    if (t->state == TAPE_RUNS) {
        (void)sl_capture_end(&t->capture);
        t->state = TAPE_OVER;
    }
    if (give_back(w, t))
        w->tape = NULL;
}

/* ---- traces ---- */

static void begin_trace(struct worker *w, struct tape *t, usec now)
{
    const struct trace_conf c = {.about = t->about,
                                 .at = w->conf.at,
                                 .at_n = w->conf.at_n,
                                 .wall = sl_wall_now() - now,
                                 .until = now + t->length};
    assert(w->traces_n < TAPE_TRACES_MAX);
    sl_trace_init(&t->trace, wr_of(t->memory, t->size), &c);
    t->state = TAPE_REFUSED;
    if (sl_shard_trace(w->shard, t->transport, &t->trace) == E_OK) {
        t->state = TAPE_RUNS;
        (void)give_back(w, t); /* or control hears of it at its end */
    } else {
        (void)sl_trace_end(&t->trace);
    }
    w->traces[w->traces_n++] = t;
}

/* As with captures. Whose transport says and hears nothing has an end, too. */
static void end_traces(struct worker *w, usec now)
{
    for (size_t i = w->traces_n; i-- > 0;) {
        struct tape *t = w->traces[i];
        if (!t->trace.over && now < t->trace.conf.until &&
            !atomic_load_explicit(&t->stop, memory_order_relaxed))
            continue;
        (void)sl_trace_end(&t->trace);
        if (t->state == TAPE_RUNS)
            t->state = TAPE_OVER;
        if (give_back(w, t))
            w->traces[i] = w->traces[--w->traces_n];
    }
}

static void give_datagrams(struct worker *w, struct pkt *const *pkts, size_t n, usec now)
{
    if (w->tape)
        sl_capture_datagrams(&w->tape->capture, pkts, n, now);
    sl_shard_datagrams(w->shard, pkts, n, now);
}

static void give_closed(struct worker *w, const struct tcpconn *c, usec now)
{
    if (w->tape)
        sl_capture_closed(&w->tape->capture, &c->from, c->number, now);
    sl_shard_closed(w->shard, &c->from, c->number, now);
}

static void finish_round(struct worker *w, usec now)
{
    if (w->tape)
        sl_capture_tick(&w->tape->capture, now);
    sl_shard_tick(w->shard, now);
    if (w->tape)
        sl_capture_flush(&w->tape->capture, now);
    sl_shard_flush(w->shard, now);
    if (w->tape)
        end_capture(w);
    if (w->traces_n > 0)
        end_traces(w, now);
}

/* ---- rounds ---- */

static void take_mail(struct worker *w, unsigned from, const struct mail *m, usec now)
{
    if (m->type == MAIL_STREAM) {
        sl_tcp_adopt(w->tcp, m->p);
        return;
    }
    if (m->type == MAIL_CAPTURE) {
        struct tape *t = m->p;
        if (t->transport)
            begin_trace(w, t, now);
        else
            begin_capture(w, t, now);
        return;
    }
    if (m->type != MAIL_STATS) {
        if (w->tape)
            sl_capture_mail(&w->tape->capture, from, m, now);
        sl_shard_mail(w->shard, from, m, now);
        return;
    }
    fill_stats(w, m->p);
    (void)sl_post_put(w->conf.post, w->conf.number, SHARD_TO_CONTROL, m, 0);
}

/* What came by streams. Returns how many datagrams. */
static size_t work_streams(struct worker *w, usec now)
{
    struct pkt *pkts[UDP_BATCH];
    bool told = sl_udp_watched(w->udp);
    if (!told && !sl_tcp_ready(w->tcp) && now - w->tcp_looked < TCP_LOOK)
        return 0;
    w->tcp_looked = now;
    sl_tcp_tick(w->tcp, now);
    for (struct tcpconn *c; (c = sl_tcp_closed(w->tcp));) {
        give_closed(w, c, now);
        sl_tcpconn_free(c);
    }
    size_t n = sl_tcp_receive(w->tcp, w->pool, now, pkts, UDP_BATCH);
    give_datagrams(w, pkts, n, now);
    return n;
}

/* One round: what came in, what others wrote, what is due; then all that it led to leaves
 * together. False: there was nothing to do. */
static bool work(struct worker *w)
{
    struct pkt *pkts[UDP_BATCH];
    struct mail m;
    unsigned from;
    size_t mails = 0;
    size_t n = sl_udp_receive(w->udp, w->pool, pkts, UDP_BATCH);
    usec now = sl_udp_now();
    /* Mails first: a client may be quicker to send its first check than we are to wake up and
     * read that it is expected. */
    while (mails < MAILS_A_ROUND &&
           sl_post_take(w->conf.post, w->conf.number, &from, &m)) {
        take_mail(w, from, &m, now);
        mails++;
    }
    give_datagrams(w, pkts, n, now);
    if (w->tcp)
        n += work_streams(w, now);
    finish_round(w, now);
    sl_post_ring(w->conf.post, w->conf.number);
    return n > 0 || mails > 0;
}

/* Nothing is left to do, of what was found or not. While it rests nobody need wake it; and what
 * came meanwhile is found by reading, as mostly something did. */
static void sleep_until(struct worker *w, bool found, usec until)
{
    usec begun = sl_udp_now(), rest = sl_rest_for(&w->rest, found, begun);
    if (rest > 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)rest * 1000}, NULL);
        sl_udp_suppose(w->udp);
    } else {
        if (!sl_post_may_sleep(w->conf.post, w->conf.number))
            until = begun;
        sl_udp_wait(w->udp, begun, until);
        sl_post_awake(w->conf.post, w->conf.number);
    }
    rest_add(&w->rest, begun, sl_udp_now());
}

static bool streams_ready(const struct worker *w)
{
    return w->tcp && sl_tcp_ready(w->tcp);
}

static usec deadline(const struct worker *w)
{
    usec at = sl_shard_deadline(w->shard);
    usec streams = w->tcp ? sl_tcp_deadline(w->tcp) : USEC_NEVER;
    return at < streams ? at : streams;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    w->rest.since = sl_udp_now();
    while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
        bool found = work(w);
        if (!found || !(sl_udp_ready(w->udp) || streams_ready(w)))
            sleep_until(w, found, deadline(w));
    }
    return NULL;
}

enum err sl_worker_start(struct worker *w)
{
    pthread_attr_t attr;
    char name[16];
    if (pthread_attr_init(&attr) != 0)
        return E_MEMORY;
    if (w->conf.cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned)w->conf.cpu, &set);
        (void)pthread_attr_setaffinity_np(&attr, sizeof set, &set);
    }
    w->running = pthread_create(&w->thread, &attr, run, w) == 0;
    (void)pthread_attr_destroy(&attr);
    if (!w->running)
        return E_SYS;
    (void)snprintf(name, sizeof name, "worker %u", w->conf.number);
    (void)pthread_setname_np(w->thread, name);
    return E_OK;
}

void sl_worker_stop(struct worker *w)
{
    if (!w || !w->running)
        return;
    atomic_store_explicit(&w->stop, true, memory_order_relaxed);
    sl_udp_wake(w->udp);
    (void)pthread_join(w->thread, NULL);
    w->running = false;
}

void sl_worker_free(struct worker *w)
{
    if (!w)
        return;
    w->tape = NULL; /* control ends it */
    w->traces_n = 0;
    sl_shard_free(w->shard);
    sl_udp_free(w->udp);
    sl_tcp_free(w->tcp);
    sl_pkt_pool_free(w->pool);
    free(w);
}
