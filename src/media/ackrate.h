#pragma once

/*
 * The rate at which packets arrive, by what feedback says of them.
 *
 * Each window of ACKRATE_WINDOW gives a sample. How far a sample moves the estimate depends
 * on how far it is from it: one that says half or twice as much is at first more likely an
 * accident of the window than a change, and is believed when more of them follow.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define ACKRATE_FIRST  MSEC(500) /* of a flow that begins: one window of 150 ms misleads */
#define ACKRATE_WINDOW MSEC(150)

/* Zero is new. */
struct ackrate {
    usec last;   /* arrival, on the receiver's clock */
    usec in;     /* how much of the window has gone by */
    double bits; /* in the window */
    double kbps; /* 0: not known yet */
    double var;
    double sample[2]; /* the last ones, newest first */
    bool any;
};

void sl_ackrate_input(struct ackrate *a, usec arrival, size_t octets);

/* What arrives now: less than the estimate when both last windows say so. Of a path that has
 * just become slower this is known long before the estimate believes it. */
static inline double ackrate_now_bps(const struct ackrate *a)
{
    double most = a->sample[0] > a->sample[1] ? a->sample[0] : a->sample[1];
    return (most < a->kbps ? most : a->kbps) * 1000;
}

/* What arrived at the least: more than the estimate when both last windows say so. A source
 * that has just become larger is not known to the average for seconds. */
static inline double ackrate_seen_bps(const struct ackrate *a)
{
    double least = a->sample[0] < a->sample[1] ? a->sample[0] : a->sample[1];
    return (least > a->kbps ? least : a->kbps) * 1000;
}

/* 0: not known yet. */
static inline double ackrate_bps(const struct ackrate *a)
{
    return a->kbps * 1000;
}
