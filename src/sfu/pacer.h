#pragma once

/*
 * Holds back what a narrow path cannot take at once: a key frame leaves over as long as the
 * path needs for it, instead of filling a queue there, in which sound would stand behind it.
 *
 * Only a path that is known to be narrow has one. What waits are packets, not jobs: they are
 * given numbers when it is their turn, so those of an encoding that the consumer has left by
 * then cost nothing and leave no gap. Sound, resends and padding do not wait, but are counted.
 * Nothing is ever dropped for want of room or of time: what would wait longer than PACER_WAIT,
 * or finds no place, makes the rest leave faster.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/pkt.h"

struct consumer;
struct encoding;
struct transport;

#define PACER_WAIT MSEC(800)

/* The transport sends this much from now on; 0: whatever there is, and what waits leaves. */
void sl_pacer_limit(struct transport *t, uint64_t bps, usec now);

/* With the transport; what waits is dropped. */
void sl_pacer_free(struct transport *t);

/* Packets of e wait for their turn, which may be now. Only where t->pacer is set, as
 * sl_pacer_spent. */
void sl_pacer_put(struct consumer *c, const struct encoding *e, struct pkt *const *pkts,
                  size_t n, usec now);

/* So many octets left past it. */
void sl_pacer_spent(struct transport *t, size_t octets);

/* What is due leaves. */
void sl_pacer_run(struct transport *t, usec now);
usec sl_pacer_deadline(const struct transport *t);

/* Lets this many octets go before their time. Gives how many there were. */
size_t sl_pacer_hurry(struct transport *t, size_t octets, usec now);

/* What waits for the consumer is dropped. */
void sl_pacer_forget(struct consumer *c);
