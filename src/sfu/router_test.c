#include "sfu/router.h"

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
    for (uint16_t i = 0; i < ROUTER_QUEUE + 50; i++)
        stage_send(s.pub, SSRC_IN, i, i == 0);
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
