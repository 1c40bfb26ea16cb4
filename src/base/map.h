#pragma once

/*
 * A hash map threaded through its members, from bytes to the struct that holds the node.
 *
 * Keys are hashed with SipHash-1-3 under a key of the map's own: many come from the
 * network, and nobody outside shall be able to make them collide. The caller keeps the key's
 * bytes alive and unchanged while its node is in the map. Insertion may grow the table, and
 * stays correct (only slower) when memory for that is refused. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct map_node {
    struct map_node *next;
    struct span key;
    uint64_t hash;
};

struct map {
    struct map_node **slots;
    size_t cap; /* a power of two, or 0 before the first insertion */
    size_t n;
    uint64_t key[2];
};

/* seed: two words that outsiders cannot know. Free with sl_map_fini; nodes are the caller's. */
void sl_map_init(struct map *m, const uint64_t seed[2]);
void sl_map_fini(struct map *m);

/* E_EXISTS: the key is there already, and nothing changed. E_MEMORY: no first table. */
MUST_USE enum err sl_map_put(struct map *m, struct span key, struct map_node *node);

/* NULL when absent. */
struct map_node *sl_map_get(const struct map *m, struct span key);

/* The same in steps, for who looks up many at a time and does not want to wait for the memory
 * of one after the other: the hash; then starts to bring into the cache where its chain
 * begins, and with that there, the first node of it. */
uint64_t sl_map_hash(const struct map *m, struct span key);
void sl_map_fetch(const struct map *m, uint64_t hash);
void sl_map_fetch_node(const struct map *m, uint64_t hash);
struct map_node *sl_map_get_hashed(const struct map *m, uint64_t hash, struct span key);

/* node must be in the map. */
void sl_map_del(struct map *m, struct map_node *node);

/* Walks all nodes in no order: start with at = NULL. A node may be removed while it is
 * stood on only if the walk starts again. */
struct map_node *sl_map_next(const struct map *m, const struct map_node *at);

#define map_entry(p, type, field) ((type *)(void *)((char *)(p)-offsetof(type, field)))
#define map_each(it, m)                                                                  \
    for (struct map_node *it = sl_map_next((m), NULL); it; it = sl_map_next((m), it))

uint64_t sl_siphash(const uint64_t key[2], struct span in);
