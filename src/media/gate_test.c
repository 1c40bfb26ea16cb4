#include "media/gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

#include "check.h"

/* ---- a publisher ---- */

enum {
    FRAMES_MAX = 4096,
    PACKETS_MAX = 3 * FRAMES_MAX,
    REFS_MAX = 2,
    SIZES = 3,
    NOBODY = -1,
    TICK = 3000,
};

enum shape { VP8_T3, VP9_T3, VP9_S3T3, VP9_S3T3_KEY, H264_T2, SHAPES };

static const char *const shape_names[] = {"VP8 L1T3", "VP9 L1T3", "VP9 L3T3",
                                          "VP9 L3T3_KEY", "H.264 with B"};

struct frame {
    uint32_t ts;
    int refs[REFS_MAX];
    unsigned packets; /* of it */
    unsigned arrived; /* of these */
    unsigned passed;  /* of these */
    unsigned spatial, temporal;
    bool key;
};

struct packet {
    int frame;
    struct payload info;
};

struct source {
    enum shape shape;
    struct rng rng;
    uint32_t ts;
    unsigned picture; /* since the last key */
    uint16_t id;
    uint8_t tl0;
    int last[SIZES][4]; /* frame by layer, that was sent last; NOBODY */
    int frames_n, packets_n;
    struct frame frames[FRAMES_MAX];
    struct packet packets[PACKETS_MAX];
};

/* 0 2 1 2, as encoders do it. */
static unsigned temporal_of(const struct source *s)
{
    static const uint8_t three[] = {0, 2, 1, 2};
    if (s->shape == H264_T2)
        return s->picture % 2;
    return three[s->picture % 4];
}

static void put_vp8(struct wr *w, const struct source *s, const struct frame *f,
                    bool start)
{
    /* The first picture of a higher layer behind one of a lower refers to that only. */
    bool sync = f->temporal > 0 && s->picture % 4 <= 2;
    wr_u8(w, 0x80 | (start ? 0x10 : 0));
    wr_u8(w, 0xe0);
    wr_u16(w, 0x8000U | (s->id & 0x7fffU));
    wr_u8(w, s->tl0);
    wr_u8(w, f->temporal << 6 | (sync ? 0x20U : 0U));
    wr_u8(w, f->key ? 0 : 1);
}

static void put_vp9(struct wr *w, const struct source *s, const struct frame *f,
                    bool start, bool end)
{
    bool keyed = s->shape == VP9_S3T3_KEY;
    bool inter = s->picture > 0, leans = f->spatial > 0 && !(keyed && inter);
    bool alone = f->spatial == (s->shape == VP9_T3 ? 0U : SIZES - 1U) || (keyed && inter);
    unsigned up = s->picture % 4 <= 2;
    wr_u8(w, 0xa0U | (inter ? 0x40U : 0U) | (start ? 8U : 0U) | (end ? 4U : 0U) | alone);
    wr_u16(w, 0x8000U | (s->id & 0x7fffU));
    wr_u8(w, f->temporal << 5 | up << 4 | f->spatial << 1 | leans);
    wr_u8(w, s->tl0);
    wr_u8(w, 0x80);
}

static void put_packets(struct source *s, int frame)
{
    static const enum codec codecs[] = {CODEC_VP8, CODEC_VP9, CODEC_VP9, CODEC_VP9,
                                        CODEC_H264};
    struct frame *f = &s->frames[frame];
    for (unsigned i = 0; i < f->packets; i++) {
        uint8_t buf[16];
        struct wr w = wr_of(buf, sizeof buf);
        bool start = i == 0, end = i + 1 == f->packets;
        if (s->shape == VP8_T3)
            put_vp8(&w, s, f, start);
        else if (s->shape == H264_T2)
            wr_u16(&w, f->key ? 0x6588U : (f->temporal ? 0x0188U : 0x4188U));
        else
            put_vp9(&w, s, f, start, end);
        if (s->shape == H264_T2 && !start)
            w.p[1] = 0; /* a later slice */
        struct packet *p = &s->packets[s->packets_n++];
        p->frame = frame;
        CHECK_INT(sl_payload_read(codecs[s->shape], wr_done(&w), end, (struct span){0},
                                  NULL, &p->info),
                  E_OK);
    }
}

static int new_frame(struct source *s, unsigned spatial, unsigned temporal)
{
    struct frame *f = &s->frames[s->frames_n];
    *f = (struct frame){.ts = s->ts,
                        .refs = {NOBODY, NOBODY},
                        .packets = 1 + (unsigned)rng_u32(&s->rng) % 3,
                        .spatial = spatial,
                        .temporal = temporal,
                        .key = s->picture == 0 && spatial == 0};
    if (s->picture > 0) {
        /* The second T2 of four refers to the T1 between, others to the base. */
        unsigned of = s->picture % 4 == 3 && s->shape != H264_T2 ? 1 : 0;
        f->refs[0] = s->last[spatial][of];
    }
    bool leans = spatial > 0 && (s->picture == 0 || s->shape == VP9_S3T3);
    if (leans)
        f->refs[1] = s->frames_n - 1;
    put_packets(s, s->frames_n);
    return s->frames_n++;
}

static void new_picture(struct source *s, bool key)
{
    bool spatial = s->shape == VP9_S3T3 || s->shape == VP9_S3T3_KEY;
    s->ts += TICK;
    s->id++;
    s->picture = key ? 0 : s->picture + 1;
    unsigned t = temporal_of(s);
    s->tl0 = (uint8_t)(s->tl0 + (t == 0));
    for (unsigned i = 0; i < (spatial ? SIZES : 1U); i++)
        s->last[i][t] = new_frame(s, i, t);
}

/* ---- a viewer ---- */

struct viewer {
    struct gate gate;
    bool begun;
    uint8_t want_spatial, want_temporal;
    unsigned spatials, temporals;
};

static struct gate_wish wish_of(const struct viewer *v, const struct source *s)
{
    bool top =
        v->want_spatial + 1U == v->spatials && v->want_temporal + 1U == v->temporals;
    bool keyed = s->shape == VP9_S3T3_KEY;
    return (struct gate_wish){.layer = layer_at(v->want_spatial, v->want_temporal),
                              .whole = top && !keyed,
                              .keyed = keyed};
}

static void give(struct viewer *v, struct source *s, const struct packet *p)
{
    struct frame *f = &s->frames[p->frame];
    struct gate_wish w = wish_of(v, s);
    f->arrived++;
    if (!v->begun && !p->info.key)
        return;
    if (!v->begun)
        sl_gate_begin(&v->gate, &w, f->ts);
    v->begun = true;
    if ((int32_t)(f->ts - s->frames[0].ts) < 0)
        return;
    f->passed += sl_gate_pass(&v->gate, &p->info, f->ts) != GATE_DROP;
}

/* What was not lost before us can be decoded: of a frame that passed all that came of it
 * passed, and all frames that it refers to. */
static void check_decodable(const struct source *s, int first, int end, const char *what)
{
    for (int i = first; i < end; i++) {
        const struct frame *f = &s->frames[i];
        if (f->passed == 0)
            continue;
        if (f->passed != f->arrived)
            check_fail(__FILE__, __LINE__, "%s: frame %d S%uT%u: %u of %u packets", what,
                       i, f->spatial, f->temporal, f->passed, f->arrived);
        for (int r = 0; r < REFS_MAX; r++) {
            int of = f->refs[r];
            if (of >= first && s->frames[of].arrived > 0 && s->frames[of].passed == 0)
                check_fail(__FILE__, __LINE__, "%s: frame %d S%uT%u refers to %d S%uT%u",
                           what, i, f->spatial, f->temporal, of, s->frames[of].spatial,
                           s->frames[of].temporal);
        }
    }
}

/* ---- any order, any loss, any wish ---- */

struct chaos {
    unsigned loss, reorder; /* of 100 packets */
};

static void deliver(struct viewer *v, struct source *s, const struct chaos *c, int *at)
{
    /* A packet is late by up to a few others: never the first of a stream. */
    static int held[8];
    static unsigned held_n;
    for (; *at < s->packets_n; (*at)++) {
        if (rng_u32(&s->rng) % 100 < c->loss && v->begun)
            continue;
        if (rng_u32(&s->rng) % 100 < c->reorder && held_n < LEN(held) && v->begun) {
            held[held_n++] = *at;
            continue;
        }
        give(v, s, &s->packets[*at]);
        if (held_n > 0 && rng_u32(&s->rng) % 3 == 0)
            give(v, s, &s->packets[held[--held_n]]);
    }
    while (held_n > 0 && s->frames_n % 4 == 0)
        give(v, s, &s->packets[held[--held_n]]);
}

static void run(enum shape shape, uint64_t seed, const struct chaos *c)
{
    struct source *s = calloc(1, sizeof *s);
    struct viewer v = {.spatials = shape == VP9_S3T3 || shape == VP9_S3T3_KEY ? SIZES : 1,
                       .temporals = shape == H264_T2 ? 2 : 3};
    int at = 0;
    s->shape = shape;
    s->rng = sl_rng_of(seed);
    s->ts = rng_u32(&s->rng); /* and round, sometimes */
    if (seed % 4 == 0)
        s->ts = UINT32_MAX - 100 * TICK;
    s->id = (uint16_t)rng_u32(&s->rng);
    for (int i = 0; i < 600; i++) {
        if (rng_u32(&s->rng) % 20 == 0) {
            v.want_spatial = (uint8_t)(rng_u32(&s->rng) % v.spatials);
            v.want_temporal = (uint8_t)(rng_u32(&s->rng) % v.temporals);
            struct gate_wish w = wish_of(&v, s);
            sl_gate_want(&v.gate, &w);
        }
        bool key = i == 0 ||
                   (v.begun && sl_gate_needs_key(&v.gate) && rng_u32(&s->rng) % 10 == 0);
        new_picture(s, key);
        deliver(&v, s, c, &at);
    }
    s->frames_n = (s->frames_n + 3) / 4 * 4;
    deliver(&v, s, c, &at); /* what is still held */
    char what[64];
    (void)snprintf(what, sizeof what, "%s, seed %u", shape_names[shape], (unsigned)seed);
    check_decodable(s, 0, s->frames_n - 8, what);
    free(s);
}

TEST(gate_what_passes_can_be_decoded)
{
    static const struct {
        const char *name;
        struct chaos chaos;
    } rows[] = {
        {"in order", {0, 0}},
        {"losses", {5, 0}},
        {"reordered", {0, 10}},
        {"both", {5, 10}},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        for (enum shape shape = 0; shape < SHAPES; shape++)
            for (uint64_t seed = 1; seed <= 20; seed++) {
                check_row(rows[i].name);
                run(shape, seed, &rows[i].chaos);
            }
}
