#include "base/pkt.h"

#include <stdlib.h>

enum { STRIDE = PKT_CAP + PKT_SPARE };

struct pkt_pool {
    struct pkt *free;        /* with a buffer */
    struct pkt *free_leases; /* without */
    struct pkt *returned;    /* origins of ended leases, by next of the lease's own */
    size_t size, left;       /* buffers there are; those that are free */
    size_t used;
    uint64_t empty;
    uint8_t *bytes;
    struct pkt pkts[];
};

struct pkt_pool *sl_pkt_pool_new(size_t packets, size_t leases, uint16_t owner)
{
    struct pkt_pool *pool =
        calloc(1, sizeof *pool + (packets + leases) * sizeof pool->pkts[0]);
    if (!pool)
        return NULL;
    pool->bytes = aligned_alloc(64, (packets * STRIDE + 63) / 64 * 64);
    pool->size = pool->left = packets;
    if (!pool->bytes) {
        free(pool);
        return NULL;
    }
    /* Backwards, so that the first packets taken are the lowest: memory that is never
     * needed is never touched. */
    for (size_t i = packets + leases; i-- > 0;) {
        struct pkt *p = &pool->pkts[i];
        struct pkt **list = i < packets ? &pool->free : &pool->free_leases;
        p->pool = pool;
        p->owner = owner;
        p->data = i < packets ? pool->bytes + i * STRIDE : NULL;
        p->next = *list;
        *list = p;
    }
    return pool;
}

void sl_pkt_pool_free(struct pkt_pool *pool)
{
    if (!pool)
        return;
    free(pool->bytes);
    free(pool);
}

size_t sl_pkt_pool_size(const struct pkt_pool *pool)
{
    return pool->size;
}

size_t sl_pkt_pool_left(const struct pkt_pool *pool)
{
    return pool->left;
}

size_t sl_pkt_pool_used(const struct pkt_pool *pool)
{
    return pool->used;
}

uint64_t sl_pkt_pool_empty(const struct pkt_pool *pool)
{
    return pool->empty;
}

size_t sl_pkt_number(const struct pkt *p)
{
    return (size_t)(p - p->pool->pkts);
}

static struct pkt *take(struct pkt_pool *pool, struct pkt **list)
{
    struct pkt *p = *list;
    if (!p) {
        pool->empty++;
        return NULL;
    }
    *list = p->next;
    if (p->next)
        __builtin_prefetch(p->next, 1); /* it was given back long ago, and is the next */
    p->next = NULL;
    p->refs = 1;
    pool->used++;
    return p;
}

struct pkt *sl_pkt_new(struct pkt_pool *pool)
{
    struct pkt *p = take(pool, &pool->free);
    if (!p)
        return NULL;
    p->n = 0;
    pool->left--;
    return p;
}

void sl_pkt_unref(struct pkt *p)
{
    if (!p || --p->refs > 0)
        return;
    struct pkt_pool *pool = p->pool;
    struct pkt **list = p->origin ? &pool->returned : &pool->free;
    p->next = *list;
    *list = p;
    pool->used--;
    pool->left += !p->origin;
}

struct pkt *sl_pkt_lease(struct pkt_pool *pool, struct pkt *origin)
{
    struct pkt *p = take(pool, &pool->free_leases);
    if (!p)
        return NULL;
    p->n = origin->n;
    p->port = origin->port;
    p->from = origin->from;
    p->at = origin->at;
    p->data = origin->data;
    p->origin = origin;
    memcpy(p->meta, origin->meta, sizeof p->meta);
    return p;
}

struct pkt *sl_pkt_returned(struct pkt_pool *pool)
{
    struct pkt *lease = pool->returned;
    if (!lease)
        return NULL;
    struct pkt *origin = lease->origin;
    pool->returned = lease->next;
    lease->origin = NULL;
    lease->data = NULL;
    lease->next = pool->free_leases;
    pool->free_leases = lease;
    return origin;
}

bool sl_pkt_any_returned(const struct pkt_pool *pool)
{
    return pool->returned != NULL;
}
