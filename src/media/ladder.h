#pragma once

/*
 * What one viewer may be sent of one track, from the least to the best: its layers without
 * those that it has no use for, and without what costs more than another and is no better.
 *
 * How good a layer is, is counted in doublings: of its pixels, and of its frames in a measure
 * that depends on whether it moves or is read. Where sizes are not known the rate stands for
 * them. A layer that was not measured is left out while others were, since nobody knows what
 * it would cost; of what is sent the last known rate is taken.
 */

#include "media/layer.h"
#include "proto/params.h"

/* Why it ends where it does. */
enum ladder_end {
    LADDER_BEST,    /* it is the best that there can be */
    LADDER_WIDE,    /* more is larger, or moves faster, than it is shown */
    LADDER_NAMED,   /* more is above the layer that the viewer named */
    LADDER_STOPPED, /* more was there, or may be, and does not come */
};

struct rung {
    uint32_t bps;
    float quality;
    uint8_t layer; /* index in the table */
};

struct ladder {
    uint8_t n; /* 0: nothing comes */
    enum ladder_end end;
    struct rung rungs[LAYER_INFOS_MAX]; /* each dearer and better than the one before */
};

struct ladder_of {
    bool screen;
    const struct layer_table *table;
    const struct rtp_wish *wish;
    struct layer_target sent; /* to this viewer; LAYER_NONE */
    uint32_t sent_bps;
};

struct ladder sl_ladder(const struct ladder_of *of);
