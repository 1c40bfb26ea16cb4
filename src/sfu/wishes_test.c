/* What viewers are given in the end, whatever happened before: a publisher that does what browsers
 * do, and viewers on two workers whose wishes and paths change at any time; then all comes to rest. */

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

#include "check.h"
#include "media/allocate.h"
#include "rates.h"
#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/transport.h"
#include "stage.h"

enum {
    PARTS = 3, /* encodings, or sizes of one */
    VIEWERS = 4,
    SEEDS = 40, /* of each story: a failure names its own */
    SSRC_LAYER = 101,
    VLA_IN = 13,
    MARK = RATES_DESCRIPTOR, /* which part a packet is of */
    ORDERS = 64,
    ALL = (1 << PARTS) - 1,
    FPS_LOW = 8, /* every other picture is enough */
};
#define PICTURE MSEC(50)
#define APART   MSEC(6) /* from the packets of one part to those of the next */
#define REST    SEC(20)
#define CALM    SEC(5) /* of it, at the end */

static const struct {
    uint16_t width, height;
    unsigned packets, octets;             /* of a picture, as an encoding */
    unsigned added_packets, added_octets; /* and as a size above others */
} parts[PARTS] = {{320, 180, 1, 900, 1, 900},
                  {640, 360, 2, 1100, 2, 616},
                  {1280, 720, 5, 1100, 3, 1100}};

/* Far from what anything costs: bits/s of a path, the best part that fits with all pictures, and
 * with every other. */
static const struct {
    uint32_t bps;
    int all, half;
} paths[] = {{55000, -1, -1}, {130000, -1, 0}, {300000, 0, 1},
             {800000, 1, 2},  {1600000, 2, 2}, {20000000, 2, 2}};

struct story {
    const char *name;
    bool sizes;  /* inside one encoding; else several */
    bool obeys;  /* what it is told that is wanted */
    bool remb;   /* and what REMB allows */
    bool screen; /* one picture a second */
    bool told;   /* its sizes are told of with key pictures */
};

static const struct story stories[] = {
    {"encodings, obeys", .obeys = true, .told = true},
    {"encodings, REMB", .remb = true, .told = true},
    {"encodings, both", .obeys = true, .remb = true, .told = true},
    {"encodings, neither", .told = true},
    {"sizes, REMB", .sizes = true, .remb = true},
    {"sizes, neither", .sizes = true},
    {"a screen, obeys", .obeys = true, .screen = true, .told = true},
    {"a screen, REMB", .remb = true, .screen = true, .told = true},
};

static struct viewer {
    struct sim_client *c; /* NULL: nobody */
    struct rtp_wish wish;
    unsigned path;
    bool limited; /* it was told once */
    int has;      /* the part that it is sent; -1: none */
    unsigned switches, changes;
    unsigned since; /* changes of the publisher before it came */
} viewers[VIEWERS];

static struct {
    struct sim sim;
    struct sim_client *pub;
    const struct story *story;
    struct rng rng;
    uint64_t seed, next_id;
    usec consent, remb_at;
    unsigned changes; /* of the publisher */

    unsigned can; /* parts that its own path and processor carry */
    bool muted;
    double lively;
    unsigned allowed_wanted, allowed_remb; /* sets of parts */
    struct order {
        usec at;
        unsigned parts;
        bool remb;
    } orders[ORDERS];
    size_t orders_n;
    uint64_t wanted_n;
    size_t rtcp_n;
    unsigned flowing, picture, tl0, seq[PARTS];
    bool key_wanted;
    usec next_picture;
} world;

static unsigned chance(unsigned n)
{
    return (unsigned)(sl_rng_u64(&world.rng) % n);
}

/* ---- the publisher ---- */

static void order(unsigned set, bool remb)
{
    CHECK(world.orders_n < ORDERS);
    if (world.orders_n < ORDERS)
        world.orders[world.orders_n++] =
            (struct order){world.sim.now + MSEC(1) * chance(400), set, remb};
}

/* Later orders hold, though they come sooner; those of REMB and others are apart. */
static void obey(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < world.orders_n; i++) {
        struct order o = world.orders[i];
        bool late = false;
        for (size_t k = i + 1; k < world.orders_n; k++)
            late |= world.orders[k].remb == o.remb && world.orders[k].at <= world.sim.now;
        if (late)
            continue;
        if (o.at > world.sim.now)
            world.orders[kept++] = o;
        else if (o.remb)
            world.allowed_remb = o.parts;
        else
            world.allowed_wanted = o.parts;
    }
    world.orders_n = kept;
}

/* What an encoder sets aside for each. */
static unsigned parts_within(uint64_t bps)
{
    static const uint64_t set_aside[PARTS] = {150000, 500000, 1200000};
    unsigned n = 0;
    for (uint64_t sum = 0; n < PARTS && (sum += set_aside[n]) <= bps + bps / 50;)
        n++;
    return (1U << (n > 0 ? n : 1)) - 1;
}

static void take_feedback(void)
{
    struct sim_client *c = world.pub;
    for (; world.rtcp_n < c->rtcp_n; world.rtcp_n++) {
        const struct sim_got *g = &c->rtcp[world.rtcp_n % SIM_GOT];
        struct rd compound;
        struct rtcp r;
        struct rtcp_fb fb;
        struct rtcp_remb remb;
        CHECK_INT(sl_rtcp_parse((struct span){g->bytes, g->n}, &compound), E_OK);
        while (sl_rtcp_next(&compound, &r)) {
            world.key_wanted |= r.type == RTCP_PSFB && r.count == PSFB_PLI;
            if (r.type == RTCP_PSFB && r.count == PSFB_REMB && world.story->remb &&
                sl_rtcp_fb(&r, &fb) == E_OK && sl_rtcp_remb(&fb, &remb) == E_OK &&
                parts_within(remb.bps) != world.allowed_remb)
                order(parts_within(remb.bps), true);
        }
    }
    if (world.wanted_n != world.sim.to_control[MAIL_WANTED]) {
        world.wanted_n = world.sim.to_control[MAIL_WANTED];
        if (world.story->obeys)
            order(world.sim.told[MAIL_WANTED].arg & ALL, false);
    }
    obey();
}

/* Of those that it sends. */
static size_t write_allocation(uint8_t *p, unsigned stream, unsigned set)
{
    struct wr w = wr_of(p, 64);
    unsigned n = (unsigned)__builtin_popcount(set);
    wr_u8(&w, (uint8_t)(stream << 6 | (PARTS - 1) << 4));
    wr_u8(&w, (uint8_t)((set & 1) << 4 | (set >> 1 & 1)));
    wr_u8(&w, (uint8_t)((set >> 2 & 1) << 4));
    wr_u8(&w, 1 << 6 | 1 << 4 | 1 << 2); /* two temporal layers of each */
    for (unsigned i = 0; i < 2 * n; i++)
        wr_u8(&w, 100);
    for (unsigned i = 0; i < PARTS; i++) {
        if (!(set >> i & 1))
            continue;
        wr_u16(&w, parts[i].width - 1U);
        wr_u16(&w, parts[i].height - 1U);
        wr_u8(&w, 20);
    }
    return w.n;
}

static unsigned rate_of(void)
{
    return world.story->screen ? 0 : world.picture % 2;
}

static void send_part(unsigned part, unsigned set, bool key)
{
    static uint8_t payload[1200];
    uint8_t vla[64], exts[600];
    bool sizes = world.story->sizes, last_part = set >> part == 1;
    unsigned n = sizes ? parts[part].added_packets : parts[part].packets;
    unsigned octets = sizes ? parts[part].added_octets : parts[part].octets;
    unsigned stream = sizes ? 0 : part;
    if (key)
        n *= 3;
    for (unsigned i = 0; i < n; i++) {
        struct rates_picture of = {.id = (uint16_t)(world.picture & 0x7fff),
                                   .tl0 = (uint8_t)world.tl0,
                                   .rate = (uint8_t)(key ? 0 : rate_of()),
                                   .key = key,
                                   .sync = true,
                                   .start = i == 0,
                                   .end = i + 1 == n,
                                   .size = (uint8_t)(sizes ? part : 0),
                                   .leans = sizes && part > 0,
                                   .alone = last_part};
        rates_describe(sizes ? CODEC_VP9 : CODEC_VP8, &of, payload);
        payload[MARK] = (uint8_t)part;
        struct rtp r = {.marker = i + 1 == n && (!sizes || last_part),
                        .pt = PT_VP8,
                        .seq = (uint16_t)++world.seq[stream],
                        .ts = (uint32_t)(world.next_picture * 9 / 100),
                        .ssrc = SSRC_LAYER + stream,
                        .payload = {payload, (size_t)(octets * world.lively)}};
        if (key && i == 0 && world.story->told) {
            struct rtp_elem e = {VLA_IN, {vla, write_allocation(vla, part, set)}};
            stage_exts(&r, exts, &e, 1);
        }
        sim_send_rtp(world.pub, &r);
    }
}

static void tell_sizes(void)
{
    for (unsigned w = 0; w < 2; w++) {
        struct producer *p = sl_shard_producer(world.sim.shards[w], VIDEO);
        for (unsigned i = 0; p && !world.story->told && i < PARTS; i++)
            p->encodings[0].rates.sizes[i] =
                (struct dd_size){parts[i].width, parts[i].height};
    }
}

static unsigned sent_now(void)
{
    unsigned set = (1U << world.can) - 1;
    if (world.muted)
        return 0;
    set &= world.story->remb ? world.allowed_remb : ALL;
    return set & (world.story->obeys ? world.allowed_wanted : ALL);
}

static void look(void);

/* One picture, and the time until the next. */
static void publish(void)
{
    take_feedback();
    bool due = world.sim.now >= world.next_picture;
    unsigned set = due ? sent_now() : 0;
    bool key = world.key_wanted || (set & ~world.flowing) != 0;
    usec until = world.sim.now + PICTURE;
    if (due) {
        world.next_picture = world.sim.now;
        world.flowing = set;
    }
    if (set) {
        world.key_wanted = false;
        world.picture += key ? world.picture % 2 : 0;
        world.tl0 += rate_of() == 0;
    }
    for (unsigned i = 0; i < PARTS; i++) {
        if (set >> i & 1)
            send_part(i, set, key);
        sim_run(&world.sim, APART);
        take_feedback();
    }
    if (due) {
        world.next_picture += world.story->screen ? SEC(1) : PICTURE;
        world.picture += set != 0;
    }
    if (world.story->screen && world.key_wanted) /* a key picture does not wait */
        world.next_picture = until;
    sim_run(&world.sim, until - world.sim.now);
    tell_sizes();
    look();
}

/* ---- viewers ---- */

static struct consumer *consumer_of(const struct viewer *v)
{
    return sl_shard_consumer(world.sim.shards[v->c->shard], CONSUMER + v->c->id);
}

static void tell_path(struct viewer *v)
{
    uint8_t buf[64];
    uint32_t ssrc = SSRC_OUT;
    struct wr w = wr_of(buf, sizeof buf);
    v->limited |= paths[v->path].bps < 2000000;
    if (!v->limited)
        return;
    sl_rtcp_build_remb(&w, 1, paths[v->path].bps, &ssrc, 1);
    sim_send_rtcp(v->c, wr_done(&w));
}

static void wish(struct viewer *v)
{
    static const unsigned any[] = {0, 0, 1, 2, 3};
    unsigned size = any[chance(LEN(any))];
    v->wish = (struct rtp_wish){.paused = chance(6) == 0};
    if (size > 0) {
        v->wish.width = parts[size - 1].width;
        v->wish.height = parts[size - 1].height;
    }
    if (chance(4) == 0 && !world.story->sizes)
        v->wish.encoding = (uint8_t)(1 + chance(PARTS));
    if (chance(4) == 0 && !world.story->screen)
        v->wish.fps = FPS_LOW;
    struct mail m = sl_mail_wish(CONSUMER + v->c->id, &v->wish);
    sim_mail(&world.sim, v->c->shard, &m);
    sim_settle(&world.sim);
}

static struct cmd_producer producer_of(const struct story *story)
{
    struct cmd_producer p = story->sizes ? stage_video() : stage_simulcast();
    p.receive.screen = story->screen;
    p.receive.obeys = story->obeys;
    p.receive.params.codecs[0].codec = story->sizes ? CODEC_VP9 : CODEC_VP8;
    p.receive.params.codecs[0].remb = story->remb;
    p.receive.params.ext_id[EXT_LAYERS_ALLOCATION] = story->told ? VLA_IN : 0;
    for (unsigned l = 0; l < p.receive.encodings_n; l++)
        p.receive.encodings[l].ssrc = SSRC_LAYER + l;
    return p;
}

/* To the second worker, while somebody is there. */
static bool carried(void)
{
    return viewers[1].c || viewers[3].c;
}

static void join(struct viewer *v)
{
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    unsigned shard = (unsigned)(v - viewers) % 2;
    struct sim_client *c =
        sim_connected(&world.sim, world.next_id++, shard, SRTP_GCM_128);
    k.id = CONSUMER + c->id;
    k.send.params.codecs[0].codec = world.story->sizes ? CODEC_VP9 : CODEC_VP8;
    k.send.params.codecs[0].remb = true;
    k.send.params.ext_id[EXT_TWCC] = 0;
    if (shard == 1 && !carried()) {
        struct cmd_producer p = producer_of(world.story);
        sim_carry(world.pub, &p, 1);
    }
    *v = (struct viewer){
        .c = c, .has = -1, .path = LEN(paths) - 1, .since = world.changes};
    sim_consume(c, &k, VIDEO);
    sim_ready(c);
    sim_settle(&world.sim);
}

static void leave(struct viewer *v)
{
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        sim_tell(&world.sim, i, MAIL_CLOSE, v->c->id, 0);
    v->c = NULL;
    if ((v - viewers) % 2 == 1 && !carried()) {
        sim_tell(&world.sim, 0, MAIL_UNPIPE, VIDEO, 1);
        sim_tell(&world.sim, 1, MAIL_PRODUCER_CLOSE, VIDEO, 0);
    }
    sim_settle(&world.sim);
}

static int part_of(const struct consumer *c)
{
    return !c->from ? -1 : world.story->sizes ? c->share.target.spatial : c->from->number;
}

static void look(void)
{
    for (struct viewer *v = viewers; v < viewers + VIEWERS; v++) {
        int has = v->c ? part_of(consumer_of(v)) : -1;
        v->switches += v->c && has != v->has;
        v->has = has;
    }
}

/* ---- time ---- */

static void run(usec span)
{
    for (usec until = world.sim.now + span; world.sim.now < until;) {
        if (world.sim.now >= world.consent) {
            world.consent = world.sim.now + SEC(5);
            sim_check(world.pub);
            for (unsigned i = 0; i < VIEWERS; i++)
                if (viewers[i].c)
                    sim_check(viewers[i].c);
        }
        if (world.sim.now >= world.remb_at) {
            world.remb_at = world.sim.now + MSEC(500);
            for (unsigned i = 0; i < VIEWERS; i++)
                if (viewers[i].c)
                    tell_path(&viewers[i]);
        }
        publish();
    }
}

static void change_of_viewer(struct viewer *v)
{
    if (!v->c) {
        join(v);
        return;
    }
    v->changes++;
    switch (chance(5)) {
    case 0: leave(v); return;
    case 1:
    case 2:
        v->path = chance(LEN(paths));
        if (world.story->screen) /* one picture a second fits wherever any does */
            v->path = v->path % 2 ? 3 : 5;
        tell_path(v);
        return;
    default: wish(v);
    }
}

static void change(void)
{
    switch (chance(8)) {
    case 0:
        world.can = 1 + chance(PARTS);
        world.changes++;
        return;
    case 1:
        world.muted = !world.muted && chance(2) == 0;
        world.changes++;
        return;
    case 2:
        world.lively = 0.4 + 0.3 * chance(3);
        world.changes++;
        return;
    default: change_of_viewer(&viewers[chance(VIEWERS)]);
    }
}

/* ---- what must hold at rest ---- */

struct due {
    int part;    /* -1: nothing */
    bool half;   /* every other picture */
    bool narrow; /* its path carries no more */
};

/* The least that the viewer's window is filled with, and not above the part that it named. */
static int best_of(const struct viewer *v)
{
    int best = (int)world.can - 1;
    for (int i = best; i >= 0 && v->wish.width > 0; i--)
        if (parts[i].width >= v->wish.width)
            best = i;
    if (v->wish.encoding > 0 && v->wish.encoding <= world.can && v->wish.encoding <= best)
        best = v->wish.encoding - 1;
    return best;
}

static struct due due_of(const struct viewer *v)
{
    struct due d = {.part = best_of(v), .half = v->wish.fps > 0};
    int fits = d.half ? paths[v->path].half : paths[v->path].all;
    if (world.story->screen)
        fits = PARTS;
    if (v->wish.paused)
        return (struct due){.part = -1};
    /* Half of the pictures of the least part are more than none. */
    if (fits < 0 && paths[v->path].half >= 0) {
        d.narrow = !d.half;
        d.half = true;
        fits = 0;
    }
    d.narrow |= fits < d.part;
    d.part = fits < d.part ? fits : d.part;
    return d;
}

static void fail(const struct viewer *v, const char *what, int64_t got, int64_t want)
{
    char text[256] = "";
    if (got == want)
        return;
    if (v)
        (void)snprintf(text, sizeof text,
                       " (viewer %d of worker %u, window %u, encoding %u, fps %u, paused "
                       "%d, path %u)",
                       (int)(v - viewers), v->c->shard, v->wish.width, v->wish.encoding,
                       v->wish.fps, v->wish.paused, paths[v->path].bps);
    check_fail(__FILE__, __LINE__,
               "%s, seed %" PRIu64 ", at %d s: %s: got %" PRId64 ", want %" PRId64
               "%s; it can %u, sends %u",
               world.story->name, world.seed, (int)(world.sim.now / SEC(1)), what, got,
               want, text, world.can, world.flowing);
}

/* Pictures that it was sent of each part. */
static void count(const struct viewer *v, size_t from, unsigned ret[PARTS])
{
    memset(ret, 0, PARTS * sizeof *ret);
    for (size_t i = from; i < v->c->rtp_n; i++) {
        struct rtp r = sim_rtp(v->c, i);
        if (r.ssrc != SSRC_OUT || r.payload.n <= MARK || r.payload.p[MARK] >= PARTS)
            continue;
        bool start = world.story->sizes ? r.payload.p[0] & 8 : r.payload.p[0] & 0x10;
        ret[r.payload.p[MARK]] += start;
    }
}

/* What sleeps can be had as far as anybody knows, though its publisher could not send it now. */
static bool seems_narrow(const struct viewer *v, const struct consumer *c, struct due d)
{
    unsigned still = sl_demand_still(c->producer, world.sim.now);
    int fits = d.half ? paths[v->path].half : paths[v->path].all;
    for (unsigned i = world.can; i < PARTS && d.part >= 0 && v->wish.encoding == 0; i++) {
        bool filled = v->wish.width > 0 && parts[i - 1].width >= v->wish.width;
        if (still >> i & 1 && (int)i > fits && !filled)
            return true;
    }
    return false;
}

static void check_viewer(const struct viewer *v)
{
    const struct consumer *c = consumer_of(v);
    struct due d = due_of(v);
    d.narrow |= seems_narrow(v, c, d);
    fail(v, "the part that it is sent", part_of(c), d.part);
    fail(v, "what it waits for", c->want ? c->want->number : -1, -1);
    fail(v, "the part that control was told of",
         c->told.sent.encoding == LAYER_NONE ? -1
         : world.story->sizes                ? c->told.sent.spatial
                                             : c->told.sent.encoding,
         d.part);
    bool other = c->told.cause == ALLOCATE_NONE || c->told.cause == ALLOCATE_VIEWPORT ||
                 c->told.cause == ALLOCATE_LAYER || c->told.cause == ALLOCATE_PUBLISHER;
    fail(v, "the cause",
         v->wish.paused || d.narrow || !other ? c->told.cause : ALLOCATE_NONE,
         v->wish.paused ? ALLOCATE_VIEWER
         : d.narrow     ? ALLOCATE_BANDWIDTH
                        : ALLOCATE_NONE);
}

static unsigned used(void)
{
    unsigned ret = 0;
    for (const struct viewer *v = viewers; v < viewers + VIEWERS; v++) {
        struct due d = v->c ? due_of(v) : (struct due){.part = -1};
        if (d.part >= 0)
            ret |= world.story->sizes ? (2U << d.part) - 1 : 1U << d.part;
    }
    return ret;
}

static void check_wanted(void)
{
    const struct producer *p = sl_shard_producer(world.sim.shards[0], VIDEO);
    unsigned can = (1U << world.can) - 1, wanted = p->demand.wanted & ALL, want = used();
    if (want) /* of what does not come, anything */
        want |= wanted & ~can;
    fail(NULL, "wanted", wanted, want);
    if (!world.story->sizes)
        fail(NULL, "wanted, as told", world.sim.told[MAIL_WANTED].arg & ALL, want);
}

/* What can be had is the same for all, and what nobody is given does not come. */
static void check_sleep(void)
{
    const struct producer *p = sl_shard_producer(world.sim.shards[0], VIDEO);
    const struct producer *q = sl_shard_producer(world.sim.shards[1], VIDEO);
    unsigned most = used() ? (2U << (31 - __builtin_clz(used()))) - 1 : 1;
    if (world.can < PARTS)
        return;
    if (q)
        fail(NULL, "what sleeps, on both workers", sl_demand_still(q, world.sim.now),
             sl_demand_still(p, world.sim.now));
    if (world.story->remb)
        fail(NULL, "sent for nobody", world.flowing & ~most, 0);
}

/* As often as something changed that it depends on, at the most, and in the beginning. */
static void check_switches(const struct viewer *v)
{
    unsigned most = v->changes + world.changes - v->since + 2;
    fail(v, "too many switches", v->switches > most ? v->switches : 0, 0);
}

static void check_causes(void)
{
    for (unsigned w = 0; w < 2; w++) {
        uint64_t n[ALLOCATE_CAUSES] = {0};
        for (const struct viewer *v = viewers; v < viewers + VIEWERS; v++)
            if (v->c && v->c->shard == w)
                n[consumer_of(v)->told.cause]++;
        for (unsigned i = 0; i < ALLOCATE_CAUSES; i++)
            fail(NULL, sl_allocate_cause_name(i),
                 (int64_t)sim_stats(&world.sim, w)->causes[i], (int64_t)n[i]);
    }
}

static void check_calm(void)
{
    uint64_t wanted = world.sim.to_control[MAIL_WANTED];
    uint64_t keys = sim_stats(&world.sim, 0)->keyreqs_sent;
    unsigned switches[VIEWERS], got[PARTS];
    size_t from[VIEWERS];
    for (unsigned i = 0; i < VIEWERS; i++)
        switches[i] = viewers[i].switches;
    run(CALM - SEC(2));
    for (unsigned i = 0; i < VIEWERS; i++)
        from[i] = viewers[i].c ? viewers[i].c->rtp_n : 0;
    run(SEC(2));
    fail(NULL, "requests for key frames", (int64_t)sim_stats(&world.sim, 0)->keyreqs_sent,
         (int64_t)keys);
    fail(NULL, "words of what is wanted", (int64_t)world.sim.to_control[MAIL_WANTED],
         (int64_t)wanted);
    for (unsigned i = 0; i < VIEWERS; i++) {
        const struct viewer *v = &viewers[i];
        if (!v->c)
            continue;
        struct due d = due_of(v);
        int want = d.part < 0 ? 0 : world.story->screen ? 2 : d.half ? 20 : 40;
        fail(v, "switches", v->switches, switches[i]);
        count(v, from[i], got);
        for (int k = 0; k < PARTS; k++) {
            int should = k == d.part || (world.story->sizes && k < d.part) ? want : 0;
            if (abs((int)got[k] - should) > (world.story->screen ? 1 : 2))
                fail(v, "pictures", got[k], should);
        }
    }
}

static void rest(void)
{
    world.can = chance(4) ? PARTS : 1 + chance(PARTS);
    world.muted = false;
    world.lively = 1;
    world.changes++;
    run(REST - CALM);
    check_calm();
    for (const struct viewer *v = viewers; v < viewers + VIEWERS; v++)
        if (v->c) {
            check_viewer(v);
            check_switches(v);
        }
    check_wanted();
    check_sleep();
    check_causes();
}

static void open_world(const struct story *story, uint64_t seed)
{
    struct cmd_producer p = producer_of(story);
    memset(&world, 0, sizeof world);
    memset(viewers, 0, sizeof viewers);
    world.story = story;
    world.seed = seed;
    world.rng = sl_rng_of(seed);
    world.allowed_wanted = world.allowed_remb = ALL;
    world.lively = 1;
    world.next_id = 2;
    sim_init(&world.sim);
    world.next_picture = world.sim.now;
    world.pub = sim_connected(&world.sim, 1, 0, SRTP_GCM_128);
    sim_produce(world.pub, &p);
    sim_ready(world.pub);
    sim_settle(&world.sim);
}

static void close_world(void)
{
    sim_close_all(&world.sim);
    sim_settle(&world.sim);
    CHECK_INT(sim_packets(&world.sim), 0);
    sim_fini(&world.sim);
}

/* It begins with its least, and the others one after the other. */
static void begin(void)
{
    for (world.can = 1; world.can < PARTS; world.can++) {
        run(MSEC(1) * (50 + chance(2000)));
        change_of_viewer(&viewers[chance(VIEWERS)]);
    }
}

static void tell(const struct story *story, uint64_t seed)
{
    open_world(story, seed);
    begin();
    for (int round = 0; round < 2; round++) {
        for (usec until = world.sim.now + SEC(15); world.sim.now < until;) {
            change();
            run(MSEC(1) * chance(1500));
        }
        rest();
    }
    close_world();
}

TEST(wishes_come_true)
{
    for (size_t i = 0; i < LEN(stories); i++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            tell(&stories[i], seed);
}
