#pragma once

/*
 * A queue that stands: full for so long that nothing changes any more. No slope shows it, and
 * whoever sends just what comes out at its end keeps it as it is, with its delay and losses.
 *
 * The delay of each group is compared with the least of the last seconds. When it stays far
 * above, and packets are lost besides, less is sent for a while than comes out, so that it
 * empties. If it does not, it is somebody else's: then that is not tried again for long, as it
 * would only give way to him. A value without pointers; zero is new.
 */

#include <stdbool.h>

#include "base/clock.h"

#define STANDING_QUEUE MSEC(80)  /* above the least */
#define STANDING_TIME  MSEC(400) /* for so long */

struct standing {
    usec delay;        /* of the last group, on a scale of its own */
    usec least, spare; /* in this window and the one before */
    usec window_at;    /* when this one began; 0: there is none */
    usec above_at;     /* since when it is above; 0: it is not */
    usec drain_at;     /* since when it is emptied; 0: it is not */
    usec not_before;   /* when that may be tried again */
    double drain_bps;
};

/* A group came so much later than the one before than it was sent later. */
void sl_standing_input(struct standing *s, usec later, usec now);

/* How long what arrived last waited. */
usec sl_standing_queue(const struct standing *s);

/* What may be sent at the most; 0: anything. acked_bps: what comes out. */
double sl_standing_limit(struct standing *s, double acked_bps, bool losing, usec now);
