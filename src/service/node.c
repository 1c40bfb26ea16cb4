#include "service/node.h"

#include "crypto/hash.h"
#include "sfu/mail.h"

static enum err open_workers(struct node *n)
{
    const struct node_conf *c = &n->conf;
    enum err e = sl_udp_free_ports(c->at, c->at_n);
    if (!e)
        e = sl_tcp_free_ports(c->tcp_at, c->tcp_at_n);
    if (e)
        return e;
    for (size_t i = 0; i < c->workers; i++) {
        struct worker_conf wc = {
            .number = (uint16_t)i,
            .cpu = c->cpus_n > 0 ? c->cpus[i % c->cpus_n] : -1,
            .post = n->post,
            .srtp = c->srtp,
            .probe_key = n->probe_key,
            .at = c->at,
            .at_n = c->at_n,
            .tcp_at = c->tcp_at,
            .tcp_at_n = c->tcp_at_n,
            /* The kernel spreads an address's connections over all. */
            .tcp_max = (c->tcp_max + c->workers - 1) / c->workers,
            .tcp_per_address = c->tcp_per_address,
            .numbers = n->numbers,
            .packets = c->packets,
            .socket_buffer = c->socket_buffer,
        };
        e = sl_worker_new(&wc, &n->workers[i]);
        if (e)
            return e;
    }
    return E_OK;
}

enum err sl_node_init(struct node *n, const struct node_conf *conf)
{
    *n = (struct node){.conf = *conf};
    for (size_t i = 0; i < conf->workers; i++) /* until they tell */
        n->stats.workers[i].shard.delay = sl_delay_histogram();
    sl_capacity_init(&n->capacity, conf->load, conf->workers);
    sl_random(&n->probe_key, sizeof n->probe_key);
    enum err e = sl_cert_init(&n->cert);
    if (e)
        return e;
    n->dtls = sl_dtls_ctx_new(&n->cert, conf->profiles, conf->profiles_n);
    n->post = sl_post_new(conf->workers);
    n->numbers = sl_tcpconn_numbers_new();
    if (!n->dtls || !n->post || !n->numbers)
        return E_MEMORY;
    struct assoc_thread_conf ac = {
        .post = n->post,
        .assoc = {.dtls = n->dtls,
                  .pending_max = conf->handshakes_pending,
                  .handshakes_per_s = conf->handshakes_per_s},
    };
    sl_random(ac.assoc.hash_key, sizeof ac.assoc.hash_key);
    e = sl_assoc_thread_new(&ac, &n->assoc);
    return e ? e : open_workers(n);
}

enum err sl_node_start(struct node *n)
{
    enum err e = sl_assoc_thread_start(n->assoc);
    for (size_t i = 0; !e && i < n->conf.workers; i++)
        e = sl_worker_start(n->workers[i]);
    return e;
}

void sl_node_fini(struct node *n)
{
    for (size_t i = 0; i < n->conf.workers; i++)
        sl_worker_stop(n->workers[i]);
    sl_assoc_thread_stop(n->assoc);
    for (size_t i = 0; i < n->conf.workers; i++)
        sl_worker_free(n->workers[i]);
    for (size_t i = 0; i < n->conf.workers; i++)
        if (n->tapes[i])
            (void)sl_tape_close(n->tapes[i], n->conf.captures);
    for (size_t i = 0; i < TAPE_TRACES_MAX; i++)
        if (n->traces[i])
            (void)sl_tape_close(n->traces[i], n->conf.captures);
    sl_assoc_thread_free(n->assoc);
    sl_post_free(n->post); /* with streams that nobody took */
    sl_tcpconn_numbers_free(n->numbers);
    sl_dtls_ctx_free(n->dtls);
    sl_cert_fini(&n->cert);
}

void sl_node_ask(struct node *n)
{
    if (n->stats_asked > 0)
        return;
    for (size_t i = 0; i < n->conf.workers; i++) {
        struct mail m = {.type = MAIL_STATS, .p = &n->filling.workers[i]};
        n->stats_asked += sl_post_put(n->post, SHARD_TO_CONTROL, (unsigned)i, &m, 0);
    }
    struct mail m = {.type = MAIL_STATS, .p = &n->filling.assoc};
    n->stats_asked += sl_post_put(n->post, SHARD_TO_CONTROL, SHARD_TO_ASSOC, &m, 0);
    sl_post_ring(n->post, SHARD_TO_CONTROL);
}

/* All have told. */
static void weigh(struct node *n)
{
    struct capacity_told told[SHARD_WORKERS_MAX];
    for (size_t i = 0; i < n->conf.workers; i++) {
        const struct worker_stats *w = &n->stats.workers[i];
        told[i] = (struct capacity_told){
            .at = w->at, .cpu_ns = w->cpu_ns, .forwarded = w->shard.forwarded};
    }
    sl_capacity_round(&n->capacity, told);
}

void sl_node_answered(struct node *n, const struct mail *m)
{
    if (m->p == &n->filling.assoc)
        n->stats.assoc = n->filling.assoc;
    for (size_t i = 0; i < n->conf.workers; i++)
        if (m->p == &n->filling.workers[i])
            n->stats.workers[i] = n->filling.workers[i];
    n->stats_asked -= n->stats_asked > 0;
    if (n->stats_asked == 0)
        weigh(n);
}
