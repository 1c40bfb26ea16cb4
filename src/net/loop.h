#pragma once

/*
 * The loop of the control thread: timers, and wake-ups from other threads and from
 * signal handlers.
 *
 * It stands on libuv, which nobody else needs to know, but for those modules of net that
 * open sockets on it. All calls are for the thread that runs the loop, unless they say
 * otherwise. The two clocks are for any thread.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"

struct loop;

/* One deadline, inside the struct that waits for it. Set fn and user, leave timer zero. */
struct loop_timer {
    struct timer timer;
    void (*fn)(void *user);
    void *user;
};

/* A bell that other threads may ring. */
struct loop_wake;

/* Microseconds that never jump, of the clock that the kernel stamps timers with; and since
 * the Unix epoch, for people and tokens. */
usec sl_loop_now(void);
usec sl_wall_now(void);

/* NULL when memory or descriptors end. From the first one on the process ignores SIGPIPE, as
 * libuv does not keep it from its sockets. Before sl_loop_free, which takes NULL, everything
 * made on the loop must be freed. */
struct loop *sl_loop_new(void);
void sl_loop_free(struct loop *l);

/* Runs until sl_loop_stop is called, or nothing is left to wait for. */
void sl_loop_run(struct loop *l);
void sl_loop_stop(struct loop *l);

/* Sets or moves the timer: fn is called once, at `at` or up to a millisecond later, and may
 * set it again, or free what it is in. E_MEMORY: it is not set. */
MUST_USE enum err sl_loop_timer_set(struct loop *l, struct loop_timer *t, usec at);
void sl_loop_timer_stop(struct loop *l, struct loop_timer *t);

/* fn is called on the loop's thread soon after a ring; rings that come together are one.
 * NULL when memory or descriptors end. */
struct loop_wake *sl_loop_wake_new(struct loop *l, void (*fn)(void *user), void *user);
void sl_loop_wake_free(struct loop_wake *w);

/* For any thread, and for signal handlers. */
void sl_loop_wake_ring(struct loop_wake *w);

/* Calls work on a thread of a small pool, then done on the loop's thread: for what takes long and
 * is no packet, as hashing a password does. E_MEMORY. */
MUST_USE enum err sl_loop_work(struct loop *l, void (*work)(void *user),
                               void (*done)(void *user), void *user);

/* Runs the loop until all such work is done: before what it works on is freed. */
void sl_loop_finish_work(struct loop *l);

/* For modules of net only. */
struct uv_loop_s;
struct uv_loop_s *sl_loop_uv(struct loop *l);
