/* What a viewer is sent, in any order of packets, losses, switches and numbers that wrap around. */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "media/dd.h"
#include "media/ddwrite.h"
#include "rates.h"
#include "stage.h"
#include "unruly.h"

enum {
    ENCODINGS = 3,
    SSRC_LAYER = 101,
    FRAMES = 600,
    PACKETS = 3,     /* of a frame */
    KEY_EVERY = 100, /* frames, besides those that are asked for */
    FRAME_TICKS = 3000,
    FPS = 30,
    OUT_MAX = FRAMES * PACKETS + UNRULY_HELD,
    NOBODY = -1,
};

struct story {
    const char *name;
    unsigned lost, late; /* of 1000 packets */
    bool switches;
    bool reports; /* the publisher's clock is known */
};

static const struct story stories[] = {
    {"all in order", 0, 0, false},
    {"switches", 0, 0, true},
    {"out of order", 0, 100, false},
    {"switches, out of order", 0, 100, true},
    {"losses", 50, 0, false},
    {"switches and losses", 50, 0, true},
    {"all of it at once", 50, 100, true},
    {"reports", 0, 0, false, true},
    {"reports, switches", 0, 0, true, true},
    {"reports, all of it at once", 50, 100, true, true},
};

/* A frame as the publisher made it. */
struct frame {
    int ref; /* what it needs, NOBODY for a key */
    uint8_t temporal;
};

struct source {
    uint64_t seq; /* with roll-overs, as SRTP counts them */
    uint16_t id;
    uint8_t tl0;
    unsigned picture; /* since the last key */
    uint32_t ts;
    int last[3]; /* by temporal layer */
    struct frame frames[FRAMES];
};

/* A packet as the viewer got it. */
struct got {
    bool came, empty, marker;
    uint8_t encoding, part;
    int frame;
    uint32_t ts;
    uint16_t id;
    uint8_t tl0;
    uint8_t dd[DD_OCTETS_MAX], dd_n;
};

static struct {
    struct stage s;
    struct rng rng;
    const struct story *story;
    enum codec codec;
    struct source sources[ENCODINGS];
    struct unruly unruly;
    size_t seen, plis, reports;
    bool begun;
    uint16_t first; /* output number */
    struct got got[OUT_MAX];
    size_t got_n;
    bool wished[FRAMES]; /* something else, before this frame */
} world;

static unsigned chance(unsigned n)
{
    return (unsigned)(sl_rng_u64(&world.rng) % n);
}

/* ---- the publisher ---- */

static void send(const struct rtp *r, uint64_t seq)
{
    world.s.pub->index = seq;
    sim_send_rtp(world.s.pub, r);
}

/* Three rates. */
static void send_frame(unsigned e, int n, bool key)
{
    static const uint8_t pattern[] = {0, 2, 1, 2};
    struct source *s = &world.sources[e];
    s->picture = key ? 0 : s->picture + 1;
    uint8_t t = pattern[s->picture % 4];
    int ref = t == 0 ? s->last[0] : s->picture % 4 == 3 ? s->last[1] : s->last[0];
    s->frames[n] = (struct frame){key ? NOBODY : ref, t};
    s->last[t] = n;
    if (key)
        s->last[1] = n;
    s->tl0 = (uint8_t)(s->tl0 + (t == 0));
    s->id++;
    for (int part = 0; part < PACKETS; part++) {
        struct rates_picture p = {.id = s->id,
                                  .tl0 = s->tl0,
                                  .rate = t,
                                  .key = key,
                                  .sync = t > 0 && s->picture % 4 <= 2,
                                  .start = part == 0,
                                  .end = part + 1 == PACKETS};
        uint8_t b[RATES_DESCRIPTOR + 4] = {0};
        rates_describe(world.codec, &p, b);
        b[RATES_DESCRIPTOR] = (uint8_t)e;
        b[RATES_DESCRIPTOR + 1] = (uint8_t)part;
        b[RATES_DESCRIPTOR + 2] = (uint8_t)(n >> 8);
        b[RATES_DESCRIPTOR + 3] = (uint8_t)n;
        struct rtp r = {.pt = PT_VP8,
                        .seq = (uint16_t)s->seq,
                        .ts = s->ts + FRAME_TICKS * (unsigned)n,
                        .ssrc = SSRC_LAYER + e,
                        .marker = part + 1 == PACKETS,
                        .payload = {b, sizeof b}};
        uint8_t dd[RATES_DD], buf[600];
        struct rtp_elem ext = {.id = DD_IN, .data.p = dd};
        ext.data.n = rates_dd(&p, dd);
        if (world.codec == CODEC_AV1)
            stage_exts(&r, buf, &ext, 1);
        unruly_pass(&world.unruly, &r, s->seq++, n);
    }
}

/* The publisher's clock when it made a frame: it began just before its seconds wrap around. */
static uint64_t ntp_of(int64_t n)
{
    return (UINT64_C(0xfffffff8) << 32) + (uint64_t)(n * (INT64_C(1) << 32) / FPS);
}

/* Each encoding counts from a time of its own, and its report is of another moment. */
static void send_report(unsigned e, int n)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    int64_t at = n - 5 * (int)e;
    struct rtcp_sender s = {.ntp = ntp_of(at),
                            .rtp_ts = world.sources[e].ts + FRAME_TICKS * (uint32_t)at};
    sl_rtcp_build_report(&w, SSRC_LAYER + e, &s, NULL, 0);
    sim_send_rtcp(world.s.pub, wr_done(&w));
}

/* Encodings of which a key frame was asked for since the last look. */
static unsigned asked(void)
{
    static struct rtcp all[SIM_GOT];
    struct rtcp_fb fb;
    unsigned ret = 0;
    size_t n = sim_rtcp(world.s.pub, RTCP_PSFB, PSFB_PLI, all, LEN(all));
    size_t fresh = n - world.plis < LEN(all) ? n - world.plis : LEN(all), there = n;
    if (there > LEN(all))
        there = LEN(all);
    for (size_t i = there - fresh; i < there; i++)
        if (sl_rtcp_fb(&all[i], &fb) == E_OK && fb.media >= SSRC_LAYER)
            ret |= 1U << (fb.media - SSRC_LAYER);
    world.plis = n;
    return ret;
}

/* ---- the viewer ---- */

static void take(const struct rtp *r, struct span dd)
{
    if (r->ssrc != SSRC_OUT)
        return;
    if (!world.begun)
        world.first = r->seq;
    world.begun = true;
    uint16_t at = (uint16_t)(r->seq - world.first);
    CHECK(at < OUT_MAX);
    if (at >= OUT_MAX)
        return;
    struct got *g = &world.got[at];
    CHECK(!g->came); /* a number is given once */
    *g = (struct got){.came = true, .empty = r->payload.n < 12, .marker = r->marker};
    world.got_n = at + 1U > world.got_n ? at + 1U : world.got_n;
    if (g->empty)
        return;
    const uint8_t *p = r->payload.p;
    g->ts = r->ts;
    g->id = rtp_be16(p + (world.codec == CODEC_VP9 ? 1 : 2)) & 0x7fff;
    g->tl0 = p[4];
    g->encoding = p[RATES_DESCRIPTOR];
    g->part = p[RATES_DESCRIPTOR + 1];
    g->frame = rtp_be16(p + RATES_DESCRIPTOR + 2);
    if (world.codec == CODEC_AV1) {
        CHECK(dd.n >= 3 && dd.n <= RATES_DD + DD_GROWTH_MAX);
        memcpy(g->dd, dd.p, dd.n);
        g->dd_n = (uint8_t)dd.n;
        g->id = rtp_be16(dd.p + 1);
    }
}

static void look(void)
{
    for (; world.seen < world.s.sub->rtp_n; world.seen++) {
        struct rtp r = sim_rtp(world.s.sub, world.seen);
        take(&r, sim_ext(world.s.sub, world.seen, DD_OUT));
    }
}

/* What the viewer is told of the time belongs to the frames that it was sent last. */
static void look_at_reports(void)
{
    static struct rtcp all[SIM_GOT];
    struct rtcp_report rep;
    const struct got *last = NULL;
    for (size_t i = world.got_n; !last && i-- > 0;)
        if (world.got[i].came && !world.got[i].empty)
            last = &world.got[i];
    size_t n = sim_rtcp(world.s.sub, RTCP_SR, 0, all, LEN(all));
    if (!last || n == world.reports ||
        sl_rtcp_report(&all[LEN(all) < n ? LEN(all) - 1 : n - 1], &rep) != E_OK)
        return;
    world.reports = n;
    int64_t ticks = (int32_t)(rep.sender.rtp_ts - last->ts);
    int64_t ntp = (int64_t)(rep.sender.ntp - ntp_of(last->frame));
    int64_t off = ticks - ntp * FRAME_TICKS * FPS / (INT64_C(1) << 32);
    CHECK(off >= -1 && off <= 1);
}

static void wish(int n)
{
    world.wished[n] = true;
    struct rtp_wish wish = {.encoding = (uint8_t)(1 + chance(ENCODINGS)),
                            .temporals = (uint8_t)(1 + chance(3))};
    struct mail m = sl_mail_wish(CONSUMER, &wish);
    sim_mail(&world.s.sim, world.s.sub->shard, &m);
    sim_settle(&world.s.sim);
}

/* ---- what must hold ---- */

struct decoder {
    const struct got *before; /* the last that was no empty one */
    bool gap;                 /* a number is missing since the last key frame began */
    bool whole;               /* the frame under way has all its parts so far */
    uint8_t tl0;              /* of the last frame of the lowest rate */
    struct dd dd;             /* what descriptors say, */
    int active;               /* the highest rate that they say will come */
    bool seen[ENCODINGS][FRAMES];
};

static bool is_new(const struct decoder *d, const struct got *g)
{
    return !d->before || d->before->encoding != g->encoding ||
           d->before->frame != g->frame;
}

static bool is_key(const struct got *g)
{
    return world.sources[g->encoding].frames[g->frame].ref == NOBODY;
}

/* A picture is as much later than the one before as it was when they were made: within a source
 * always, and over a switch where the publisher's clock is known. One that is no later, since
 * the other source was ahead, follows by a tick. */
static void check_time(const struct got *b, const struct got *g)
{
    int32_t later = (int32_t)(g->ts - b->ts);
    int32_t made = FRAME_TICKS * (g->frame - b->frame);
    CHECK(later > 0);
    if (b->encoding == g->encoding)
        CHECK_INT(later, made);
    else if (world.story->reports)
        CHECK_INT(later, made > 0 ? made : 1);
}

/* Time and names go on; nothing is skipped where nothing is missing. */
static void check_order(const struct decoder *d, const struct got *g, bool gapless)
{
    const struct got *b = d->before;
    if (!b)
        return;
    int32_t later = (int32_t)(g->ts - b->ts);
    uint16_t pictures = (uint16_t)(g->id - b->id) & 0x7fff;
    /* VP9 and AV1 keep the numbers of pictures that are left out, H.264 has none. */
    bool keeps = world.codec == CODEC_VP9 || world.codec == CODEC_AV1;
    uint16_t next = keeps ? (uint16_t)(g->frame - b->frame) : 1;
    if (world.codec == CODEC_H264)
        pictures = is_new(d, g) ? 1 : 0;
    if (!is_new(d, g)) {
        CHECK(later == 0 && pictures == 0 && g->part > b->part);
        return;
    }
    check_time(b, g);
    CHECK(pictures >= 1 && pictures < 200);
    /* Of what was lost just before a switch nothing is known; a key frame needs none of it. */
    if (gapless)
        CHECK(g->part == 0 && (is_key(g) || (pictures == next && b->marker)));
}

/* What comes is of an active decode target; and what is left out while nobody changes a wish, of
 * one that is not, as was said before or with the next picture: nobody waits for it (A.8.2 of the
 * AV1 payload format). */
static void check_active(struct decoder *d, const struct got *g, bool gapless)
{
    const struct got *b = d->before;
    struct dd_frame f;
    CHECK_INT(sl_dd_read(&d->dd, (struct span){g->dd, g->dd_n}, &f), E_OK);
    CHECK(f.known);
    int before = d->active;
    d->active = -1;
    for (unsigned i = 0; i < d->dd.targets_n; i++)
        if (d->dd.active & 1U << i && d->dd.targets[i].temporal > d->active)
            d->active = d->dd.targets[i].temporal;
    CHECK(f.temporal <= d->active);
    if (!b || !gapless || b->encoding != g->encoding || is_key(g) ||
        world.wished[g->frame])
        return;
    int least = d->active < before ? d->active : before;
    for (int n = g->frame - 1; n > b->frame && !world.wished[n]; n--)
        CHECK(world.sources[g->encoding].frames[n].temporal > least);
}

static void check_tl0(const struct decoder *d, const struct got *g, uint8_t temporal,
                      bool known)
{
    if (temporal == 0 && d->before && known)
        CHECK_INT(g->tl0, (uint8_t)(d->tl0 + 1));
    if (temporal > 0 && !d->gap)
        CHECK_INT(g->tl0, d->tl0);
}

static void check_decodes(struct decoder *d, const struct got *g)
{
    const struct frame *f = &world.sources[g->encoding].frames[g->frame];
    bool key = is_key(g);
    if (is_new(d, g)) {
        bool known = !d->gap && !(key && world.story->lost + world.story->late > 0);
        d->whole = g->part == 0;
        d->gap = key && g->part == 0 ? false : d->gap;
        if (world.codec == CODEC_VP8 || world.codec == CODEC_VP9)
            check_tl0(d, g, f->temporal, known);
        if (f->temporal == 0)
            d->tl0 = g->tl0;
    }
    /* Who sees no gap may decode. */
    CHECK(key || d->gap || d->seen[g->encoding][f->ref]);
    if (g->part + 1 == PACKETS) {
        CHECK(g->marker);
        d->seen[g->encoding][g->frame] =
            d->whole && (key || d->seen[g->encoding][f->ref]);
    }
}

static void check_all(void)
{
    static struct decoder d;
    d = (struct decoder){.gap = false};
    bool gapless = true;
    size_t missing = 0;
    for (size_t i = 0; i < world.got_n; i++) {
        const struct got *g = &world.got[i];
        if (!g->came) {
            d.gap = true;
            d.whole = gapless = false;
            missing++;
        } else if (!g->empty) {
            check_order(&d, g, gapless);
            if (world.codec == CODEC_AV1)
                check_active(&d, g, gapless);
            check_decodes(&d, g);
            d.before = g;
            gapless = true;
        }
    }
    CHECK(world.got_n > FRAMES / 2);
    /* What is late, and of before a switch, is not sent any more. */
    CHECK(missing <=
          world.got_n * (world.story->lost * 2 + world.story->late / 3) / 1000);
}

/* ---- all together ---- */

static void run(const struct story *story, enum codec codec, unsigned viewer,
                uint64_t seed)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(PT_NONE);
    unsigned wraps = codec == CODEC_AV1 ? 0xffc0 : 0x7fc0; /* 16 bits, or 15 */
    memset(&world, 0, sizeof world);
    world.rng = sl_rng_of(seed);
    world.unruly = (struct unruly){
        .rng = &world.rng, .give = send, .lost = story->lost, .late = story->late};
    world.story = story;
    world.codec = codec;
    p.receive.params.codecs[0].codec = k.send.params.codecs[0].codec = codec;
    k.send.params.ext_id[EXT_TWCC] = 0;
    if (codec == CODEC_AV1) {
        p.receive.params.ext_id[EXT_DEPENDENCY] = DD_IN;
        k.send.params.ext_id[EXT_DEPENDENCY] = DD_OUT;
    }
    for (unsigned e = 0; e < ENCODINGS; e++) {
        p.receive.encodings[e].ssrc = SSRC_LAYER + e;
        /* All of them wrap around soon, none at the same time. */
        world.sources[e] = (struct source){.seq = 0xff00U + 50U * e,
                                           .id = (uint16_t)(wraps + 30 * e),
                                           .tl0 = (uint8_t)(200 + 20 * e),
                                           .ts = 0U - 3000U * (100 + 70 * e)};
    }
    stage_open(&world.s, &p, &k, viewer, SRTP_GCM_128);
    for (int n = 0; n < FRAMES; n++) {
        unsigned keys = n % KEY_EVERY == 0 ? 7 : asked();
        for (unsigned e = 0; story->reports && n % FPS == 0 && e < ENCODINGS; e++)
            send_report(e, n);
        if (story->switches && chance(12) == 0)
            wish(n);
        for (unsigned e = 0; e < ENCODINGS; e++)
            send_frame(e, n, keys & 1U << e);
        unruly_sent(&world.unruly, n);
        sim_run(&world.s.sim, MSEC(33));
        look();
        look_at_reports();
    }
    unruly_sent(&world.unruly, FRAMES + 4);
    sim_run(&world.s.sim, MSEC(100));
    look();
    check_all();
    CHECK((world.reports > 0) == story->reports);
    stage_close(&world.s);
}

TEST(rewrite_is_decodable_and_gap_consistent)
{
    static const struct {
        const char *name;
        enum codec codec;
        uint64_t seeds;
    } codecs[] = {{"VP8", CODEC_VP8, 8},
                  {"VP9", CODEC_VP9, 4},
                  {"H.264", CODEC_H264, 4},
                  {"AV1", CODEC_AV1, 4}};
    for (size_t k = 0; k < LEN(codecs); k++)
        for (size_t i = 0; i < LEN(stories); i++)
            for (uint64_t seed = 1; seed <= codecs[k].seeds; seed++) {
                char row[64];
                (void)snprintf(row, sizeof row, "%s, %s", codecs[k].name,
                               stories[i].name);
                check_row(row);
                run(&stories[i], codecs[k].codec, seed % 2, seed);
            }
}
