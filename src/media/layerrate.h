#pragma once

/*
 * The layers that one encoding is seen to have: which of them come, what they carry, and
 * whether its sizes lean on each other in every picture or in key pictures only.
 *
 * Told of each packet, it counts; a review now and then turns counts into rates. Values
 * without pointers.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#include "media/gate.h"
#include "media/payload.h"

/* A size that is behind the others of its encoding by this much does not come any more; unless
 * the picture before is all that it is behind: a picture comes in one size after the other. */
#define LAYER_SILENT MSEC(400)
#define LAYER_SPREAD MSEC(200)
#define LAYER_STILL  MSEC(1500) /* all of them, for more than a still screen is */

/* After the last packet nothing need come for so long: four times what lies between pictures, of
 * which those of a screen that stands still are far apart. before: when the last packet of the
 * picture before came. */
static inline usec layer_rest(usec last, usec before)
{
    usec apart = 4 * (last - before);
    return apart < LAYER_SILENT  ? LAYER_SILENT
           : apart < LAYER_STILL ? apart
                                 : LAYER_STILL;
}

struct layerrate {
    usec last[LAYER_SPATIALS]; /* when a packet came; 0: none did */
    usec
        back[LAYER_SPATIALS]; /* the first one of all, or after a silence; 0: none came */
    usec rest;                /* layer_rest() before the picture that came last */
    usec before;              /* when the last packet of the picture before came */
    uint32_t octets[LAYERS];  /* of the layer itself, since the last review */
    uint32_t
        keys[LAYER_SPATIALS]; /* of key pictures, what is not yet counted in octets */
    uint32_t bps[LAYERS];
    uint16_t frames[LAYERS];
    uint16_t fps_16ths[LAYERS];
    struct dd_size sizes[LAYER_SPATIALS]; /* 0: not known */
    bool keyed;
    uint32_t last_ts; /* of the packet that came last */
    /* The frame that came last, of the picture with this timestamp. */
    uint32_t ts;
    uint16_t in;
    uint8_t spatial;
    bool key;
};

void sl_layerrate_input(struct layerrate *l, const struct payload *p, uint32_t ts,
                        size_t octets, usec now);

/* Rates, over the span since the last review: half of each is what it was before. */
void sl_layerrate_review(struct layerrate *l, usec span);

/* Packets of this size still come. */
bool sl_layerrate_live(const struct layerrate *l, unsigned spatial);

/* What to wish of a gate for a viewer of these layers: the highest that come and are not
 * above them, else the lowest that comes. Before the first review: everything. */
struct gate_wish sl_layerrate_wish(const struct layerrate *l, uint8_t spatial,
                                   uint8_t temporal);

/* Adds its layers to the table while there is room; all: every temporal layer, else only
 * the highest of each size. */
void sl_layerrate_list(const struct layerrate *l, uint8_t encoding, bool live, bool all,
                       struct layer_table *t);

/* How many that would be. */
unsigned sl_layerrate_count(const struct layerrate *l, bool all);
