#pragma once

/*
 * One direction of a bad network: what becomes of each datagram on it.
 *
 *     in -> queue, drops what comes when it is full -> link of a rate -> losses -> delay -> out
 *
 * A datagram that is lost had its time on the link, as on the air. Delay and jitter do not
 * change the order unless told. Conditions may change at any time: what waits then goes at
 * the new rate, what is under way keeps its delay. Losses and jitter are drawn from a seed,
 * one after the other, so that two runs with the same datagrams are the same.
 *
 * Sans-IO, one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

enum {
    IMPAIR_DATAGRAM_MAX = 2048,
    IMPAIR_MAX = 8192, /* datagrams at a time: 10 s of 10 Mbit/s */
    IMPAIR_IP_UDP = 28 /* octets that the link carries beside what is put in */
};

struct impair_conf {
    double rate_bps;    /* 0: no limit */
    usec queue;         /* longer than this nothing waits for the link */
    usec delay, jitter; /* jitter comes on top: evenly spread, from none to all of it */
    bool reorder;       /* by jitter */
    double loss;        /* of all, 0 to 1 */
    double burst;       /* losses in a row, on average; up to 1: each by itself */
};

struct impair_stats {
    uint64_t in, out, lost,
        full; /* datagrams: that came, that went, what became of others */
    uint64_t in_octets, out_octets; /* with IP and UDP */
    usec waited;                    /* for the link, the last one that left it */
};

struct impair;

/* NULL when memory ends. Begins as a perfect network. Free takes NULL. */
struct impair *sl_impair_new(uint64_t seed, usec now);
void sl_impair_free(struct impair *m);

void sl_impair_set(struct impair *m, const struct impair_conf *conf, usec now);

/* A datagram of `who`. It is copied; E_FULL: it was dropped, which is counted. E_UNSUPPORTED: it
 * is too long. */
enum err sl_impair_put(struct impair *m, unsigned who, struct span datagram, usec now);

/* One that has arrived at the other end; false: none. *ret is valid until the next call. */
bool sl_impair_take(struct impair *m, usec now, unsigned *who, struct span *ret);

/* When there may be something to take; USEC_NEVER when nothing is under way. */
usec sl_impair_deadline(const struct impair *m);

struct impair_stats sl_impair_stats(const struct impair *m);
