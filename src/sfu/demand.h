#pragma once

/*
 * Which encodings of a track anybody is sent, or waits for: on this worker, and on those that
 * it is carried to, which tell upward. What nobody wanted for DEMAND_IDLE is not wanted any
 * more; what somebody wants is, at once. Control is told, and through it whoever publishes.
 * Where that one obeys, what is for nobody stops, and can still be had, at its last known rate:
 * it counts as lost only when it does not come within DEMAND_WAKE after somebody wanted it.
 */

#include "base/clock.h"

#include "media/layer.h"
#include "proto/params.h"

struct consumer;
struct producer;
struct shard;

#define DEMAND_IDLE SEC(1)
#define DEMAND_WAKE SEC(2)

enum { DEMAND_ALL = 0xff };

struct demand {
    bool told;                       /* upward: */
    uint8_t wanted;                  /* a bit for each encoding */
    uint8_t asleep;                  /* bits of those that were given leave to stop */
    usec at[PARAMS_ENCODINGS_MAX];   /* somebody wanted it last; 0: nobody ever did */
    usec woke[PARAMS_ENCODINGS_MAX]; /* when it was wanted again */
    uint8_t below[64];               /* what workers that it is carried to want */
    struct layer_table seen;         /* its layers, as they were last measured */
};

/* To be called when a viewer was given another encoding, and several times a second. */
void sl_demand_review(struct producer *p, struct shard *s, usec now);

/* A worker that it is carried to wants these. */
void sl_demand_below(struct producer *p, struct shard *s, unsigned worker, uint8_t wanted,
                     usec now);

/* What can be had of its source, what sleeps included. */
void sl_demand_layers(const struct consumer *c, struct layer_table *ret);
