#include "sfu/pipe.h"

#include <stdlib.h>

#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/mail.h"
#include "sfu/producer.h"

void sl_pipe_clock(struct shard *s, const struct encoding *e)
{
    for (uint64_t left = e->producer->pipes; left; left &= left - 1) {
        struct cmd_clock *c = malloc(sizeof *c);
        if (!c)
            return;
        *c = (struct cmd_clock){.producer = e->producer->id,
                                .encoding = e->number,
                                .epoch = e->epoch,
                                .clock = e->clock};
        struct mail m = sl_mail_of(MAIL_CLOCK, c);
        if (!sl_shard_post(s, (unsigned)__builtin_ctzll(left), &m, SHARD_KEEP_MEDIA))
            sl_mail_free(&m);
    }
}

static struct encoding *encoding_of(const struct shard *s, uint64_t producer, uint32_t i)
{
    struct producer *p = sl_shard_producer(s, producer);
    return p && i < p->encodings_n ? &p->encodings[i] : NULL;
}

void sl_pipe_take_clock(struct shard *s, const struct mail *m, usec now)
{
    struct cmd_clock *c = m->p;
    struct encoding *e = encoding_of(s, c->producer, c->encoding);
    if (e && !e->producer->transport) {
        sl_producer_follow(e, c->epoch, s, now);
        bool first = c->clock.known && !e->clock.known;
        e->clock = c->clock;
        if (first)
            sl_feedback_clock(e, now);
    }
    free(c);
}

struct pkt *sl_pipe_lease(struct shard *s, struct pkt *origin)
{
    struct pkt *lease = sl_pkt_lease(s->conf.pool, origin);
    if (!lease) {
        s->stats.pool_empty++;
        sl_returns_add(&s->returns, origin);
    }
    return lease;
}

void sl_pipe_take_rtp(struct shard *s, const struct mail *m, usec now)
{
    struct encoding *e = encoding_of(s, m->id, m->arg);
    if (!e || e->producer->transport) {
        sl_returns_add(&s->returns, m->p);
        return;
    }
    struct pkt *p = sl_pipe_lease(s, m->p);
    if (!p)
        return;
    s->stats.piped_in++;
    sl_producer_follow(e, media_in(p)->epoch, s, now);
    sl_producer_piped(e, p, now);
    sl_router_put(&s->router, e, p, now);
    sl_pkt_unref(p);
}

void sl_pipe_hand(struct shard *s, unsigned to, enum mail_type type, uint64_t transport,
                  struct pkt *p)
{
    struct mail m = {.type = type, .id = transport, .p = p};
    if (!sl_shard_post(s, to, &m, SHARD_KEEP_MEDIA))
        sl_pkt_unref(p);
}
