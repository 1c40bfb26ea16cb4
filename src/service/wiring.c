#include "service/wiring.h"

#include <stdlib.h>

void sl_wiring_init(struct wiring *w, struct post *post, const uint64_t hash_key[2])
{
    sl_outbox_init(&w->out, post);
    sl_map_init(&w->transports, hash_key);
    sl_map_init(&w->producers, hash_key);
    sl_map_init(&w->consumers, hash_key);
}

void sl_wiring_fini(struct wiring *w)
{
    for (struct map_node *n; (n = sl_map_next(&w->transports, NULL));)
        sl_wiring_drop_transport(w, map_entry(n, struct pl_transport, by_id));
    sl_outbox_fini(&w->out);
    sl_map_fini(&w->transports);
    sl_map_fini(&w->producers);
    sl_map_fini(&w->consumers);
}

static struct span key_of(const uint64_t *id)
{
    return (struct span){(const uint8_t *)id, sizeof *id};
}

struct pl_transport *sl_wiring_transport(const struct wiring *w, uint64_t id)
{
    struct map_node *n = sl_map_get(&w->transports, key_of(&id));
    return n ? map_entry(n, struct pl_transport, by_id) : NULL;
}

struct pl_producer *sl_wiring_producer(const struct wiring *w, uint64_t id)
{
    struct map_node *n = sl_map_get(&w->producers, key_of(&id));
    return n ? map_entry(n, struct pl_producer, by_id) : NULL;
}

struct pl_consumer *sl_wiring_consumer(const struct wiring *w, uint64_t id)
{
    struct map_node *n = sl_map_get(&w->consumers, key_of(&id));
    return n ? map_entry(n, struct pl_consumer, by_id) : NULL;
}

void sl_wiring_wish(struct wiring *w, const struct pl_consumer *c)
{
    if (!pl_owned(c->transport))
        return;
    struct mail m = sl_mail_wish(c->id, &c->wish);
    sl_outbox_put(&w->out, c->transport->owner, &m);
}

static void tell_consumer(struct wiring *w, const struct pl_consumer *c)
{
    struct cmd_consumer cmd = {
        .id = c->id, .transport = c->transport->id, .send = c->send};
    (void)sl_outbox_put_copy(&w->out, c->transport->owner, MAIL_CONSUMER, &cmd,
                             sizeof cmd);
    if (c->wishes)
        sl_wiring_wish(w, c);
}

/* ---- sources, and the pipes that carry them ---- */

static void tell_producer(struct wiring *w, const struct pl_producer *pr, unsigned to,
                          enum mail_type type)
{
    struct cmd_producer c = {.id = pr->id,
                             .transport = type == MAIL_PRODUCER ? pr->transport->id : 0,
                             .origin = (uint16_t)pr->transport->owner,
                             .receive = pr->receive};
    (void)sl_outbox_put_copy(&w->out, to, type, &c, sizeof c);
}

/* The consumer's worker is told of its source once both ends have an owner. A producer that
 * lives elsewhere is carried there first, once for all consumers on that worker. */
static void feed(struct wiring *w, struct pl_consumer *c)
{
    struct pl_producer *pr = c->source;
    if (!pr || c->fed || !pl_owned(c->transport) || !pl_owned(pr->transport))
        return;
    unsigned at = c->transport->owner, from = pr->transport->owner;
    if (at != from && pr->piped[at]++ == 0) {
        tell_producer(w, pr, at, MAIL_REMOTE);
        sl_outbox_put_id(&w->out, from, MAIL_PIPE, pr->id, at);
    }
    sl_outbox_put(&w->out, at,
                  &(struct mail){.type = MAIL_SOURCE, .id = c->id, .id2 = pr->id});
    c->fed = true;
}

static void unfeed(struct wiring *w, struct pl_consumer *c)
{
    struct pl_producer *pr = c->source;
    if (pr && c->fed) {
        unsigned at = c->transport->owner, from = pr->transport->owner;
        sl_outbox_put(&w->out, at,
                      &(struct mail){.type = MAIL_SOURCE, .id = c->id, .id2 = 0});
        if (at != from && --pr->piped[at] == 0) {
            sl_outbox_put_id(&w->out, from, MAIL_UNPIPE, pr->id, at);
            sl_outbox_put_id(&w->out, at, MAIL_PRODUCER_CLOSE, pr->id, 0);
        }
    }
    c->fed = false;
    c->told = false;
    c->source = NULL;
    list_del(&c->in_source);
}

void sl_wiring_drop_consumer(struct wiring *w, struct pl_consumer *c)
{
    unfeed(w, c);
    if (pl_owned(c->transport))
        sl_outbox_put_id(&w->out, c->transport->owner, MAIL_CONSUMER_CLOSE, c->id, 0);
    list_del(&c->in_transport);
    sl_map_del(&w->consumers, &c->by_id);
    free(c);
}

void sl_wiring_drop_producer(struct wiring *w, struct pl_producer *pr)
{
    list_each_safe(struct pl_consumer, c, &pr->consumers, in_source) unfeed(w, c);
    if (pl_owned(pr->transport))
        sl_outbox_put_id(&w->out, pr->transport->owner, MAIL_PRODUCER_CLOSE, pr->id, 0);
    list_del(&pr->in_transport);
    sl_map_del(&w->producers, &pr->by_id);
    free(pr);
}

void sl_wiring_drop_transport(struct wiring *w, struct pl_transport *t)
{
    list_each_safe(struct pl_consumer, c, &t->consumers, in_transport)
        sl_wiring_drop_consumer(w, c);
    list_each_safe(struct pl_producer, pr, &t->producers, in_transport)
        sl_wiring_drop_producer(w, pr);
    sl_outbox_put_all(&w->out, MAIL_CLOSE, t->id);
    sl_outbox_put_id(&w->out, SHARD_TO_ASSOC, MAIL_CLOSE, t->id, 0);
    sl_map_del(&w->transports, &t->by_id);
    free(t);
}

enum err sl_wiring_add_transport(struct wiring *w, struct pl_transport *t)
{
    t->owner = SHARD_WORKERS_MAX;
    list_init(&t->producers);
    list_init(&t->consumers);
    enum err e = sl_map_put(&w->transports, key_of(&t->id), &t->by_id);
    if (e)
        free(t);
    return e;
}

enum err sl_wiring_add_producer(struct wiring *w, struct pl_producer *pr)
{
    list_init(&pr->consumers);
    enum err e = sl_map_put(&w->producers, key_of(&pr->id), &pr->by_id);
    if (e) {
        free(pr);
        return e;
    }
    list_add(&pr->transport->producers, &pr->in_transport);
    if (pl_owned(pr->transport))
        tell_producer(w, pr, pr->transport->owner, MAIL_PRODUCER);
    return E_OK;
}

enum err sl_wiring_add_consumer(struct wiring *w, struct pl_consumer *c)
{
    list_init(&c->in_source);
    enum err e = sl_map_put(&w->consumers, key_of(&c->id), &c->by_id);
    if (e) {
        free(c);
        return e;
    }
    list_add(&c->transport->consumers, &c->in_transport);
    if (pl_owned(c->transport))
        tell_consumer(w, c);
    return E_OK;
}

void sl_wiring_source(struct wiring *w, struct pl_consumer *c, struct pl_producer *pr)
{
    unfeed(w, c);
    if (!pr)
        return;
    c->source = pr;
    list_add(&pr->consumers, &c->in_source);
    feed(w, c);
}

void sl_wiring_ceiling(struct wiring *w, const struct pl_transport *t)
{
    if (pl_owned(t))
        sl_outbox_put(
            &w->out, t->owner,
            &(struct mail){.type = MAIL_CEILING, .id = t->id, .id2 = t->ceiling_bps});
}

void sl_wiring_adopt(struct wiring *w, struct pl_transport *t, unsigned owner)
{
    if (pl_owned(t) || owner >= sl_post_workers(w->out.post))
        return;
    t->owner = owner;
    for (unsigned i = 0; i < sl_post_workers(w->out.post); i++)
        if (i != owner)
            sl_outbox_put_id(&w->out, i, MAIL_OWNER, t->id, owner);
    if (t->ceiling_bps > 0)
        sl_wiring_ceiling(w, t);
    list_each (struct pl_producer, pr, &t->producers, in_transport)
        tell_producer(w, pr, owner, MAIL_PRODUCER);
    list_each (struct pl_consumer, c, &t->consumers, in_transport)
        tell_consumer(w, c);
    sl_outbox_put_id(&w->out, owner, MAIL_READY, t->id, 0);
    list_each (struct pl_consumer, c, &t->consumers, in_transport)
        feed(w, c);
    list_each (struct pl_producer, pr, &t->producers, in_transport)
        list_each (struct pl_consumer, c, &pr->consumers, in_source)
            feed(w, c);
}
