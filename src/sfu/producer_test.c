#include "sfu/producer.h"

#include <stdlib.h>

#include "check.h"
#include "sfu/inside.h"
#include "stage.h"

static struct stage s;

enum { L = 100, M, H }; /* SSRCs */

/* One frame of each encoding that flows, of its own size. */
struct flow {
    uint16_t octets[3]; /* of l, m, h; 0: nothing comes */
};

static uint16_t sent[3];

static void send_layer(int i, size_t octets, bool key)
{
    static const char *const rids[] = {"l", "m", "h"};
    uint8_t body[1200] = {0x10, !key}, buf[600];
    uint16_t seq = ++sent[i];
    struct rtp r = stage_frame((uint32_t)(L + i), seq, key);
    struct rtp_elem e[] = {stage_elem(MID_IN, "v"), stage_elem(RID_IN, rids[i])};
    r.ts = (uint32_t)(s.sim.now / 100 * 9) + (uint32_t)i * 777777;
    r.payload = (struct span){body, octets};
    stage_exts(&r, buf, e, LEN(e));
    sim_send_rtp(s.pub, &r);
}

/* For so long, 50 frames a second. The publisher answers a PLI with its next frame. */
static void flow(const struct flow *f, usec span, usec frame)
{
    static size_t answered[3];
    size_t plis[3] = {0};
    if (sent[0] + sent[1] + sent[2] == 0)
        memset(answered, 0, sizeof answered);
    for (usec end = s.sim.now + span; s.sim.now < end;) {
        struct rtcp all[256];
        size_t n = sim_rtcp(s.pub, RTCP_PSFB, PSFB_PLI, all, LEN(all));
        memset(plis, 0, sizeof plis);
        for (size_t i = 0; i < n && i < LEN(all); i++) {
            struct rtcp_fb fb;
            CHECK(sl_rtcp_fb(&all[i], &fb) == E_OK);
            if (fb.media >= L && fb.media <= H)
                plis[fb.media - L]++;
        }
        for (int i = 0; i < 3; i++)
            if (f->octets[i] > 0) {
                send_layer(i, f->octets[i], plis[i] > answered[i]);
                answered[i] = plis[i];
            }
        sim_run(&s.sim, frame);
    }
}

static void open_layers(unsigned viewer_shard)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    memset(sent, 0, sizeof sent);
    stage_open(&s, &p, &k, viewer_shard, SRTP_GCM_128);
}

/* Which layer the last packets were of, by their size; -1: of several. */
static int shown(const struct flow *f, size_t from)
{
    int layer = -1;
    for (size_t i = from; i < s.sub->rtp_n; i++) {
        size_t n = sim_rtp(s.sub, i).payload.n;
        int is = n == f->octets[0] ? 0 : n == f->octets[1] ? 1 : 2;
        if (layer >= 0 && is != layer)
            return -1;
        layer = is;
    }
    return layer;
}

/* First one flow, then another; what is shown at the end of each. */
static const struct {
    const char *name;
    struct flow first, then;
    int want_first, want_then;
    usec within, frame;
} rows[] = {
    {"the largest", {{100, 300, 900}}, {{100, 300, 900}}, 2, 2, SEC(1), MSEC(20)},
    {"in any order", {{900, 300, 100}}, {{900, 300, 100}}, 0, 0, SEC(1), MSEC(20)},
    {"the only one", {{0, 300, 0}}, {{0, 300, 0}}, 1, 1, SEC(1), MSEC(20)},
    {"it falls silent", {{100, 300, 900}}, {{100, 300, 0}}, 2, 1, SEC(1), MSEC(20)},
    {"two fall silent", {{100, 300, 900}}, {{100, 0, 0}}, 2, 0, SEC(1), MSEC(20)},
    {"all but one was silent", {{100, 0, 0}}, {{100, 300, 900}}, 0, 2, SEC(2), MSEC(20)},
    {"another is a little larger",
     {{100, 310, 0}},
     {{100, 310, 340}},
     1,
     1,
     SEC(3),
     MSEC(20)},
    {"another is clearly larger",
     {{100, 300, 600}},
     {{100, 900, 600}},
     2,
     1,
     SEC(3),
     MSEC(20)},
    {"a screen of one frame a second",
     {{100, 300, 900}},
     {{100, 300, 900}},
     2,
     2,
     SEC(5),
     SEC(1)},
};

static void choose(size_t i, unsigned viewer_shard)
{
    check_row(rows[i].name);
    open_layers(viewer_shard);
    flow(&rows[i].first, SEC(3), MSEC(20));
    size_t n = s.sub->rtp_n;
    flow(&rows[i].first, MSEC(100), MSEC(20));
    CHECK_INT(shown(&rows[i].first, n), rows[i].want_first);
    size_t plis = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
    flow(&rows[i].then, rows[i].within, rows[i].frame);
    n = s.sub->rtp_n;
    flow(&rows[i].then, rows[i].frame * 2, rows[i].frame);
    CHECK(s.sub->rtp_n > n);
    CHECK_INT(shown(&rows[i].then, n), rows[i].want_then);
    if (rows[i].want_then == rows[i].want_first)
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), plis);

    /* However it was put together, it is one stream: each number once, time never back, and
     * no faster than the world's. */
    for (size_t k = 1; k < s.sub->rtp_n && s.sub->rtp_n < SIM_GOT; k++) {
        struct rtp a = sim_rtp(s.sub, k - 1), b = sim_rtp(s.sub, k);
        CHECK_INT((uint16_t)(b.seq - a.seq), 1);
        CHECK((int32_t)(b.ts - a.ts) > 0);
        CHECK(b.ts - a.ts <= 90000 + 1800 * 25);
    }
    CHECK_INT(s.sub->bad_n, 0);
    stage_close(&s);
}

TEST(producer_has_a_best_encoding)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        choose(i, 0);
        choose(i, 1);
    }
}

/* A burst of a small layer, as its key frames are, does not make it the largest. */
TEST(producer_is_not_moved_by_one_large_frame)
{
    static const struct flow f = {{300, 600, 0}};
    open_layers(0);
    flow(&f, SEC(3), MSEC(20));
    size_t plis = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
    for (int i = 0; i < 15; i++)
        send_layer(0, 1200, false);
    flow(&f, SEC(1), MSEC(20));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), plis);
    stage_close(&s);
}

/* A frame of another layer is waited for; meanwhile that layer stops being the best. */
TEST(producer_changes_its_mind)
{
    static const struct flow low = {{300, 100, 0}}, up = {{300, 900, 0}};
    open_layers(0);
    flow(&low, SEC(2), MSEC(20));
    size_t n = s.sub->rtp_n;
    for (int i = 0; i < 50; i++) { /* m grows, and ignores what it is asked */
        send_layer(0, low.octets[0], false);
        send_layer(1, up.octets[1], false);
        sim_run(&s.sim, MSEC(20));
    }
    for (int i = 0; i < 100; i++) {
        send_layer(0, low.octets[0], false);
        send_layer(1, low.octets[1], i == 99);
        sim_run(&s.sim, MSEC(20));
    }
    CHECK_INT(s.sub->rtp_n - n, 150);
    CHECK_INT(shown(&low, n), 0);
    stage_close(&s);
}

/* Layers with clocks of their own: the switch is where the publisher says it is, and not
 * where it seems to be by the time of arrival. */
enum { LATER = 900 }; /* ticks that the second layer's way is longer */

TEST(producer_switches_on_the_publishers_clock)
{
    open_layers(0);
    uint8_t buf[64];
    static const struct flow first = {{300, 0, 0}}, then = {{0, 300, 0}};
    flow(&first, SEC(1), MSEC(20));
    send_layer(1, 300, false);
    for (int i = 0; i < 2; i++) {
        struct wr w = wr_of(buf, sizeof buf);
        struct rtcp_sender sr = {.ntp = UINT64_C(77) << 32};
        sr.rtp_ts = (uint32_t)(s.sim.now / 100 * 9) + (uint32_t)i * (777777 + LATER);
        sl_rtcp_build_report(&w, (uint32_t)(L + i), &sr, NULL, 0);
        sim_send_rtcp(s.pub, wr_done(&w));
    }
    flow(&first, SEC(1), MSEC(20));
    size_t n = s.sub->rtp_n;
    uint32_t before = sim_rtp(s.sub, n - 1).ts;
    usec at = s.sim.now - MSEC(20);
    flow(&then, MSEC(980), MSEC(20));
    CHECK(s.sub->rtp_n > n);
    usec waited = at + MSEC(20) * (50 - (usec)(s.sub->rtp_n - n)) - at;
    int64_t off = (int64_t)(sim_rtp(s.sub, n).ts - before) - (waited / 100 * 9 - LATER);
    CHECK(off >= -1 && off <= 1);
    stage_close(&s);
}

/* Thousands of producers looked at together would hold up packets: each keeps the time at
 * which it came. */
TEST(producer_reviews_take_turns)
{
    struct cmd_producer video = stage_video(), other = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &video, &k, 0, SRTP_GCM_128);
    sim_run(&s.sim, MSEC(100));
    other.id = 77;
    other.transport = 0;
    struct cmd_producer *c = malloc(sizeof *c);
    *c = other;
    sl_shard_mail(s.sim.shards[0], SHARD_TO_CONTROL,
                  &(struct mail){.type = MAIL_REMOTE, .p = c}, s.sim.now);
    sim_run(&s.sim, SEC(2));
    const struct producer *a = sl_shard_producer(s.sim.shards[0], VIDEO);
    const struct producer *b = sl_shard_producer(s.sim.shards[0], 77);
    usec apart =
        a->reviewed > b->reviewed ? a->reviewed - b->reviewed : b->reviewed - a->reviewed;
    CHECK(s.sim.now - a->reviewed <= REVIEW_INTERVAL + MSEC(6));
    CHECK(s.sim.now - b->reviewed <= REVIEW_INTERVAL + MSEC(6));
    CHECK(apart >= MSEC(50) && apart <= MSEC(200));
    stage_close(&s);
}

/* Somebody shows a screen a hundred times in one long call: each time it has SSRCs of its own. */
TEST(producers_come_and_go)
{
    struct cmd_producer p = stage_video();
    sim_init(&s.sim);
    s.pub = sim_connected(&s.sim, 1, 0, SRTP_GCM_128);
    sim_ready(s.pub);
    for (uint32_t i = 1; i <= 100; i++) {
        uint64_t known = sim_stats(&s.sim, 0)->unknown_ssrc;
        p.id = VIDEO + i;
        p.receive.encodings[0].ssrc = 1000 * i;
        sim_produce(s.pub, &p);
        sim_settle(&s.sim);
        stage_send(s.pub, 1000 * i, (uint16_t)i, true);
        sim_settle(&s.sim);
        const struct producer *made = sl_shard_producer(s.sim.shards[0], p.id);
        CHECK(made && made->encodings[0].stats.received == 1);
        CHECK_INT(sim_stats(&s.sim, 0)->unknown_ssrc, known);
        sim_tell(&s.sim, 0, MAIL_PRODUCER_CLOSE, p.id, 0);
        sim_settle(&s.sim);
    }
    stage_close(&s);
}
