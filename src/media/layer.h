#pragma once

/*
 * Layers: what a publisher offers, and what of it a viewer is to get.
 *
 * Three numbers name a layer: the encoding (one RTP stream of a producer), the spatial layer
 * in it, and the temporal. A layer is meant with all below it that it needs, so its rate is
 * what a viewer of it receives. Values without pointers.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
    LAYER_SPATIALS = 4, /* in one encoding; what is above counts as the highest */
    LAYER_TEMPORALS = 4,
    LAYERS = LAYER_SPATIALS * LAYER_TEMPORALS,
    LAYER_ANY = 0xffff,   /* the set of all */
    LAYER_INFOS_MAX = 16, /* of one producer: 3 encodings of 4, or 4 sizes of 4 */

    /* In a target: the best encoding there is, or nothing at all; and all layers of a kind. */
    LAYER_BEST = 0xff,
    LAYER_NONE = 0xfe,
    LAYER_ALL = 7,
};

/* What a viewer is to get. Of an encoding that has no such layer: the highest below it. */
struct layer_target {
    uint8_t encoding;
    uint8_t spatial, temporal;
};

#define LAYER_EVERYTHING ((struct layer_target){LAYER_BEST, LAYER_ALL, LAYER_ALL})

struct layer_info {
    uint8_t encoding, spatial, temporal;
    bool live;    /* packets of it come */
    uint32_t bps; /* with what it needs; measured, 0: nothing was measured yet */
    uint16_t width, height; /* 0: not known */
    uint8_t fps;            /* with the temporal layers below; 0: not known */
};

/* Of one producer, rising by encoding, spatial, temporal. Encodings stand in the order of the
 * publisher's SDP, which need not be that of their rates. */
struct layer_table {
    uint8_t n;
    struct layer_info layers[LAYER_INFOS_MAX];
};

/* The number of a spatial and a temporal layer in the sets of payload.h. */
static inline uint8_t layer_at(unsigned spatial, unsigned temporal)
{
    if (spatial >= LAYER_SPATIALS)
        spatial = LAYER_SPATIALS - 1;
    if (temporal >= LAYER_TEMPORALS)
        temporal = LAYER_TEMPORALS - 1;
    return (uint8_t)(spatial * LAYER_TEMPORALS + temporal);
}

static inline uint8_t layer_spatial(uint8_t at)
{
    return at / LAYER_TEMPORALS;
}

static inline uint8_t layer_temporal(uint8_t at)
{
    return at % LAYER_TEMPORALS;
}

/* Those that are not below in either: whoever takes one of them needs this. */
static inline uint16_t layer_above(uint8_t spatial, uint8_t temporal)
{
    uint8_t at = layer_at(spatial, temporal);
    unsigned rates = 0xfU << layer_temporal(at) & 0xf;
    return (uint16_t)(rates * 0x1111 & 0xffffU << layer_spatial(at) * LAYER_TEMPORALS);
}

/* Those of this spatial layer, whatever the temporal. */
static inline uint16_t layer_size(uint8_t spatial)
{
    return (uint16_t)(0xfU << layer_at(spatial, 0));
}

/* Those of this temporal layer, whatever the spatial. */
static inline uint16_t layer_rate(uint8_t temporal)
{
    return (uint16_t)(0x1111U << layer_temporal(layer_at(0, temporal)));
}

static inline bool layer_same(struct layer_target a, struct layer_target b)
{
    return a.encoding == b.encoding && a.spatial == b.spatial && a.temporal == b.temporal;
}
