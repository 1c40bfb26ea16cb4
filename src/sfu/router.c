#include "sfu/router.h"

#include "sfu/consumer.h"
#include "sfu/pacer.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

enum { FETCHED = 16 }; /* consumers at a time */

void sl_router_put(struct router *r, struct encoding *e, struct pkt *p, usec now)
{
    if (r->n == ROUTER_QUEUE)
        sl_router_run(r, now);
    r->from[r->n] = e;
    r->pkts[r->n++] = sl_pkt_ref(p);
}

static void consumer_fetch(const struct consumer *c)
{
    __builtin_prefetch(c, 1);
    __builtin_prefetch(&c->guard.next, 1);
}

/* What it points to, and where its pictures stand. */
static void consumer_fetch_far(const struct consumer *c, const struct media_pkt *m)
{
    __builtin_prefetch(c->map, 1);
    __builtin_prefetch(c->transport, 1);
    if (m->info.ids_n > 0)
        __builtin_prefetch(&c->sources[c->source].shift);
}

/* What lies behind that. */
static void consumer_fetch_farther(const struct consumer *c)
{
    sl_seqmap_fetch(c->map);
    __builtin_prefetch(c->transport->out);
    if (c->transport->bwe)
        __builtin_prefetch(c->transport->bwe, 1);
}

static void to_consumer(const struct router *r, struct consumer *c,
                        const struct encoding *e, struct pkt *const *pkts, size_t n,
                        usec now)
{
    bool paced = c->transport->pacer != NULL;
    if (!c->transport->sendable)
        return;
    if (paced && e->producer->params.kind == MEDIA_VIDEO) {
        sl_pacer_put(c, e, pkts, n, now);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct job job;
        if (sl_consumer_select(c, pkts[i], now, &job) != E_OK)
            continue;
        sl_batch_push(r->batch, &job, now);
        if (paced)
            sl_pacer_spent(c->transport, media_in(pkts[i])->payload_n);
        r->stats->forwarded++;
        r->stats->forwarded_bytes += media_in(pkts[i])->payload_n;
    }
}

/* What a consumer needs lies in a dozen places that the cache has forgotten since its last
 * packet. They are fetched for a group of consumers, not waited for one after the other. */
static void to_consumers(const struct router *r, struct encoding *e,
                         struct pkt *const *pkts, size_t n, usec now)
{
    struct consumer *const *at = e->audience.at;
    size_t all = n > 0 ? e->audience.n : 0;
    for (size_t i = 0, end; i < all; i = end) {
        end = i + FETCHED;
        if (end > all)
            end = all;
        for (size_t j = i; j < end; j++)
            consumer_fetch(at[j]);
        for (size_t j = i; j < end; j++)
            consumer_fetch_far(at[j], media_in(pkts[0]));
        for (size_t j = i; j < end; j++)
            consumer_fetch_farther(at[j]);
        for (size_t j = i; j < end; j++)
            to_consumer(r, at[j], e, pkts, n, now);
    }
}

/* Once for each worker, however many consumers are there. */
static void to_pipes(const struct router *r, const struct encoding *e,
                     struct pkt *const *pkts, size_t n)
{
    for (uint64_t left = e->producer->pipes; left; left &= left - 1) {
        unsigned to = (unsigned)__builtin_ctzll(left);
        for (size_t i = 0; i < n; i++) {
            struct mail m = {.type = MAIL_RTP,
                             .arg = e->number,
                             .id = e->producer->id,
                             .p = sl_pkt_ref(pkts[i])};
            if (r->io->post(r->io->ctx, to, &m, SHARD_KEEP_MEDIA)) {
                r->stats->piped++;
            } else {
                sl_pkt_unref(pkts[i]);
                r->stats->mail_full++;
            }
        }
    }
}

/* Those who waited for this key frame take it from its first packet on. Only now is the
 * request fulfilled: who asked since the packet came gets it, too. */
static void begin(struct encoding *e, const struct pkt *first, usec now)
{
    keyreq_done(&e->keyreq);
    while (!list_empty(&e->wanting))
        sl_consumer_switch(list_entry(e->wanting.next, struct consumer, in_wanting),
                           first, now);
}

static void note_routed(struct encoding *e, struct pkt *const *pkts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct media_pkt *m = media_in(pkts[i]);
        if (m->seq < e->routed)
            continue;
        e->routed = m->seq + 1;
        if (m->payload_n > 0)
            e->pictures = picmap_at(&m->info);
    }
}

/* The first packet of a key frame may have been lost, and come after those behind it: who
 * begins with it gets them too. Others have them already, and their maps know. */
static void catch_up(const struct router *r, struct encoding *e, const struct pkt *first,
                     usec now)
{
    struct pkt *p;
    for (uint64_t seq = media_in(first)->seq + 1; e->history && seq < e->routed; seq++)
        if (sl_history_get(e->history, seq, now, &p) == E_OK)
            to_consumers(r, e, &p, 1, now);
}

static size_t first_key(struct pkt *const *pkts, size_t n)
{
    size_t i = 0;
    while (i < n && !media_in(pkts[i])->info.key)
        i++;
    return i;
}

static void forward(const struct router *r, struct encoding *e, struct pkt *const *pkts,
                    size_t n, usec now)
{
    size_t done = 0;
    if (e->keyreq.wanted || !list_empty(&e->wanting)) {
        size_t key = first_key(pkts, n);
        if (key < n) {
            to_consumers(r, e, pkts, key, now);
            begin(e, pkts[key], now);
            to_consumers(r, e, pkts + key, 1, now);
            note_routed(e, pkts, key);
            catch_up(r, e, pkts[key], now);
            done = key + 1;
        }
    }
    to_consumers(r, e, pkts + done, n - done, now);
    to_pipes(r, e, pkts, n);
    note_routed(e, pkts, n);
}

bool sl_router_replay(const struct router *r, struct consumer *c, usec now)
{
    const struct encoding *e = c->want;
    struct pkt *pkts[REPLAY_PACKETS];
    size_t n = 0, octets = 0;
    if (!e || e->producer->params.kind != MEDIA_VIDEO || e->key == 0 || c->begun ||
        !c->transport->sendable)
        return false;
    for (uint64_t seq = e->key; seq < e->routed; seq++) {
        if (n == REPLAY_PACKETS || octets > REPLAY_OCTETS ||
            sl_history_get(e->history, seq, now, &pkts[n]) != E_OK)
            return false;
        octets += media_in(pkts[n++])->payload_n;
    }
    if (n == 0 || now - pkts[0]->at > REPLAY_AGE || media_in(pkts[0])->epoch != e->epoch)
        return false;
    sl_consumer_switch(c, pkts[0], now);
    to_consumer(r, c, c->from, pkts, n, now);
    return true;
}

/* The first after i that are of another encoding. */
static size_t run_end(const struct router *r, size_t i)
{
    size_t end = i + 1;
    while (end < r->n && r->from[end] == r->from[i])
        end++;
    return end;
}

/* While one run is forwarded, what the next one needs is on its way, and of the one after that
 * its consumers. */
static void fetch_runs(const struct router *r, size_t next)
{
    size_t after = next < r->n ? run_end(r, next) : r->n;
    const struct encoding *near = next < r->n ? r->from[next] : NULL;
    const struct encoding *far = after < r->n ? r->from[after] : NULL;
    for (size_t i = 0; far && i < far->audience.n && i < FETCHED; i++)
        consumer_fetch(far->audience.at[i]);
    for (size_t i = 0; near && i < near->audience.n && i < FETCHED; i++)
        consumer_fetch_far(near->audience.at[i], media_in(r->pkts[next]));
}

void sl_router_run(struct router *r, usec now)
{
    size_t n = r->n;
    for (size_t i = 0, end; i < n; i = end) {
        end = run_end(r, i);
        fetch_runs(r, end);
        forward(r, r->from[i], &r->pkts[i], end - i, now);
    }
    for (size_t i = 0; i < n; i++)
        sl_pkt_unref(r->pkts[i]);
    r->n = 0;
}
