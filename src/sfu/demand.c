#include "sfu/demand.h"

#include <stdlib.h>

#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "sfu/layers.h"
#include "sfu/producer.h"
#include "sfu/share.h"

unsigned sl_demand_parts(const struct producer *p)
{
    const struct layer_table *t = &p->demand.seen.table;
    unsigned n = 1;
    if (p->encodings_n > 1)
        return p->encodings_n;
    for (uint8_t i = 0; i < t->n; i++)
        n = t->layers[i].spatial >= n ? t->layers[i].spatial + 1U : n;
    return n;
}

/* The sizes of its only encoding. */
static bool is_sizes(const struct producer *p)
{
    return p->encodings_n == 1 && sl_demand_parts(p) > 1;
}

static unsigned part_of(const struct producer *p, const struct layer_info *l)
{
    return p->encodings_n > 1 ? l->encoding : is_sizes(p) ? l->spatial : 0;
}

bool sl_demand_flows(const struct producer *p, unsigned part)
{
    bool sizes = is_sizes(p);
    const struct encoding *e = &p->encodings[sizes ? 0 : part];
    return e->last != 0 && !sl_producer_silent(p, e) &&
           (!sizes || sl_layerrate_live(&e->rates, part));
}

uint32_t sl_demand_rate(const struct producer *p, unsigned part)
{
    uint32_t bps = 0;
    if (!is_sizes(p))
        return p->encodings[part].bitrate_bps;
    for (unsigned t = 0; t < LAYER_TEMPORALS; t++)
        bps += p->encodings[0].rates.bps[layer_at(part, t)];
    return bps;
}

/* Of so many viewers one wants all, or has a wide path; to look at each of more takes too long. */
enum { VIEWERS_MAX = 256 };

/* Sizes that viewers on this worker are given, from the least on. */
static unsigned sizes_wanted(const struct producer *p, unsigned all)
{
    unsigned ret = 0, n = 0;
    list_each (struct consumer, c, &p->consumers, in_producer) {
        if (ret == all || ++n > VIEWERS_MAX)
            return all;
        if ((c->want || c->from) && allocate_sent(&c->share))
            ret |= (2U << c->share.target.spatial) - 1;
        ret &= all;
    }
    return ret;
}

/* Where there is but one part, it may have sizes that are not known here yet. */
static unsigned all_of(const struct producer *p)
{
    unsigned n = sl_demand_parts(p);
    return n > 1 ? (1U << n) - 1 : DEMAND_ALL;
}

/* By viewers on this worker, now: they stand in the lists of what they get and wait for. */
static unsigned wanted_here(const struct producer *p)
{
    unsigned ret = 0, all = all_of(p);
    if (is_sizes(p))
        return sizes_wanted(p, all);
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        const struct encoding *e = &p->encodings[i];
        if (e->audience.n > 0 || !list_empty(&e->wanting))
            ret |= p->encodings_n > 1 ? 1U << i : all;
    }
    return ret;
}

/* They let some time pass before they give something up. */
static unsigned wanted_below(const struct producer *p)
{
    unsigned ret = 0;
    for (uint64_t left = p->pipes; left; left &= left - 1)
        ret |= p->demand.below[__builtin_ctzll(left)];
    return ret & all_of(p);
}

/* A picture of one size that does not fit is not watched, and yet would be if it were less. */
static bool could_fit(const struct consumer *c)
{
    return !c->wish.paused &&
           (c->want || c->from || c->share.cause == ALLOCATE_BANDWIDTH);
}

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
        if (ret == DEMAND_ANY || ++n > VIEWERS_MAX)
            return DEMAND_ANY;
        if (could_fit(c) && c->room_bps > ret)
            ret = c->room_bps;
    }
    return ret;
}

/* A size counts once it is measured: until then it is what it was. */
static bool came_back(const struct producer *p, unsigned part)
{
    usec woke = p->demand.woke[part];
    if (!is_sizes(p))
        return p->encodings[part].last > woke;
    return p->encodings[0].rates.last[part] > woke && sl_demand_rate(p, part) > 0;
}

/* REMB stops the best of several, whatever else is negotiated (sfu/limit). */
static bool obeys(const struct producer *p)
{
    return p->obeys || (p->remb && sl_demand_parts(p) > 1);
}

/* What flows while nobody wants it may stop; what was to wake up and does not is not there. */
static void review_sleep(struct producer *p, unsigned part, usec now)
{
    struct demand *d = &p->demand;
    uint8_t b = (uint8_t)(1U << part);
    if (!(d->wanted & b))
        d->asleep |= d->told && obeys(p) && sl_demand_flows(p, part) ? b : 0;
    else if (came_back(p, part) || now - d->woke[part] >= DEMAND_WAKE) {
        bool stopped = d->asleep & b && !is_sizes(p);
        if (stopped && p->encodings[part].back > d->woke[part])
            d->took[part] = p->encodings[part].back - d->woke[part];
        d->asleep &= (uint8_t)~b;
    }
}

/* Control knows encodings only. */
static void tell(struct producer *p, struct shard *s, unsigned wanted, uint32_t most_bps)
{
    struct demand *d = &p->demand;
    unsigned encodings = (1U << p->encodings_n) - 1;
    struct mail m = {.type = MAIL_WANTED,
                     .arg = p->transport ? wanted & encodings : wanted,
                     .id = p->id,
                     .id2 = most_bps};
    bool known = p->transport && d->told && m.arg == (d->wanted & encodings) &&
                 most_bps == d->most_bps;
    unsigned to = p->transport ? SHARD_TO_CONTROL : p->origin;
    d->told = known || sl_shard_post(s, to, &m, SHARD_KEEP_MEDIA);
    if (d->told) {
        d->wanted = (uint8_t)wanted;
        d->most_bps = most_bps;
    }
}

/* An estimate is never still. */
static bool is_far(uint32_t a, uint32_t b)
{
    uint32_t off = a > b ? a - b : b - a;
    return off > b / 8;
}

/* Longer than it takes until it is noticed that something stopped. */
#define PROVEN (2 * SILENT_AFTER)

/* Sizes begin before they are seen, and so before they are parts. */
uint8_t sl_demand_fresh(const struct producer *p, usec now)
{
    unsigned ret = 0, n = p->encodings_n > 1 ? p->encodings_n : LAYER_SPATIALS;
    for (unsigned i = 0; i < n; i++) {
        usec back =
            p->encodings_n > 1 ? p->encodings[i].back : p->encodings[0].rates.back[i];
        ret |= back != 0 && now - back < DEMAND_STEADY ? 1U << i : 0;
    }
    return (uint8_t)ret;
}

/* When anything of it came last; 0: never. */
static usec last_of(const struct producer *p)
{
    usec last = 0;
    for (uint8_t i = 0; i < p->encodings_n; i++)
        last = p->encodings[i].last > last ? p->encodings[i].last : last;
    return last;
}

/* Nothing comes at all, for longer than a still screen rests. */
static bool is_paused(const struct producer *p, usec now)
{
    usec last = last_of(p);
    return last != 0 && now - last >= SILENT_STILL;
}

/* A sender that cannot send what is wanted, and was told to send nothing else, could not be told
 * from one that sends nothing. */
static bool is_stuck(const struct producer *p, usec now)
{
    return p->transport && p->encodings_n > 1 && is_paused(p, now);
}

/* Parts that come, and of which what is measured is what they are. */
static unsigned steady(const struct producer *p, const struct layer_table *t, usec now)
{
    unsigned ret = is_paused(p, now) ? 0 : all_of(p), came = 0;
    for (uint8_t i = 0; i < t->n; i++) {
        came |= 1U << part_of(p, &t->layers[i]);
        if (!t->layers[i].live || t->layers[i].bps == 0)
            ret &= ~(1U << part_of(p, &t->layers[i]));
    }
    if (is_sizes(p)) /* one that does not come is not in the table at all */
        ret &= came;
    return ret & ~(unsigned)sl_demand_fresh(p, now);
}

static void take_layers(const struct producer *p, struct layer_table *ret,
                        const struct layer_table *from, unsigned parts)
{
    for (uint8_t i = 0; i < from->n && ret->n < LAYER_INFOS_MAX; i++)
        if (parts & 1U << part_of(p, &from->layers[i]))
            ret->layers[ret->n++] = from->layers[i];
}

static struct layer_info *same(struct layer_table *t, const struct layer_info *l)
{
    for (uint8_t i = 0; i < t->n; i++)
        if (t->layers[i].encoding == l->encoding && t->layers[i].spatial == l->spatial &&
            t->layers[i].temporal == l->temporal)
            return &t->layers[i];
    return NULL;
}

/* An encoder takes more at times and less at others: one that was put to sleep at the wrong moment
 * would be too much for a path that carries it, and as nobody is given it, for good. */
static uint32_t eased(uint32_t was, uint32_t is)
{
    return was > 0 ? was - was / DEMAND_EASE + is / DEMAND_EASE : is;
}

static void ease(struct demand *d, const struct producer *p, unsigned parts)
{
    for (uint8_t i = 0; i < d->news.table.n; i++) {
        struct layer_info *l = &d->news.table.layers[i];
        const struct layer_info *was = same(&d->seen.table, l);
        if (was && parts & 1U << part_of(p, l))
            l->bps = eased(was->bps, l->bps);
    }
}

/* They came all the time since these were measured. */
static void see(struct producer *p, unsigned parts)
{
    struct demand *d = &p->demand;
    struct layer_table t = {.n = 0};
    unsigned all = all_of(p);
    ease(d, p, parts);
    take_layers(p, &t, &d->seen.table, all & ~parts);
    take_layers(p, &t, &d->news.table, parts);
    for (unsigned i = 0; i < sl_demand_parts(p); i++)
        if (parts & 1U << i)
            d->seen.bps[i] = d->news.bps[i];
    d->seen.table = parts == all ? d->news.table : t;
    if (d->seen_since == 0) /* none of them was fresh then */
        d->seen_since = d->news_at - DEMAND_STEADY;
}

/* First all together that their sender can send; then each encoding when it comes. Sizes inside one
 * lean on each other: those are only seen together. */
static void remember(struct producer *p, usec now)
{
    struct demand *d = &p->demand;
    struct layer_table t;
    sl_layers_of(p, &t);
    unsigned all = all_of(p), parts = steady(p, &t, now);
    unsigned least = p->encodings_n == 1  ? all
                     : d->seen_since == 0 ? all & ~(unsigned)d->lost
                                          : 0;
    if (least & ~parts)
        parts = 0;
    d->news_of &= (uint8_t)parts;
    if (d->news_of && (now - d->news_at < PROVEN || last_of(p) <= d->news_at))
        return;
    if (d->news_of)
        see(p, d->news_of);
    d->news.table = t;
    for (unsigned i = 0; i < sl_demand_parts(p); i++)
        d->news.bps[i] = sl_demand_rate(p, i);
    d->news_of = (uint8_t)parts;
    d->news_at = now;
}

/* Nobody waits for what was never measured, and told to stop it never would be; of what has just
 * begun nobody was given any yet. Where somebody watches, all of it may come until it has. */
static unsigned unsettled(const struct producer *p, usec now)
{
    const struct demand *d = &p->demand;
    unsigned ret = 0;
    if (!p->transport || p->encodings_n == 1)
        return 0;
    if (d->seen_since == 0 || now - d->seen_since < DEMAND_SETTLE)
        return all_of(p);
    for (uint8_t i = 0; i < p->encodings_n; i++)
        ret |= p->encodings[i].last != 0 && d->seen.bps[i] == 0 ? 1U << i : 0;
    return ret;
}

/* What comes again has as long to be taken as what has just begun. */
static void review_lost(struct producer *p, unsigned part, usec now)
{
    struct demand *d = &p->demand;
    uint8_t b = (uint8_t)(1U << part);
    bool came = p->encodings[is_sizes(p) ? 0 : part].last != 0;
    if (sl_demand_flows(p, part)) {
        if (d->lost & b)
            d->at[part] = now + DEMAND_SETTLE - DEMAND_IDLE;
        d->lost &= (uint8_t)~b;
    } else if (came && d->wanted & b && !(d->asleep & b)) {
        d->lost |= b;
    }
}

/* There it may never have come. */
static void carry_news(struct producer *p, struct shard *s)
{
    unsigned news = p->demand.asleep & ~(unsigned)p->demand.carried;
    p->demand.carried = p->demand.asleep;
    for (uint64_t left = p->transport && news ? p->pipes : 0; left; left &= left - 1)
        sl_demand_carry(p, s, (unsigned)__builtin_ctzll(left));
}

void sl_demand_review(struct producer *p, struct shard *s, usec now)
{
    struct demand *d = &p->demand;
    remember(p, now);
    unsigned wanted = wanted_below(p), here = wanted_here(p), all = all_of(p);
    unsigned n = sl_demand_parts(p);
    bool stuck = (wanted | here) && is_stuck(p, now);
    for (unsigned i = 0; i < n; i++) {
        unsigned bits = n > 1 ? 1U << i : all;
        review_lost(p, i, now);
        if (stuck)
            d->at[i] = now + DEMAND_SETTLE - DEMAND_IDLE;
        if (here & bits)
            d->at[i] = now;
        if (d->at[i] != 0 && now - d->at[i] < DEMAND_IDLE)
            wanted |= bits;
        if (wanted & ~(unsigned)d->wanted & 1U << i) {
            d->woke[i] = now;
            d->took[i] = 0;
        }
    }
    if (wanted)
        wanted |= unsettled(p, now) | d->lost;
    uint32_t most = most_of(p);
    if (!d->told || wanted != (d->wanted & all) || is_far(most, d->most_bps))
        tell(p, s, wanted, most);
    d->asleep &= (uint8_t)all;
    for (unsigned i = 0; i < n; i++)
        review_sleep(p, i, now);
    carry_news(p, s);
}

/* All of it, for longer than from one picture to the next. */
static bool is_silent(const struct producer *p, usec now)
{
    for (const struct encoding *e = p->encodings; e < p->encodings + p->encodings_n; e++)
        if (now - e->last < layer_rest(e->last, e->before))
            return false;
    return true;
}

uint8_t sl_demand_still(const struct producer *p, usec now)
{
    unsigned ret = p->demand.asleep;
    if (ret && is_silent(p, now))
        return (uint8_t)ret;
    for (unsigned i = 0; ret && i < sl_demand_parts(p); i++)
        if (sl_demand_flows(p, i))
            ret &= ~(1U << i);
    return (uint8_t)ret;
}

/* The size of a viewer's share is none of these. */
static bool is_beside(const struct consumer *c, uint8_t parts)
{
    const struct producer *p = c->producer;
    uint8_t size = c->share.target.spatial;
    return is_sizes(p) && size < sl_demand_parts(p) && !(parts & 1U << size);
}

bool sl_demand_lacks(const struct consumer *c)
{
    return is_beside(c, c->producer->demand.wanted);
}

bool sl_demand_waits(const struct consumer *c, usec now)
{
    return is_beside(c, (uint8_t)~sl_demand_still(c->producer, now));
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
        .producer = p->id, .asleep = p->demand.asleep, .seen = p->demand.seen.table};
    struct mail m = sl_mail_of(MAIL_ASLEEP, c);
    if (!sl_shard_post(s, worker, &m, SHARD_KEEP_MEDIA))
        sl_mail_free(&m);
}

void sl_demand_learn(struct producer *p, const struct cmd_asleep *c, usec now)
{
    struct demand *d = &p->demand;
    d->asleep = c->asleep;
    d->seen.table = c->seen;
    list_each (struct consumer, v, &p->consumers, in_producer) {
        if (!v->begun)
            v->share = (struct allocate_state){0}; /* it need not wait to be given more */
        (void)sl_share(v->transport, now);
    }
}

void sl_demand_layers(const struct consumer *c, struct layer_table *ret, usec now)
{
    const struct producer *p = c->producer;
    uint8_t still = sl_demand_still(p, now), fresh = sl_demand_fresh(p, now);
    bool stopped = c->from && !sl_demand_flows(p, c->from->number); /* it cannot wait */
    sl_layers_of(p, ret);
    for (uint8_t i = 0; i < ret->n; i++)
        if (fresh &
            1U << (p->encodings_n > 1 ? ret->layers[i].encoding : ret->layers[i].spatial))
            ret->layers[i].fps = 0; /* of what has just begun, too few were counted */
    for (uint8_t i = 0; (still || fresh) && !stopped && i < p->demand.seen.table.n; i++) {
        const struct layer_info *l = &p->demand.seen.table.layers[i];
        unsigned part = part_of(p, l);
        bool comes = sl_demand_flows(p, part) && fresh & 1U << part;
        struct layer_info *at = same(ret, l);
        if (!comes && !(p->demand.asleep & 1U << part))
            continue;
        if (!at && ret->n < LAYER_INFOS_MAX)
            at = &ret->layers[ret->n++];
        if (at)
            *at = *l;
    }
}
