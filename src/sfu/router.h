#pragma once

/*
 * Who gets which packet: the hot path of one worker.
 *
 * Packets of one round are kept in the order in which they came, and forwarded in segments:
 * packets that follow each other and belong to one encoding. A consumer is looked at once
 * for a segment, so that a frame's packets go to it together.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/pkt.h"

#include "sfu/batch.h"
#include "sfu/shard.h"

struct encoding;

enum { ROUTER_QUEUE = 256 };

struct router {
    struct batch *batch;
    struct shard_stats *stats;
    const struct shard_io *io;
    size_t n;
    struct encoding *from[ROUTER_QUEUE];
    struct pkt *pkts[ROUTER_QUEUE]; /* a reference each */
};

/* Queues a packet that was parsed, with a reference of its own; forwards what is queued when
 * there is no more room. */
void sl_router_put(struct router *r, struct encoding *e, struct pkt *p, usec now);

/* Gives all that is queued to consumers and pipes. */
void sl_router_run(struct router *r, usec now);
