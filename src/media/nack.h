#pragma once

/*
 * What is missing of one incoming RTP stream, and when to ask for it (RFC 4585 §6.2.1).
 *
 * A number that was passed over is asked for once NACK_REORDER newer packets have come or
 * NACK_WAIT has gone by, whatever is first: packets that overtook each other on the way are
 * not asked for. It is asked for again each round trip, until it comes, or has been asked for
 * too often, or is too old to be of use. The round trip is learnt from what comes when it was
 * asked for: who only receives has no report to learn it from. When more is missing than could be had, the list is
 * thrown away and a key frame is wanted instead.
 *
 * Numbers are unwrapped (unwrap.h). For the worker that owns the stream. 8 kB.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum {
    NACK_LIST_MAX = 256, /* missing at once; 2 s of 1 Mbit/s video */
    NACK_REORDER = 3,    /* packets, as in RFC 5681 §3.2 for TCP */
};
#define NACK_WAIT MSEC(10)

struct nack_conf {
    usec max_age; /* from when a packet was missed; video: a second, audio: 200 ms */
    unsigned max_tries;
    usec rtt; /* the round trip, before it is known */
};

struct nack_count {
    uint64_t missed;    /* numbers passed over */
    uint64_t asked;     /* each time that one was asked for */
    uint64_t found;     /* came after all */
    uint64_t given_up;  /* asked for too often, too old, or one of too many */
    uint64_t overflows; /* a key frame was wanted instead */
};

enum nack_seen {
    NACK_NEW,   /* higher than all before, or the first */
    NACK_FOUND, /* was missing: late, or sent again */
    NACK_OLD,   /* neither: seen before, or given up */
};

struct nack;

/* NULL when memory ends. Free takes NULL. */
struct nack *sl_nack_new(const struct nack_conf *conf);
void sl_nack_free(struct nack *n);

/* As new: another stream begins. */
void sl_nack_reset(struct nack *n);

/* A packet came, on the stream itself or by RTX under its first number. */
enum nack_seen sl_nack_input(struct nack *n, uint64_t seq, usec now);

/* Packet seq begins a key frame: when too much is missing, what is older goes first. */
void sl_nack_key(struct nack *n, uint64_t seq);

/* The round trip to the sender, with all that it does before it answers. */
usec sl_nack_rtt(const struct nack *n);

/* Gives the numbers to ask for now, rising, at most cap; more are left for the next call. */
size_t sl_nack_poll(struct nack *n, usec now, uint64_t *ret, size_t cap);

/* When to poll; USEC_NEVER when nothing is missing. */
usec sl_nack_deadline(const struct nack *n);

/* Whether too much was missing since this was last asked. */
bool sl_nack_take_key_wanted(struct nack *n);

struct nack_count sl_nack_count(const struct nack *n);
