#include "sfu/producer.h"

#include <stdlib.h>

#include "media/unwrap.h"
#include "sfu/ceiling.h"
#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/hearing.h"
#include "sfu/inside.h"
#include "sfu/layers.h"
#include "sfu/share.h"
#include "sfu/transport.h"

enum {
    /* Of what came, kept to be sent again: 1 s at most, and so many packets. */
    VIDEO_SLOTS = 1024,
    AUDIO_SLOTS = 8, /* for sfu/redundancy */
    NACK_TRIES = 10,
    /* What a packet takes on a path beside its payload: IPv4 and UDP, RTP, a few extensions,
     * the tag. Much of a voice, little of a picture. */
    WIRE_OCTETS = 28 + 12 + 12 + 16,
};
#define HISTORY_AGE SEC(1)
#define NACK_RTT    MSEC(100)

static const struct nack_conf nack_conf = {.max_age = HISTORY_AGE,
                                           .max_tries = NACK_TRIES,
                                           .rtt = NACK_RTT};

static bool init_encoding(struct encoding *e, struct producer *p, uint8_t number)
{
    bool nack = false;
    *e = (struct encoding){.producer = p, .number = number, .first = SEQ_FIRST};
    list_init(&e->wanting);
    for (uint8_t i = 0; i < p->params.codecs_n; i++)
        nack |= p->params.codecs[i].nack;
    if (p->params.codecs_n > 0) {
        uint32_t hz = sl_codec_clock_hz(p->params.codecs[0].codec);
        e->stats.clock_hz = hz;
        e->clock.clock_hz = hz;
    }
    bool video = p->params.kind == MEDIA_VIDEO;
    e->history = sl_history_new(&(struct history_conf){
        .slots = video ? VIDEO_SLOTS : AUDIO_SLOTS, .max_age = HISTORY_AGE});
    if (!video)
        return e->history != NULL;
    if (nack && p->transport)
        e->nack = sl_nack_new(&nack_conf);
    return e->history && (e->nack || !nack || !p->transport);
}

static void index_payload_types(struct producer *p)
{
    memset(p->codec_of, PT_NONE, sizeof p->codec_of);
    memset(p->media_pt_of, PT_NONE, sizeof p->media_pt_of);
    for (uint8_t i = 0; i < p->params.codecs_n; i++) {
        const struct rtp_codec *c = &p->params.codecs[i];
        p->codec_of[c->pt & 0x7f] = i;
        if (c->rtx_pt != PT_NONE)
            p->media_pt_of[c->rtx_pt & 0x7f] = c->pt;
    }
}

static bool any_remb(const struct rtp_params *p)
{
    bool ret = false;
    for (uint8_t i = 0; i < p->codecs_n; i++)
        ret |= p->codecs[i].remb;
    return ret;
}

struct producer *sl_producer_new(const struct cmd_producer *conf, struct transport *t)
{
    struct producer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->id = conf->id;
    p->transport = t;
    p->origin = conf->origin;
    p->params = conf->receive.params;
    p->screen = conf->receive.screen;
    p->obeys = conf->receive.obeys;
    p->remb = any_remb(&p->params);
    p->encodings_n = conf->receive.encodings_n;
    memcpy(p->names, conf->receive.encodings, sizeof p->names);
    list_init(&p->in_transport);
    list_init(&p->consumers);
    list_init(&p->in_heard);
    list_init(&p->in_review);
    p->voice.below_dbov = LEVEL_SILENCE;
    index_payload_types(p);
    for (uint8_t i = 0; i < p->encodings_n; i++)
        if (!init_encoding(&p->encodings[i], p, i)) {
            p->encodings_n = (uint8_t)(i + 1);
            sl_producer_free(p);
            return NULL;
        }
    return p;
}

void sl_producer_free(struct producer *p)
{
    if (!p)
        return;
    list_each_safe(struct consumer, c, &p->consumers, in_producer)
        sl_consumer_source(c, NULL);
    list_del(&p->in_heard);
    list_del(&p->in_review);
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        sl_audience_fini(&p->encodings[i].audience);
        sl_history_free(p->encodings[i].history);
        sl_nack_free(p->encodings[i].nack);
    }
    free(p);
}

/* Extensions that go on as they came, where a consumer negotiated them. */
static void keep_exts(struct media_pkt *m, const struct rtp_exts *x)
{
    m->exts_n = 0;
    for (int e = EXT_AUDIO_LEVEL; e < EXTS && m->exts_n < FORWARDED_EXTS_MAX; e++) {
        if (x->len[e] == 0)
            continue;
        m->exts[m->exts_n].off = x->off[e];
        m->exts[m->exts_n].len = x->len[e];
        m->exts[m->exts_n++].ext = (uint8_t)e;
    }
}

static enum err describe(struct encoding *e, struct pkt *p, const struct rtp *rtp,
                         const struct rtp_exts *x, uint64_t seq)
{
    const struct producer *pr = e->producer;
    struct media_pkt *m = media_of(p);
    uint8_t codec = pr->codec_of[rtp->pt];
    struct span dd = {p->data + x->off[EXT_DEPENDENCY], x->len[EXT_DEPENDENCY]};
    *m = (struct media_pkt){
        .seq = seq,
        .ts = rtp->ts,
        .payload = (uint16_t)(rtp->payload.p ? rtp->payload.p - p->data : p->n),
        .payload_n = (uint16_t)rtp->payload.n,
        .pt = rtp->pt,
        .marker = rtp->marker,
        .encoding = e->number,
        .epoch = e->epoch,
    };
    if (rtp->payload.n == 0)
        return E_OK;
    keep_exts(m, x);
    enum err err =
        codec == PT_NONE
            ? E_UNSUPPORTED
            : sl_payload_read(pr->params.codecs[codec].codec, rtp->payload, rtp->marker,
                              dd, pr->params.ext_id[EXT_DEPENDENCY] ? &e->dd : NULL,
                              &m->info);
    if (err || m->info.empty)
        m->payload_n = 0;
    return err;
}

static bool of_last_key(const struct encoding *e, const struct media_pkt *m)
{
    uint64_t apart = m->seq > e->key ? m->seq - e->key : e->key - m->seq;
    return e->producer->params.kind == MEDIA_VIDEO && e->key > 0 && m->ts == e->key_ts &&
           apart < VIDEO_SLOTS;
}

/* For the first time, or after a silence: the next picture of a still screen does not. */
static bool begins(const struct encoding *e, usec now)
{
    usec gap = now - e->last;
    return gap >= layer_rest(e->last, e->before) ||
           (gap >= SILENT_AFTER && sl_producer_silent(e->producer, e));
}

/* What is the same on the worker where a packet landed and on those it is carried to. */
static void keep(struct encoding *e, struct pkt *p, usec now)
{
    const struct media_pkt *m = media_in(p);
    if (begins(e, now))
        e->back = now;
    if (m->ts != e->ts)
        e->before = e->last;
    e->ts = m->ts;
    e->last = now;
    e->octets += m->payload_n + WIRE_OCTETS;
    if (m->info.key && (m->seq > e->key || of_last_key(e, m))) {
        e->key = m->seq;
        e->key_ts = m->ts;
    }
    sl_layers_learn(e, p, m->payload_n + WIRE_OCTETS, now);
    if (e->history && m->payload_n > 0)
        sl_history_put(e->history, m->seq, p, now);
}

enum err sl_producer_input(struct encoding *e, struct pkt *p, const struct rtp *rtp,
                           const struct rtp_exts *x, uint64_t seq, bool repair, usec now)
{
    enum err err = describe(e, p, rtp, x, seq);
    struct media_pkt *m = media_of(p);
    /* H.264 and H.265 may say it again before each slice: who began there had a part only. */
    m->info.key &= seq <= e->key || !of_last_key(e, m);
    if (!repair)
        sl_stats_input(&e->stats, seq, rtp->ts, rtp->payload.n, p->at);
    if (e->nack && sl_nack_input(e->nack, seq, now) == NACK_OLD)
        return E_EXISTS;
    if (e->nack && m->info.key)
        sl_nack_key(e->nack, seq);
    if (e->producer->params.kind == MEDIA_AUDIO)
        sl_hearing_input(e->producer, p, x, now);
    keep(e, p, now);
    return err;
}

void sl_producer_fetch(const struct encoding *e)
{
    for (const uint8_t *at = (const uint8_t *)e; at < (const uint8_t *)&e->rates;
         at += 64)
        __builtin_prefetch(at, 1);
}

void sl_producer_fetch_far(const struct encoding *e)
{
    __builtin_prefetch(e->audience.at);
    if (e->history)
        __builtin_prefetch(e->history, 1);
    if (e->nack)
        __builtin_prefetch(e->nack, 1);
}

void sl_producer_piped(struct encoding *e, struct pkt *p, usec now)
{
    e->stats.received++;
    e->stats.octets += media_in(p)->payload_n;
    keep(e, p, now);
}

void sl_producer_follow(struct encoding *e, uint8_t epoch, struct shard *s, usec now)
{
    if (e->epoch == epoch)
        return;
    sl_producer_renew(e, s, now);
    e->epoch = epoch;
}

void sl_producer_renew(struct encoding *e, struct shard *s, usec now)
{
    uint32_t hz = e->clock.clock_hz;
    sl_router_run(&s->router, now); /* what came before goes before */
    e->first = ((e->stats.highest >> 16) + 2) << 16;
    e->epoch++;
    e->stats = (struct stats){.clock_hz = hz};
    e->clock = (struct clockmap){.clock_hz = hz};
    e->dd = (struct dd){0};
    e->rates = (struct layerrate){0};
    if (e->nack)
        sl_nack_reset(e->nack);
    while (e->audience.n > 0) {
        struct consumer *c = e->audience.at[e->audience.n - 1];
        sl_consumer_restart(c);
        if (!c->want)
            sl_consumer_want(c, e);
    }
    if (!list_empty(&e->wanting))
        sl_feedback_keyframe(s, e, now);
}

/* ---- which encoding ---- */

bool sl_producer_silent(const struct producer *p, const struct encoding *e)
{
    usec last = 0, before = 0;
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        const struct encoding *o = &p->encodings[i];
        last = o->last > last ? o->last : last;
        before = o->before > before ? o->before : before;
    }
    return last - e->last >= SILENT_AFTER && before - e->last >= SILENT_SPREAD;
}

void sl_producer_squeeze(struct producer *p, usec now)
{
    /* As if it were so much later: what will be too old then goes now. */
    for (uint8_t i = 0; i < p->encodings_n; i++)
        if (p->encodings[i].history)
            sl_history_trim(p->encodings[i].history, now + HISTORY_AGE - HISTORY_SHORT);
}

/* Half of it is what was measured last: a key frame of a small layer does not make it the
 * largest. */
static void measure(struct encoding *e, usec span)
{
    uint64_t bps = e->octets * 8 * SEC(1) / (uint64_t)span;
    if (e->bitrate_bps > 0)
        bps = (bps + e->bitrate_bps) / 2;
    e->bitrate_bps = bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX;
    e->octets = 0;
    sl_layerrate_review(&e->rates, span);
}

static void measure_all(struct producer *p, usec now)
{
    usec span = now - p->measured;
    p->measured = now;
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        measure(&p->encodings[i], span);
        if (p->encodings[i].history)
            sl_history_trim(p->encodings[i].history, now);
    }
    if (p->transport)
        sl_ceiling_review(p->transport, now);
}

/* Whether there is something else to choose from than when this was last true. */
static bool offers_other(struct producer *p, usec now)
{
    struct layer_table t;
    sl_layers_of(p, &t);
    uint8_t still = sl_demand_still(p, now), fresh = sl_demand_fresh(p, now);
    if (sl_layers_alike(&t, &p->shared) && still == p->shared_still &&
        fresh == p->shared_fresh)
        return false;
    p->shared = t;
    p->shared_still = still;
    p->shared_fresh = fresh;
    return true;
}

static void review(struct producer *p, struct shard *s, usec now)
{
    if (now - p->measured >= MEASURE_INTERVAL)
        measure_all(p, now);
    if (offers_other(p, now))
        list_each (struct consumer, c, &p->consumers, in_producer)
            if (c->transport->shared_at != now)
                (void)sl_share(c->transport, now);
    sl_demand_review(p, s, now);
    for (uint8_t i = 0; i < p->encodings_n; i++)
        if (!list_empty(&p->encodings[i].wanting))
            sl_feedback_keyframe(s, &p->encodings[i], now);
}

void sl_producer_reviews(struct shard *s, usec now)
{
    if (now - s->reviewed < REVIEW_STEP)
        return;
    s->reviewed = now;
    while (!list_empty(&s->reviews)) {
        struct producer *p = list_entry(s->reviews.next, struct producer, in_review);
        if (now - p->reviewed < REVIEW_INTERVAL)
            return;
        p->reviewed = now;
        list_del(&p->in_review);
        list_add(&s->reviews, &p->in_review);
        review(p, s, now);
    }
}

usec sl_producer_reviews_deadline(const struct shard *s)
{
    if (list_empty(&s->reviews))
        return USEC_NEVER;
    usec due = list_entry(s->reviews.next, struct producer, in_review)->reviewed +
               REVIEW_INTERVAL;
    usec step = s->reviewed + REVIEW_STEP;
    return due > step ? due : step;
}
