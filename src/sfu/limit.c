#include "sfu/limit.h"

#include "sfu/demand.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

enum {
    PICTURE = 150000, /* of one that is watched, at the least */
    SOUND = 64000,
    /* Of sizes inside one encoding only the largest stops: below that Chromium makes all of them
     * smaller instead, and is slow to go back. */
    SIZES = 500000,
    /* A picture may be a quarter larger than it was lately, before it is seen to be. */
    SPARE_NUM = 5,
    SPARE_DEN = 4,
    STRIKES_MAX = 6,
};

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* What an encoder sets aside for its smallest picture, and the next, however little it needs of
 * it; and for what is larger. */
static const uint32_t set_aside[PARAMS_ENCODINGS_MAX] = {150000, 500000, 1200000,
                                                         2500000};

/* Of those that sleep, as they were last measured. */
static void rates_of(const struct producer *p, unsigned n, uint32_t ret[DEMAND_PARTS_MAX])
{
    for (unsigned i = 0; i < n; i++)
        ret[i] = larger(sl_demand_rate(p, i), p->demand.seen.bps[i]);
}

/* What is wanted has not come for a moment. Where that was so under a limit that was made for it,
 * the limit was too low. */
static bool is_missing(struct producer *p, unsigned n, usec now)
{
    unsigned missing = 0;
    for (unsigned i = 0; i < n; i++)
        if (!sl_demand_flows(p, i))
            missing |= 1U << i;
    missing &= p->demand.wanted;
    if (missing)
        p->limit.free_until = now + LIMIT_FREE;
    if (missing & p->limit.of && p->limit.strikes < STRIKES_MAX)
        p->limit.strikes++;
    p->limit.of &= missing ? 0 : UINT8_MAX;
    return now < p->limit.free_until;
}

/* It stopped what it was not asked to, and may begin again: nobody is given that before it comes. */
static bool is_stopped(const struct producer *p, unsigned part)
{
    return !sl_demand_flows(p, part) && !(p->demand.asleep & 1U << part);
}

/* Browsers stop the largest first. The smallest goes on: who comes sees it at once. */
static uint32_t of_parts(struct producer *p, unsigned parts, usec now)
{
    uint32_t rates[DEMAND_PARTS_MAX], most = UINT32_MAX;
    uint64_t sum = 0;
    unsigned n = 0;
    if (p->demand.seen_since == 0 || now - p->demand.seen_since < LIMIT_SETTLE ||
        is_missing(p, parts, now))
        return LIMIT_ANY;
    rates_of(p, parts, rates);
    for (unsigned i = 0; i < parts; i++)
        most = rates[i] < most ? rates[i] : most;
    for (unsigned i = 0; i < parts; i++)
        if (p->demand.wanted & 1U << i)
            most = larger(most, rates[i]);
    for (unsigned i = 0; i < parts; i++) {
        uint64_t spared = (uint64_t)rates[i] * SPARE_NUM / SPARE_DEN;
        if (rates[i] > most && is_stopped(p, i))
            return LIMIT_ANY;
        if (rates[i] > most)
            continue;
        sum += spared > set_aside[n] ? spared : set_aside[n];
        n++;
    }
    for (unsigned i = 0; i < p->limit.strikes; i++)
        sum += sum / 2;
    if (p->encodings_n == 1 && sum < SIZES)
        sum = SIZES;
    if (n == parts || sum > LIMIT_ANY)
        return LIMIT_ANY;
    p->limit.of = p->demand.wanted;
    return (uint32_t)sum;
}

static uint32_t of_picture(const struct producer *p)
{
    uint32_t most = p->demand.most_bps;
    return most == 0 || most > LIMIT_ANY ? LIMIT_ANY : larger(most, PICTURE);
}

static uint32_t use_of(struct producer *p, usec now)
{
    unsigned parts = sl_demand_parts(p);
    if (p->params.kind == MEDIA_AUDIO)
        return SOUND;
    return parts > 1 ? of_parts(p, parts, now) : of_picture(p);
}

uint32_t sl_limit_of(const struct transport *t, usec now)
{
    uint32_t use = 0, most = LIMIT_ANY;
    if (t->ceiling_bps > 0 && t->ceiling_bps < most)
        most = t->ceiling_bps;
    list_each (struct producer, p, &t->producers, in_transport)
        use = use < most ? use + use_of(p, now) : most;
    return use < most ? use : most;
}
