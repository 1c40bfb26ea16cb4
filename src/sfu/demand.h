#pragma once

/*
 * Which parts of a track anybody is sent, or waits for. Parts are its encodings, or the sizes
 * inside its only one (SVC), each of which needs those below it; a part is known by its number. A
 * track of one size is one part. Each worker knows of its own viewers; those that the track is
 * carried to tell upward. What nobody wanted for DEMAND_IDLE is not wanted any
 * more; what somebody wants is, at once. Control is told, and through it whoever publishes.
 * Where that one obeys, what is for nobody stops, and can still be had, at its last known rate:
 * it counts as lost only when it does not come within DEMAND_WAKE after somebody wanted it. What
 * is lost stays wanted, though nobody can be given it, until it comes: a sender whose path
 * or processor could not, and now can, would not know otherwise. While somebody watches, and
 * nothing comes at all, all of it may come.
 *
 * Of what has just begun, or just stopped, less is measured than it is: a part that sleeps is
 * what it was seen to be while it came, in some seconds' mean, and one that came back is, too,
 * until DEMAND_STEADY. One that came, and of which nothing was seen yet, stays wanted while anybody
 * watches.
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

#define DEMAND_IDLE   SEC(1)
#define DEMAND_WAKE   SEC(2)
#define DEMAND_STEADY SEC(2)

/* Encodings that were first measured since are let be, while anybody watches. */
#define DEMAND_SETTLE SEC(5)

enum {
    DEMAND_ALL = 0xff,
    DEMAND_PARTS_MAX = PARAMS_ENCODINGS_MAX,
    DEMAND_EASE = 2, /* this part of each measurement goes into what was seen */
};
_Static_assert((int)DEMAND_PARTS_MAX >= (int)LAYER_SPATIALS, "sizes are parts, too");
#define DEMAND_ANY UINT32_MAX

/* The layers of a track as they were measured, those of each part at a time of its own. */
struct demand_seen {
    struct layer_table table;
    uint32_t bps[DEMAND_PARTS_MAX]; /* what each part took of a path */
};

struct demand {
    bool told;                   /* upward: */
    uint8_t wanted;              /* a bit for each part; of one part DEMAND_ALL, or 0 */
    uint32_t most_bps;           /* that anybody can be sent; DEMAND_ANY */
    uint8_t asleep;              /* bits of those that were given leave to stop, */
    uint8_t carried;             /* and that workers below know of */
    uint8_t lost;                /* of those that were wanted and do not come */
    usec at[DEMAND_PARTS_MAX];   /* somebody wanted it last; 0: nobody ever did */
    usec woke[DEMAND_PARTS_MAX]; /* when it was wanted again */
    usec took[DEMAND_PARTS_MAX]; /* until it came; 0: not yet, or it had not stopped */
    uint8_t below[64];           /* what workers that it is carried to want, */
    uint32_t below_bps[64];      /* and can make use of */
    struct demand_seen seen;     /* while it came, not just before it stopped; */
    usec seen_since;             /* all parts at once: 0: never */
    struct demand_seen news;     /* what will be seen, if it comes as long again, */
    usec news_at;                /* when it was measured, */
    uint8_t news_of;             /* and of which parts */
};

/* How many there are, by what was seen of it. */
unsigned sl_demand_parts(const struct producer *p);

/* It comes; and what it takes of a path, as measured now. */
bool sl_demand_flows(const struct producer *p, unsigned part);
uint32_t sl_demand_rate(const struct producer *p, unsigned part);

/* Those that were given leave to stop, and do not come: a bit for each. Those that began, or
 * came back, since DEMAND_STEADY. */
uint8_t sl_demand_still(const struct producer *p, usec now);
uint8_t sl_demand_fresh(const struct producer *p, usec now);

/* A viewer's share is of a size that nobody wanted until now; of one that still sleeps. */
bool sl_demand_lacks(const struct consumer *c);
bool sl_demand_waits(const struct consumer *c, usec now);

/* To be called when a viewer was given another part, and several times a second. */
void sl_demand_review(struct producer *p, struct shard *s, usec now);

/* A worker that it is carried to wants these, and at most so many bits/s. */
void sl_demand_below(struct producer *p, struct shard *s, unsigned worker, uint8_t wanted,
                     uint32_t most_bps, usec now);

/* Tells a worker that it is carried to what sleeps, and cannot be seen there: from now on, or
 * since now. */
void sl_demand_carry(const struct producer *p, struct shard *s, unsigned worker);

/* Such a word came. */
void sl_demand_learn(struct producer *p, const struct cmd_asleep *c, usec now);

/* What can be had of its source, what sleeps included. */
void sl_demand_layers(const struct consumer *c, struct layer_table *ret, usec now);
