#include "sfu/pick.h"

#include <string.h>

#include "check.h"
#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/share.h"
#include "stage.h"

static struct stage s;

enum { PT_IN = PT_VP8, DD_ID = DD_IN, FRAME_MS = 33, LATER = 64 };

static struct consumer *viewer(unsigned shard)
{
    return sl_shard_consumer(s.sim.shards[shard], CONSUMER);
}

/* Sizes and rates: how many, 0 for all. */
static void want(unsigned shard, uint8_t encoding, uint8_t sizes, uint8_t rates)
{
    struct rtp_wish w = {.encoding = encoding, .spatials = sizes, .temporals = rates};
    sl_share_wish(viewer(shard), &w, s.sim.now);
}

/* ---- publishers ---- */

struct publisher {
    uint16_t seq, id;
    uint8_t tl0;
    unsigned picture; /* since the last key */
};

static const uint8_t temporal[] = {0, 2, 1, 2};

static void send_packet(struct publisher *p, uint32_t ssrc, struct span payload,
                        bool marker)
{
    struct rtp r = {.pt = PT_IN,
                    .seq = p->seq++,
                    .ts = 3000U * p->id,
                    .ssrc = ssrc,
                    .marker = marker,
                    .payload = payload};
    sim_send_rtp(s.pub, &r);
}

/* VP8 in three rates, two packets a picture; the last octet says the rate. */
static void send_vp8(struct publisher *p, bool key)
{
    p->picture = key ? 0 : p->picture + 1;
    uint8_t t = temporal[p->picture % 4];
    p->tl0 = (uint8_t)(p->tl0 + (t == 0));
    p->id++;
    uint8_t sync = t > 0 && p->picture % 4 <= 2 ? 0x20 : 0;
    for (int i = 0; i < 2; i++) {
        uint8_t b[] = {(uint8_t)(i == 0 ? 0x90 : 0x80),
                       0xe0,
                       (uint8_t)(0x80 | p->id >> 8),
                       (uint8_t)p->id,
                       p->tl0,
                       (uint8_t)(t << 6 | sync),
                       (uint8_t)!key,
                       t};
        send_packet(p, SSRC_IN, (struct span){b, sizeof b}, i == 1);
    }
    sim_run(&s.sim, MSEC(FRAME_MS));
}

/* VP9 in three sizes and rates, one packet a frame; its seventh octet says size and rate. */
static void send_vp9(struct publisher *p, bool key, bool keyed, unsigned sizes)
{
    p->picture = key ? 0 : p->picture + 1;
    uint8_t t = temporal[p->picture % 4];
    p->tl0 = (uint8_t)(p->tl0 + (t == 0));
    p->id++;
    bool alone = keyed && !key;
    for (unsigned size = 0; size < sizes; size++) {
        bool leans = size > 0 && !alone;
        uint8_t b[1000] = {
            (uint8_t)(0xac | (key ? 0 : 0x40) | (alone || size + 1U == sizes)),
            (uint8_t)(0x80 | p->id >> 8),
            (uint8_t)p->id,
            (uint8_t)((unsigned)t << 5 | (p->picture % 4 <= 2 ? 16U : 0U) | size << 1 |
                      (leans ? 1U : 0U)),
            p->tl0,
            0x80,
            (uint8_t)(size << 4 | t)};
        send_packet(p, SSRC_IN, (struct span){b, 60U << 2 * size}, size + 1U == sizes);
    }
    sim_run(&s.sim, MSEC(FRAME_MS));
}

static uint8_t last_octet(size_t i)
{
    struct rtp r = sim_rtp(s.sub, i);
    return r.payload.n > 0 ? r.payload.p[r.payload.n - 1] : 0xff;
}

/* Numbers of what came since `from` go on without a gap. */
static void check_gapless(size_t from)
{
    for (size_t i = from + 1; i < s.sub->rtp_n; i++)
        CHECK_INT(sim_rtp(s.sub, i).seq, (uint16_t)(sim_rtp(s.sub, i - 1).seq + 1));
}

static void open_codec(enum codec codec, unsigned viewer_shard)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    p.receive.params.codecs[0].codec = codec;
    k.send.params.codecs[0].codec = codec;
    stage_open(&s, &p, &k, viewer_shard, SRTP_GCM_128);
}

/* ---- rates ---- */

/* The highest rate that comes while a viewer has each target, here and on another worker. */
TEST(pick_rates_of_vp8)
{
    static const struct {
        uint8_t rates;  /* how many; 0: all */
        size_t packets; /* of 8 pictures of two each */
    } rows[] = {{1, 4}, {2, 8}, {0, 16}, {3, 16}, {1, 4}, {0, 16}};
    for (unsigned shard = 0; shard < 2; shard++) {
        struct publisher p = {.seq = 1, .id = 0x7ff0};
        open_codec(CODEC_VP8, shard);
        send_vp8(&p, true);
        for (int i = 0; i < 31; i++)
            send_vp8(&p, false);
        for (size_t i = 0; i < LEN(rows); i++) {
            want(shard, 0, 0, rows[i].rates);
            for (int k = 0; k < 8; k++)
                send_vp8(&p, false); /* it has begun by then */
            size_t from = s.sub->rtp_n;
            for (int k = 0; k < 8; k++)
                send_vp8(&p, false);
            CHECK_INT(s.sub->rtp_n - from, rows[i].packets);
            for (; from < s.sub->rtp_n; from++)
                CHECK(rows[i].rates == 0 || last_octet(from) < rows[i].rates);
        }
        check_gapless(0);
        /* Pictures are named as if there were no others. */
        for (size_t i = 2; i < s.sub->rtp_n; i += 2) {
            struct rtp a = sim_rtp(s.sub, i - 1), b = sim_rtp(s.sub, i);
            unsigned next = ((unsigned)rtp_be16(a.payload.p + 2) + 1) & 0x7fff;
            CHECK_INT(rtp_be16(b.payload.p + 2) & 0x7fff, next);
        }
        stage_close(&s);
    }
}

/* A picture that came after those behind it is left out, too: an empty packet has the number
 * that was kept for it. And what is resent is what was sent. */
TEST(pick_late_and_again)
{
    struct publisher p = {.seq = 100, .id = 100};
    open_codec(CODEC_VP8, 0);
    send_vp8(&p, true);
    for (int i = 0; i < 31; i++)
        send_vp8(&p, false); /* it was measured by then */
    want(0, 0, 0, 1);
    for (int i = 0; i < 8; i++)
        send_vp8(&p, false);
    size_t from = s.sub->rtp_n;
    struct publisher late = p;
    send_vp8(&p, false); /* T2 */
    p.seq = (uint16_t)(late.seq + 2);
    for (int i = 0; i < 3; i++)
        send_vp8(&p, false); /* T1 T2 T0 */
    CHECK_INT(s.sub->rtp_n - from, 2);
    CHECK_INT(last_octet(from), 0);
    check_gapless(from);
    struct rtp first = sim_rtp(s.sub, from);
    sim_send_nack(s.sub, SSRC_OUT, &first.seq, 1);
    sim_run(&s.sim, MSEC(5));
    struct rtp again = sim_rtp(s.sub, s.sub->rtp_n - 1);
    CHECK_INT(again.ssrc, SSRC_RTX);
    CHECK(
        span_eq((struct span){again.payload.p + 2, again.payload.n - 2}, first.payload));
    stage_close(&s);
}

/* ---- sizes ---- */

TEST(pick_sizes_of_vp9)
{
    static const struct {
        const char *name;
        bool keyed;
        uint8_t sizes;  /* how many; 0: all */
        size_t packets; /* of 4 pictures */
        bool at_once;   /* without a key */
    } rows[] = {
        {"lower", false, 2, 8, true},        {"lowest", false, 1, 4, true},
        {"higher", false, 2, 8, false},      {"all", false, 0, 12, false},
        {"K-SVC, lower", true, 2, 4, false}, {"K-SVC, lowest", true, 1, 4, false},
        {"K-SVC, all", true, 0, 4, false},
    };
    for (unsigned keyed = 0; keyed < 2; keyed++) {
        struct publisher p = {.seq = 1, .id = 0x7ff0};
        open_codec(CODEC_VP9, 0);
        send_vp9(&p, true, keyed, 3);
        for (int i = 0; i < 31; i++)
            send_vp9(&p, false, keyed, 3);
        for (size_t i = 0; i < LEN(rows); i++) {
            if (rows[i].keyed != keyed)
                continue;
            check_row(rows[i].name);
            size_t asked = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
            want(0, 0, rows[i].sizes, 0);
            sim_run(&s.sim, SEC(1)); /* requests are not made more often */
            CHECK((sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI) > asked) !=
                  rows[i].at_once);
            size_t from = s.sub->rtp_n;
            if (!rows[i].at_once)
                send_vp9(&p, true, keyed, 3);
            size_t begun = s.sub->rtp_n;
            CHECK(rows[i].at_once ||
                  begun - from == (rows[i].sizes > 0 ? rows[i].sizes : 3U));
            for (int k = 0; k < 4; k++)
                send_vp9(&p, false, keyed, 3);
            CHECK_INT(s.sub->rtp_n - begun, rows[i].packets);
            /* Each picture ends with a marker, and nothing else has one. */
            for (size_t k = begun; k < s.sub->rtp_n; k++) {
                struct rtp r = sim_rtp(s.sub, k);
                bool last = k + 1 == s.sub->rtp_n || sim_rtp(s.sub, k + 1).ts != r.ts;
                CHECK_INT(r.marker, last);
            }
        }
        check_gapless(0);
        stage_close(&s);
    }
}

/* ---- descriptors ---- */

/* AV1 in two sizes, as a browser sent it: a key picture with its structure, and another. */
static const struct {
    const char *dd;
    bool marker;
} av1[] = {
    {"c1 0014 80 01 23 ba 22 89 18 20 d2 10 01 11 18 13 f8 0b 38 27 f8 16 78", false},
    {"83 0015", false},
    {"43 0015", true},
    {"80 0016", false},
    {"40 0016", false},
    {"82 0017", false},
    {"42 0017", true},
};

static void send_av1(unsigned seq, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++, seq++) {
        static const uint8_t payload[200] = {0x50};
        struct rtp r = {.pt = PT_IN,
                        .seq = (uint16_t)seq,
                        .ts = 3000U * (uint32_t)(seq / LEN(av1) * 2 + (i > 2)),
                        .ssrc = SSRC_IN,
                        .marker = av1[i].marker,
                        .payload = {payload, sizeof payload}};
        uint8_t buf[600], dd[64];
        struct span hex = check_hex(av1[i].dd);
        memcpy(dd, hex.p, hex.n);
        dd[2] = (uint8_t)(dd[2] + seq / LEN(av1) * 4); /* frame number */
        struct rtp_elem e = {.id = DD_IN, .data = {dd, hex.n}};
        stage_exts(&r, buf, &e, 1);
        sim_send_rtp(s.pub, &r);
    }
    sim_run(&s.sim, MSEC(66));
}

static void open_av1(uint8_t dd_out, unsigned shard)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    p.receive.params.codecs[0].codec = CODEC_AV1;
    p.receive.params.ext_id[EXT_DEPENDENCY] = DD_IN;
    k.send.params.codecs[0].codec = CODEC_AV1;
    k.send.params.ext_id[EXT_DEPENDENCY] = dd_out;
    stage_open(&s, &p, &k, shard, SRTP_GCM_128);
}

/* A viewer of the lower of two sizes: its pictures end with a marker, and its descriptors say
 * that the other size is not active, from the next picture on. */
TEST(pick_tells_active_targets)
{
    for (unsigned shard = 0; shard < 2; shard++) {
        unsigned seq = 0;
        open_av1(DD_OUT, shard);
        for (; seq < 15 * LEN(av1); seq += LEN(av1))
            send_av1(seq, 0, LEN(av1));
        CHECK_INT(s.sub->rtp_n, seq);
        struct span last = sim_ext(s.sub, s.sub->rtp_n - 4, DD_OUT);
        CHECK_INT(last.n, 3);
        want(shard, 0, 1, 0);
        size_t from = s.sub->rtp_n;
        send_av1(seq, 0, LEN(av1));
        CHECK_INT(s.sub->rtp_n - from, 3);
        for (size_t i = 0; i < 3; i++) {
            struct span dd = sim_ext(s.sub, from + i, DD_OUT);
            CHECK_INT(sim_rtp(s.sub, from + i).marker, i != 1);
            CHECK_INT(dd.n, i == 0 ? 25 : i == 1 ? 4 : 3);
        }
        CHECK_INT(sim_ext(s.sub, from, DD_OUT).p[3], 0xc0);
        CHECK_INT(sim_ext(s.sub, from + 1, DD_OUT).p[3], 0x42); /* 01000, then 01 */
        check_gapless(0);
        stage_close(&s);
    }
}

/* A packet that comes after the viewer went on to the larger size, and is of a picture before that,
 * says what was active then: the larger size of its own picture never came. */
TEST(pick_tells_what_was_active_then)
{
    unsigned seq = 0;
    open_av1(DD_OUT, 0);
    for (; seq < 15 * LEN(av1); seq += LEN(av1))
        send_av1(seq, 0, LEN(av1));
    want(0, 0, 1, 0);
    send_av1(seq, 0, 3);
    send_av1(seq + 4, 4, LEN(av1));
    want(0, 0, 0, 0);
    send_av1(seq + LEN(av1), 0, LEN(av1));
    struct span now = sim_ext(s.sub, s.sub->rtp_n - 2, DD_OUT);
    send_av1(seq + 3, 3, 4);
    struct span late = sim_ext(s.sub, s.sub->rtp_n - 1, DD_OUT);
    CHECK(now.n == 4 && late.n == 4);
    CHECK_INT(now.p[3], 0x46); /* 01000, then 11 */
    CHECK_INT(late.p[3], 0x42);
    stage_close(&s);
}

/* Who did not negotiate descriptors could not tell two sizes apart. */
TEST(pick_the_lowest_size_for_who_has_no_descriptors)
{
    unsigned seq = 0;
    open_av1(0, 0);
    for (; seq < 15 * LEN(av1); seq += LEN(av1))
        send_av1(seq, 0, LEN(av1));
    CHECK_INT(s.sub->rtp_n, 15 * 3);
    for (size_t i = 0; i < s.sub->rtp_n; i++)
        CHECK_INT(sim_rtp(s.sub, i).marker, i % 3 != 1);
    check_gapless(0);
    stage_close(&s);
}

/* The largest size does not come any more: the next one is there within a second, in K-SVC by
 * a key that is asked for. */
TEST(pick_a_size_that_falls_silent)
{
    for (unsigned keyed = 0; keyed < 2; keyed++) {
        struct publisher p = {.seq = 1, .id = 1};
        check_row(keyed ? "K-SVC" : "SVC");
        open_codec(CODEC_VP9, 0);
        send_vp9(&p, true, keyed, 3);
        for (int i = 0; i < 30; i++)
            send_vp9(&p, false, keyed, 3);
        size_t asked = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), from = s.sub->rtp_n;
        usec silent = s.sim.now;
        while (s.sim.now - silent < MSEC(800) &&
               sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI) == asked)
            send_vp9(&p, false, keyed, 2);
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI) - asked, keyed);
        CHECK(keyed ? s.sim.now - silent < MSEC(720) : s.sub->rtp_n > from);
        send_vp9(&p, keyed, keyed, 2);
        from = s.sub->rtp_n;
        send_vp9(&p, false, keyed, 2);
        CHECK_INT(s.sub->rtp_n - from, keyed ? 1 : 2);
        CHECK_INT(sim_rtp(s.sub, s.sub->rtp_n - 1).payload.p[6] >> 4, 1);
        stage_close(&s);
    }
}

/* ---- encodings ---- */

static void send_encoding(unsigned i, uint16_t seq, bool key, size_t n)
{
    static uint8_t payload[1000] = {0x10};
    struct rtp r = stage_frame(100 + i, seq, key);
    uint8_t buf[600];
    struct rtp_elem e[2] = {stage_elem(MID_IN, "v"), stage_elem(RID_IN, i == 0   ? "l"
                                                                        : i == 1 ? "m"
                                                                                 : "h")};
    payload[1] = !key;
    payload[2] = (uint8_t)i;
    r.payload = (struct span){payload, n};
    stage_exts(&r, buf, e, 2);
    sim_send_rtp(s.pub, &r);
}

static int from_encoding(void)
{
    const struct consumer *c = viewer(0);
    return c->from ? c->from->number : -1;
}

TEST(pick_an_encoding_and_another_while_it_is_silent)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    uint16_t seq = 1;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    for (; seq <= 60; seq++) {
        for (unsigned i = 0; i < 3; i++)
            send_encoding(i, seq, seq % 10 == 1, 200 * (i + 1));
        sim_run(&s.sim, MSEC(33));
    }
    CHECK_INT(from_encoding(), 2);
    want(0, 2, 0, 0);
    CHECK_INT(from_encoding(), 2); /* until its key */
    for (unsigned i = 0; i < 3; i++)
        send_encoding(i, seq, true, 200 * (i + 1));
    sim_run(&s.sim, MSEC(33));
    seq++;
    CHECK_INT(from_encoding(), 1);

    /* Its publisher switches it off: half a second later another is wanted. */
    usec silent = s.sim.now;
    for (; from_encoding() == 1 && s.sim.now - silent < SEC(1); seq++) {
        send_encoding(0, seq, seq % 4 == 0, 200);
        send_encoding(2, seq, seq % 4 == 0, 600);
        sim_run(&s.sim, MSEC(33));
    }
    CHECK(from_encoding() != 1);
    CHECK(s.sim.now - silent < MSEC(900));

    sl_share_wish(viewer(0), &(struct rtp_wish){.paused = true}, s.sim.now);
    size_t n = s.sub->rtp_n;
    for (unsigned i = 0; i < 3; i++)
        send_encoding(i, (uint16_t)(seq + 1), true, 200);
    sim_run(&s.sim, MSEC(600));
    CHECK_INT(s.sub->rtp_n, n);
    CHECK_INT(from_encoding(), -1);
    want(0, 0, 0, 0);
    for (unsigned i = 0; i < 3; i++)
        send_encoding(i, (uint16_t)(seq + 2), true, 200);
    sim_run(&s.sim, MSEC(33));
    CHECK(s.sub->rtp_n > n);
    check_gapless(0);
    stage_close(&s);
}
