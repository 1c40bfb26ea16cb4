#pragma once

/*
 * Which packets of an encoding a viewer gets: those of one spatial and one temporal layer,
 * with what these need.
 *
 * Fewer layers from the next picture on; a higher temporal layer from the first frame that
 * allows it (struct payload: begin); another size with a key picture, or at once where the
 * lower size was sent all the time. A picture is known by its RTP timestamp, and packets that
 * come late are judged as their picture was. Where everything passes nothing is asked.
 */

#include <stdbool.h>
#include <stdint.h>

#include "media/payload.h"

enum {
    GATE_ALL = LAYERS, /* as a layer: what there is, even if it was never seen */
    GATE_PAST = 4,     /* changes that are remembered, for packets that come late */
};

struct gate {
    uint8_t now, want; /* layers */
    bool whole;        /* there is nothing above what is wanted */
    bool keyed;        /* sizes lean on each other in key pictures only */
    uint16_t
        shut; /* layers that need something of the newest picture that did not pass */
    uint16_t sent;   /* layers that need all of it that did */
    uint32_t newest; /* timestamp */
    struct {
        uint32_t since; /* timestamp of the first picture */
        uint8_t layer;
    } past[GATE_PAST]; /* the newest first: that is `now` */
};

enum gate_pass {
    GATE_DROP,
    GATE_PASS,
    GATE_LAST, /* and it ends the viewer's picture: it needs the marker */
};

/* A wish, and what is known of the stream. */
struct gate_wish {
    uint8_t layer; /* by layer_at, one that comes */
    bool whole, keyed;
};

/* The first picture, a key, has this timestamp. */
void sl_gate_begin(struct gate *g, const struct gate_wish *w, uint32_t ts);

void sl_gate_want(struct gate *g, const struct gate_wish *w);

static inline bool gate_open(const struct gate *g)
{
    return g->now == GATE_ALL && g->whole;
}

enum gate_pass sl_gate_pass(struct gate *g, const struct payload *p, uint32_t ts);

/* What a picture with this timestamp is given. */
uint8_t sl_gate_layer(const struct gate *g, uint32_t ts);

/* What is wanted cannot begin without a key picture. */
bool sl_gate_needs_key(const struct gate *g);
