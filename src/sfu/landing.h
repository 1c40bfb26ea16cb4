#pragma once

/*
 * Datagrams as they land on a worker: whose they are, and checks answered at the door.
 *
 * An address that passed a check leads to its transport, by one look-up; a check leads there by
 * its user fragment. What belongs to another worker's transport is handed over to it.
 */

#include <stddef.h>

#include "base/clock.h"

struct pkt;
struct shard;

/* In the order in which they came. Takes a reference of each. */
void sl_landing_take(struct shard *s, struct pkt *const *pkts, size_t n, usec now);

/* One that is STUN, and came here or was handed over. Takes its reference. */
void sl_landing_stun(struct shard *s, struct pkt *p, usec now);
