#include "base/map.h"

#include <stdlib.h>

enum { CAP_MIN = 16 };

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein 2012): one round a word, three to finish. */
uint64_t sl_siphash(const uint64_t key[2], struct span in)
{
    uint64_t v[4] = {
        key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t w, tail = (uint64_t)in.n << 56;
    size_t i = 0;
    for (; i + sizeof w <= in.n; i += sizeof w) {
        memcpy(&w, in.p + i, sizeof w);
        v[3] ^= w;
        sip_round(v);
        v[0] ^= w;
    }
    for (unsigned shift = 0; i < in.n; i++, shift += 8)
        tail |= (uint64_t)in.p[i] << shift;
    v[3] ^= tail;
    sip_round(v);
    v[0] ^= tail;
    v[2] ^= 0xff;
    for (int r = 0; r < 3; r++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void sl_map_init(struct map *m, const uint64_t seed[2])
{
    *m = (struct map){.key = {seed[0], seed[1]}};
}

void sl_map_fini(struct map *m)
{
    free(m->slots);
    m->slots = NULL;
    m->cap = m->n = 0;
}

static void grow(struct map *m)
{
    size_t cap = m->cap ? m->cap * 2 : CAP_MIN;
    struct map_node **slots = calloc(cap, sizeof(struct map_node *));
    if (!slots)
        return;
    for (size_t i = 0; i < m->cap; i++)
        for (struct map_node *n = m->slots[i], *next; n; n = next) {
            next = n->next;
            n->next = slots[n->hash & (cap - 1)];
            slots[n->hash & (cap - 1)] = n;
        }
    free(m->slots);
    m->slots = slots;
    m->cap = cap;
}

static struct map_node *find(const struct map *m, uint64_t hash, struct span key)
{
    if (m->cap == 0)
        return NULL;
    for (struct map_node *n = m->slots[hash & (m->cap - 1)]; n; n = n->next)
        if (n->hash == hash && span_eq(n->key, key))
            return n;
    return NULL;
}

enum err sl_map_put(struct map *m, struct span key, struct map_node *node)
{
    uint64_t hash = sl_siphash(m->key, key);
    if (find(m, hash, key))
        return E_EXISTS;
    if (m->n >= m->cap)
        grow(m);
    if (m->cap == 0)
        return E_MEMORY;
    struct map_node **slot = &m->slots[hash & (m->cap - 1)];
    *node = (struct map_node){.next = *slot, .key = key, .hash = hash};
    *slot = node;
    m->n++;
    return E_OK;
}

struct map_node *sl_map_get(const struct map *m, struct span key)
{
    return m->cap == 0 ? NULL : find(m, sl_siphash(m->key, key), key);
}

uint64_t sl_map_hash(const struct map *m, struct span key)
{
    return sl_siphash(m->key, key);
}

void sl_map_fetch(const struct map *m, uint64_t hash)
{
    if (m->cap > 0)
        __builtin_prefetch(&m->slots[hash & (m->cap - 1)]);
}

void sl_map_fetch_node(const struct map *m, uint64_t hash)
{
    const struct map_node *n = m->cap > 0 ? m->slots[hash & (m->cap - 1)] : NULL;
    if (!n)
        return;
    /* What follows it is mostly its key. */
    __builtin_prefetch(n);
    __builtin_prefetch((const uint8_t *)n + 64);
}

struct map_node *sl_map_get_hashed(const struct map *m, uint64_t hash, struct span key)
{
    return find(m, hash, key);
}

void sl_map_del(struct map *m, struct map_node *node)
{
    struct map_node **at = &m->slots[node->hash & (m->cap - 1)];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    m->n--;
}

struct map_node *sl_map_next(const struct map *m, const struct map_node *at)
{
    size_t i = 0;
    if (at) {
        if (at->next)
            return at->next;
        i = (at->hash & (m->cap - 1)) + 1;
    }
    for (; i < m->cap; i++)
        if (m->slots[i])
            return m->slots[i];
    return NULL;
}
