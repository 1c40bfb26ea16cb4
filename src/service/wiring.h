#pragma once

/*
 * What hangs on what in the media plane: transports and the workers they live on, their producers
 * and consumers, and the pipes that carry a producer to workers where somebody has it as the
 * source. Workers are told of each change, in order. For the control thread, and the plane.
 */

#include "base/list.h"
#include "base/map.h"

#include "service/outbox.h"
#include "service/plane.h"
#include "service/plane_data.h"

struct pl_transport {
    uint64_t id;
    struct map_node by_id;
    unsigned owner; /* SHARD_WORKERS_MAX: nobody yet */
    struct list producers, consumers;
    struct plane_path path; /* no cause: not known */
    struct plane_reception reception;
    struct plane_data data;
    uint32_t ceiling_bps; /* that its peer may send; 0: any */
};

struct pl_producer {
    uint64_t id;
    struct map_node by_id;
    struct pl_transport *transport;
    struct list in_transport;
    struct list consumers;             /* that have it as their source */
    uint32_t piped[SHARD_WORKERS_MAX]; /* for how many consumers there */
    usec wanted_at;                    /* what is wanted of it last changed; 0: never */
    uint8_t excess;                    /* encodings above the ceiling, a bit for each */
    struct rtp_receive receive;
};

struct pl_consumer {
    uint64_t id;
    struct map_node by_id;
    struct pl_transport *transport;
    struct list in_transport;
    struct pl_producer *source; /* NULL: none */
    struct list in_source;
    bool fed;             /* its worker was told of the source */
    bool wishes;          /* and is to be told of this */
    struct rtp_wish wish; /* of the viewer */
    bool told;            /* and told us what is sent: */
    struct plane_share share;
    struct rtp_send send;
};

struct wiring {
    struct outbox out;
    struct map transports, producers, consumers;
};

static inline bool pl_owned(const struct pl_transport *t)
{
    return t->owner != SHARD_WORKERS_MAX;
}

/* post is borrowed. Fini drops all, and frees mail that still waits. */
void sl_wiring_init(struct wiring *w, struct post *post, const uint64_t hash_key[2]);
void sl_wiring_fini(struct wiring *w);

/* NULL: there is none (any more). */
struct pl_transport *sl_wiring_transport(const struct wiring *w, uint64_t id);
struct pl_producer *sl_wiring_producer(const struct wiring *w, uint64_t id);
struct pl_consumer *sl_wiring_consumer(const struct wiring *w, uint64_t id);

/* The owner, where there is one, is told of the ceiling. */
void sl_wiring_ceiling(struct wiring *w, const struct pl_transport *t);

/* Made by the caller with an id, and the transport that they are on; freed when dropped, and what
 * hangs on them first. Not E_OK: freed at once. */
MUST_USE enum err sl_wiring_add_transport(struct wiring *w, struct pl_transport *t);
MUST_USE enum err sl_wiring_add_producer(struct wiring *w, struct pl_producer *pr);
MUST_USE enum err sl_wiring_add_consumer(struct wiring *w, struct pl_consumer *c);
void sl_wiring_drop_transport(struct wiring *w, struct pl_transport *t);
void sl_wiring_drop_producer(struct wiring *w, struct pl_producer *pr);
void sl_wiring_drop_consumer(struct wiring *w, struct pl_consumer *c);

/* Has it as its source; NULL: nobody. */
void sl_wiring_source(struct wiring *w, struct pl_consumer *c, struct pl_producer *pr);
/* Its worker, where there is one, is told of what the viewer wishes now. */
void sl_wiring_wish(struct wiring *w, const struct pl_consumer *c);

/* The transport's keys went to a worker: that one is told all that hangs on it, the others
 * where to hand over what they receive for it. */
void sl_wiring_adopt(struct wiring *w, struct pl_transport *t, unsigned owner);
