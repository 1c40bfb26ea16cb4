#include "sfu/share.h"

#include <string.h>

#include "media/bwe.h"
#include "sfu/consumer.h"
#include "sfu/demand.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/redundancy.h"
#include "sfu/transport.h"

/* Of thousands of viewers each mail that says nothing new would wake control for it. */
enum { FAR_BPS = 10000, FAR_RTT_MS = 20, FAR_LOST = 2 /* of 256 */ };

#define TELL_EVERY SEC(1)
#define SHARE_TICK MSEC(250)

/* A picture begins with a key frame: one that is there, or else it is asked for. */
static void begin(struct consumer *c, struct encoding *e, usec now)
{
    struct shard *s = c->transport->shard;
    sl_consumer_want(c, e);
    if (!(c->producer->demand.wanted & 1U << e->number))
        sl_demand_review(c->producer, s, now);
    if (c->want && !sl_router_replay(&s->router, c, now))
        sl_feedback_keyframe(s, e, now);
}

/* The path has collapsed under an encoding: what still comes of it is in the way of the
 * smaller one, and could not be shown. */
static bool is_too_much(const struct transport *t, const struct encoding *has,
                        const struct encoding *to)
{
    return t->bwe && sl_bwe_state(t->bwe).over && to->bitrate_bps < has->bitrate_bps / 2;
}

static void carry_out(struct consumer *c, usec now)
{
    const struct encoding *has = c->want ? c->want : c->from;
    if (!allocate_sent(&c->share)) {
        if (has)
            sl_consumer_pause(c);
        return;
    }
    struct encoding *e = &c->producer->encodings[c->share.target.encoding];
    if (c->from && e != has && is_too_much(c->transport, c->from, e))
        sl_consumer_pause(c);
    if (e != has)
        begin(c, e, now);
    if (sl_demand_lacks(c))
        sl_demand_review(c->producer, c->transport->shard, now);
    if (c->from && sl_pick_review(c))
        sl_feedback_keyframe(c->transport->shard, c->from, now);
}

/* ---- control ---- */

/* By more than a quarter, and so much that it means anything. */
static bool is_far(uint64_t a, uint64_t b, uint64_t least)
{
    uint64_t off = a > b ? a - b : b - a;
    return off > b / 4 && off > least;
}

/* Why less comes than there should be. */
static bool is_excess(const struct producer *p)
{
    bool ret = false;
    for (uint8_t i = 0; i < p->encodings_n; i++)
        ret |= p->encodings[i].excess;
    return ret;
}

static struct layer_target sent_of(const struct consumer *c, usec now)
{
    struct layer_target t = {.encoding = LAYER_NONE};
    if (!c->from)
        return t;
    if (c->from->number != c->share.target.encoding)
        return (struct layer_target){.encoding = c->from->number};
    t = c->share.target;
    uint8_t still = sl_demand_waits(c, now) ? sl_demand_still(c->producer, now) : 0;
    while (t.spatial > 0 && still & 1U << t.spatial)
        t.spatial--;
    return t;
}

static enum allocate_cause cause_of(const struct consumer *c, usec now)
{
    const struct allocate_state *st = &c->share;
    bool short_of =
        st->cause == ALLOCATE_PUBLISHER || st->cause == ALLOCATE_NOT_PUBLISHED;
    if (!c->transport->sendable)
        return ALLOCATE_UNREACHABLE;
    if (short_of && is_excess(c->producer))
        return ALLOCATE_EXCESS;
    if (c->from && sl_demand_waits(c, now))
        return ALLOCATE_NOBODY;
    if (allocate_sent(st) && c->want)
        return (c->producer->demand.asleep & 1U << c->want->number) != 0
                   ? ALLOCATE_NOBODY
                   : ALLOCATE_KEYFRAME;
    return (enum allocate_cause)st->cause;
}

static struct mail_share share_of(const struct consumer *c, usec now)
{
    usec rtt = c->rtt / MSEC(1);
    return (struct mail_share){.bps = c->share.bps,
                               .cause = (uint8_t)cause_of(c, now),
                               .sent = sent_of(c, now),
                               .wanted = c->share.best,
                               .lost = c->lost,
                               .rtt_ms = (uint16_t)(rtt < UINT16_MAX ? rtt : UINT16_MAX)};
}

/* A change at once; what only drifts each second. */
static bool is_news(const struct consumer *c, const struct mail_share *s, usec now)
{
    const struct mail_share *told = &c->told;
    if (c->told_at == 0 || s->cause != told->cause || !layer_same(s->sent, told->sent) ||
        !layer_same(s->wanted, told->wanted))
        return true;
    return now - c->told_at >= TELL_EVERY &&
           (is_far(s->bps, told->bps, FAR_BPS) ||
            is_far(s->rtt_ms, told->rtt_ms, FAR_RTT_MS) ||
            is_far(s->lost, told->lost, FAR_LOST));
}

/* False: it could not be told. */
static bool tell(struct consumer *c, usec now)
{
    struct shard *sh = c->transport->shard;
    struct mail_share s = share_of(c, now);
    if (!is_news(c, &s, now))
        return true;
    struct mail m = sl_mail_share(c->id, &s);
    if (!sl_shard_post(sh, SHARD_TO_CONTROL, &m, SHARD_KEEP_MEDIA))
        return false;
    if (c->told_at != 0)
        sh->stats.causes[c->told.cause]--;
    sh->stats.causes[s.cause]++;
    c->told = s;
    c->told_at = now;
    return true;
}

void sl_share_forget(struct consumer *c)
{
    if (c->told_at != 0)
        c->transport->shard->stats.causes[c->told.cause]--;
    c->told_at = 0;
}

/* It has the best that there is, or waits for what never came: then all are told when it does
 * (sl_producer_reviews). */
static bool is_settled(const struct consumer *c)
{
    const struct allocate_state *s = &c->share;
    return (!c->want || c->want->last == 0) && s->short_since == 0 &&
           layer_same(s->target, s->best);
}

void sl_share_soon(struct transport *t, usec now)
{
    if (t->share_at > now + SHARE_TICK)
        t->share_at = now + SHARE_TICK;
    if (t->share_at < t->timer.at)
        sl_feedback_arm(t, now);
}

/* A sound costs what is added to it against losses, too (sfu/redundancy). */
static void add_redundancy(struct consumer *c, struct layer_table *t, uint64_t path_bps)
{
    for (uint8_t i = 0; c->conf.params.kind == MEDIA_AUDIO && i < t->n; i++)
        t->layers[i].bps += sl_redundancy_room(c, t->layers[i].bps, path_bps);
}

/* What the others leave of the path. */
static uint32_t room_of(const struct consumer *c, uint64_t path_bps, uint64_t all_bps)
{
    uint64_t others = all_bps - c->share.bps;
    if (path_bps == SHARE_ANY)
        return DEMAND_ANY;
    uint64_t left = path_bps > others ? path_bps - others : 0;
    return left < DEMAND_ANY ? (uint32_t)left : DEMAND_ANY;
}

struct allocate_sum sl_share(struct transport *t, usec now)
{
    uint64_t path_bps = t->bwe ? t->estimate.share_bps : SHARE_ANY;
    struct layer_table tables[ALLOCATE_TRACKS_MAX];
    struct allocate_track tracks[ALLOCATE_TRACKS_MAX];
    struct consumer *of[ALLOCATE_TRACKS_MAX];
    size_t n = 0;
    list_each (struct consumer, c, &t->consumers, in_transport) {
        if (!c->producer || n == ALLOCATE_TRACKS_MAX)
            continue;
        sl_demand_layers(c, &tables[n], now);
        add_redundancy(c, &tables[n], path_bps);
        tracks[n] = (struct allocate_track){.kind = c->conf.params.kind,
                                            .screen = c->producer->screen,
                                            .table = &tables[n],
                                            .wish = c->wish,
                                            .state = &c->share};
        of[n++] = c;
    }
    t->shared_at = now;
    if (n == 0)
        return (struct allocate_sum){0};
    struct allocate_sum sum = sl_allocate(tracks, n, path_bps, now);
    bool settled = true;
    for (size_t i = 0; i < n; i++) {
        of[i]->room_bps = room_of(of[i], path_bps, sum.bps);
        carry_out(of[i], now);
        settled &= tell(of[i], now) && is_settled(of[i]);
    }
    if (!settled)
        sl_share_soon(t, now);
    return sum;
}

void sl_share_wish(struct consumer *c, const struct rtp_wish *wish, usec now)
{
    bool other = memcmp(&c->wish, wish, sizeof *wish) != 0;
    c->wish = *wish;
    /* What is given up for that was not too much for the path, and what was too much was
     * something else. */
    list_each (struct consumer, k, &c->transport->consumers, in_transport)
        if (other)
            allocate_forgive(&k->share);
    (void)sl_share(c->transport, now);
}
