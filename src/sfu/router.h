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

struct consumer;
struct encoding;

enum {
    ROUTER_QUEUE = 256,
    REPLAY_PACKETS = 128, /* that a viewer is sent at once, and their octets */
    REPLAY_OCTETS = 128 * 1024,
};
#define REPLAY_AGE MSEC(400) /* of a key frame that is sent again */

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

/* A viewer that has seen nothing yet waits for a key frame: where the last one came just now it
 * gets that, and all that followed, from the history. Nothing is asked of the publisher, who
 * would not be asked again so soon. Not where another source was seen before: what is old
 * already would push the time of the stream ahead. True: it is served. */
bool sl_router_replay(const struct router *r, struct consumer *c, usec now);

/* Gives all that is queued to consumers and pipes. */
void sl_router_run(struct router *r, usec now);
