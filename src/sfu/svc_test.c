/* What a viewer is sent of one encoding in several sizes, in any order of packets, losses, wishes and
 * numbers that wrap around. For simulcast: rewrite_test. */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "media/dd.h"
#include "sizes.h"
#include "stage.h"
#include "unruly.h"

enum {
    PICTURES = 600,
    KEY_EVERY = 150, /* pictures, besides those that are asked for */
    SETTLED = 60,    /* pictures: key pictures are asked for once a second */
    OUT_MAX = PICTURES * SIZES_MAX * 2 + UNRULY_HELD,
};

struct story {
    const char *name;
    unsigned lost, late; /* of 1000 packets */
    unsigned wish_every; /* pictures, about; 0: never */
    bool pauses;
};

static const struct story stories[] = {{"all in order", 0, 0, 0, false},
                                       {"wishes", 0, 0, 12, false},
                                       {"wishes now and then", 0, 0, 40, true},
                                       {"out of order", 0, 250, 12, false},
                                       {"losses", 50, 0, 12, false},
                                       {"pauses", 0, 0, 12, true},
                                       {"all of it at once", 50, 100, 12, true}};

static const struct {
    const char *name;
    struct sizes_shape shape;
} shapes[] = {{"L3T1", {3, 1, false}},
              {"L2T2", {2, 2, false}},
              {"L3T3", {3, 3, false}},
              {"L3T3_KEY", {3, 3, true}}};

/* A frame as the publisher made it, and what became of it. */
struct frame {
    uint8_t parts, arrived, passed;
    bool whole; /* for the viewer, with all that it refers to */
};

/* What the viewer wants. */
struct watch {
    unsigned turns; /* how often it paused or went on */
    int since;      /* the picture before which it last wished */
    struct rtp_wish wish;
};

struct picture {
    struct sizes_picture made;
    struct watch watch; /* when it was made */
    struct frame frames[SIZES_MAX];
};

/* A packet as the viewer got it. */
struct got {
    bool came, empty, marker;
    struct sizes_part at;
    uint32_t ts;
    uint16_t id; /* of the picture, or the number in its descriptor */
    uint8_t dd[SIZES_DD], dd_n, tl0;
};

static struct {
    struct stage s;
    struct rng rng;
    const struct story *story;
    enum codec codec;
    struct sizes_source source;
    struct unruly unruly;
    uint64_t seq; /* with roll-overs, as SRTP counts them */
    struct picture pictures[PICTURES];
    size_t seen, got_n;
    struct watch watch;
    uint16_t first; /* output number */
    struct got got[OUT_MAX];
} world;

static unsigned chance(unsigned n)
{
    return (unsigned)(sl_rng_u64(&world.rng) % n);
}

/* ---- the publisher ---- */

static void send(const struct rtp *r, uint64_t seq)
{
    struct sizes_part part = sizes_part(r->payload);
    struct picture *of = &world.pictures[part.n];
    /* What is late and was not watched when it was made, or not now, is nobody's. */
    if (of->watch.turns == world.watch.turns)
        of->frames[part.size].arrived++;
    world.s.pub->index = seq;
    sim_send_rtp(world.s.pub, r);
}

static void send_frame(int n, unsigned size)
{
    struct picture *of = &world.pictures[n];
    unsigned parts = of->frames[size].parts = (uint8_t)(1 + chance(2));
    for (unsigned i = 0; i < parts; i++) {
        struct sizes_part part = {n, size, i, i == 0, i + 1 == parts};
        struct sizes_packet p = {0};
        sizes_packet(world.codec, &world.source, &of->made, &part, &p);
        p.rtp.seq = (uint16_t)world.seq;
        unruly_pass(&world.unruly, &p.rtp, world.seq++, n);
    }
    world.source.number++;
}

static void send_picture(int n, bool key)
{
    world.pictures[n] =
        (struct picture){.made = sizes_next(&world.source, n, key), .watch = world.watch};
    for (unsigned size = 0; size < world.source.shape.sizes; size++)
        send_frame(n, size);
}

/* ---- the viewer ---- */

static void take(const struct rtp *r, struct span dd)
{
    if (world.got_n == 0)
        world.first = r->seq;
    uint16_t at = (uint16_t)(r->seq - world.first);
    struct got *g = &world.got[at % OUT_MAX];
    CHECK(at < OUT_MAX);
    CHECK(!g->came); /* a number is given once */
    *g = (struct got){.came = true, .empty = r->payload.n == 0, .marker = r->marker};
    world.got_n = at + 1U > world.got_n ? at + 1U : world.got_n;
    if (g->empty)
        return;
    g->at = sizes_part(r->payload);
    g->ts = r->ts;
    g->id = rtp_be16(r->payload.p + 1) & 0x7fff;
    g->tl0 = r->payload.p[4];
    world.pictures[g->at.n].frames[g->at.size].passed++;
    if (world.codec == CODEC_AV1) {
        CHECK(dd.n >= 3 && dd.n <= SIZES_DD);
        memcpy(g->dd, dd.p, dd.n);
        g->dd_n = (uint8_t)dd.n;
        g->id = rtp_be16(dd.p + 1);
    }
}

static void look(void)
{
    for (; world.seen < world.s.sub->rtp_n; world.seen++) {
        struct rtp r = sim_rtp(world.s.sub, world.seen);
        if (r.ssrc == SSRC_OUT)
            take(&r, sim_ext(world.s.sub, world.seen, DD_OUT));
    }
}

static void wish(int n)
{
    struct watch *w = &world.watch;
    bool was = w->wish.paused;
    w->wish =
        (struct rtp_wish){.spatials = (uint8_t)(1 + chance(world.source.shape.sizes)),
                          .temporals = (uint8_t)(1 + chance(world.source.shape.rates)),
                          .paused = world.story->pauses && chance(4) == 0};
    w->turns += was != w->wish.paused;
    w->since = n;
    struct mail m = sl_mail_wish(CONSUMER, &w->wish);
    sim_mail(&world.s.sim, world.s.sub->shard, &m);
    sim_settle(&world.s.sim);
}

/* ---- what must hold of packets, in the order of their numbers ---- */

struct decoder {
    const struct got *before; /* the last that was no empty one */
    bool gapless;             /* no number is missing since that; or, */
    bool gap;                 /* one is since the last key picture began */
    struct dd dd;             /* what descriptors say */
};

static const struct picture *of(const struct got *g)
{
    return &world.pictures[g->at.n];
}

/* How many frames were made before its own. */
static int place(const struct got *g)
{
    return g->at.n * (int)world.source.shape.sizes + (int)g->at.size;
}

/* The targets that have the frame at this place. */
static uint32_t targets(int place)
{
    const struct sizes_shape *s = &world.source.shape;
    const struct sizes_picture *p = &world.pictures[place / (int)s->sizes].made;
    struct sizes_frame f = {(unsigned)place % s->sizes, p->rate, p->key};
    return sizes_within(s, &f);
}

static bool calm(void)
{
    return world.story->lost + world.story->late == 0;
}

/* Who watches again begins with a key picture, later than the last one and named after it. */
static void check_resumed(const struct got *b, const struct got *g)
{
    int32_t ticks = (int32_t)(g->ts - b->ts), made = SIZES_TICKS * (g->at.n - b->at.n);
    unsigned later = (g->id - b->id) & 0x7fffU;
    CHECK(of(g)->made.key && g->at.size == 0 && g->at.part == 0);
    CHECK(ticks > 0 && abs(ticks - made) <= SIZES_TICKS * 5);
    CHECK(later >= 1 && later <= (calm() ? 4 * SIZES_MAX : 200));
    if (calm() && world.codec == CODEC_VP9)
        CHECK_INT(g->tl0, (uint8_t)(b->tl0 + 1));
}

/* It ends the viewer's picture: always there where nothing is lost. */
static void check_marker(const struct got *b, const struct got *g)
{
    bool last = !g || b->at.n != g->at.n;
    CHECK(world.story->lost == 0 ? b->marker == last : !b->marker || last);
}

static void check_order(const struct got *b, const struct got *g)
{
    check_marker(b, g);
    if (of(b)->watch.turns != of(g)->watch.turns) {
        check_resumed(b, g);
        return;
    }
    bool same = b->at.n == g->at.n && b->at.size == g->at.size;
    int further = place(g) - place(b);
    CHECK(same ? g->at.part > b->at.part : further > 0);
    CHECK_INT((int32_t)(g->ts - b->ts), SIZES_TICKS * (g->at.n - b->at.n));
    if (world.codec == CODEC_AV1) {
        CHECK_INT((uint16_t)(g->id - b->id), further);
    } else {
        CHECK_INT((g->id - b->id) & 0x7fff, g->at.n - b->at.n);
        CHECK_INT((uint8_t)(g->tl0 - b->tl0),
                  (uint8_t)(of(g)->made.tl0 - of(b)->made.tl0));
    }
}

/* What comes is of an active decode target. What is left out while nobody changes a wish is of none
 * that was active before and is then: nobody waits for it (A.8.2 of the AV1 payload format). */
static void check_active(struct decoder *d, const struct got *g)
{
    const struct got *b = d->before;
    struct dd_frame f;
    uint32_t before = d->dd.active;
    CHECK_INT(sl_dd_read(&d->dd, (struct span){g->dd, g->dd_n}, &f), E_OK);
    CHECK(f.known && f.spatial == g->at.size && f.temporal == of(g)->made.rate);
    CHECK(targets(place(g)) & d->dd.active);
    if (!b || !d->gapless || of(g)->watch.since > b->at.n)
        return;
    for (int i = place(b) + 1; i < place(g); i++)
        CHECK((targets(i) & before & d->dd.active) == 0);
}

/* Who sees no gap since the last key picture has all that the frame refers to. */
static void check_decodes(struct decoder *d, const struct got *g)
{
    struct picture *p = &world.pictures[g->at.n];
    struct frame *f = &p->frames[g->at.size];
    bool leans = g->at.size > 0 && (p->made.key || !world.source.shape.keyed);
    bool has = !leans || p->frames[g->at.size - 1].whole;
    if (!p->made.key)
        has &= world.pictures[p->made.ref].frames[g->at.size].whole;
    if (p->made.key && g->at.size == 0 && g->at.part == 0)
        d->gap = false;
    CHECK(has || d->gap);
    f->whole = has && f->passed == f->parts;
}

static void check_packets(void)
{
    struct decoder d = {.gapless = true};
    size_t missing = 0;
    for (size_t i = 0; i < world.got_n; i++) {
        const struct got *g = &world.got[i];
        d.gap |= !g->came;
        d.gapless &= g->came;
        missing += !g->came;
        if (!g->came || g->empty)
            continue;
        if (d.before)
            check_order(d.before, g);
        if (world.codec == CODEC_AV1)
            check_active(&d, g);
        check_decodes(&d, g);
        d.before = g;
        d.gapless = true;
    }
    check_marker(d.before, NULL);
    CHECK(missing <= world.unruly.lost_n);
}

/* ---- what must hold of frames ---- */

static bool is_wished(const struct picture *p, unsigned size)
{
    unsigned top = p->watch.wish.spatials - 1U;
    bool lower = size < top && (p->made.key || !world.source.shape.keyed);
    return !p->watch.wish.paused && p->made.rate < p->watch.wish.temporals &&
           (size == top || lower);
}

/* All that came of it passes, or nothing; and if it does, what came of all that it refers to. Once
 * a wish has settled it is what comes. */
static void check_frame(int n, unsigned size)
{
    const struct picture *p = &world.pictures[n];
    const struct frame *f = &p->frames[size];
    if (calm() && n - p->watch.since >= SETTLED)
        CHECK_INT(f->passed, is_wished(p, size) ? f->parts : 0);
    if (f->passed == 0)
        return;
    CHECK_INT(f->passed, f->arrived);
    if (!p->made.key) {
        const struct frame *r = &world.pictures[p->made.ref].frames[size];
        CHECK(r->passed > 0 || r->arrived == 0);
    }
    if (size > 0 && (p->made.key || !world.source.shape.keyed))
        CHECK(f[-1].passed > 0 || f[-1].arrived == 0);
}

/* ---- all together ---- */

static void open_stage(unsigned viewer)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(PT_NONE);
    p.receive.params.codecs[0].codec = k.send.params.codecs[0].codec = world.codec;
    k.send.params.ext_id[EXT_TWCC] = 0;
    if (world.codec == CODEC_AV1) {
        p.receive.params.ext_id[EXT_DEPENDENCY] = DD_IN;
        k.send.params.ext_id[EXT_DEPENDENCY] = DD_OUT;
    }
    stage_open(&world.s, &p, &k, viewer, SRTP_GCM_128);
}

static void run(const struct story *story, const struct sizes_shape *shape,
                enum codec codec, uint64_t seed)
{
    size_t plis = 0;
    memset(&world, 0, sizeof world);
    world.rng = sl_rng_of(seed);
    world.story = story;
    world.codec = codec;
    world.unruly = (struct unruly){
        .rng = &world.rng, .give = send, .lost = story->lost, .late = story->late};
    /* All of them wrap around soon, none at the same time. */
    world.seq = 0xff00;
    world.source = (struct sizes_source){
        .shape = *shape, .id = 0x7fc0, .number = 0xff40, .tl0 = 200};
    world.watch.wish = (struct rtp_wish){.spatials = (uint8_t)shape->sizes,
                                         .temporals = (uint8_t)shape->rates};
    open_stage(seed % 2);
    for (int n = 0; n < PICTURES; n++) {
        size_t asked = sim_rtcp_count(world.s.pub, RTCP_PSFB, PSFB_PLI);
        if (story->wish_every > 0 && chance(story->wish_every) == 0)
            wish(n);
        send_picture(n, asked != plis || n % KEY_EVERY == 0);
        plis = asked;
        unruly_sent(&world.unruly, n);
        sim_run(&world.s.sim, MSEC(33));
        look();
    }
    unruly_sent(&world.unruly, PICTURES + UNRULY_FRAMES);
    sim_run(&world.s.sim, MSEC(100));
    look();
    CHECK(world.got_n > PICTURES / 3);
    check_packets();
    for (int n = 0; n < PICTURES; n++)
        for (unsigned size = 0; size < shape->sizes; size++)
            check_frame(n, size);
    stage_close(&world.s);
}

TEST(svc_is_decodable_and_gap_consistent)
{
    for (size_t k = 0; k < LEN(shapes) * 2; k++)
        for (size_t i = 0; i < LEN(stories); i++)
            for (uint64_t seed = 1; seed <= 2; seed++) {
                enum codec codec = k % 2 ? CODEC_AV1 : CODEC_VP9;
                char row[64];
                (void)snprintf(row, sizeof row, "%s %s, %s, seed %u",
                               k % 2 ? "AV1" : "VP9", shapes[k / 2].name, stories[i].name,
                               (unsigned)seed);
                check_row(row);
                run(&stories[i], &shapes[k / 2].shape, codec, seed);
            }
}
