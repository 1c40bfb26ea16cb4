#pragma once

/*
 * Workers, routers, transports, producers, consumers and pipes as JSON, one object each: the schemas
 * are in docs/rooms.openapi.yaml.
 */

#include "room/room.h"
#include "service/wiring.h"
#include "service/worker.h"
#include "sfu/look.h"

/* What of one room lives on one worker. */
struct router_view {
    const struct room *room;
    unsigned worker;
    uint64_t transports, producers, consumers, pipes;
};

void sl_object_worker(struct wr *w, unsigned number, uint64_t routers,
                      const struct worker_stats *s);
void sl_object_router(struct wr *w, const struct router_view *v);

/* peer NULL: it is gone from its room, or was in none. */
void sl_object_transport(struct wr *w, const struct pl_transport *t,
                         const struct peer *peer, const struct look_transport *l);

/* peer: of its transport. */
void sl_object_producer(struct wr *w, const struct pl_producer *pr,
                        const struct peer *peer, const struct look_producer *l);

/* The same producer on another worker: what came there by pipe. */
void sl_object_pipe(struct wr *w, const struct pl_producer *pr, unsigned to,
                    const struct look_producer *l);
/* slot: in which room/track knows it; NULL: none. */
void sl_object_consumer(struct wr *w, const struct pl_consumer *c,
                        const struct slot *slot, const struct look_consumer *l);
