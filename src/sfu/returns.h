#pragma once

/*
 * Packets of other threads that go back to them, once for each round.
 *
 * Each takes a mail of its own: the same packet may be lent to many threads at a time, so
 * none of them may write to it, not even to chain it to others.
 */

#include <stddef.h>

#include "base/pkt.h"

#include "sfu/shard.h"

/* Zero: nothing goes back. */
struct returns {
    struct pkt **waiting;
    size_t n, cap;
};

void sl_returns_fini(struct returns *r);

/* A packet that was not wanted after all: the reference that came with it goes back. */
void sl_returns_add(struct returns *r, struct pkt *origin);

/* Sends these, and those whose leases in pool ended. What finds no room in its mailbox stays
 * for the next time, and does not hold up what goes elsewhere. */
void sl_returns_send(struct returns *r, struct pkt_pool *pool, const struct shard_io *io);

/* MAIL_BACK came: gives the reference up. */
void sl_returns_take(const struct mail *m);
