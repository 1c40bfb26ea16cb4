#pragma once

/*
 * For tests: streams of several sizes and rates, and the dependency descriptors of their frames
 * ("RTP Payload Format For AV1" 1.0, appendix A), with the marks that libwebrtc gives them: each
 * layer is a decode target. Every size refers to itself, and to the one below in the same picture:
 * in all pictures, or in key pictures only. VP9's own descriptors say the same.
 */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "rates.h"
#include "stage.h"

enum { SIZES_MAX = 3, SIZES_RATES_MAX = 3, SIZES_DD = 160 /* octets at most */ };
enum { SIZES_TEMPLATES = 60 }; /* the id of the first: they wrap around */

struct sizes_shape {
    unsigned sizes, rates;
    bool keyed;
};

struct sizes_frame {
    unsigned size, rate;
    bool key; /* of a key picture */
};

/* What is sent in these layers; numbers of frames and pictures as they are before the next. */
struct sizes_source {
    struct sizes_shape shape;
    uint16_t id, number;
    uint8_t tl0;
    unsigned since; /* pictures since the last key */
    int last[SIZES_RATES_MAX];
};

struct sizes_picture {
    bool key;
    uint8_t rate, tl0;
    int ref; /* the picture whose frames of the same size it refers to, -1 in a key picture */
};

/* Which part of which frame a packet is. */
struct sizes_part {
    int n; /* the picture */
    unsigned size, part;
    bool start, end;
};

enum { SIZES_PAYLOAD = 144, SIZES_TICKS = 3000 /* of a picture */ };

struct sizes_packet {
    struct rtp rtp; /* without its number */
    uint8_t payload[SIZES_PAYLOAD], exts[600];
};

enum sizes_dti { SIZES_ABSENT, SIZES_DISCARDABLE, SIZES_SWITCH, SIZES_REQUIRED };

static inline unsigned sizes_targets(const struct sizes_shape *s)
{
    return s->sizes * s->rates;
}

/* What a frame is to the target of these layers. */
static inline enum sizes_dti sizes_dti(const struct sizes_shape *s,
                                       const struct sizes_frame *f, unsigned target)
{
    unsigned size = target / s->rates, rate = target % s->rates;
    bool of_others = s->keyed && !f->key;
    if (size < f->size || rate < f->rate || (of_others && size != f->size))
        return SIZES_ABSENT;
    if (size > f->size)
        return f->key ? SIZES_SWITCH : SIZES_REQUIRED;
    return f->rate > 0 && rate == f->rate ? SIZES_DISCARDABLE : SIZES_SWITCH;
}

/* A set of targets, a bit for each. */
static inline uint32_t sizes_within(const struct sizes_shape *s,
                                    const struct sizes_frame *f)
{
    uint32_t ret = 0;
    for (unsigned i = 0; i < sizes_targets(s); i++)
        ret |= (uint32_t)(sizes_dti(s, f, i) != SIZES_ABSENT) << i;
    return ret;
}

struct sizes_bits {
    uint8_t *p;
    size_t n;
};

static inline void sizes_put(struct sizes_bits *b, unsigned n, unsigned v)
{
    assert(b->n + n <= SIZES_DD * 8U);
    for (; n > 0; n--, b->n++)
        b->p[b->n / 8] |= (uint8_t)((v >> (n - 1) & 1) << (7 - b->n % 8));
}

/* Of each size: one template for key pictures, and one for each rate. */
static inline struct sizes_frame sizes_template(const struct sizes_shape *s, unsigned i)
{
    unsigned k = i % (s->rates + 1);
    return (struct sizes_frame){i / (s->rates + 1), k > 0 ? k - 1 : 0, k == 0};
}

static inline void sizes_put_fdiffs(struct sizes_bits *b, const struct sizes_shape *s,
                                    const struct sizes_frame *f)
{
    if (!f->key)
        sizes_put(b, 5, 16 | ((s->sizes << (s->rates - 1 - f->rate)) - 1));
    if (f->size > 0 && (f->key || !s->keyed))
        sizes_put(b, 5, 16);
    sizes_put(b, 1, 0);
}

/* template_dependency_structure(), without chains. */
static inline void sizes_put_structure(struct sizes_bits *b, const struct sizes_shape *s)
{
    unsigned all = s->sizes * (s->rates + 1);
    unsigned most = sizes_targets(s);
    sizes_put(b, 6, SIZES_TEMPLATES);
    sizes_put(b, 5, most - 1);
    for (unsigned i = 0; i < all; i++) {
        struct sizes_frame f = sizes_template(s, i), next = sizes_template(s, i + 1);
        sizes_put(b, 2, i + 1 == all ? 3 : next.size != f.size ? 2 : next.rate != f.rate);
    }
    for (unsigned i = 0; i < all; i++)
        for (unsigned k = 0; k < most; k++) {
            struct sizes_frame f = sizes_template(s, i);
            sizes_put(b, 2, sizes_dti(s, &f, k));
        }
    for (unsigned i = 0; i < all; i++) {
        struct sizes_frame f = sizes_template(s, i);
        sizes_put_fdiffs(b, s, &f);
    }
    for (unsigned n = most + 1; n > 1; n /= 2)
        sizes_put(b, 1, 0); /* chains */
    sizes_put(b, 1, 1);     /* sizes follow */
    for (unsigned i = 0; i < s->sizes; i++)
        sizes_put(b, 32, ((320U << i) - 1U) << 16 | ((180U << i) - 1U));
}

/* The dependency descriptor of a packet; where a key picture starts, with the structure. Returns its
 * octets. */
static inline size_t sizes_dd(const struct sizes_source *s, const struct sizes_picture *p,
                              const struct sizes_part *part, uint8_t ret[SIZES_DD])
{
    struct sizes_bits b = {.p = ret};
    unsigned i = part->size * (s->shape.rates + 1) + (p->key ? 0 : p->rate + 1U);
    memset(ret, 0, SIZES_DD);
    sizes_put(&b, 2, (part->start ? 2U : 0U) | part->end);
    sizes_put(&b, 6, (SIZES_TEMPLATES + i) & 63);
    sizes_put(&b, 16, s->number);
    if (p->key && part->start && part->size == 0) {
        sizes_put(&b, 5, 16);
        sizes_put_structure(&b, &s->shape);
    }
    return (b.n + 7) / 8;
}

/* The n-th picture of a source. */
static inline struct sizes_picture sizes_next(struct sizes_source *s, int n, bool key)
{
    static const uint8_t pattern[][4] = {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 2, 1, 2}};
    s->since = key ? 0 : s->since + 1;
    uint8_t rate = pattern[s->shape.rates - 1][s->since % 4];
    bool second = s->shape.rates == 3 && s->since % 4 == 3;
    int ref = key ? -1 : s->last[second];
    s->tl0 = (uint8_t)(s->tl0 + (rate == 0));
    s->id++;
    s->last[rate] = n;
    return (struct sizes_picture){.key = key, .rate = rate, .tl0 = s->tl0, .ref = ref};
}

static inline void sizes_describe(enum codec codec, const struct sizes_source *s,
                                  const struct sizes_picture *p,
                                  const struct sizes_part *part,
                                  uint8_t ret[RATES_DESCRIPTOR])
{
    bool apart = s->shape.keyed && !p->key;
    struct rates_picture r = {.id = s->id,
                              .tl0 = p->tl0,
                              .rate = p->rate,
                              .key = p->key,
                              .sync = s->shape.rates < 3 || s->since % 4 != 3,
                              .start = part->start,
                              .end = part->end,
                              .size = (uint8_t)part->size,
                              .leans = part->size > 0 && !apart,
                              .alone = part->size + 1 == s->shape.sizes || apart};
    rates_describe(codec, &r, ret);
}

/* A larger size has more octets. Its time wraps around soon. */
static inline void sizes_packet(enum codec codec, const struct sizes_source *s,
                                const struct sizes_picture *p,
                                const struct sizes_part *part, struct sizes_packet *ret)
{
    uint8_t dd[SIZES_DD], *b = ret->payload;
    size_t n = SIZES_PAYLOAD / 3U * (part->size + 1);
    memset(b, 0, SIZES_PAYLOAD);
    struct rtp_elem ext = {.id = DD_IN, .data = {dd, sizes_dd(s, p, part, dd)}};
    sizes_describe(codec, s, p, part, b);
    b[RATES_DESCRIPTOR] = (uint8_t)(part->n >> 8);
    b[RATES_DESCRIPTOR + 1] = (uint8_t)part->n;
    b[RATES_DESCRIPTOR + 2] = (uint8_t)part->size;
    b[RATES_DESCRIPTOR + 3] = (uint8_t)part->part;
    ret->rtp = (struct rtp){.pt = PT_VP8,
                            .ts = SIZES_TICKS * (uint32_t)(part->n - 100),
                            .ssrc = SSRC_IN,
                            .marker = part->size + 1 == s->shape.sizes && part->end,
                            .payload = {b, n}};
    if (codec == CODEC_AV1)
        stage_exts(&ret->rtp, ret->exts, &ext, 1);
}

/* Which it was. */
static inline struct sizes_part sizes_part(struct span payload)
{
    const uint8_t *p = payload.p + RATES_DESCRIPTOR;
    return (struct sizes_part){.n = rtp_be16(p), .size = p[2], .part = p[3]};
}
