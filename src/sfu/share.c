#include "sfu/share.h"

#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

/* What can be had of a track. Before its first packet: anything. */
static void table_of(const struct producer *p, struct layer_table *ret)
{
    bool any = false;
    for (uint8_t i = 0; i < p->encodings_n; i++)
        any |= p->encodings[i].last != 0;
    ret->n = p->encodings_n;
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        const struct encoding *e = &p->encodings[i];
        bool flows = e->last != 0 && !sl_producer_silent(p, e);
        ret->layers[i] = (struct layer_info){
            .encoding = i, .live = flows || !any, .bps = e->bitrate_bps};
    }
}

/* A picture begins with a key frame, which is asked for. */
static void begin(struct consumer *c, struct encoding *e, usec now)
{
    sl_consumer_want(c, e);
    if (c->want)
        sl_feedback_keyframe(c->transport->shard, e, now);
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
    if (e != has)
        begin(c, e, now);
}

struct allocate_sum sl_share(struct transport *t, usec now)
{
    struct layer_table tables[ALLOCATE_TRACKS_MAX];
    struct allocate_track tracks[ALLOCATE_TRACKS_MAX];
    struct consumer *of[ALLOCATE_TRACKS_MAX];
    size_t n = 0;
    list_each (struct consumer, c, &t->consumers, in_transport) {
        if (!c->producer || n == ALLOCATE_TRACKS_MAX)
            continue;
        table_of(c->producer, &tables[n]);
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
    struct allocate_sum sum =
        sl_allocate(tracks, n, t->bwe ? t->estimate.share_bps : SHARE_ANY, now);
    for (size_t i = 0; i < n; i++)
        carry_out(of[i], now);
    return sum;
}

void sl_share_wish(struct consumer *c, const struct rtp_wish *wish, usec now)
{
    c->wish = *wish;
    (void)sl_share(c->transport, now);
}
