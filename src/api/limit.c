#include "api/limit.h"

#include <stdlib.h>

#include "base/map.h"

enum { WAYS = 8 }; /* places that an address may be kept in */

struct bucket {
    uint64_t who;
    usec full_at;
};

struct limit {
    struct limit_conf conf;
    uint64_t seed[2];
    uint64_t mask; /* of the index of a group of places */
    struct bucket buckets[];
};

struct limit *sl_limit_new(const struct limit_conf *conf, const uint64_t seed[2])
{
    size_t n = WAYS;
    while (n < conf->addresses)
        n *= 2;
    struct limit *l = calloc(1, sizeof *l + n * sizeof l->buckets[0]);
    if (!l)
        return NULL;
    l->conf = *conf;
    l->seed[0] = seed[0];
    l->seed[1] = seed[1];
    l->mask = n / WAYS - 1;
    return l;
}

void sl_limit_free(struct limit *l)
{
    free(l);
}

bool sl_limit_pay(usec *full_at, usec cost, usec capacity, usec now)
{
    usec from = *full_at > now ? *full_at : now;
    if (from + cost > now + capacity)
        return false;
    *full_at = from + cost;
    return true;
}

/* The bucket of this address, or the place of the one that is full soonest. */
static struct bucket *find(struct limit *l, uint64_t who, usec now)
{
    struct bucket *group = &l->buckets[(who & l->mask) * WAYS];
    struct bucket *oldest = group;
    for (size_t i = 0; i < WAYS; i++) {
        if (group[i].who == who)
            return &group[i];
        if (group[i].full_at < oldest->full_at)
            oldest = &group[i];
    }
    *oldest = (struct bucket){.who = who, .full_at = now};
    return oldest;
}

usec sl_limit_take(struct limit *l, const struct addr *from, usec now)
{
    if (l->conf.every == 0)
        return 0;
    struct bucket *b = find(l, sl_siphash(l->seed, sl_addr_site(from)), now);
    usec every = l->conf.every, capacity = l->conf.burst * every;
    return sl_limit_pay(&b->full_at, every, capacity, now)
               ? 0
               : b->full_at + every - now - capacity;
}
