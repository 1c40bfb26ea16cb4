#pragma once

/*
 * Whose an address is: what comes from one that passed a check is its transport's, until another
 * proves that it has it, or the stream that it is the end of is closed. For the shard.
 */

#include "base/clock.h"

#include "sfu/inside.h"
#include "sfu/transport.h"

/* From there to this socket or stream; NULL: it is nobody's. */
static inline struct tp_addr *address_find(const struct shard *s, const struct addr *from,
                                           uint16_t port)
{
    struct tp_key k = {.from = *from, .port = port};
    struct map_node *n =
        sl_map_get(&s->addrs, (struct span){(const uint8_t *)&k, sizeof k});
    return n ? map_entry(n, struct tp_addr, node) : NULL;
}

/* A check proved it to be t's from now on: the last to prove it has it. */
void sl_address_learn(struct transport *t, const struct addr *from, uint16_t port);

/* t has none any more. */
void sl_address_forget_all(struct transport *t);

/* The stream is closed: it is a path no more. Its transport goes on by the one that was heard of
 * last, or waits for its peer as if consent had ended. */
void sl_address_closed(struct shard *s, const struct addr *from, uint16_t port, usec now);
