#include "sfu/transport.h"

#include <assert.h>
#include <stdlib.h>

#include "media/unwrap.h"
#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/producer.h"

struct transport *sl_transport_new(struct shard *s, const struct cmd_expect *conf,
                                   usec now)
{
    struct transport *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->shard = s;
    t->id = conf->transport;
    t->owner = TP_NOBODY;
    t->ssrc = rng_u32(&s->rng);
    t->twcc_next = 1;
    t->next_report = now + SEC(1);
    t->next_feedback = USEC_NEVER;
    sl_ice_init(&t->ice, &conf->creds);
    list_init(&t->dirty);
    list_init(&t->producers);
    list_init(&t->consumers);
    return t;
}

static void unname(struct transport *t, struct tp_name *n)
{
    if (n->ufrag[0] != '\0')
        sl_map_del(&t->shard->ufrags, &n->node);
    n->ufrag[0] = '\0';
}

enum err sl_transport_name(struct transport *t, const struct ice_creds *creds)
{
    /* The oldest makes room: it is neither in use nor offered. */
    struct tp_name *n = &t->names[t->names_next++ % TP_NAMES];
    unname(t, n);
    n->transport = t;
    memcpy(n->ufrag, creds->ufrag, sizeof n->ufrag);
    enum err e = sl_map_put(&t->shard->ufrags, span_of(n->ufrag), &n->node);
    if (e)
        n->ufrag[0] = '\0';
    return e;
}

void sl_transport_restart(struct transport *t, const struct ice_creds *creds)
{
    if (sl_transport_name(t, creds) == E_OK)
        sl_ice_restart(&t->ice, creds);
}

void sl_transport_forget_addr(struct transport *t, const struct addr *from, uint16_t port)
{
    for (size_t i = 0; i < t->addrs_n; i++) {
        struct tp_addr *a = &t->addrs[i];
        if (a->transport && a->key.port == port && addr_eq(&a->key.from, from)) {
            sl_map_del(&t->shard->addrs, &a->node);
            a->transport = NULL;
        }
    }
}

void sl_transport_free(struct transport *t)
{
    if (!t)
        return;
    list_each_safe(struct consumer, c, &t->consumers, in_transport)
        sl_shard_drop_consumer(t->shard, c);
    list_each_safe(struct producer, p, &t->producers, in_transport)
        sl_shard_drop_producer(t->shard, p);
    sl_timer_stop(&t->shard->timers, &t->timer);
    for (size_t i = 0; i < TP_NAMES; i++)
        unname(t, &t->names[i]);
    for (size_t i = 0; i < t->addrs_n; i++)
        if (t->addrs[i].transport)
            sl_map_del(&t->shard->addrs, &t->addrs[i].node);
    for (size_t i = 0; i < t->held_n; i++)
        sl_pkt_unref(t->held[i]);
    sl_srtp_out_free(t->out);
    sl_srtp_in_free(t->in);
    free(t->twcc);
    free(t);
}

enum err sl_transport_keys(struct transport *t, const struct cmd_keys *k, usec now)
{
    if (t->out)
        return E_STATE;
    const struct srtp_backend *b = t->shard->conf.srtp;
    t->out = sl_srtp_out_new(b, &k->out);
    t->in = sl_srtp_in_new(b, &k->in, TP_STREAMS_MAX);
    if (!t->out || !t->in)
        return E_MEMORY;
    t->owner = t->shard->conf.worker;
    sl_transport_checked(t, now);
    if (t->told)
        sl_transport_ready(t, now);
    return sl_timer_set(&t->shard->timers, &t->timer, now + SEC(1));
}

/* A consumer that could not be sent to missed packets: video begins anew with a key frame. */
static void begin_again(struct transport *t, usec now)
{
    list_each (struct consumer, c, &t->consumers, in_transport)
        if (c->producer) {
            struct encoding *e = sl_producer_best(c->producer, now);
            sl_consumer_restart(c);
            sl_consumer_want(c, e);
            sl_feedback_keyframe(t->shard, e, now);
        }
}

void sl_transport_checked(struct transport *t, usec now)
{
    const struct ice_pair *path = sl_ice_path(&t->ice);
    if (!path || !t->out)
        return;
    t->to = path->remote;
    t->port = path->port;
    if (t->sendable || ice_expired(&t->ice, now))
        return;
    t->sendable = true;
    t->stale_since = 0;
    t->lost = false;
    begin_again(t, now);
}

/* ---- streams ---- */

static struct tp_stream *stream_of(struct transport *t, uint32_t ssrc)
{
    for (size_t i = 0; i < t->streams_n; i++)
        if (t->streams[i].ssrc == ssrc)
            return &t->streams[i];
    return NULL;
}

/* The last one seen stands first: packets of one SSRC come together. */
static struct tp_stream *stream_hot(struct transport *t, uint32_t ssrc)
{
    if (t->streams_n > 0 && t->streams[0].ssrc == ssrc)
        return &t->streams[0];
    struct tp_stream *s = stream_of(t, ssrc);
    if (!s)
        return NULL;
    struct tp_stream hot = *s;
    *s = t->streams[0];
    t->streams[0] = hot;
    return &t->streams[0];
}

static struct tp_stream *bind_stream(struct transport *t, uint32_t ssrc, bool repair,
                                     struct encoding *e)
{
    if (t->streams_n == TP_STREAMS_MAX)
        return NULL;
    struct tp_stream *s = &t->streams[t->streams_n++];
    *s = (struct tp_stream){.ssrc = ssrc, .repair = repair, .encoding = e};
    if (repair)
        e->rtx_ssrc = ssrc;
    else
        e->ssrc = ssrc;
    return s;
}

static struct span ext_of(const struct pkt *p, const struct rtp_exts *x, enum rtp_ext e)
{
    return (struct span){p->data + x->off[e], x->len[e]};
}

/* RFC 9143 §9.2: by mid; where there is none, by a payload type that only one section has. */
static struct producer *producer_for(const struct transport *t, const struct pkt *pkt,
                                     const struct rtp *rtp, const struct rtp_exts *x)
{
    struct producer *found = NULL;
    list_each (struct producer, p, &t->producers, in_transport) {
        if (x->len[EXT_MID] > 0) {
            if (span_is(ext_of(pkt, x, EXT_MID), p->params.mid))
                return p;
        } else if (p->codec_of[rtp->pt] != PT_NONE ||
                   p->media_pt_of[rtp->pt] != PT_NONE) {
            if (found)
                return NULL;
            found = p;
        }
    }
    return x->len[EXT_MID] > 0 ? NULL : found;
}

/* An SSRC that the SDP did not name: found by mid and rid (RFC 8852). */
static struct tp_stream *learn_stream(struct transport *t, const struct pkt *pkt,
                                      const struct rtp *rtp, const struct rtp_exts *x)
{
    struct producer *p = producer_for(t, pkt, rtp, x);
    if (!p)
        return NULL;
    bool repair = p->media_pt_of[rtp->pt] != PT_NONE;
    struct span rid =
        ext_of(pkt, x, repair && x->len[EXT_REPAIRED_RID] ? EXT_REPAIRED_RID : EXT_RID);
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        struct encoding *e = &p->encodings[i];
        bool named = p->names[i].rid[0] != '\0';
        uint32_t has = repair ? e->rtx_ssrc : e->ssrc;
        if (named ? !span_is(rid, p->names[i].rid) : has != 0)
            continue;
        /* A sender that starts its encoding anew takes another SSRC for it. */
        struct tp_stream *old = has ? stream_of(t, has) : NULL;
        if (old)
            *old = t->streams[--t->streams_n];
        return bind_stream(t, rtp->ssrc, repair, e);
    }
    return NULL;
}

void sl_transport_add_producer(struct transport *t, struct producer *p, usec now)
{
    bool twcc = p->params.ext_id[EXT_TWCC] != 0, remb = false;
    list_add(&t->producers, &p->in_transport);
    for (int e = 1; e < EXTS; e++)
        if (p->params.ext_id[e])
            t->ext_of_id[p->params.ext_id[e]] = (uint8_t)e;
    for (uint8_t i = 0; i < p->params.codecs_n; i++)
        remb |= p->params.codecs[i].remb;
    t->remb |= remb && !twcc;
    if (twcc && !t->twcc)
        t->twcc = calloc(1, sizeof *t->twcc);
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        const struct rtp_encoding *n = &p->names[i];
        if (n->ssrc && !stream_of(t, n->ssrc))
            (void)bind_stream(t, n->ssrc, false, &p->encodings[i]);
        if (n->rtx_ssrc && !stream_of(t, n->rtx_ssrc))
            (void)bind_stream(t, n->rtx_ssrc, true, &p->encodings[i]);
    }
    t->next_feedback = now + FEEDBACK_INTERVAL;
    sl_feedback_arm(t, now);
}

void sl_transport_del_producer(struct transport *t, struct producer *p)
{
    for (size_t i = t->streams_n; i-- > 0;)
        if (t->streams[i].encoding->producer == p)
            t->streams[i] = t->streams[--t->streams_n];
    list_del(&p->in_transport);
}

/* ---- what comes in ---- */

/* An RTX packet becomes the one that it repairs (RFC 4588 §4): in place, before anybody else
 * has seen it. False: it carries none, it is a probe. */
static bool restore(struct pkt *p, struct rtp *rtp, const struct encoding *e)
{
    if (rtp->payload.n <= 2)
        return false;
    uint8_t *payload = p->data + (rtp->payload.p - p->data);
    uint8_t pt = e->producer->media_pt_of[rtp->pt];
    struct wr w = wr_of(p->data, 12);
    rtp->seq = rtp_be16(payload);
    rtp->pt = pt;
    rtp->ssrc = e->ssrc;
    rtp->payload.n -= 2;
    memmove(payload, payload + 2, rtp->payload.n);
    wr_u8(&w, p->data[0] & 0xdfU); /* without padding */
    wr_u8(&w, (rtp->marker ? 0x80U : 0U) | pt);
    wr_u16(&w, rtp->seq);
    wr_u32(&w, rtp->ts);
    wr_u32(&w, rtp->ssrc);
    p->n = (uint16_t)((size_t)(payload - p->data) + rtp->payload.n);
    return true;
}

static enum err take_rtp(struct transport *t, struct pkt *p, usec now)
{
    struct shard_stats *st = &t->shard->stats;
    struct rtp rtp;
    struct rtp_exts x;
    size_t n = p->n;
    uint64_t index;
    enum err e = sl_srtp_unprotect(t->in, p->data, &n, &index);
    if (e) {
        *(e == E_AUTH     ? &st->srtp_auth
          : e == E_REPLAY ? &st->srtp_replay
                          : &st->malformed) += 1;
        return e;
    }
    p->n = (uint16_t)n;
    st->rtp++;
    st->rtp_bytes += n;
    if ((e = sl_rtp_parse((struct span){p->data, n}, &rtp)) != E_OK) {
        st->malformed++;
        return e;
    }
    sl_rtp_exts_find(p->data, &rtp, t->ext_of_id, &x);
    if (t->twcc && x.len[EXT_TWCC] == 2)
        sl_twcc_add(t->twcc, rtp_be16(p->data + x.off[EXT_TWCC]), p->at);
    struct tp_stream *s = stream_hot(t, rtp.ssrc);
    if (!s) {
        if (!(s = learn_stream(t, p, &rtp, &x))) {
            st->unknown_ssrc++;
            return E_ABSENT;
        }
        sl_feedback_arm(t, now); /* somebody may wait for its key frame */
    }
    struct encoding *enc = s->encoding;
    if (s->repair && !restore(p, &rtp, enc))
        return E_ABSENT;
    st->recovered += s->repair;
    uint64_t seq = s->repair ? unwrap_seq(enc->stats.highest, rtp.seq) : index;
    e = sl_producer_input(enc, p, &rtp, &x, seq, s->repair, now);
    if (e == E_MALFORMED)
        st->malformed++;
    if (e)
        return e;
    if (!enc->producer->started) {
        enc->producer->started = true;
        sl_shard_post(t->shard, SHARD_TO_CONTROL,
                      &(struct mail){.type = MAIL_STARTED, .id = enc->producer->id},
                      SHARD_KEEP_MEDIA);
    }
    sl_router_put(&t->shard->router, enc, p, now);
    if (enc->nack && sl_nack_deadline(enc->nack) < t->timer.at)
        sl_feedback_arm(t, now);
    return E_OK;
}

void sl_transport_srtp(struct transport *t, struct pkt *p, usec now)
{
    struct shard_stats *st = &t->shard->stats;
    if (!t->ready) {
        if (t->held_n < TP_HELD_MAX) {
            t->held[t->held_n++] = p;
            return;
        }
        st->srtp_early++;
    } else if (p->n < RTP_HEADER_MIN) {
        st->malformed++;
    } else if (rtp_is_rtcp(p->data)) {
        st->rtcp++;
        sl_feedback_take(t, p, now);
    } else {
        (void)take_rtp(t, p, now);
    }
    sl_pkt_unref(p);
}

void sl_transport_ready(struct transport *t, usec now)
{
    t->told = true;
    if (!t->in || t->ready)
        return;
    t->ready = true;
    size_t n = t->held_n;
    t->held_n = 0;
    for (size_t i = 0; i < n; i++)
        sl_transport_srtp(t, t->held[i], now);
}

/* ---- time ---- */

#define LOST_AFTER SEC(15) /* stale for so long: control gives it up */
#define TICK_MIN   MSEC(1) /* between two ticks, whatever is left to be done */

static void check_consent(struct transport *t, usec now)
{
    if (!ice_expired(&t->ice, now))
        return;
    if (t->sendable) {
        t->sendable = false;
        t->stale_since = now;
        sl_shard_post(t->shard, SHARD_TO_CONTROL,
                      &(struct mail){.type = MAIL_STALE, .id = t->id}, 0);
    }
    if (!t->lost && t->stale_since && now - t->stale_since >= LOST_AFTER) {
        t->lost = sl_shard_post(t->shard, SHARD_TO_CONTROL,
                                &(struct mail){.type = MAIL_LOST, .id = t->id}, 0);
    }
}

void sl_transport_tick(struct transport *t, usec now)
{
    check_consent(t, now);
    if (t->sendable)
        sl_feedback_due(t, now);
    sl_feedback_arm(t, now + TICK_MIN);
}

struct consumer *sl_transport_consumer(const struct transport *t, uint32_t ssrc)
{
    list_each (struct consumer, c, &t->consumers, in_transport)
        if (c->ssrc == ssrc || (c->conf.rtx_ssrc == ssrc && ssrc != 0))
            return c;
    return NULL;
}
