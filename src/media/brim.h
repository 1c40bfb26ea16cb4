#pragma once

/*
 * Whether packets are lost at the brim of a queue: one that is too short for its growth to be
 * seen before it is full, as in many home routers and policers.
 *
 * A path that loses by itself does so at any time. What a full queue loses came behind packets
 * that had to wait longer than others. So the delay of the packet before each lost one is
 * compared with that of all. A value without pointers; zero is new.
 */

#include <stdbool.h>

#include "base/clock.h"

#define BRIM_QUEUE MSEC(80) /* a longer one is seen by other means */

struct brim {
    double delay;     /* of the last packet that arrived, on a scale of its own */
    double mean, dev; /* of all */
    double before;    /* mean of the packets before lost ones */
    unsigned seen, lost;
};

/* In the order of sending: one arrived so much later than it was sent, or did not. */
void sl_brim_arrived(struct brim *b, usec later);
void sl_brim_lost(struct brim *b);

/* True once for some lost packets. */
bool sl_brim_full(struct brim *b);
