#include "media/dd.h"

enum { HEADER_N = 3, START_BIT = 0x80, END_BIT = 0x40, TEMPLATE_MASK = 0x3f };
enum { SPATIAL_MAX = 3, TEMPORAL_MAX = 7 };
enum {
    LAYER_SAME,
    LAYER_NEXT_TEMPORAL,
    LAYER_NEXT_SPATIAL,
    LAYER_END
}; /* next_layer_idc */

/* Decode target indications, A.8.3. */
enum { DTI_ABSENT, DTI_DISCARDABLE, DTI_SWITCH };

enum {
    LATE_FRAMES = 256
}; /* a structure this much older came late; else the sender began
                             * to count anew */

struct bits {
    struct span in;
    size_t pos; /* in bits */
    bool bad;
};

static unsigned bits(struct bits *b, unsigned n)
{
    if (n > b->in.n * 8 - b->pos) {
        b->pos = b->in.n * 8;
        b->bad = true;
        return 0;
    }
    unsigned v = 0;
    for (; n > 0; n--, b->pos++)
        v = v << 1 | ((unsigned)b->in.p[b->pos / 8] >> (7 - b->pos % 8) & 1);
    return v;
}

/* ns(n) of AV1 §4.10.7: a value below n. */
static unsigned bits_below(struct bits *b, unsigned n)
{
    unsigned w = 0;
    while (n >> w)
        w++;
    unsigned m = (1U << w) - n;
    unsigned v = bits(b, w - 1);
    return v < m ? v : (v << 1) - m + bits(b, 1);
}

/* The indications of one frame, 2 bits for each decode target. */
static uint64_t read_dtis(struct bits *b, unsigned targets)
{
    uint64_t dtis = 0;
    for (unsigned i = 0; i < targets; i++)
        dtis |= (uint64_t)bits(b, 2) << 2 * i;
    return dtis;
}

static unsigned dti(uint64_t dtis, unsigned target)
{
    return dtis >> 2 * target & 3;
}

/* Discardable: no target that has the frame needs it for others. A frame marked S for a
 * target makes all that follow in the target decodable, for who can decode the frame. */
static void judge(const struct dd *dd, uint64_t dtis, struct dd_template *ret)
{
    bool some = false, needed = false;
    for (unsigned i = 0; i < dd->targets_n; i++) {
        some |= dti(dtis, i) == DTI_DISCARDABLE;
        needed |= dti(dtis, i) > DTI_DISCARDABLE;
    }
    ret->discardable = some && !needed;
    ret->in = ret->begin = 0;
    for (unsigned at = 0; at < LAYERS; at++) {
        unsigned d = dti(dtis, dd->target_of[at]);
        ret->in |= (uint16_t)((d != DTI_ABSENT) << at);
        ret->begin |= (uint16_t)((d == DTI_SWITCH) << at);
    }
}

/* How far a number is from the wanted one: all above it are farther than all below. */
static unsigned distance(unsigned is, unsigned wanted)
{
    return is > wanted ? is + wanted + LAYERS : wanted - is;
}

static bool nearer(struct dd_layer a, struct dd_layer b, unsigned spatial,
                   unsigned temporal)
{
    unsigned of_a = distance(a.spatial, spatial), of_b = distance(b.spatial, spatial);
    return of_a < of_b || (of_a == of_b && distance(a.temporal, temporal) <
                                               distance(b.temporal, temporal));
}

static void map_targets(struct dd *dd, const uint64_t dtis[DD_TEMPLATES_MAX])
{
    uint64_t frames[DD_TARGETS_MAX] = {0}; /* the templates that a target has */
    for (unsigned i = 0; i < dd->targets_n; i++)
        for (unsigned k = 0; k < dd->templates_n; k++)
            frames[i] |= (uint64_t)(dti(dtis[k], i) != DTI_ABSENT) << k;
    for (unsigned at = 0; at < LAYERS; at++) {
        uint8_t s = layer_spatial((uint8_t)at), t = layer_temporal((uint8_t)at), best = 0;
        if (t == LAYER_TEMPORALS - 1)
            t = TEMPORAL_MAX;
        for (uint8_t i = 1; i < dd->targets_n; i++)
            if (nearer(dd->targets[i], dd->targets[best], s, t))
                best = i;
        dd->target_of[at] = best;
        for (unsigned i = 0; i < dd->targets_n; i++)
            dd->within[at] |= (uint32_t)((frames[i] & ~frames[best]) == 0) << i;
    }
}

static void read_layers(struct bits *b, struct dd *dd)
{
    struct dd_layer at = {0};
    unsigned next = LAYER_SAME;
    do {
        if (dd->templates_n == DD_TEMPLATES_MAX || at.spatial > SPATIAL_MAX ||
            at.temporal > TEMPORAL_MAX) {
            b->bad = true;
            return;
        }
        dd->templates[dd->templates_n++].layer = at;
        next = bits(b, 2);
        if (next == LAYER_NEXT_TEMPORAL)
            at.temporal++;
        if (next == LAYER_NEXT_SPATIAL)
            at = (struct dd_layer){.spatial = (uint8_t)(at.spatial + 1)};
    } while (next != LAYER_END && !b->bad);
}

static void skip_fdiffs(struct bits *b, unsigned templates)
{
    for (unsigned i = 0; i < templates; i++)
        while (bits(b, 1))
            bits(b, 4);
}

static void skip_chains(struct bits *b, unsigned templates, unsigned targets)
{
    unsigned chains = bits_below(b, targets + 1);
    if (chains == 0)
        return;
    for (unsigned i = 0; i < targets; i++)
        bits_below(b, chains);
    for (unsigned i = 0; i < templates * chains && !b->bad; i++)
        bits(b, 4);
}

/* template_dependency_structure(), A.8.3. */
static struct dd read_structure(struct bits *b)
{
    struct dd dd = {.known = true};
    uint64_t dtis[DD_TEMPLATES_MAX] = {0};

    dd.offset = (uint8_t)bits(b, 6);
    dd.targets_n = (uint8_t)(bits(b, 5) + 1);
    read_layers(b, &dd);
    unsigned spatial_n = dd.templates[dd.templates_n - 1].layer.spatial + 1U;
    for (unsigned i = 0; i < dd.templates_n; i++)
        dtis[i] = read_dtis(b, dd.targets_n);
    skip_fdiffs(b, dd.templates_n);
    skip_chains(b, dd.templates_n, dd.targets_n);
    if (bits(b, 1))
        for (; dd.sizes_n < spatial_n; dd.sizes_n++) {
            unsigned width = bits(b, 16) + 1, height = bits(b, 16) + 1;
            if (width <= UINT16_MAX && height <= UINT16_MAX)
                dd.sizes[dd.sizes_n] =
                    (struct dd_size){(uint16_t)width, (uint16_t)height};
        }

    for (unsigned i = 0; i < dd.templates_n; i++)
        for (unsigned t = 0; t < dd.targets_n; t++) {
            const struct dd_layer *l = &dd.templates[i].layer;
            struct dd_layer *max = &dd.targets[t];
            if (dti(dtis[i], t) == DTI_ABSENT)
                continue;
            max->spatial = l->spatial > max->spatial ? l->spatial : max->spatial;
            max->temporal = l->temporal > max->temporal ? l->temporal : max->temporal;
        }
    map_targets(&dd, dtis);
    for (unsigned i = 0; i < dd.templates_n; i++)
        judge(&dd, dtis[i], &dd.templates[i]);
    return dd;
}

/* own_dtis: the frame's own indications, or NULL. */
static void describe(const struct dd *dd, unsigned b0, const uint64_t *own_dtis,
                     struct dd_frame *f)
{
    unsigned i = (b0 - dd->offset) & TEMPLATE_MASK;
    if (i >= dd->templates_n)
        return;
    struct dd_template t = dd->templates[i];
    if (own_dtis)
        judge(dd, *own_dtis, &t);
    f->known = true;
    f->start = b0 & START_BIT;
    f->end = b0 & END_BIT;
    f->spatial = t.layer.spatial;
    f->temporal = t.layer.temporal;
    f->in = t.in;
    f->begin = t.begin;
    f->place.targets_n = dd->targets_n;
    f->discardable = t.discardable;
}

static uint32_t all_of(unsigned targets)
{
    return targets < 32 ? (UINT32_C(1) << targets) - 1 : UINT32_MAX;
}

/* extended_descriptor_fields(), and as much of the frame's own as can change our view. */
static enum err read_extended(struct dd *dd, struct span ext, struct dd_frame *f)
{
    struct bits b = {.in = ext, .pos = (size_t)8 * HEADER_N};
    struct dd fresh = {0};
    uint64_t dtis = 0;
    bool structure = bits(&b, 1);
    bool active = bits(&b, 1);
    bool own_dtis = bits(&b, 1);
    bits(&b, 2); /* fdiffs and chains of its own */

    if (structure)
        fresh = read_structure(&b);
    const struct dd *use = structure ? &fresh : dd;
    f->place =
        (struct dd_place){.at = (uint16_t)b.pos, .structure = structure, .said = active};
    uint32_t said = all_of(use->targets_n);
    if (active)
        said = bits(&b, use->targets_n);
    if (own_dtis)
        dtis = read_dtis(&b, use->targets_n);
    if (b.bad)
        return E_MALFORMED;

    describe(use, ext.p[0], own_dtis ? &dtis : NULL, f);
    f->key = structure && f->start && f->spatial == 0;
    uint16_t late_by = (uint16_t)(dd->frame - f->number);
    if (structure && !(dd->known && late_by > 0 && late_by < LATE_FRAMES)) {
        *dd = fresh;
        dd->frame = f->number;
        dd->active = said;
    } else if (active && !structure && dd->known) {
        dd->active = said;
    }
    return E_OK;
}

enum err sl_dd_read(struct dd *dd, struct span ext, struct dd_frame *ret)
{
    if (ext.n < HEADER_N)
        return E_MALFORMED;
    struct dd_frame f = {.number = (uint16_t)(ext.p[1] << 8 | ext.p[2])};
    if (ext.n == HEADER_N)
        describe(dd, ext.p[0], NULL, &f);
    else if (read_extended(dd, ext, &f))
        return E_MALFORMED;
    *ret = f;
    return E_OK;
}
