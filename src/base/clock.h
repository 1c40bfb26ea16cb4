#pragma once

/*
 * Time as a value, and a heap of deadlines. There is no clock here: `now` is given.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Microseconds on the monotonic clock: a point in time, or a span of it. */
typedef int64_t usec;

#define USEC_NEVER INT64_MAX
#define MSEC(n)    ((usec)(n)*1000)
#define SEC(n)     ((usec)(n)*1000000)

/* The first multiple of step that is not before `at`: whoever may be that late is woken up
 * together with others. */
static inline usec usec_step(usec at, usec step)
{
    return at > USEC_NEVER - step ? at : (at + step - 1) / step * step;
}

/* One deadline, inside the struct that waits for it. Zero is a timer that is not set. */
struct timer {
    usec at;
    size_t pos; /* place in the heap plus one; 0: not set */
};

/* Deadlines are kept in the heap, too: to compare them does not touch who waits for them. */
struct timers {
    struct timers_entry {
        usec at;
        struct timer *timer;
    } * heap;
    size_t n, cap;
};

void sl_timers_fini(struct timers *t);

/* Sets or moves the timer. E_MEMORY: it was not set, and is not set now. */
MUST_USE enum err sl_timer_set(struct timers *t, struct timer *timer, usec at);
void sl_timer_stop(struct timers *t, struct timer *timer);

/* The earliest deadline, USEC_NEVER when there is none. */
usec sl_timers_deadline(const struct timers *t);

/* Takes out one timer that is due, or NULL. */
struct timer *sl_timers_due(struct timers *t, usec now);
