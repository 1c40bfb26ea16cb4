#include "sfu/look.h"

#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

static void look_at_transport(const struct transport *t, struct look_transport *ret)
{
    *ret = (struct look_transport){.sendable = t->sendable, .paths = t->ice.n};
    if (t->ice.n > 0) {
        ret->remote = t->to;
        ret->stream = tx_is_stream(t->port);
    }
    list_each (struct producer, p, &t->producers, in_transport)
        for (uint8_t i = 0; i < p->encodings_n; i++) {
            ret->packets_in += p->encodings[i].stats.received;
            ret->octets_in += p->encodings[i].stats.octets;
        }
    list_each (struct consumer, c, &t->consumers, in_transport) {
        ret->packets_out += c->packets;
        ret->octets_out += c->octets;
    }
}

static struct look_encoding look_at_encoding(const struct encoding *e, usec now)
{
    struct look_encoding r = {
        .ssrc = e->ssrc,
        .rtx_ssrc = e->rtx_ssrc,
        .packets = e->stats.received,
        .octets = e->stats.octets,
        .bps = e->bitrate_bps,
        .silent = e->last > 0 ? now - e->last : USEC_NEVER,
        .resumed = e->producer->demand.took[e->number],
    };
    if (e->producer->transport && e->stats.received > 0) {
        r.lost = sl_stats_lost(&e->stats);
        r.jitter = e->stats.clock_hz
                       ? SEC((usec)sl_stats_jitter(&e->stats)) / e->stats.clock_hz
                       : 0;
    }
    if (e->nack) {
        struct nack_count n = sl_nack_count(e->nack);
        r.asked = n.asked;
        r.found = n.found;
    }
    return r;
}

static void look_at_producer(const struct producer *p, usec now,
                             struct look_producer *ret)
{
    *ret = (struct look_producer){.consumers = p->consumers_n,
                                  .encodings_n = p->encodings_n};
    for (uint8_t i = 0; i < p->encodings_n; i++)
        ret->encodings[i] = look_at_encoding(&p->encodings[i], now);
}

static void look_at(const struct shard *s, struct look_item *at, usec now)
{
    const struct transport *t = NULL;
    const struct producer *p = NULL;
    const struct consumer *c = NULL;
    switch (at->kind) {
    case LOOK_TRANSPORT:
        if ((t = sl_shard_transport(s, at->id)))
            look_at_transport(t, &at->transport);
        break;
    case LOOK_PRODUCER:
        if ((p = sl_shard_producer(s, at->id)))
            look_at_producer(p, now, &at->producer);
        break;
    case LOOK_CONSUMER:
        if ((c = sl_shard_consumer(s, at->id)))
            at->consumer = (struct look_consumer){.packets = c->packets,
                                                  .octets = c->octets,
                                                  .lost = c->reported_lost,
                                                  .waits = c->want != NULL};
        break;
    }
    at->found = t || p || c;
}

void sl_look(const struct shard *s, struct look *l, usec now)
{
    for (size_t i = 0; i < l->n; i++)
        look_at(s, &l->at[i], now);
}
