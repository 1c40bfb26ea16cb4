#pragma once

/*
 * What a publisher is told that it may send, by REMB: as much as anybody can make use of, and
 * no more than it was allowed.
 *
 * Browsers that compute an estimate of their own, from transport-wide feedback, take REMB for
 * an upper bound of it, and are back at the old rate as soon as it is lifted: docs/loss.md has
 * what was measured. So of several encodings, and of sizes inside one, the best stop while nobody
 * watches them, unless they were stopped by their sender, which then may begin again. What has but
 * one is held to what the best of its viewers can be sent: a picture that does not fit
 * is seen by nobody. A track that nobody watches at all is let be, since a picture that was
 * small for long grows again only slowly.
 */

#include <stdint.h>

#include "base/clock.h"

struct transport;

#define LIMIT_ANY 20000000 /* bits/s: no limit in practice */

/* While what is wanted does not come, and so long after it did, nothing is limited. */
#define LIMIT_FREE SEC(1)

struct limit_state {
    uint8_t of;      /* parts (sfu/demand) that the present limit leaves room for */
    uint8_t strikes; /* how often it did not, though it should have */
    usec free_until;
};

/* Encodings that flow since are let be: viewers are only just given them. */
#define LIMIT_SETTLE SEC(5)

/* In bits/s; LIMIT_ANY: any. */
uint32_t sl_limit_of(const struct transport *t, usec now);
