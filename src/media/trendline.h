#pragma once

/*
 * Whether a queue grows on the path: the slope of the one-way delay, and what is too steep.
 *
 * The delay of the last groups is smoothed and a line is laid through it (least squares). Its
 * slope is compared with a threshold that follows what the path does by itself, so that
 * jitter is not taken for congestion and a flow that only knows loss does not starve us
 * (draft-ietf-rmcat-gcc §5.3 and §5.4; the line in place of the draft's Kalman filter is what
 * browsers do). A value without pointers; start with sl_trendline_init.
 */

#include <stdint.h>

#include "media/groups.h"

enum { TRENDLINE_WINDOW = 20 }; /* groups; at 5 ms and more, 100 ms and more */

enum usage {
    USAGE_NORMAL,
    USAGE_OVER,  /* a queue grows */
    USAGE_UNDER, /* a queue empties */
};

struct trendline_sample {
    double at_ms, delay_ms;
};

/* Of the samples, of what lies between them and another: small beside what they are. */
struct trendline_sums {
    struct trendline_sample from;
    double x, y, xx, xy;
};

struct trendline {
    unsigned n, next; /* samples there are; the oldest of a full window */
    struct trendline_sample sample[TRENDLINE_WINDOW];
    struct trendline_sums sums; /* of a full window */
    usec first_at;
    unsigned deltas; /* counted up to a limit */
    double delay_ms, smooth_ms;
    double trend; /* as compared with the threshold */
    double threshold;
    usec adapted_at;
    double over_ms; /* for how long it was above */
    unsigned over_n;
    double slope;
    enum usage usage;
};

void sl_trendline_init(struct trendline *t);
enum usage sl_trendline_input(struct trendline *t, const struct group_delta *d);
