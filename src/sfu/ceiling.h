#pragma once

/*
 * Who sends more than it may: what is above the ceiling is not passed on.
 *
 * A publisher is told its ceiling by its description and by REMB, and most keep to it. Of one
 * that does not, whatever the reason, sounds pass first and then pictures, the smallest
 * encoding first, as far as the ceiling reaches; what does not fit for CEILING_GRACE is as if it
 * had stopped, from one packet to the next. Its viewers are shown a smaller encoding where one
 * fits, and nothing of it where none does; nobody gets a picture with holes, and nobody else
 * pays for it. It is measured all the same, and passes again once it has fitted for
 * CEILING_BACK, from a key frame on. Control is told which encodings these are.
 *
 * Packets are not queued and none is dropped at random: that would be asked for again, and come
 * on top.
 */

#include "base/clock.h"

struct encoding;
struct producer;
struct shard;
struct transport;

/* Encoders need some time to follow, and key frames make peaks. */
#define CEILING_GRACE SEC(4)
#define CEILING_BACK  SEC(2)

/* To be called when rates were measured: each MEASURE_INTERVAL (sfu/producer). */
void sl_ceiling_review(struct transport *t, usec now);

/* Tells a worker that it is carried to from now on what is in excess, and cannot be seen there. */
void sl_ceiling_carry(const struct producer *p, struct shard *s, unsigned worker);

/* On a worker that it is carried to: these are in excess where it lands, a bit for each. */
void sl_ceiling_learn(struct producer *p, unsigned excess, struct shard *s, usec now);

/* Counts a packet of an encoding in excess, of n octets, which is to be dropped. */
void sl_ceiling_drop(struct encoding *e, size_t n);
