#pragma once

/*
 * How long packets were inside: from the kernel's stamp on what came until the kernel had taken
 * what was sent for it.
 *
 * Two buckets for each power of two, in microseconds. This is noted for each packet that is
 * forwarded, so the place is computed, not searched.
 */

#include "base/clock.h"
#include "base/metric.h"

enum {
    DELAY_FIRST_BITS = 4, /* the first bound is 16 us, the next are 24, 32, 48, ... */
    DELAY_BOUNDS = 31,    /* ... and the last half a second */
};
_Static_assert((int)DELAY_BOUNDS <= (int)HISTOGRAM_MAX, "they have room");

/* One without anything in it. */
struct histogram sl_delay_histogram(void);

/* What sl_histogram_add does to one of these. For the owner only, and read by nobody else. */
static inline void delay_add(struct histogram *h, usec delay)
{
    uint64_t above = delay > 0 ? (uint64_t)delay - 1 : 0; /* a bound is in its bucket */
    size_t slot = 0;
    if (above >> DELAY_FIRST_BITS) {
        size_t top = 63 - (size_t)__builtin_clzll(above);
        slot = 2 * (top - DELAY_FIRST_BITS) + (above >> (top - 1) & 1) + 1;
    }
    if (slot < DELAY_BOUNDS)
        h->in[slot]++;
    else
        h->above++;
    h->sum += delay > 0 ? (uint64_t)delay : 0;
}
