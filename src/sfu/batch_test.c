#include "sfu/batch.h"

#include <string.h>

#include "check.h"
#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/transport.h"
#include "stage.h"

static struct stage s;

/* A frame of one packet with so many octets of payload. */
static void send_sized(uint32_t ssrc, uint16_t seq, size_t octets)
{
    static uint8_t body[1500] = {0x10};
    struct rtp r = stage_frame(ssrc, seq, true);
    r.payload = (struct span){body, octets};
    sim_send_rtp(s.pub, &r);
}

/* Runs of one flush: a letter is a size, and packets are sent in the order given. A digit in
 * `out` is how many datagrams a run has. */
static const struct {
    const char *name, *in, *out;
} run_rows[] = {
    {"one", "a", "1"},
    {"equal sizes", "aaaa", "4"},
    {"the last is shorter", "bbba", "4"},
    {"a shorter one ends a run", "bbabb", "32"},
    {"two shorter ones", "bbaa", "31"},
    {"a longer one begins another", "aabb", "22"},
    {"by turns", "abab", "121"},
    {"all differ, falling", "cba", "21"},
    {"all differ, rising", "abc", "111"},
};

static size_t octets_of(char size)
{
    return 100 * (size_t)(size - 'a' + 1);
}

TEST(batch_makes_runs)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    for (size_t i = 0; i < LEN(run_rows); i++) {
        check_row(run_rows[i].name);
        stage_open(&s, &p, &k, 0, i % 2 ? SRTP_CM_SHA1_80 : SRTP_GCM_128);
        size_t tag = sl_srtp_tag_len(s.sub->profile), before = s.sim.runs_n;
        for (uint16_t n = 0; run_rows[i].in[n]; n++)
            send_sized(SSRC_IN, n, octets_of(run_rows[i].in[n]));
        sim_settle(&s.sim);
        const char *in = run_rows[i].in, *out = run_rows[i].out;
        CHECK_INT(s.sim.runs_n - before, strlen(out));
        for (size_t r = 0; out[r]; r++) {
            const struct sim_tx *tx = &s.sim.runs[before + r];
            uint32_t sum = 0, first = 0;
            for (int n = 0; n < out[r] - '0'; n++) {
                uint32_t wire = (uint32_t)(12 + 12 + octets_of(*in++) + tag);
                first = n == 0 ? wire : first;
                sum += wire;
            }
            CHECK_INT(tx->segment, first);
            CHECK_INT(tx->n, sum);
        }
        CHECK_INT(s.sub->rtp_n, strlen(run_rows[i].in));
        CHECK_INT(s.sub->bad_n, 0);
        for (size_t n = 0; n < s.sub->rtp_n; n++)
            CHECK_INT(sim_rtp(s.sub, n).payload.n, octets_of(run_rows[i].in[n]));
        stage_close(&s);
    }
}

/* Many viewers: each is served for itself, so that its packets are one run; packets of two
 * tracks to one viewer stay in the order in which they came. */
TEST(batch_serves_one_transport_after_the_other)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    struct sim_client *viewers[5] = {s.sub};
    for (unsigned i = 1; i < LEN(viewers); i++) {
        k.id++;
        viewers[i] = sim_connected(&s.sim, 2 + i, 0, SRTP_GCM_128);
        sim_consume(viewers[i], &k, VIDEO);
        sim_ready(viewers[i]);
    }
    p.id++;
    p.receive.encodings[0].ssrc++;
    sim_produce(s.pub, &p);
    for (unsigned i = 0; i < LEN(viewers); i++) {
        k.id++;
        k.send.ssrc = SSRC_OUT + 1;
        sim_consume(viewers[i], &k, p.id);
    }
    sim_settle(&s.sim);
    size_t before = s.sim.runs_n, sends = s.sim.sends;
    for (uint16_t n = 0; n < 4; n++) {
        send_sized(SSRC_IN, n, 200);
        send_sized(SSRC_IN + 1, n, 200);
    }
    sl_shard_flush(s.sim.shards[0], s.sim.now);
    CHECK_INT(s.sim.runs_n - before, LEN(viewers));
    CHECK_INT(s.sim.sends - sends, 1);
    for (unsigned i = 0; i < LEN(viewers); i++) {
        CHECK_INT(s.sim.runs[before + i].segment * 8, s.sim.runs[before + i].n);
        CHECK_INT(viewers[i]->rtp_n, 8);
        for (size_t n = 0; n < 8; n++)
            CHECK_INT(sim_rtp(viewers[i], n).ssrc, SSRC_OUT + n % 2);
    }
    stage_close(&s);
}

/* A run is no longer than the kernel takes, in datagrams and in octets. */
TEST(batch_limits_its_runs)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    static const struct {
        size_t octets, runs, first;
    } limits[] = {{20, 2, TX_RUN_MAX}, {1400, 3, TX_RUN_BYTES / (24 + 1400 + 16)}};
    for (size_t i = 0; i < LEN(limits); i++) {
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        size_t before = s.sim.runs_n;
        for (uint16_t n = 0; n < 100; n++)
            send_sized(SSRC_IN, n, limits[i].octets);
        sim_settle(&s.sim);
        CHECK_INT(s.sim.runs_n - before, limits[i].runs);
        CHECK_INT(s.sim.runs[before].n / s.sim.runs[before].segment, limits[i].first);
        CHECK_INT(s.sub->rtp_n, 100);
        stage_close(&s);
    }
}

/* More jobs than a batch has places: 200 packets to 12 viewers; all leave, in order. */
TEST(batch_overflows)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_CM_SHA1_80);
    struct sim_client *viewers[12] = {s.sub};
    for (unsigned i = 1; i < LEN(viewers); i++) {
        k.id++;
        viewers[i] =
            sim_connected(&s.sim, 2 + i, 0, i % 2 ? SRTP_GCM_128 : SRTP_CM_SHA1_80);
        sim_consume(viewers[i], &k, VIDEO);
        sim_ready(viewers[i]);
    }
    for (uint16_t n = 0; n < 200; n++)
        send_sized(SSRC_IN, n, 30 + n);
    sim_settle(&s.sim);
    for (unsigned i = 0; i < LEN(viewers); i++) {
        CHECK_INT(viewers[i]->rtp_n, 200);
        CHECK_INT(viewers[i]->bad_n, 0);
        for (size_t n = 0; n < viewers[i]->rtp_n; n++)
            CHECK_INT(sim_rtp(viewers[i], n).payload.n, 30 + n);
    }
    CHECK_INT(sim_stats(&s.sim, 0)->forwarded, 200 * 12);
    CHECK_INT(histogram_count(&sim_stats(&s.sim, 0)->delay), 200 * 12);
    stage_close(&s);
}

/* ---- by itself ---- */

static size_t told;

static usec count(void *ctx, const struct tx *tx, size_t n)
{
    struct sim_tx *ret = ctx;
    for (size_t i = 0; i < n; i++)
        ret[told++] = (struct sim_tx){.to = tx[i].to, .port = tx[i].port, .n = tx[i].n};
    return 0;
}

TEST(batch_sends_datagrams)
{
    static struct sim_tx sent[200];
    struct shard_stats stats = {0};
    struct shard_io io = {.ctx = sent, .send = count};
    struct batch *b = sl_batch_new(&io, &stats);
    struct addr to = addr_v4(10, 0, 0, 1, 7);
    told = 0;
    CHECK(sl_batch_room(b, BATCH_DATAGRAM_MAX + 1) == NULL);
    sl_batch_flush(b, 0);
    CHECK_INT(told, 0); /* room that was not used */
    for (uint16_t i = 0; i < 100; i++) {
        uint8_t *p = sl_batch_room(b, BATCH_DATAGRAM_MAX);
        memset(p, i, BATCH_DATAGRAM_MAX);
        sl_batch_put(b, &to, i, BATCH_DATAGRAM_MAX - i);
    }
    CHECK(told > 0); /* more than there was room for */
    sl_batch_flush(b, 0);
    CHECK_INT(told, 100);
    for (uint16_t i = 0; i < 100; i++)
        CHECK(sent[i].port == i && sent[i].n == (uint32_t)BATCH_DATAGRAM_MAX - i &&
              addr_eq(&sent[i].to, &to));
    sl_batch_free(b);
}

/* What SRTP refuses, as its number protected another packet, is left out and counted; what
 * stands around it leaves, and is no run any more. */
TEST(batch_leaves_out_what_srtp_refuses)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    send_sized(SSRC_IN, 1, 100);
    sim_settle(&s.sim);
    size_t runs = s.sim.runs_n;
    struct shard *shard = s.sim.shards[0];
    struct consumer *c = sl_shard_consumer(shard, CONSUMER);
    uint64_t next = sl_seqmap_next(c->map);
    static const int order[] = {0, 1, -1, 2};
    for (size_t i = 0; i < LEN(order); i++) {
        struct pkt *pkt = sl_pkt_new(s.sim.pools[0]);
        memset(pkt->data, (int)i, 112);
        *media_of(pkt) =
            (struct media_pkt){.payload = 12, .payload_n = 100, .pt = PT_VP8};
        struct job j = {.consumer = c, .pkt = pkt, .seq = next + (uint64_t)order[i]};
        sl_batch_push(shard->batch, &j, s.sim.now);
        sl_pkt_unref(pkt);
    }
    sl_batch_flush(shard->batch, s.sim.now);
    CHECK_INT(sim_stats(&s.sim, 0)->srtp_refused, 1);
    CHECK_INT(s.sim.runs_n - runs, 2);
    CHECK_INT(s.sim.runs[runs].n, 2 * s.sim.runs[runs].segment);
    CHECK_INT(s.sub->rtp_n, 4);
    CHECK_INT(s.sub->bad_n, 0);
    CHECK_INT(sim_rtp(s.sub, 3).payload.p[0], 3);
    stage_close(&s);
}

/* What is queued when the path is lost goes nowhere, and is given back. */
TEST(batch_drops_what_cannot_be_sent)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    struct transport *t = sl_shard_transport(s.sim.shards[0], 2);
    send_sized(SSRC_IN, 1, 100);
    sl_router_run(&s.sim.shards[0]->router, s.sim.now);
    t->sendable = false;
    sl_batch_flush(s.sim.shards[0]->batch, s.sim.now);
    CHECK_INT(s.sub->rtp_n, 0);
    stage_close(&s);
}
