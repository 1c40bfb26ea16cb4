#pragma once

/*
 * Packets of other threads that go back to them: in batches, one mail for each thread.
 */

#include "base/pkt.h"

#include "sfu/shard.h"

struct returns {
    struct pkt *back[SHARD_PEERS]; /* chained by next, by owner */
};

/* A packet that was not wanted after all: the reference that came with it goes back. */
void sl_returns_add(struct returns *r, struct pkt *origin);

/* Sends these, and those whose leases in pool ended. What finds no room in its mailbox stays
 * for the next time: nothing is lost. */
void sl_returns_send(struct returns *r, struct pkt_pool *pool, const struct shard_io *io);

/* MAIL_BACK came: gives the references up. */
void sl_returns_take(const struct mail *m);
