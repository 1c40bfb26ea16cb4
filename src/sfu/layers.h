#pragma once

/*
 * The layers of a producer, over all its encodings: what is learnt of them from each packet,
 * and the table that those read who share bandwidth.
 */

#include "base/clock.h"
#include "base/pkt.h"

#include "media/layer.h"

struct encoding;
struct producer;

/* Takes what a packet of e says, where it landed and where it came by pipe; it takes so many
 * octets of a path. */
void sl_layers_learn(struct encoding *e, const struct pkt *p, size_t octets, usec now);

/* What there is to choose from, measured each MEASURE_INTERVAL (sfu/producer). Before its first
 * packet: anything. */
void sl_layers_of(const struct producer *p, struct layer_table *ret);

/* The same layers come, and where there are several, at much the same rates. */
bool sl_layers_alike(const struct layer_table *a, const struct layer_table *b);
