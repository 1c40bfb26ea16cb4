#include "sfu/shard.h"

#include <stdlib.h>

#include "sfu/address.h"
#include "sfu/ceiling.h"
#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/hearing.h"
#include "sfu/inside.h"
#include "sfu/landing.h"
#include "sfu/look.h"
#include "sfu/pipe.h"
#include "sfu/producer.h"
#include "sfu/share.h"
#include "sfu/trace.h"
#include "sfu/transport.h"

enum { POOL_RESERVE = 8 /* the part of the pool that histories may not take */ };
#define SQUEEZE_INTERVAL MSEC(20)

static struct span key_of(const uint64_t *id)
{
    return (struct span){(const uint8_t *)id, sizeof *id};
}

struct transport *sl_shard_transport(const struct shard *s, uint64_t id)
{
    struct map_node *n = sl_map_get(&s->transports, key_of(&id));
    return n ? map_entry(n, struct transport, by_id) : NULL;
}

struct producer *sl_shard_producer(const struct shard *s, uint64_t id)
{
    struct map_node *n = sl_map_get(&s->producers, key_of(&id));
    return n ? map_entry(n, struct producer, by_id) : NULL;
}

struct consumer *sl_shard_consumer(const struct shard *s, uint64_t id)
{
    struct map_node *n = sl_map_get(&s->consumers, key_of(&id));
    return n ? map_entry(n, struct consumer, by_id) : NULL;
}

bool sl_shard_post(struct shard *s, unsigned to, const struct mail *m, size_t keep)
{
    if (s->conf.io.post(s->conf.io.ctx, to, m, keep))
        return true;
    s->stats.mail_full++;
    return false;
}

void sl_shard_refused(struct shard *s, enum err why)
{
    *(why == E_AUTH     ? &s->stats.srtp_auth
      : why == E_REPLAY ? &s->stats.srtp_replay
      : why == E_FULL   ? &s->stats.unknown_ssrc
                        : &s->stats.malformed) += 1;
}

struct shard *sl_shard_new(const struct shard_conf *conf)
{
    struct shard *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->conf = *conf;
    s->stats.delay = sl_delay_histogram();
    if (conf->before)
        s->stats = *conf->before;
    s->rng = sl_rng_of(conf->seed);
    list_init(&s->heard);
    list_init(&s->reviews);
    sl_map_init(&s->transports, conf->hash_key);
    sl_map_init(&s->ufrags, conf->hash_key);
    sl_map_init(&s->addrs, conf->hash_key);
    sl_map_init(&s->producers, conf->hash_key);
    sl_map_init(&s->consumers, conf->hash_key);
    s->batch = sl_batch_new(&s->conf.io, &s->stats);
    if (!s->batch) {
        free(s);
        return NULL;
    }
    s->router = (struct router){.batch = s->batch, .stats = &s->stats, .io = &s->conf.io};
    return s;
}

/* What is queued leaves before anything that it refers to goes. */
static void settle(struct shard *s, usec now)
{
    sl_router_run(&s->router, now);
    sl_batch_flush(s->batch, now);
}

static void drop_transport(struct shard *s, struct transport *t)
{
    sl_records_closed(s, t);
    if (t->trace)
        (void)sl_trace_end(t->trace);
    sl_map_del(&s->transports, &t->by_id);
    s->stats.transports -= t->out != NULL;
    s->stats.expected--;
    sl_transport_free(t);
}

void sl_shard_free(struct shard *s)
{
    if (!s)
        return;
    settle(s, 0);
    for (struct map_node *n; (n = sl_map_next(&s->transports, NULL));)
        drop_transport(s, map_entry(n, struct transport, by_id));
    for (struct map_node *n; (n = sl_map_next(&s->producers, NULL));)
        sl_shard_drop_producer(s, map_entry(n, struct producer, by_id));
    sl_batch_free(s->batch);
    sl_returns_fini(&s->returns);
    sl_timers_fini(&s->timers);
    sl_map_fini(&s->transports);
    sl_map_fini(&s->ufrags);
    sl_map_fini(&s->addrs);
    sl_map_fini(&s->producers);
    sl_map_fini(&s->consumers);
    free(s);
}

bool sl_shard_idle(const struct shard *s)
{
    return s->stats.expected + s->stats.producers == 0 && s->returns.n == 0 &&
           !sl_pkt_any_returned(s->conf.pool);
}

const struct shard_stats *sl_shard_stats(const struct shard *s)
{
    return &s->stats;
}

enum err sl_shard_trace(struct shard *s, uint64_t transport, struct trace *tr)
{
    struct transport *t = sl_shard_transport(s, transport);
    if (!t || !t->out)
        return E_ABSENT;
    if (t->trace)
        return E_EXISTS;
    sl_trace_begin(tr, t);
    return E_OK;
}

/* ---- datagrams ---- */

void sl_shard_datagrams(struct shard *s, struct pkt *const *pkts, size_t n, usec now)
{
    sl_landing_take(s, pkts, n, now);
}

void sl_shard_closed(struct shard *s, const struct addr *from, uint16_t port, usec now)
{
    sl_address_closed(s, from, port, now);
}

/* ---- mail ---- */

static void send_own(struct shard *s, const struct cmd_send *c)
{
    uint8_t *room = sl_batch_room(s->batch, c->n);
    if (!room)
        return;
    memcpy(room, c->bytes, c->n);
    sl_batch_put(s->batch, &c->to, c->port, c->n);
}

static void expect(struct shard *s, const struct cmd_expect *c, usec now)
{
    struct transport *t = sl_transport_new(s, c, now);
    if (!t)
        return;
    if (sl_map_put(&s->transports, key_of(&t->id), &t->by_id) != E_OK)
        sl_transport_free(t);
    else
        s->stats.expected++;
}

static void restart(struct shard *s, const struct cmd_expect *c)
{
    struct transport *t = sl_shard_transport(s, c->transport);
    if (t)
        sl_transport_restart(t, &c->creds);
}

static void keys(struct shard *s, const struct cmd_keys *k, usec now)
{
    struct transport *t = sl_shard_transport(s, k->transport);
    if (t && sl_transport_keys(t, k, now) == E_OK)
        s->stats.transports++;
}

static void new_producer(struct shard *s, const struct cmd_producer *c, usec now)
{
    struct transport *t = c->transport ? sl_shard_transport(s, c->transport) : NULL;
    if ((c->transport != 0) != (t != NULL) || sl_shard_producer(s, c->id))
        return;
    struct producer *p = sl_producer_new(c, t);
    if (!p)
        return;
    if (sl_map_put(&s->producers, key_of(&p->id), &p->by_id) != E_OK) {
        sl_producer_free(p);
        return;
    }
    s->stats.producers++;
    p->measured = p->reviewed = now;
    list_add(&s->reviews, &p->in_review);
    if (t && sl_transport_add_producer(t, p, now) != E_OK)
        sl_shard_drop_producer(s, p);
}

void sl_shard_drop_producer(struct shard *s, struct producer *p)
{
    if (p->transport)
        sl_transport_del_producer(p->transport, p);
    sl_map_del(&s->producers, &p->by_id);
    s->stats.producers--;
    sl_producer_free(p);
}

static void new_consumer(struct shard *s, const struct cmd_consumer *c)
{
    struct transport *t = sl_shard_transport(s, c->transport);
    if (!t || sl_shard_consumer(s, c->id))
        return;
    struct consumer *co = sl_consumer_new(c, t);
    if (!co)
        return;
    if (sl_map_put(&s->consumers, key_of(&co->id), &co->by_id) != E_OK) {
        sl_consumer_free(co);
        return;
    }
    s->stats.consumers++;
    list_add(&t->consumers, &co->in_transport);
}

void sl_shard_drop_consumer(struct shard *s, struct consumer *c)
{
    sl_map_del(&s->consumers, &c->by_id);
    s->stats.consumers--;
    sl_consumer_free(c);
}

static void source(struct shard *s, const struct mail *m, usec now)
{
    struct consumer *c = sl_shard_consumer(s, m->id);
    struct producer *p = sl_shard_producer(s, m->id2);
    if (!c)
        return;
    settle(s, now);
    sl_consumer_source(c, p);
    if (!p)
        return;
    sl_estimate_begin(c->transport, c, now);
    (void)sl_share(c->transport, now);
}

static void wish(struct shard *s, const struct mail *m, usec now)
{
    struct consumer *c = sl_shard_consumer(s, m->id);
    struct rtp_wish w = sl_mail_wished(m);
    if (!c)
        return;
    settle(s, now);
    sl_share_wish(c, &w, now);
}

static void pipe_to(struct shard *s, uint64_t id, uint32_t worker, bool on)
{
    struct producer *p = sl_shard_producer(s, id);
    if (!p || worker >= SHARD_WORKERS_MAX)
        return;
    p->demand.below[worker] = DEMAND_ALL; /* until it says */
    p->demand.below_bps[worker] = DEMAND_ANY;
    if (!on) {
        p->pipes &= ~(UINT64_C(1) << worker);
        return;
    }
    p->pipes |= UINT64_C(1) << worker;
    for (uint8_t i = 0; i < p->encodings_n; i++)
        sl_pipe_clock(s, &p->encodings[i]);
    if (p->demand.asleep)
        sl_demand_carry(p, s, worker);
    sl_ceiling_carry(p, s, worker);
}

static void wanted(struct shard *s, unsigned from, const struct mail *m, usec now)
{
    struct producer *p = sl_shard_producer(s, m->id);
    if (p && from < SHARD_WORKERS_MAX)
        sl_demand_below(p, s, from, (uint8_t)m->arg, (uint32_t)m->id2, now);
}

static void excess(struct shard *s, const struct mail *m, usec now)
{
    struct producer *p = sl_shard_producer(s, m->id);
    if (p && !p->transport)
        sl_ceiling_learn(p, m->arg, s, now);
}

static void asleep(struct shard *s, const struct cmd_asleep *c, usec now)
{
    struct producer *p = sl_shard_producer(s, c->producer);
    if (!p || p->transport)
        return;
    settle(s, now);
    sl_demand_learn(p, c, now);
}

static void keyframe(struct shard *s, const struct mail *m, usec now)
{
    struct producer *p = sl_shard_producer(s, m->id);
    if (p && m->arg < p->encodings_n)
        sl_feedback_keyframe(s, &p->encodings[m->arg], now);
}

static void raw(struct shard *s, const struct mail *m, usec now)
{
    struct pkt *p = sl_pipe_lease(s, m->p);
    struct transport *t = sl_shard_transport(s, m->id);
    if (!p)
        return;
    if (!t || t->owner != s->conf.worker)
        sl_pkt_unref(p); /* it moved, or went, meanwhile */
    else if (dgram_of(p->data[0]) == DGRAM_STUN)
        sl_landing_stun(s, p, now);
    else
        sl_transport_srtp(t, p, now);
}

/* If control has no room for it, nobody waits for long. */
static void look(struct shard *s, const struct mail *m, usec now)
{
    struct mail back = *m;
    sl_look(s, m->p, now);
    if (!sl_shard_post(s, SHARD_TO_CONTROL, m, 0))
        sl_mail_free(&back);
}

/* Commands about one thing that carry nothing. */
static void command(struct shard *s, const struct mail *m, usec now)
{
    struct transport *t = sl_shard_transport(s, m->id);
    struct producer *p = sl_shard_producer(s, m->id);
    struct consumer *c = sl_shard_consumer(s, m->id);
    settle(s, now);
    if (m->type == MAIL_OWNER && t && t->owner == TP_NOBODY)
        sl_transport_owned(t, (uint16_t)m->arg);
    else if (m->type == MAIL_READY && t)
        sl_transport_ready(t, now);
    else if (m->type == MAIL_CEILING && t)
        t->ceiling_bps = (uint32_t)m->id2;
    else if (m->type == MAIL_CLOSE && t)
        drop_transport(s, t);
    else if (m->type == MAIL_PRODUCER_CLOSE && p)
        sl_shard_drop_producer(s, p);
    else if (m->type == MAIL_CONSUMER_CLOSE && c)
        sl_shard_drop_consumer(s, c);
    else if (m->type == MAIL_PIPE || m->type == MAIL_UNPIPE)
        pipe_to(s, m->id, m->arg, m->type == MAIL_PIPE);
}

void sl_shard_mail(struct shard *s, unsigned from, const struct mail *m, usec now)
{
    struct mail unread = *m;
    struct pkt *p;
    switch ((enum mail_type)m->type) {
    case MAIL_EXPECT: expect(s, m->p, now); break;
    case MAIL_RESTART: restart(s, m->p); break;
    case MAIL_KEYS: keys(s, m->p, now); break;
    case MAIL_PRODUCER:
    case MAIL_REMOTE: new_producer(s, m->p, now); break;
    case MAIL_CONSUMER: new_consumer(s, m->p); break;
    case MAIL_SEND: send_own(s, m->p); break;
    case MAIL_SOURCE: source(s, m, now); return;
    case MAIL_WISH: wish(s, m, now); return;
    case MAIL_OWNER:
    case MAIL_READY:
    case MAIL_CEILING:
    case MAIL_CLOSE:
    case MAIL_PRODUCER_CLOSE:
    case MAIL_CONSUMER_CLOSE:
    case MAIL_PIPE:
    case MAIL_UNPIPE: command(s, m, now); return;
    case MAIL_DTLS_OUT:
        if ((p = sl_pipe_lease(s, m->p)))
            sl_records_send(s, m->id, p);
        sl_pkt_unref(p);
        return;
    case MAIL_RAW: raw(s, m, now); return;
    case MAIL_RTP: sl_pipe_take_rtp(s, m, now); return;
    case MAIL_CLOCK: sl_pipe_take_clock(s, m, now); return;
    case MAIL_ASLEEP: asleep(s, m->p, now); break;
    case MAIL_KEYFRAME: keyframe(s, m, now); return;
    case MAIL_WANTED: wanted(s, from, m, now); return;
    case MAIL_EXCESS: excess(s, m, now); return;
    case MAIL_LOOK: look(s, m, now); return;
    case MAIL_BACK: sl_returns_take(m); return;
    case MAIL_NONE:
    case MAIL_ASSOC:
    case MAIL_UP:
    case MAIL_FAILED:
    case MAIL_HUNG_UP:
    case MAIL_PATH:
    case MAIL_HEARD:
    case MAIL_DTLS:
    case MAIL_STALE:
    case MAIL_LOST:
    case MAIL_STARTED:
    case MAIL_ESTIMATE:
    case MAIL_SHARE:
    case MAIL_RECEPTION:
    case MAIL_SPEAKER:
    case MAIL_SEEN:
    case MAIL_DATA:
    case MAIL_DATA_DONE:
    case MAIL_STREAM:
    case MAIL_CAPTURE:
    case MAIL_STATS: break; /* not for shards */
    }
    sl_mail_free(&unread);
}

/* ---- time ---- */

void sl_shard_tick(struct shard *s, usec now)
{
    sl_producer_reviews(s, now); /* what it asks for is due at once */
    sl_hearing_tick(s, now);
    for (struct timer *due; (due = sl_timers_due(&s->timers, now));)
        sl_transport_tick(list_entry(due, struct transport, timer), now);
}

/* Packets that came are worth more than those that may be asked for again: histories are cut
 * when few buffers are left. */
static void squeeze(struct shard *s, usec now)
{
    size_t size = sl_pkt_pool_size(s->conf.pool);
    if (sl_pkt_pool_left(s->conf.pool) * POOL_RESERVE >= size ||
        now - s->squeezed < SQUEEZE_INTERVAL)
        return;
    s->squeezed = now;
    s->stats.squeezed++;
    map_each (n, &s->producers)
        sl_producer_squeeze(map_entry(n, struct producer, by_id), now);
}

void sl_shard_flush(struct shard *s, usec now)
{
    sl_router_run(&s->router, now);
    sl_batch_flush(s->batch, now);
    squeeze(s, now);
    sl_returns_send(&s->returns, s->conf.pool, &s->conf.io);
}

usec sl_shard_deadline(const struct shard *s)
{
    usec at = sl_timers_deadline(&s->timers);
    usec next = sl_producer_reviews_deadline(s);
    usec hearing = sl_hearing_deadline(s);
    at = at < next ? at : next;
    return at < hearing ? at : hearing;
}
