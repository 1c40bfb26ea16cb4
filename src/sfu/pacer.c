#include "sfu/pacer.h"

#include <stdlib.h>

#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

enum {
    PACKETS = 256, /* 0.8 s of 3.5 Mbit/s */
    HEADERS = 72,  /* octets of a packet beside its payload: IP, UDP, RTP, tag */
};

#define STEP                                                                             \
    FEEDBACK_STEP /* between two looks: how far packets of a burst stay together */

struct waiting {
    struct consumer *consumer; /* NULL: it has left */
    const struct encoding *encoding;
    struct pkt *pkt;
};

struct pacer {
    uint64_t bps;
    usec free_at;  /* when all that left has passed, at that rate */
    size_t octets; /* that wait */
    unsigned first, n;
    struct waiting packets[PACKETS];
};

/* ---- out ---- */

static uint64_t rate(const struct pacer *p)
{
    uint64_t least = p->octets * 8 * SEC(1) / PACER_WAIT;
    return p->bps > least ? p->bps : least;
}

static void spend(struct pacer *p, size_t octets)
{
    p->free_at += (usec)(octets * 8 * SEC(1) / rate(p));
}

static size_t octets_of(const struct pkt *p)
{
    return media_in(p)->payload_n + HEADERS;
}

/* The next of what waits leaves. Gives its octets; 0: it was of no use any more. */
static size_t next(struct pacer *p, usec now)
{
    struct waiting w = p->packets[p->first];
    struct job job;
    size_t n = octets_of(w.pkt);
    p->first = (p->first + 1) % PACKETS;
    p->n--;
    p->octets -= n;
    /* An encoding that was left is not worth its time on the path any more. */
    if (w.consumer && w.consumer->from == w.encoding &&
        sl_consumer_select(w.consumer, w.pkt, now, &job) == E_OK) {
        struct shard *s = w.consumer->transport->shard;
        s->stats.forwarded++;
        s->stats.forwarded_bytes += media_in(w.pkt)->payload_n;
        sl_batch_push(s->batch, &job, now);
        spend(p, n);
    } else {
        n = 0;
    }
    sl_pkt_unref(w.pkt);
    return n;
}

static void run(struct pacer *p, usec now)
{
    if (p->free_at < now - STEP)
        p->free_at = now - STEP;
    while (p->n > 0 && p->free_at <= now)
        (void)next(p, now);
}

void sl_pacer_run(struct transport *t, usec now)
{
    if (t->pacer)
        run(t->pacer, now);
}

usec sl_pacer_deadline(const struct transport *t)
{
    const struct pacer *p = t->pacer;
    return p && p->n > 0 ? usec_step(p->free_at, STEP) : USEC_NEVER;
}

size_t sl_pacer_hurry(struct transport *t, size_t octets, usec now)
{
    size_t n = 0;
    while (t->pacer && t->pacer->n > 0 && n < octets)
        n += next(t->pacer, now);
    return n;
}

/* ---- in ---- */

void sl_pacer_put(struct consumer *c, const struct encoding *e, struct pkt *const *pkts,
                  size_t n, usec now)
{
    struct transport *t = c->transport;
    struct pacer *p = t->pacer;
    for (size_t i = 0; i < n; i++) {
        if (p->n == PACKETS)
            (void)next(p, now);
        p->packets[(p->first + p->n++) % PACKETS] =
            (struct waiting){.consumer = c, .encoding = e, .pkt = sl_pkt_ref(pkts[i])};
        p->octets += octets_of(pkts[i]);
    }
    run(p, now);
    if (sl_pacer_deadline(t) < t->timer.at)
        sl_feedback_arm(t, now);
}

void sl_pacer_spent(struct transport *t, size_t octets)
{
    spend(t->pacer, octets + HEADERS);
}

void sl_pacer_forget(struct consumer *c)
{
    struct pacer *p = c->transport->pacer;
    if (!p)
        return;
    for (unsigned i = 0; i < PACKETS; i++)
        if (p->packets[i].consumer == c)
            p->packets[i].consumer = NULL;
}

/* ---- its life ---- */

void sl_pacer_free(struct transport *t)
{
    struct pacer *p = t->pacer;
    for (; p && p->n > 0; p->n--) {
        sl_pkt_unref(p->packets[p->first].pkt);
        p->first = (p->first + 1) % PACKETS;
    }
    t->shard->stats.paced -= p != NULL;
    free(p);
    t->pacer = NULL;
}

void sl_pacer_limit(struct transport *t, uint64_t bps, usec now)
{
    if (bps == 0 && t->pacer) {
        (void)sl_pacer_hurry(t, SIZE_MAX, now);
        sl_pacer_free(t);
    } else if (bps > 0) {
        if (!t->pacer) {
            t->pacer = calloc(1, sizeof *t->pacer);
            if (!t->pacer)
                return; /* it goes as it comes */
            t->shard->stats.paced++;
            t->pacer->free_at = now;
        }
        t->pacer->bps = bps;
    }
}
