#pragma once

/*
 * Which encodings of a track anybody is sent, or waits for: on this worker, and on those that
 * it is carried to, which tell upward. What nobody wanted for DEMAND_IDLE is not wanted any
 * more; what somebody wants is, at once. Control is told, and through it whoever publishes.
 * Where that one obeys, what is for nobody stops, and can still be had, at its last known rate:
 * it counts as lost only when it does not come within DEMAND_WAKE after somebody wanted it.
 *
 * Besides, the bits/s that the best of its viewers can be sent: more would be for nobody. A
 * viewer whose path is not known to be narrow can be sent anything.
 */

#include "base/clock.h"

#include "media/layer.h"
#include "proto/params.h"
#include "sfu/mail.h"

struct consumer;
struct producer;
struct shard;

#define DEMAND_IDLE SEC(1)
#define DEMAND_WAKE SEC(2)

enum { DEMAND_ALL = 0xff };
#define DEMAND_ANY UINT32_MAX

struct demand {
    bool told;                       /* upward: */
    uint8_t wanted;                  /* a bit for each encoding */
    uint32_t most_bps;               /* that anybody can be sent; DEMAND_ANY */
    uint8_t asleep;                  /* bits of those that were given leave to stop */
    usec at[PARAMS_ENCODINGS_MAX];   /* somebody wanted it last; 0: nobody ever did */
    usec woke[PARAMS_ENCODINGS_MAX]; /* when it was wanted again */
    uint8_t below[64];               /* what workers that it is carried to want, */
    uint32_t below_bps[64];          /* and can make use of */
    struct layer_table seen; /* its layers, as they were last measured together, */
    usec seen_since;         /* and when they first were; 0: never */
};

/* To be called when a viewer was given another encoding, and several times a second. */
void sl_demand_review(struct producer *p, struct shard *s, usec now);

/* A worker that it is carried to wants these, and at most so many bits/s. */
void sl_demand_below(struct producer *p, struct shard *s, unsigned worker, uint8_t wanted,
                     uint32_t most_bps, usec now);

/* Tells a worker that it is carried to from now on what sleeps, and cannot be seen there. */
void sl_demand_carry(const struct producer *p, struct shard *s, unsigned worker);

/* Such a word came. */
void sl_demand_learn(struct producer *p, const struct cmd_asleep *c, usec now);

/* What can be had of its source, what sleeps included. */
void sl_demand_layers(const struct consumer *c, struct layer_table *ret);
