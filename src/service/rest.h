#pragma once

/*
 * When a busy worker rests, so that more gathers before it looks again.
 *
 * To wake up costs a worker as much as to forward three packets. One that has little to do pays
 * that gladly: what comes is served at once. One that is busy for half of its time is woken
 * again and again for a packet or two; it does not sleep on its sockets at once, but rests first,
 * for a fraction of a millisecond in which nobody wakes it, and then finds a batch. The busier
 * it has been for some time, the longer: packets wait for each other then as it is. Near its limit
 * it has no time to rest, as there is always more to read. One thread.
 */

#include <stdbool.h>

#include "base/clock.h"

/* The kernel adds its timer slack, 50 us: both together are the delay that a loaded worker adds,
 * a sixth of what it may. Half of it saves half as much. The long one is for who has had more to
 * do than half the time: it saves three packets in a hundred there. */
#define REST_TIME   100
#define REST_LONG   250
#define REST_WINDOW MSEC(10) /* over which it is seen how busy it is */

struct rest {
    usec since; /* when the window began */
    usec idle;  /* time slept or rested in it */
    bool busy;  /* in the last window */
    bool full;  /* lately */
    int worked; /* lately, of 1000: the mean of some windows */
};

/* It has nothing more to do: for how long it rests before it looks again. 0: it sleeps until
 * somebody wakes it, as after a look that found nothing: what comes in bursts has pauses. */
usec sl_rest_for(struct rest *r, bool found, usec now);

/* It rested or slept. */
static inline void rest_add(struct rest *r, usec from, usec to)
{
    r->idle += to - from;
}
