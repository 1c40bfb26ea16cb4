#include "sfu/address.h"

#include <stdlib.h>

static void forget(struct tp_addr *a)
{
    sl_map_del(&a->transport->shard->addrs, &a->node);
    list_del(&a->in_transport);
    a->transport->addrs_n--;
    free(a);
}

/* One that ICE gave up, or the oldest. */
static struct tp_addr *dispensable(struct transport *t)
{
    list_each (struct tp_addr, a, &t->addrs, in_transport)
        if (!sl_ice_knows(&t->ice, &a->key.from, a->key.port))
            return a;
    return list_entry(t->addrs.next, struct tp_addr, in_transport);
}

void sl_address_learn(struct transport *t, const struct addr *from, uint16_t port)
{
    struct map *addrs = &t->shard->addrs;
    struct tp_addr *before = address_find(t->shard, from, port);
    if (before && before->transport == t)
        return;
    if (before)
        forget(before);
    if (t->addrs_n == TP_ADDRS_MAX)
        forget(dispensable(t));
    struct tp_addr *a = malloc(sizeof *a);
    if (!a)
        return;
    *a = (struct tp_addr){.key = {.from = *from, .port = port}, .transport = t};
    if (sl_map_put(addrs, address_key(&a->key), &a->node) != E_OK) {
        free(a);
        return;
    }
    list_add(&t->addrs, &a->in_transport);
    t->addrs_n++;
}

void sl_address_forget_all(struct transport *t)
{
    list_each_safe(struct tp_addr, a, &t->addrs, in_transport) forget(a);
}

void sl_address_closed(struct shard *s, const struct addr *from, uint16_t port, usec now)
{
    struct tp_addr *a = address_find(s, from, port);
    if (!a)
        return;
    struct transport *t = a->transport;
    forget(a);
    if (!sl_ice_closed(&t->ice, from, port, now) || !t->out)
        return;
    sl_transport_checked(t, now);
    sl_transport_tick(t, now);
}
