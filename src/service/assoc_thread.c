#include "service/assoc_thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/hash.h"
#include "net/udp.h"
#include "sfu/mail.h"
#include "sfu/returns.h"

enum {
    PACKETS = 2048, /* datagrams on their way to workers */
    LEASES = 8192,  /* and from them */
};

struct assoc_thread {
    struct assoc_thread_conf conf;
    struct assoc *assoc;
    struct pkt_pool *pool;
    struct udp *bell; /* without sockets: something to sleep on */
    struct shard_io io;
    struct returns returns;
    uint64_t dropped;
    pthread_t thread;
    bool running;
    atomic_bool stop;
};

static bool post_one(void *ctx, unsigned to, const struct mail *m, size_t keep)
{
    const struct assoc_thread *t = ctx;
    return sl_post_put(t->conf.post, SHARD_TO_ASSOC, to, m, keep);
}

static void wake(void *ctx)
{
    const struct assoc_thread *t = ctx;
    sl_udp_wake(t->bell);
}

enum err sl_assoc_thread_new(const struct assoc_thread_conf *conf,
                             struct assoc_thread **ret)
{
    struct assoc_thread *t = calloc(1, sizeof *t);
    if (!t)
        return E_MEMORY;
    t->conf = *conf;
    t->io = (struct shard_io){.ctx = t, .post = post_one};
    t->assoc = sl_assoc_new(&conf->assoc);
    t->pool = sl_pkt_pool_new(PACKETS, LEASES, SHARD_TO_ASSOC);
    enum err e = t->assoc && t->pool ? sl_udp_new(NULL, 0, 0, &t->bell) : E_MEMORY;
    if (e) {
        sl_assoc_thread_free(t);
        return e;
    }
    sl_post_bell(conf->post, SHARD_TO_ASSOC, wake, t);
    *ret = t;
    return E_OK;
}

static void send_datagram(struct assoc_thread *t, const struct assoc_out *o)
{
    struct pkt *p = o->bytes.n <= PKT_CAP ? sl_pkt_new(t->pool) : NULL;
    struct mail m = {.type = MAIL_DTLS_OUT, .id = o->transport, .p = p};
    if (p) {
        memcpy(p->data, o->bytes.p, o->bytes.n);
        p->n = (uint16_t)o->bytes.n;
        if (post_one(t, o->worker, &m, SHARD_KEEP_MEDIA))
            return;
        sl_pkt_unref(p);
    }
    t->dropped++; /* the peer asks again */
}

static void give_keys(struct assoc_thread *t, const struct assoc_out *o)
{
    struct cmd_keys *k = malloc(sizeof *k);
    struct mail m = {.type = MAIL_KEYS, .p = k};
    if (!k)
        return;
    *k = (struct cmd_keys){.transport = o->transport, .in = o->in, .out = o->out};
    if (!post_one(t, o->worker, &m, 0)) {
        sl_wipe(k, sizeof *k);
        free(k);
    }
}

static void tell(struct assoc_thread *t, enum mail_type type, const struct assoc_out *o)
{
    struct mail m = {.type = type, .id = o->transport, .arg = o->worker};
    if (!post_one(t, SHARD_TO_CONTROL, &m, 0))
        t->dropped++;
}

static void tell_done(struct assoc_thread *t, const struct assoc_out *o)
{
    struct mail m = {.type = MAIL_DATA_DONE, .id = o->transport, .id2 = o->cost};
    if (!post_one(t, SHARD_TO_CONTROL, &m, 0))
        t->dropped++;
}

static void send_data(struct assoc_thread *t, struct data_cmd *cmd)
{
    struct mail m = sl_mail_of(MAIL_DATA, cmd);
    m.id = cmd->transport;
    if (!post_one(t, SHARD_TO_CONTROL, &m, 0)) {
        free(cmd); /* ASSOC_ABOVE_MAX leaves room for all of them */
        t->dropped++;
    }
}

static void put_out(struct assoc_thread *t, usec now)
{
    struct assoc_out o;
    while (sl_assoc_poll(t->assoc, &o, now))
        switch (o.kind) {
        case ASSOC_SEND: send_datagram(t, &o); break;
        case ASSOC_KEYS: give_keys(t, &o); break;
        case ASSOC_UP: tell(t, MAIL_UP, &o); break;
        case ASSOC_FAILED: tell(t, MAIL_FAILED, &o); break;
        case ASSOC_CLOSED: tell(t, MAIL_HUNG_UP, &o); break;
        case ASSOC_DATA: send_data(t, o.cmd); break;
        case ASSOC_DONE: tell_done(t, &o); break;
        }
    sl_wipe(&o, sizeof o);
}

static void expect(struct assoc_thread *t, struct cmd_assoc *c)
{
    struct dtls_fingerprint f = {.any = c->any, .n = c->hash};
    _Static_assert(sizeof f.octets == sizeof c->digest, "one size of digests");
    memcpy(f.octets, c->digest, sizeof f.octets);
    struct assoc_out failed = {.transport = c->transport};
    if (sl_assoc_expect(t->assoc, c->transport, c->client ? DTLS_CLIENT : DTLS_SERVER,
                        &f) != E_OK ||
        (c->data &&
         sl_assoc_expect_data(t->assoc, c->transport, c->data_port, c->data_max) != E_OK))
        tell(t, MAIL_FAILED, &failed);
    free(c);
}

static void take_datagram(struct assoc_thread *t, unsigned from, const struct mail *m,
                          usec now)
{
    struct pkt *p = sl_pkt_lease(t->pool, m->p);
    if (!p) {
        t->dropped++;
        sl_returns_add(&t->returns, m->p);
        return;
    }
    sl_assoc_datagram(t->assoc, m->id, from, (struct span){p->data, p->n}, now);
    sl_pkt_unref(p);
}

static void fill_stats(const struct assoc_thread *t, struct assoc_thread_stats *ret)
{
    struct timespec ts = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    *ret = (struct assoc_thread_stats){
        .assoc = *sl_assoc_stats(t->assoc),
        .dropped = t->dropped,
        .cpu_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec,
    };
}

static void take(struct assoc_thread *t, unsigned from, const struct mail *m, usec now)
{
    struct mail unread = *m;
    if (m->type == MAIL_ASSOC) {
        expect(t, m->p);
    } else if (m->type == MAIL_CLOSE) {
        sl_assoc_forget(t->assoc, m->id, now);
    } else if (m->type == MAIL_DATA) {
        sl_assoc_data(t->assoc, m->p);
    } else if (m->type == MAIL_DATA_DONE) {
        sl_assoc_data_done(t->assoc, m->id, m->id2);
    } else if (m->type == MAIL_PATH) {
        sl_assoc_path(t->assoc, m->id, from, now);
    } else if (m->type == MAIL_HEARD) {
        sl_assoc_heard(t->assoc, m->id);
    } else if (m->type == MAIL_DTLS) {
        take_datagram(t, from, m, now);
    } else if (m->type == MAIL_BACK) {
        sl_returns_take(m);
    } else if (m->type == MAIL_STATS) {
        fill_stats(t, m->p);
        (void)post_one(t, SHARD_TO_CONTROL, m, 0);
    } else {
        sl_mail_free(&unread);
    }
}

static void *run(void *arg)
{
    struct assoc_thread *t = arg;
    while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
        struct mail m;
        unsigned from;
        usec now = sl_udp_now();
        while (sl_post_take(t->conf.post, SHARD_TO_ASSOC, &from, &m)) {
            now = sl_udp_now(); /* a handshake takes half a millisecond */
            take(t, from, &m, now);
            put_out(t, now);
            sl_post_ring(t->conf.post, SHARD_TO_ASSOC);
        }
        sl_assoc_tick(t->assoc, now);
        put_out(t, now);
        sl_returns_send(&t->returns, t->pool, &t->io);
        sl_post_ring(t->conf.post, SHARD_TO_ASSOC);
        usec until = sl_assoc_deadline(t->assoc);
        if (!sl_post_may_sleep(t->conf.post, SHARD_TO_ASSOC))
            until = now;
        sl_udp_wait(t->bell, sl_udp_now(), until);
        sl_post_awake(t->conf.post, SHARD_TO_ASSOC);
    }
    return NULL;
}

enum err sl_assoc_thread_start(struct assoc_thread *t)
{
    t->running = pthread_create(&t->thread, NULL, run, t) == 0;
    if (!t->running)
        return E_SYS;
    (void)pthread_setname_np(t->thread, "association");
    return E_OK;
}

void sl_assoc_thread_stop(struct assoc_thread *t)
{
    if (!t || !t->running)
        return;
    atomic_store_explicit(&t->stop, true, memory_order_relaxed);
    sl_udp_wake(t->bell);
    (void)pthread_join(t->thread, NULL);
    t->running = false;
}

void sl_assoc_thread_free(struct assoc_thread *t)
{
    if (!t)
        return;
    sl_assoc_free(t->assoc);
    sl_returns_fini(&t->returns);
    sl_pkt_pool_free(t->pool);
    sl_udp_free(t->bell);
    free(t);
}
