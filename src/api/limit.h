#pragma once

/*
 * How often one address may ask for something dear: a bucket of tokens for each address,
 * IPv6 by its /64, which is what one customer gets.
 *
 * A bucket is one number, the time at which it is full again (GCRA), so a full one need not
 * be kept. The table has a fixed size: whoever floods it from very many addresses pushes out
 * others' buckets, to their good, and costs no memory. Sans-IO; one thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/clock.h"

struct limit;

struct limit_conf {
    usec every;       /* a token comes back each so long; 0: no limit */
    unsigned burst;   /* tokens in a full bucket, at least 1 */
    size_t addresses; /* that are remembered at once, rounded up to a power of two */
};

/* A bucket by itself, of which full_at is all there is. cost and capacity: in the time in which so much comes
 * back. False: there was less in it, and nothing was taken. */
MUST_USE bool sl_limit_pay(usec *full_at, usec cost, usec capacity, usec now);

/* seed: what outsiders cannot know. NULL when memory ends. Free takes NULL. */
struct limit *sl_limit_new(const struct limit_conf *conf, const uint64_t seed[2]);
void sl_limit_free(struct limit *l);

/* Takes a token. 0: there was one; otherwise how long to wait for the next. */
usec sl_limit_take(struct limit *l, const struct addr *from, usec now);
