#include "sfu/demand.h"

#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "sfu/layers.h"
#include "sfu/producer.h"

/* By viewers on this worker, now: they stand in the lists of what they get and wait for. */
static bool wanted_here(const struct encoding *e)
{
    return !list_empty(&e->consumers) || !list_empty(&e->wanting);
}

/* They let some time pass before they give something up. */
static unsigned wanted_below(const struct producer *p)
{
    unsigned ret = 0;
    for (uint64_t left = p->pipes; left; left &= left - 1)
        ret |= p->demand.below[__builtin_ctzll(left)];
    return ret & ((1U << p->encodings_n) - 1);
}

static bool flows(const struct producer *p, const struct encoding *e)
{
    return e->last != 0 && !sl_producer_silent(p, e);
}

/* What flows while nobody wants it may stop; what was to wake up and does not is not there. */
static void review_sleep(struct producer *p, uint8_t i, usec now)
{
    struct demand *d = &p->demand;
    const struct encoding *e = &p->encodings[i];
    uint8_t b = (uint8_t)(1U << i);
    if (!(d->wanted & b))
        d->asleep |= d->told && p->obeys && flows(p, e) ? b : 0;
    else if (e->last > d->woke[i] || now - d->woke[i] >= DEMAND_WAKE)
        d->asleep &= (uint8_t)~b;
}

static void tell(struct producer *p, struct shard *s, uint8_t wanted)
{
    struct mail m = {.type = MAIL_WANTED, .arg = wanted, .id = p->id};
    unsigned to = p->transport ? SHARD_TO_CONTROL : p->origin;
    p->demand.told = sl_shard_post(s, to, &m, SHARD_KEEP_MEDIA);
    if (p->demand.told)
        p->demand.wanted = wanted;
}

static void remember(struct producer *p)
{
    struct layer_table now;
    sl_layers_of(p, &now);
    for (uint8_t i = 0; i < now.n; i++)
        if (!now.layers[i].live || now.layers[i].bps == 0)
            return;
    p->demand.seen = now;
}

void sl_demand_review(struct producer *p, struct shard *s, usec now)
{
    struct demand *d = &p->demand;
    unsigned wanted = wanted_below(p);
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        if (wanted_here(&p->encodings[i]))
            d->at[i] = now;
        if (d->at[i] != 0 && now - d->at[i] < DEMAND_IDLE)
            wanted |= 1U << i;
        if (wanted & ~(unsigned)d->wanted & 1U << i)
            d->woke[i] = now;
    }
    remember(p);
    if (!d->told || wanted != d->wanted)
        tell(p, s, (uint8_t)wanted);
    for (uint8_t i = 0; i < p->encodings_n; i++)
        review_sleep(p, i, now);
}

void sl_demand_below(struct producer *p, struct shard *s, unsigned worker, uint8_t wanted,
                     usec now)
{
    p->demand.below[worker] = wanted;
    sl_demand_review(p, s, now);
}

static struct layer_info *same(struct layer_table *t, const struct layer_info *l)
{
    for (uint8_t i = 0; i < t->n; i++)
        if (t->layers[i].encoding == l->encoding && t->layers[i].spatial == l->spatial &&
            t->layers[i].temporal == l->temporal)
            return &t->layers[i];
    return NULL;
}

void sl_demand_layers(const struct consumer *c, struct layer_table *ret)
{
    const struct producer *p = c->producer;
    bool stopped = c->from && !flows(p, c->from); /* that cannot wait for who sleeps */
    sl_layers_of(p, ret);
    for (uint8_t i = 0; p->demand.asleep && !stopped && i < p->demand.seen.n; i++) {
        const struct layer_info *l = &p->demand.seen.layers[i];
        struct layer_info *at = same(ret, l);
        if (!(p->demand.asleep & 1U << l->encoding) || (at && at->live))
            continue;
        if (!at && ret->n < LAYER_INFOS_MAX)
            at = &ret->layers[ret->n++];
        if (at)
            *at = *l;
    }
}
