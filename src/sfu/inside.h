#pragma once

/*
 * A shard from the inside: what its modules share. Not for users of sfu/shard.h.
 */

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"

#include "sfu/batch.h"
#include "sfu/records.h"
#include "sfu/returns.h"
#include "sfu/router.h"
#include "sfu/shard.h"

struct shard {
    struct shard_conf conf;
    struct shard_stats stats;
    struct rng rng;
    struct timers timers;
    struct map transports; /* by id */
    struct map ufrags;     /* of transports, by our user fragment */
    struct map addrs;      /* struct tp_addr by key */
    struct map producers, consumers;
    struct batch *batch;
    struct router router;
    struct returns returns;
    struct records records;
    usec squeezed;       /* when histories were last cut short */
    usec reviewed;       /* when producers last were */
    struct list reviews; /* struct producer, the one that has waited longest first */
    struct list heard;   /* struct producer: audio that lands here, by in_heard */
    usec heard_at;       /* when control was last told */
};

struct transport *sl_shard_transport(const struct shard *s, uint64_t id);
struct producer *sl_shard_producer(const struct shard *s, uint64_t id);
struct consumer *sl_shard_consumer(const struct shard *s, uint64_t id);

/* Gives a mail away, and counts when that fails. */
bool sl_shard_post(struct shard *s, unsigned to, const struct mail *m, size_t keep);

/* Counts a packet that SRTP or a parser refused. */
void sl_shard_refused(struct shard *s, enum err why);

/* Frees a producer and what is queued of it. */
void sl_shard_drop_producer(struct shard *s, struct producer *p);
void sl_shard_drop_consumer(struct shard *s, struct consumer *c);
