#include "sfu/share.h"

#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/layers.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

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
    if (c->from && sl_pick_review(c))
        sl_feedback_keyframe(c->transport->shard, c->from, now);
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
        sl_layers_of(c->producer, &tables[n]);
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
