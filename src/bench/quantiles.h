#pragma once

/*
 * Many numbers, kept as how often each came, to an eighth of its own size: enough to tell
 * quantiles of delays, in fixed memory. Zero is empty.
 */

#include <stddef.h>
#include <stdint.h>

enum { QUANTILES_STEPS = 8, QUANTILES_SLOTS = 40 * QUANTILES_STEPS };

struct quantiles {
    uint64_t n, max;
    uint64_t slots[QUANTILES_SLOTS];
};

void sl_quantiles_add(struct quantiles *q, uint64_t v);
void sl_quantiles_join(struct quantiles *q, const struct quantiles *other);

/* The number that `per_mille` of all do not exceed, or up to an eighth more; never more than
 * the largest. 0 when there are none. */
uint64_t sl_quantiles_at(const struct quantiles *q, unsigned per_mille);
