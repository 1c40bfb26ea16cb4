#include "sfu/demand.h"

#include <stdlib.h>

#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "sfu/layers.h"
#include "sfu/producer.h"
#include "sfu/share.h"

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

/* A picture of one size that does not fit is not watched, and yet would be if it were less. */
static bool could_fit(const struct consumer *c)
{
    return !c->wish.paused &&
           (c->want || c->from || c->share.cause == ALLOCATE_BANDWIDTH);
}

/* Of so many viewers one has a wide path, and to look at each of more takes too long. */
enum { NARROW_MAX = 256 };

static uint32_t most_of(const struct producer *p)
{
    uint32_t ret = 0;
    unsigned n = 0;
    if (p->params.kind != MEDIA_VIDEO || p->encodings_n > 1)
        return DEMAND_ANY; /* only a picture of one size is asked to be less (sfu/limit) */
    for (uint64_t left = p->pipes; left; left &= left - 1) {
        uint32_t below = p->demand.below_bps[__builtin_ctzll(left)];
        ret = below > ret ? below : ret;
    }
    list_each (struct consumer, c, &p->consumers, in_producer) {
        if (ret == DEMAND_ANY || ++n > NARROW_MAX)
            return DEMAND_ANY;
        if (could_fit(c) && c->room_bps > ret)
            ret = c->room_bps;
    }
    return ret;
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

static void tell(struct producer *p, struct shard *s, uint8_t wanted, uint32_t most_bps)
{
    struct mail m = {.type = MAIL_WANTED, .arg = wanted, .id = p->id, .id2 = most_bps};
    unsigned to = p->transport ? SHARD_TO_CONTROL : p->origin;
    p->demand.told = sl_shard_post(s, to, &m, SHARD_KEEP_MEDIA);
    if (p->demand.told) {
        p->demand.wanted = wanted;
        p->demand.most_bps = most_bps;
    }
}

/* An estimate is never still. */
static bool is_far(uint32_t a, uint32_t b)
{
    uint32_t off = a > b ? a - b : b - a;
    return off > b / 8;
}

static void remember(struct producer *p, usec now)
{
    struct layer_table t;
    sl_layers_of(p, &t);
    for (uint8_t i = 0; i < t.n; i++)
        if (!t.layers[i].live || t.layers[i].bps == 0)
            return;
    p->demand.seen = t;
    if (p->demand.seen_since == 0)
        p->demand.seen_since = now;
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
    remember(p, now);
    uint32_t most = most_of(p);
    if (!d->told || wanted != d->wanted || is_far(most, d->most_bps))
        tell(p, s, (uint8_t)wanted, most);
    for (uint8_t i = 0; i < p->encodings_n; i++)
        review_sleep(p, i, now);
}

void sl_demand_below(struct producer *p, struct shard *s, unsigned worker, uint8_t wanted,
                     uint32_t most_bps, usec now)
{
    p->demand.below[worker] = wanted;
    p->demand.below_bps[worker] = most_bps;
    sl_demand_review(p, s, now);
}

void sl_demand_carry(const struct producer *p, struct shard *s, unsigned worker)
{
    struct cmd_asleep *c = malloc(sizeof *c);
    if (!c)
        return;
    *c = (struct cmd_asleep){
        .producer = p->id, .asleep = p->demand.asleep, .seen = p->demand.seen};
    struct mail m = sl_mail_of(MAIL_ASLEEP, c);
    if (!sl_shard_post(s, worker, &m, SHARD_KEEP_MEDIA))
        sl_mail_free(&m);
}

void sl_demand_learn(struct producer *p, const struct cmd_asleep *c, usec now)
{
    struct demand *d = &p->demand;
    d->asleep = c->asleep;
    d->seen = c->seen;
    list_each (struct consumer, v, &p->consumers, in_producer) {
        if (!v->begun)
            v->share = (struct allocate_state){0}; /* it need not wait to be given more */
        (void)sl_share(v->transport, now);
    }
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
        bool came = p->encodings[l->encoding].last != 0;
        if (!(p->demand.asleep & 1U << l->encoding) || (at && at->live && came))
            continue;
        if (!at && ret->n < LAYER_INFOS_MAX)
            at = &ret->layers[ret->n++];
        if (at)
            *at = *l;
    }
}
