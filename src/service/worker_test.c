#include "service/worker.h"

#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "peer.h"
#include "service/node.h"
#include "service/plane.h"
#include "sfu/mail.h"

/*
 * Two workers and the association thread as they run in the server, with real clients on the
 * loopback interface. This thread stands in for control. Meant to be run under TSan, too.
 */

enum { WORKERS = 2, PT = 111, SSRC = 5, TRIES = 40 };

struct rig {
    struct node node;
    struct plane *plane;
    struct media_ops ops;
    struct addr at;
    uint64_t last; /* id given */
    uint64_t up;   /* the transport that came up last, and on which worker */
    unsigned worker;
    unsigned gone;
    bool told; /* stats came */
};

static void up(void *ctx, uint64_t transport)
{
    ((struct rig *)ctx)->up = transport;
}

static void gone(void *ctx, uint64_t transport, enum media_gone why)
{
    struct rig *r = ctx;
    (void)why;
    r->ops.transport_close(r->ops.ctx, transport);
    r->gone++;
}

static void started(void *ctx, uint64_t producer)
{
    (void)ctx, (void)producer;
}

static void no_bell(void *ctx)
{
    (void)ctx; /* this thread looks by itself */
}

/* A port that is free now. */
static struct addr free_port(void)
{
    struct addr at = addr_v4(127, 0, 0, 1, 0);
    for (uint16_t port = 20000; port < 30000; port++) {
        struct udp *u = NULL;
        at.port = (uint16_t)(port + sl_udp_now() % 10000);
        if (sl_tcp_free_ports(&at, 1) == E_OK && sl_udp_new(&at, 1, 0, &u) == E_OK) {
            sl_udp_free(u);
            return at;
        }
    }
    CHECK(!"a free port");
    return at;
}

static void wanted(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings,
                   uint32_t most_bps)
{
    (void)ctx, (void)transport, (void)producer, (void)encodings, (void)most_bps;
}

static void heard(void *ctx, uint64_t transport, uint64_t producer, const struct voice *v)
{
    (void)ctx;
    (void)transport;
    CHECK(producer != 0 && !v->told);
}

static void rig_init(struct rig *r)
{
    *r = (struct rig){.at = free_port()};
    struct node_conf conf = {.at = {r->at},
                             .at_n = 1,
                             .tcp_at = {r->at},
                             .tcp_at_n = 1,
                             .tcp_max = 100,
                             .tcp_per_address = 50,
                             .workers = WORKERS,
                             .packets = 1024,
                             .socket_buffer = 1 << 20,
                             .profiles = {SRTP_GCM_128, SRTP_CM_SHA1_80},
                             .profiles_n = 2,
                             .srtp = sl_srtp_backend_best(),
                             .handshakes_per_s = 1000,
                             .handshakes_pending = 1000};
    CHECK_INT(sl_node_init(&r->node, &conf), E_OK);
    sl_post_bell(r->node.post, SHARD_TO_CONTROL, no_bell, NULL);
    const struct plane_events events = {.ctx = r,
                                        .up = up,
                                        .gone = gone,
                                        .started = started,
                                        .wanted = wanted,
                                        .voice = heard};
    r->plane = sl_plane_new(r->node.post, (const uint64_t[2]){1, 2}, &events);
    CHECK(r->plane != NULL);
    r->ops = sl_plane_ops(r->plane);
    CHECK_INT(sl_node_start(&r->node), E_OK);
}

static void rig_fini(struct rig *r)
{
    sl_plane_free(r->plane);
    sl_node_fini(&r->node);
}

/* What control does in a round. */
static void control(struct rig *r)
{
    struct mail m;
    unsigned from;
    while (sl_post_take(r->node.post, SHARD_TO_CONTROL, &from, &m)) {
        if (m.type == MAIL_UP)
            r->worker = m.arg;
        if (m.type == MAIL_STATS) {
            sl_node_answered(&r->node, &m);
            r->told = r->node.stats_asked == 0;
        } else {
            sl_plane_mail(r->plane, from, &m);
        }
    }
    sl_plane_flush(r->plane);
}

/* The numbers of all threads, now. */
static const struct node_stats *stats(struct rig *r)
{
    r->told = false;
    sl_node_ask(&r->node);
    for (usec end = sl_udp_now() + SEC(10); !r->told && sl_udp_now() < end;) {
        control(r);
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    CHECK(r->told);
    return &r->node.stats;
}

/* Runs a client and control side by side until the client may stop. */
static void run(struct rig *r, struct peer *p, usec span,
                bool (*stop)(const struct peer *p))
{
    for (usec end = sl_udp_now() + span; sl_udp_now() < end && !(stop && stop(p));) {
        sl_peer_run(p, sl_udp_now() + MSEC(2), stop);
        control(r);
    }
}

static uint64_t expect(struct rig *r, const struct peer *p, struct peer_remote *ret)
{
    static struct ice_creds creds;
    struct dtls_fingerprint print = sl_peer_print(p);
    struct media_transport t = {.id = ++r->last,
                                .peer = {.hash = MEDIA_SHA256, .n = print.n}};
    creds = sl_ice_creds_make();
    memcpy(t.ufrag, creds.ufrag, sizeof t.ufrag);
    memcpy(t.pwd, creds.pwd, sizeof t.pwd);
    memcpy(t.peer.bytes, print.octets, print.n);
    *ret = (struct peer_remote){.at = r->at, .ufrag = creds.ufrag, .pwd = creds.pwd};
    ret->print.n = sizeof r->node.cert.sha256;
    memcpy(ret->print.octets, r->node.cert.sha256, ret->print.n);
    CHECK_INT(r->ops.transport_add(r->ops.ctx, &t), E_OK);
    control(r);
    return t.id;
}

/* A client whose transport lives on that worker: the kernel decides by its port, so clients
 * come and go until one has landed there. Returns the transport's id. */
static uint64_t connect_by(struct rig *r, struct peer *p, unsigned worker, bool stream)
{
    for (int i = 0; i < TRIES; i++) {
        struct peer_remote remote;
        CHECK_INT(sl_peer_init(p), E_OK);
        if (stream)
            CHECK_INT(sl_peer_stream(p, &r->at), E_OK);
        uint64_t id = expect(r, p, &remote);
        sl_peer_connect(p, &remote);
        run(r, p, SEC(20), sl_peer_is_up);
        CHECK(sl_peer_is_up(p));
        for (usec end = sl_udp_now() + SEC(10); r->up != id && sl_udp_now() < end;)
            control(r);
        CHECK_INT(r->up, id);
        if (r->worker == worker)
            return id;
        r->ops.transport_close(r->ops.ctx, id);
        sl_peer_fini(p);
    }
    CHECK(!"a client on that worker");
    return 0;
}

static uint64_t connect_on(struct rig *r, struct peer *p, unsigned worker)
{
    return connect_by(r, p, worker, false);
}

static struct rtp_params opus(uint8_t pt)
{
    return (struct rtp_params){
        .kind = MEDIA_AUDIO,
        .mid = "0",
        .codecs_n = 1,
        .codecs = {{.codec = CODEC_OPUS, .pt = pt, .rtx_pt = PT_NONE, .channels = 2}}};
}

static uint64_t add_producer(struct rig *r, uint64_t transport)
{
    struct rtp_receive receive = {
        .params = opus(PT), .encodings_n = 1, .encodings = {{.ssrc = SSRC}}};
    CHECK_INT(r->ops.producer_add(r->ops.ctx, ++r->last, transport, 1, &receive), E_OK);
    return r->last;
}

static uint64_t add_consumer(struct rig *r, uint64_t transport, uint64_t producer)
{
    struct rtp_send send = {.params = opus(PT), .ssrc = 100 + (uint32_t)r->last};
    CHECK_INT(r->ops.consumer_add(r->ops.ctx, ++r->last, transport, 1, &send), E_OK);
    r->ops.consumer_source(r->ops.ctx, r->last, producer);
    return r->last;
}

/* Sends n packets, about 2000 a second, each with its number in its payload. */
static void talk(struct rig *r, struct peer *pub, struct peer *sub, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint8_t payload[100] = {0xfc};
        struct wr w = wr_of(payload + 1, 4);
        wr_u32(&w, i);
        struct rtp rtp = {
            .pt = PT, .ssrc = SSRC, .ts = i * 960, .payload = {payload, sizeof payload}};
        sl_peer_send(pub, &rtp);
        if (i % 8 == 7) {
            control(r);
            sl_peer_run(pub, 0, NULL);
            sl_peer_run(sub, sl_udp_now() + MSEC(4), NULL);
        }
    }
}

struct heard {
    uint64_t n, wrong;
    uint32_t next;
};

static void hear(void *ctx, const struct rtp *rtp, usec now)
{
    struct heard *h = ctx;
    (void)now;
    h->n++;
    h->wrong += rtp->payload.n != 100 || rtp->payload.p[0] != 0xfc || rtp->pt != PT ||
                rtp_be32(rtp->payload.p + 1) != h->next;
    h->next++;
}

/* Until n packets have come, and for a while after, in which no more may come. */
static void hear_all(struct rig *r, struct peer *sub, const struct heard *h, uint64_t n)
{
    for (usec end = sl_udp_now() + SEC(20); h->n < n && sl_udp_now() < end;)
        run(r, sub, MSEC(2), NULL);
    run(r, sub, MSEC(50), NULL);
    CHECK_INT(h->n, n);
}

static bool quiet(struct rig *r, uint64_t sent)
{
    const struct node_stats *s = stats(r);
    return s->workers[0].shard.rtp + s->workers[1].shard.rtp >= sent;
}

/* From one worker to the other through a pipe, with all packets back in their pools. */
static void forwarding(unsigned from, unsigned to, bool streams)
{
    static struct rig r;
    struct peer pub, sub;
    struct heard heard = {0};
    enum { N = 2000 };
    rig_init(&r);
    uint64_t a = connect_by(&r, &pub, from, streams);
    uint64_t b = connect_by(&r, &sub, to, streams);
    sub.ctx_rtp = &heard;
    sub.on_rtp = hear;
    add_consumer(&r, b, add_producer(&r, a));
    (void)stats(&r); /* commands before it have been taken by now */
    talk(&r, &pub, &sub, N);
    hear_all(&r, &sub, &heard, N);
    CHECK(quiet(&r, N));
    CHECK_INT(heard.wrong, 0);
    CHECK_INT(pub.bad + sub.bad + pub.strangers + sub.strangers, 0);
    const struct worker_stats *w = stats(&r)->workers;
    CHECK_INT(w[from].shard.rtp, N);
    CHECK_INT(w[to].shard.forwarded, N);
    CHECK_INT(w[from].shard.piped, from == to ? 0 : N);
    CHECK_INT(w[to].shard.piped_in, from == to ? 0 : N);
    CHECK_INT(w[0].shard.mail_full + w[1].shard.mail_full, 0);

    uint64_t sent = w[0].tcp.sent + w[1].tcp.sent;
    CHECK(streams ? sent > N && w[0].udp.sent + w[1].udp.sent == 0 : sent == 0);
    CHECK_INT(w[0].tcp.slow + w[1].tcp.slow, 0);

    r.ops.transport_close(r.ops.ctx, a);
    r.ops.transport_close(r.ops.ctx, b);
    control(&r);
    for (int i = 0; i < 3; i++) /* packets go back in two steps */
        w = stats(&r)->workers;
    /* Sockets keep that many ready to be filled. */
    CHECK(w[0].packets_used <= UDP_BATCH && w[1].packets_used <= UDP_BATCH);
    CHECK_INT(w[0].shard.transports + w[1].shard.transports, 0);
    CHECK_INT(w[0].shard.expected + w[1].shard.expected, 0);
    CHECK_INT(w[0].shard.producers + w[1].shard.producers, 0);
    CHECK_INT(w[0].shard.consumers + w[1].shard.consumers, 0);
    CHECK_INT(r.node.stats.assoc.assoc.transports, 0);
    rig_fini(&r);
    sl_peer_fini(&pub);
    sl_peer_fini(&sub);
}

TEST(worker_forwards_to_its_own)
{
    forwarding(0, 0, false);
}

TEST(worker_forwards_to_the_other)
{
    forwarding(0, 1, false);
    forwarding(1, 0, false);
}

TEST(worker_forwards_from_stream_to_stream)
{
    forwarding(0, 0, true);
    forwarding(0, 1, true);
}

/* A client that was up over UDP goes on over TCP, wherever the kernel lets its connection land;
 * each time anew, and back to a new one. */
TEST(worker_follows_a_client_to_streams)
{
    static struct rig r;
    struct peer pub, sub;
    struct heard heard = {0};
    enum { N = 200, TIMES = 8 };
    rig_init(&r);
    uint64_t a = connect_on(&r, &pub, 0), b = connect_on(&r, &sub, 1);
    sub.ctx_rtp = &heard;
    sub.on_rtp = hear;
    add_consumer(&r, b, add_producer(&r, a));
    (void)stats(&r);
    for (uint64_t i = 0; i < TIMES; i++) {
        uint64_t answers = sub.answers, others = pub.answers;
        CHECK_INT(sl_peer_stream(&sub, &r.at), E_OK);
        CHECK_INT(sl_peer_stream(&pub, &r.at), E_OK);
        for (usec end = sl_udp_now() + SEC(20);
             (sub.answers == answers || pub.answers == others) && sl_udp_now() < end;) {
            run(&r, &sub, MSEC(2), NULL);
            run(&r, &pub, MSEC(2), NULL);
        }
        CHECK(sub.answers > answers && pub.answers > others);
        heard.next = 0;
        talk(&r, &pub, &sub, N);
        hear_all(&r, &sub, &heard, N * (i + 1));
    }
    CHECK_INT(heard.wrong, 0);
    CHECK_INT(pub.bad + sub.bad, 0);
    const struct worker_stats *w = stats(&r)->workers;
    CHECK_INT(w[1].shard.forwarded, N * TIMES);
    CHECK_INT(w[0].tcp.open, 1); /* both streams are where their transports live */
    CHECK_INT(w[1].tcp.open, 1);
    CHECK_INT(w[0].tcp.accepted + w[1].tcp.accepted, 2 * TIMES);
    rig_fini(&r);
    sl_peer_fini(&pub);
    sl_peer_fini(&sub);
}

/* Streams that say nothing, or that are cut in the middle of a move. */
TEST(worker_ends_with_streams_under_way)
{
    static struct rig r;
    struct peer p[6];
    rig_init(&r);
    for (size_t i = 0; i < LEN(p); i++) {
        (void)connect_on(&r, &p[i], i % WORKERS);
        CHECK_INT(sl_peer_stream(&p[i], &r.at), E_OK);
        sl_peer_run(&p[i], 0, NULL); /* the check that moves it, perhaps */
    }
    rig_fini(&r);
    for (size_t i = 0; i < LEN(p); i++)
        sl_peer_fini(&p[i]);
}

TEST(worker_answers_checks_and_nothing_else)
{
    static struct rig r;
    struct peer p;
    struct peer_remote remote;
    rig_init(&r);
    CHECK_INT(sl_peer_init(&p), E_OK);
    (void)expect(&r, &p, &remote);
    remote.pwd = "a wrong password";
    sl_peer_connect(&p, &remote);
    const struct worker_stats *w = stats(&r)->workers;
    for (usec end = sl_udp_now() + SEC(20);
         w[0].shard.stun_refused + w[1].shard.stun_refused == 0 && sl_udp_now() < end;) {
        run(&r, &p, MSEC(300), NULL);
        w = stats(&r)->workers;
    }
    run(&r, &p, MSEC(50), NULL);
    CHECK_INT(p.answers, 0);
    w = stats(&r)->workers;
    CHECK(w[0].shard.expected == 1 && w[1].shard.expected == 1);
    CHECK(w[0].shard.stun_refused + w[1].shard.stun_refused > 0);
    CHECK_INT(w[0].udp.sent + w[1].udp.sent, 0);
    rig_fini(&r);
    sl_peer_fini(&p);
}

TEST(worker_hears_that_a_peer_hung_up)
{
    static struct rig r;
    struct peer p;
    rig_init(&r);
    uint64_t id = connect_on(&r, &p, 1);
    CHECK(id > 0 && r.gone == 0);
    sl_peer_close(&p);
    for (usec end = sl_udp_now() + SEC(10); r.gone == 0 && sl_udp_now() < end;)
        control(&r);
    CHECK_INT(r.gone, 1);
    CHECK_INT(stats(&r)->workers[1].shard.transports, 0);
    rig_fini(&r);
    sl_peer_fini(&p);
}

/* Everything is closed, or the threads are stopped, while packets are on every way: in
 * sockets, pools, pipes and mailboxes. The sanitizers tell what went wrong. */
static void end_under_load(bool close_first)
{
    static struct rig r;
    struct peer pub, sub[WORKERS];
    rig_init(&r);
    uint64_t a = connect_on(&r, &pub, 0);
    uint64_t producer = add_producer(&r, a);
    for (unsigned i = 0; i < WORKERS; i++)
        add_consumer(&r, connect_on(&r, &sub[i], i), producer);
    (void)stats(&r);
    talk(&r, &pub, &sub[1], 200);
    CHECK(sub[1].rtp > 0);
    for (uint32_t i = 0; i < 400; i++) {
        uint8_t payload[1000] = {0xfc};
        struct rtp rtp = {.pt = PT,
                          .ssrc = SSRC,
                          .ts = (200 + i) * 960,
                          .payload = {payload, sizeof payload}};
        sl_peer_send(&pub, &rtp);
        if (close_first && i == 200)
            r.ops.transport_close(r.ops.ctx, a);
        if (close_first && i == 300)
            r.ops.transport_close(r.ops.ctx, r.up);
        if (close_first)
            control(&r);
    }
    if (close_first) {
        const struct worker_stats *w = stats(&r)->workers;
        CHECK_INT(w[0].shard.producers + w[1].shard.producers, 0);
        CHECK_INT(w[0].shard.consumers + w[1].shard.consumers, 1);
    }
    rig_fini(&r);
    sl_peer_fini(&pub);
    for (unsigned i = 0; i < WORKERS; i++)
        sl_peer_fini(&sub[i]);
}

TEST(worker_closes_under_load)
{
    end_under_load(true);
}

TEST(worker_stops_under_load)
{
    end_under_load(false);
}
