#include "bench/quantiles.h"

/* Numbers below QUANTILES_STEPS have slots of their own; above, each power of two has as many
 * slots. */
static size_t slot_of(uint64_t v)
{
    if (v < QUANTILES_STEPS)
        return (size_t)v;
    unsigned top = 63 - (unsigned)__builtin_clzll(v);
    unsigned low = top - 3;
    size_t slot = (size_t)(top - 2) * QUANTILES_STEPS + (v >> low) - QUANTILES_STEPS;
    return slot < QUANTILES_SLOTS ? slot : QUANTILES_SLOTS - 1;
}

/* The largest number of a slot. */
static uint64_t end_of(size_t slot)
{
    if (slot < QUANTILES_STEPS)
        return slot;
    unsigned low = (unsigned)(slot / QUANTILES_STEPS) - 1;
    return ((uint64_t)(slot % QUANTILES_STEPS + QUANTILES_STEPS + 1) << low) - 1;
}

void sl_quantiles_add(struct quantiles *q, uint64_t v)
{
    q->slots[slot_of(v)]++;
    q->n++;
    if (v > q->max)
        q->max = v;
}

void sl_quantiles_join(struct quantiles *q, const struct quantiles *other)
{
    for (size_t i = 0; i < QUANTILES_SLOTS; i++)
        q->slots[i] += other->slots[i];
    q->n += other->n;
    if (other->max > q->max)
        q->max = other->max;
}

uint64_t sl_quantiles_at(const struct quantiles *q, unsigned per_mille)
{
    uint64_t want = (q->n * per_mille + 999) / 1000, seen = 0;
    for (size_t i = 0; i < QUANTILES_SLOTS && q->n > 0; i++) {
        seen += q->slots[i];
        if (seen >= want && seen > 0)
            return i + 1 < QUANTILES_SLOTS && end_of(i) < q->max ? end_of(i) : q->max;
    }
    return q->max;
}
