#pragma once

/*
 * Whose an address is: what comes from one that passed a check is its transport's, until another
 * proves that it has it, or the stream that it is the end of is closed. For the shard.
 */

#include "base/clock.h"

#include "sfu/inside.h"
#include "sfu/transport.h"

/* An address and socket or stream that is looked up: as sl_map_get does it in steps. */
struct address_asked {
    struct tp_key key;
    uint64_t hash;
};

static inline struct span address_key(const struct tp_key *k)
{
    return (struct span){(const uint8_t *)k, sizeof *k};
}

static inline struct address_asked address_ask(const struct shard *s,
                                               const struct addr *from, uint16_t port)
{
    struct address_asked a = {.key = {.from = *from, .port = port}};
    a.hash = sl_map_hash(&s->addrs, address_key(&a.key));
    return a;
}

static inline struct tp_addr *address_found(const struct shard *s,
                                            const struct address_asked *a)
{
    struct map_node *n = sl_map_get_hashed(&s->addrs, a->hash, address_key(&a->key));
    return n ? map_entry(n, struct tp_addr, node) : NULL;
}

/* From there to this socket or stream; NULL: it is nobody's. */
static inline struct tp_addr *address_find(const struct shard *s, const struct addr *from,
                                           uint16_t port)
{
    struct address_asked a = address_ask(s, from, port);
    return address_found(s, &a);
}

/* A check proved it to be t's from now on: the last to prove it has it. */
void sl_address_learn(struct transport *t, const struct addr *from, uint16_t port);

/* t has none any more. */
void sl_address_forget_all(struct transport *t);

/* The stream is closed: it is a path no more. Its transport goes on by the one that was heard of
 * last, or waits for its peer as if consent had ended. */
void sl_address_closed(struct shard *s, const struct addr *from, uint16_t port, usec now);
