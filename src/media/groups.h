#pragma once

/*
 * Packets that left together, seen as one: the differences in time, from group to group, that
 * the delay of a path is read from (draft-ietf-rmcat-gcc §5.2).
 *
 * What is sent within GROUP_SPAN is one group. So is what arrives as a burst although it was
 * not sent as one: it stood in a queue that a radio link emptied at once, and says nothing of
 * the bottleneck. Two clocks, of sender and receiver, which are only compared with themselves.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define GROUP_SPAN MSEC(5)   /* §5.2, burst_time */
#define GROUP_MAX  MSEC(100) /* a burst that never ends is cut */

struct group {
    usec first_sent, last_sent;
    usec first_arrival, last_arrival;
};

/* Zero is new. */
struct groups {
    struct group now, before;
    bool any, two;
};

struct group_delta {
    usec sent, arrival; /* each less that of the group before */
    usec at;            /* of the arrival */
};

/* A packet, in the order of sending. True: the group before it is complete, and *ret says how
 * it followed its own predecessor. */
bool sl_groups_input(struct groups *g, usec sent, usec arrival, struct group_delta *ret);
