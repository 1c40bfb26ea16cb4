#include "sfu/router.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "stage.h"

static struct stage s;

/* What viewers of one encoding get, whatever the order in which its packets came. A packet
 * is a letter: K and k begin and continue a key frame, d is a frame of its own, p is padding
 * only, x a payload type that the viewer has not, m what does not parse; then its number.
 * What is sent together is one batch; a blank ends it. */
static const struct {
    const char *name, *in;
    const char *out; /* numbers of the source, in the order of their sending; 0: empty */
    int gaps;        /* numbers of ours that nothing was sent under */
} rows[] = {
    {"begins with a key frame", "d1 d2 K3 d4", "3 4", 0},
    {"in one batch", "d1d2K3k4d5", "3 4 5", 0},
    {"two key frames in a batch", "K1d2K3d4", "1 2 3 4", 0},
    {"a loss stays a loss", "K1 d2 d4", "1 2 4", 1},
    {"and is filled when it comes", "K1 d2 d4 d3", "1 2 4 3", 0},
    {"padding leaves no gap", "K1 p2 p3 d4", "1 4", 0},
    {"nor does what is not negotiated", "K1 x2 d3", "1 3", 0},
    {"nor what does not parse", "K1 m2 d3", "1 3", 0},
    {"padding that comes late fills its gap", "K1 d3 p2 d4", "1 3 0 4", 0},
    {"as does what is not negotiated", "K1 d3 x2 d4", "1 3 0 4", 0},
    {"a key frame whose first packet comes late", "d1 k3 d4 K2 d5", "2 3 4 5", 0},
    {"in one batch, too", "d1k3d4K2d5", "2 3 4 5", 0},
    {"and a part of it is lost", "d1 k4 K2 d5 k3", "2 4 5 3", 0},
};

static void send(char kind, uint16_t seq)
{
    static const uint8_t more[] = {0x00, 0x01, 1, 2}, bad[] = {0xff};
    struct rtp r = stage_frame(SSRC_IN, seq, kind == 'K');
    uint8_t body[10] = {0x10, kind != 'K', (uint8_t)seq};
    r.payload = (struct span){body, sizeof body};
    if (kind == 'k')
        r.payload = (struct span){more, sizeof more};
    if (kind == 'm')
        r.payload = (struct span){bad, sizeof bad};
    if (kind == 'p')
        r.payload.n = 0;
    if (kind == 'x')
        r.pt = PT_VP8 + 1;
    sim_send_padded(s.pub, &r, kind == 'p' ? 100 : 0);
}

static void send_all(const char *in)
{
    while (*in) {
        if (*in == ' ') {
            sim_run(&s.sim, MSEC(1));
            in++;
            continue;
        }
        send(in[0], (uint16_t)(in[1] - '0'));
        in += 2;
    }
    sim_run(&s.sim, MSEC(1));
}

static void route(size_t i, unsigned viewer_shard, uint8_t rtx)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(rtx);
    p.receive.params.codecs_n = 2; /* one that the viewer has not */
    p.receive.params.codecs[1] = stage_codec(CODEC_VP9, PT_VP8 + 1, PT_NONE);
    stage_open(&s, &p, &k, viewer_shard, SRTP_GCM_128);
    send_all(rows[i].in);
    const char *want = rows[i].out;
    size_t n = (strlen(want) + 1) / 2;
    CHECK_INT(s.sub->rtp_n, n);
    CHECK_INT(s.sub->bad_n, 0);
    uint16_t low = 0, high = 0, first_source = (uint16_t)(want[0] - '0');
    for (size_t at = 0; at < n && at < s.sub->rtp_n; at++) {
        struct rtp r = sim_rtp(s.sub, at);
        uint16_t source = (uint16_t)(want[2 * at] - '0');
        CHECK_INT(r.pt, PT_OUT);
        if (source == 0)
            CHECK_INT(r.payload.n, 0);
        else
            CHECK_INT((r.ts - sim_rtp(s.sub, 0).ts) / 3000, source - first_source);
        low = at == 0 ? r.seq : low;
        high = at == 0 || (int16_t)(r.seq - high) > 0 ? r.seq : high;
    }
    CHECK_INT(high - low + 1 - (int)n, rows[i].gaps);
    stage_close(&s);
}

TEST(router_forwards)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        route(i, 0, RTX_OUT);
        route(i, 0, PT_NONE);
        route(i, 1, RTX_OUT);
    }
}

/* More than its queue holds, in one round. */
TEST(router_overflows_in_order)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    for (int i = 0; i < ROUTER_QUEUE + 50; i++)
        stage_send(s.pub, SSRC_IN, (uint16_t)i, i == 0);
    CHECK_INT(s.sub->rtp_n, 0); /* in the batch, not sent yet */
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, ROUTER_QUEUE + 50);
    uint16_t first = sim_rtp(s.sub, 0).seq;
    for (size_t i = 0; i < s.sub->rtp_n; i++)
        CHECK_INT((uint16_t)(sim_rtp(s.sub, i).seq - first), i);
    stage_close(&s);
}

/* Two encodings by turns: each consumer gets its own in order. */
TEST(router_keeps_encodings_apart)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    p.id++;
    p.receive.encodings[0].ssrc = SSRC_IN + 100;
    sim_produce(s.pub, &p);
    k.id++;
    k.send.ssrc++;
    sim_consume(s.sub, &k, p.id);
    for (uint16_t i = 0; i < 20; i++) {
        stage_send(s.pub, SSRC_IN, i, i == 0);
        stage_send(s.pub, SSRC_IN + 100, (uint16_t)(500 + i), i == 0);
    }
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 40);
    uint16_t next[2];
    for (size_t i = 0; i < s.sub->rtp_n; i++) {
        struct rtp r = sim_rtp(s.sub, i);
        size_t which = r.ssrc - SSRC_OUT;
        CHECK(which < 2);
        if (i >= 2)
            CHECK_INT(r.seq, next[which]);
        next[which] = (uint16_t)(r.seq + 1);
    }
    stage_close(&s);
}

/* ---- the first picture ---- */

/* What is not sent again: a key frame that is too old, too large with what followed, or of
 * which something is missing. Packets of so many octets, one each so often. */
static const struct {
    const char *name;
    int packets, lost; /* number of the lost one; 0: none */
    usec apart;
    size_t octets, want;
} replay_rows[] = {
    {"just now", 5, 0, MSEC(30), 100, 5},
    {"nearly too old", 10, 0, MSEC(39), 100, 10},
    {"too old", 12, 0, MSEC(40), 100, 0},
    {"many packets", 128, 0, MSEC(1), 100, 128},
    {"too many packets", 130, 0, MSEC(1), 100, 0},
    {"large", 110, 0, MSEC(1), 1100, 110},
    {"too large", 128, 0, MSEC(1), 1100, 0},
    {"its first packet was lost", 5, 1, MSEC(10), 100, 0},
    {"another was lost", 5, 3, MSEC(10), 100, 0},
};

TEST(router_sends_a_key_frame_again)
{
    static uint8_t body[1200];
    for (size_t i = 0; i < LEN(replay_rows); i++) {
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        check_row(replay_rows[i].name);
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        sim_source(s.sub, CONSUMER, 0);
        stage_send(s.pub, SSRC_IN, 1, false);
        for (int n = 1; n <= replay_rows[i].packets;
             n++, s.sim.now += replay_rows[i].apart) {
            struct rtp r = stage_frame(SSRC_IN, (uint16_t)(n + 1), n == 1);
            body[0] = 0x10;
            body[1] = n != 1;
            r.payload = (struct span){body, replay_rows[i].octets};
            if (n != replay_rows[i].lost)
                sim_send_rtp(s.pub, &r);
            sim_settle(&s.sim);
        }
        size_t asked = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
        sim_source(s.sub, CONSUMER, VIDEO);
        sim_settle(&s.sim);
        CHECK_INT(s.sub->rtp_n, replay_rows[i].want);
        CHECK_INT(s.sub->bad_n, 0);
        sim_run(&s.sim, MSEC(600));
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI) > asked,
                  replay_rows[i].want == 0);
        stage_close(&s);
    }
}

/* As GStreamer sends them: parameter sets before each slice. Whoever comes meanwhile gets the
 * whole picture. */
static const uint8_t h264_key[][4] = {
    {0x67, 0x42}, {0x68, 0xce}, {0x67, 0x42}, {0x68, 0xce}, {0x65, 0x88}, /* first_mb 0 */
    {0x67, 0x42}, {0x68, 0xce}, {0x65, 0x02}, /* and another */
};

static void join_in_picture(size_t join, unsigned viewer_shard)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    size_t n = LEN(h264_key);
    p.receive.params.codecs[0].codec = k.send.params.codecs[0].codec = CODEC_H264;
    stage_open(&s, &p, &k, viewer_shard, SRTP_GCM_128);
    sim_source(s.sub, CONSUMER, 0);
    for (size_t i = 0; i <= n; i++) {
        if (i == join)
            sim_source(s.sub, CONSUMER, VIDEO);
        struct rtp r = stage_frame(SSRC_IN, (uint16_t)(9 + i), true);
        r.ts = 90000;
        r.marker = i == n - 1;
        r.payload = (struct span){h264_key[i % n], sizeof h264_key[0]};
        if (i < n)
            sim_send_rtp(s.pub, &r);
        sim_run(&s.sim, MSEC(1));
    }
    CHECK_INT(s.sub->rtp_n, n);
    for (size_t i = 0; i < n && i < s.sub->rtp_n; i++) {
        struct span got = sim_rtp(s.sub, i).payload;
        CHECK(got.n == sizeof h264_key[0] && memcmp(got.p, h264_key[i], got.n) == 0);
    }
    stage_close(&s);
}

TEST(router_gives_a_picture_of_slices_whole)
{
    for (size_t join = 0; join <= LEN(h264_key); join++) {
        char row[20];
        (void)snprintf(row, sizeof row, "after %zu packets", join);
        check_row(row);
        join_in_picture(join, 0);
        join_in_picture(join, 1);
    }
}

enum { JOINS = 60 };

/* Viewers who come one after the other, and how long each waits for a picture. The publisher is
 * so far away: what is asked for leaves it a round trip later, with the next frame. */
struct joins {
    usec rtt, every;
    usec waited[JOINS];
    size_t joined, served, keys;
};

static int by_size(const void *a, const void *b)
{
    usec x = *(const usec *)a, y = *(const usec *)b;
    return (x > y) - (x < y);
}

static void join(struct joins *j)
{
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    k.id = 1000 + j->joined;
    k.send.ssrc = (uint32_t)(1000 + j->joined);
    k.send.rtx_ssrc = k.send.ssrc + 10000;
    j->waited[j->joined++] = s.sim.now;
    sim_consume(s.sub, &k, VIDEO);
}

static void look(struct joins *j, size_t *seen)
{
    for (; *seen < s.sub->rtp_n; ++*seen) {
        uint32_t ssrc = sim_rtp(s.sub, *seen).ssrc;
        if (ssrc < 1000 || ssrc >= 1000 + JOINS)
            continue;
        usec *w = &j->waited[ssrc - 1000];
        if (*w < SEC(50))
            continue; /* it was served */
        CHECK_INT(sim_rtp(s.sub, *seen).payload.p[1] & 1, 0);
        *w = s.sim.now - *w;
        j->served++;
        sim_tell(&s.sim, s.sub->shard, MAIL_CONSUMER_CLOSE, ssrc, 0);
    }
}

static void run_joins(struct joins *j, unsigned shard)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    usec key_due = USEC_NEVER, join_due, frame_due;
    size_t seen = 0, plis = 0;
    uint16_t seq = 1;
    stage_open(&s, &p, &k, shard, SRTP_GCM_128);
    join_due = s.sim.now + SEC(3);
    frame_due = s.sim.now;
    while (j->served < JOINS && s.sim.now < SEC(100) + JOINS * j->every + SEC(10)) {
        if (s.sim.now >= frame_due) {
            bool key = s.sim.now >= key_due || seq == 1;
            stage_send(s.pub, SSRC_IN, seq++, key);
            key_due = key ? USEC_NEVER : key_due;
            j->keys += key;
            frame_due += MSEC(33);
        }
        if (s.sim.now >= join_due && j->joined < JOINS) {
            join(j);
            join_due += j->every;
        }
        sim_settle(&s.sim);
        look(j, &seen);
        size_t now_plis = s.pub->rtcp_n;
        if (now_plis != plis) {
            plis = now_plis;
            static size_t counted;
            size_t n = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
            if (n != counted && key_due == USEC_NEVER)
                key_due = s.sim.now + j->rtt;
            counted = n;
        }
        if (s.sim.now % SEC(1) == 0) {
            sim_check(s.pub);
            sim_check(s.sub);
        }
        sim_run(&s.sim, MSEC(1));
    }
    CHECK_INT(j->served, JOINS);
    stage_close(&s);
    qsort(j->waited, JOINS, sizeof j->waited[0], by_size);
}

static const struct {
    const char *name;
    int rtt_ms, every_ms;
    unsigned shard;
    int p50_ms, p95_ms; /* at most */
} join_rows[] = {
    {"one in 3 s, near", 40, 3017, 0, 60, 80},
    {"one in 3 s, far", 200, 3017, 0, 220, 240},
    {"20 a second, near", 40, 50, 0, 10, 80},
    {"20 a second, far", 200, 50, 0, 10, 220},
    {"20 a second, near, on another worker", 40, 50, 1, 10, 80},
    {"3 a second, far", 200, 317, 0, 220, 240},
};

TEST(router_shows_a_first_picture_soon)
{
    for (size_t i = 0; i < LEN(join_rows); i++) {
        struct joins j = {.rtt = MSEC(join_rows[i].rtt_ms),
                          .every = MSEC(join_rows[i].every_ms)};
        check_row(join_rows[i].name);
        run_joins(&j, join_rows[i].shard);
        usec p50 = j.waited[JOINS / 2], p95 = j.waited[JOINS * 95 / 100];
        (void)printf("# %-38s p50 %3d p95 %3d worst %3d ms, %zu key frames\n",
                     join_rows[i].name, (int)(p50 / 1000), (int)(p95 / 1000),
                     (int)(j.waited[JOINS - 1] / 1000), j.keys);
        CHECK(p50 <= MSEC(join_rows[i].p50_ms));
        CHECK(p95 <= MSEC(join_rows[i].p95_ms));
    }
}
