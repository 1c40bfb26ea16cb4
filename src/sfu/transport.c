#include "sfu/transport.h"

#include <stdlib.h>

#include "media/unwrap.h"
#include "sfu/address.h"
#include "sfu/ceiling.h"
#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/pacer.h"
#include "sfu/pipe.h"
#include "sfu/producer.h"
#include "sfu/share.h"
#include "sfu/trace.h"

enum { IN_USE, OFFERED }; /* names, as in struct ice */

static void unname(struct transport *t, int which)
{
    struct tp_name *n = &t->names[which];
    if (n->ufrag[0] != '\0')
        sl_map_del(&t->shard->ufrags, &n->node);
    n->ufrag[0] = '\0';
}

static enum err name(struct transport *t, int which, const char ufrag[ICE_UFRAG_MAX])
{
    struct tp_name *n = &t->names[which];
    unname(t, which);
    if (ufrag[0] == '\0')
        return E_MALFORMED; /* it stands for no name */
    n->transport = t;
    memcpy(n->ufrag, ufrag, sizeof n->ufrag);
    enum err e = sl_map_put(&t->shard->ufrags, span_of(n->ufrag), &n->node);
    if (e)
        n->ufrag[0] = '\0';
    return e;
}

struct transport *sl_transport_new(struct shard *s, const struct cmd_expect *conf,
                                   usec now)
{
    struct transport *t = line_new(sizeof *t);
    if (!t)
        return NULL;
    t->shard = s;
    t->id = conf->transport;
    t->owner = TP_NOBODY;
    t->ssrc = rng_u32(&s->rng);
    t->twcc_next = 1;
    t->next_report = t->share_at = now + SEC(1);
    t->next_feedback = t->next_clock = USEC_NEVER;
    sl_ice_init(&t->ice, &conf->creds);
    t->ice.single = conf->single;
    list_init(&t->producers);
    list_init(&t->consumers);
    list_init(&t->addrs);
    if (name(t, IN_USE, conf->creds.ufrag) == E_OK)
        return t;
    sl_transport_free(t);
    return NULL;
}

void sl_transport_restart(struct transport *t, const struct ice_creds *creds)
{
    if (name(t, OFFERED, creds->ufrag) == E_OK)
        sl_ice_restart(&t->ice, creds);
}

void sl_transport_adopt(struct transport *t)
{
    char ufrag[ICE_UFRAG_MAX];
    memcpy(ufrag, t->names[OFFERED].ufrag, sizeof ufrag);
    unname(t, OFFERED);
    (void)name(t, IN_USE, ufrag); /* in a map that held it before there is room */
}

/* ---- its life ---- */

/* The first of what is held; NULL: none is. */
static struct pkt *take_held(struct transport *t)
{
    struct pkt *p = t->held;
    if (!p)
        return NULL;
    t->held = p->next;
    t->held_n--;
    p->next = NULL;
    return p;
}

static void hold(struct transport *t, struct pkt *p)
{
    if (t->held)
        t->held_last->next = p;
    else
        t->held = p;
    t->held_last = p;
    t->held_n++;
}

void sl_transport_owned(struct transport *t, uint16_t worker)
{
    t->owner = worker;
    t->ice.single = false; /* the owner knows who came first, and is handed all checks */
    t->ice.peer = 0;
    for (struct pkt *p; (p = take_held(t));)
        sl_pipe_hand(t->shard, worker, MAIL_RAW, t->id, p);
}

void sl_transport_free(struct transport *t)
{
    if (!t)
        return;
    list_each_safe(struct consumer, c, &t->consumers, in_transport)
        sl_shard_drop_consumer(t->shard, c);
    list_each_safe(struct producer, p, &t->producers, in_transport)
        sl_shard_drop_producer(t->shard, p);
    sl_address_forget_all(t);
    sl_timer_stop(&t->shard->timers, &t->timer);
    unname(t, IN_USE);
    unname(t, OFFERED);
    for (struct pkt *p; (p = take_held(t));)
        sl_pkt_unref(p);
    sl_pacer_free(t);
    sl_estimate_free(t);
    sl_srtp_out_free(t->out);
    sl_srtp_in_free(t->in);
    if (t->rx)
        free(t->rx->twcc);
    free(t->rx);
    free(t);
}

enum err sl_transport_keys(struct transport *t, const struct cmd_keys *k, usec now)
{
    if (t->out)
        return E_STATE;
    if (sl_timer_set(&t->shard->timers, &t->timer, now + SEC(1)) != E_OK)
        return E_MEMORY;
    const struct srtp_backend *b = t->shard->conf.srtp;
    t->tag_n = (uint8_t)sl_srtp_tag_len(k->out.profile);
    t->out = sl_srtp_out_new(b, &k->out);
    t->in = sl_srtp_in_new(b, &k->in, TP_STREAMS_MAX);
    if (!t->out || !t->in) {
        sl_timer_stop(&t->shard->timers, &t->timer);
        sl_srtp_out_free(t->out);
        sl_srtp_in_free(t->in);
        t->out = NULL;
        t->in = NULL;
        return E_MEMORY;
    }
    t->owner = t->shard->conf.worker;
    sl_transport_checked(t, now);
    if (t->told)
        sl_transport_ready(t, now);
    return E_OK;
}

/* A consumer that could not be sent to missed packets: video begins anew with a key frame. */
static void begin_again(struct transport *t, usec now)
{
    list_each (struct consumer, c, &t->consumers, in_transport)
        sl_consumer_pause(c);
    (void)sl_share(t, now);
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
    sl_feedback_arm(t, now);
}

/* ---- streams ---- */

static struct tp_stream *stream_of(struct tp_receiver *rx, uint32_t ssrc)
{
    for (size_t i = 0; i < rx->streams_n; i++)
        if (rx->streams[i].ssrc == ssrc)
            return &rx->streams[i];
    return NULL;
}

/* The last one seen stands first: packets of one SSRC come together. */
static struct tp_stream *stream_hot(struct tp_receiver *rx, uint32_t ssrc)
{
    if (rx->streams_n > 0 && rx->streams[0].ssrc == ssrc)
        return &rx->streams[0];
    struct tp_stream *s = stream_of(rx, ssrc);
    if (!s)
        return NULL;
    struct tp_stream hot = *s;
    *s = rx->streams[0];
    rx->streams[0] = hot;
    return &rx->streams[0];
}

static struct tp_stream *bind_stream(struct tp_receiver *rx, uint32_t ssrc, bool repair,
                                     struct encoding *e)
{
    if (rx->streams_n == TP_STREAMS_MAX)
        return NULL;
    struct tp_stream *s = &rx->streams[rx->streams_n++];
    *s = (struct tp_stream){.ssrc = ssrc, .repair = repair, .encoding = e};
    if (e->producer->transport->in)
        sl_srtp_in_retire(e->producer->transport->in, ssrc, false);
    *(repair ? &e->rtx_ssrc : &e->ssrc) = ssrc;
    return s;
}

static void forget(struct transport *t, struct tp_stream *s)
{
    if (t->in)
        sl_srtp_in_retire(t->in, s->ssrc, true);
    *s = t->rx->streams[--t->rx->streams_n];
}

/* ssrc may be 0, which is none. */
static void unbind_stream(struct transport *t, uint32_t ssrc)
{
    struct tp_stream *s = ssrc != 0 ? stream_of(t->rx, ssrc) : NULL;
    if (s)
        forget(t, s);
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
        if (p->codec_of[rtp->pt] == PT_NONE && p->media_pt_of[rtp->pt] == PT_NONE)
            continue;
        if (x->len[EXT_MID] > 0) {
            if (span_is(ext_of(pkt, x, EXT_MID), p->params.mid))
                return p;
        } else {
            if (found)
                return NULL;
            found = p;
        }
    }
    return found;
}

/* Which encoding it is, RFC 8852; NULL: none that is known. */
static struct encoding *encoding_for(struct producer *p, const struct pkt *pkt,
                                     const struct rtp_exts *x, bool repair)
{
    struct span rid =
        ext_of(pkt, x, repair && x->len[EXT_REPAIRED_RID] ? EXT_REPAIRED_RID : EXT_RID);
    struct encoding *free = NULL;
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        struct encoding *e = &p->encodings[i];
        bool named = p->names[i].rid[0] != '\0';
        if (named && span_is(rid, p->names[i].rid))
            return e;
        if (!named && (p->encodings_n == 1 || (repair ? e->rtx_ssrc : e->ssrc) == 0))
            free = free ? free : e;
    }
    return free;
}

/* An SSRC that the SDP did not name. Where another one has the place, the sender began anew,
 * if nothing came of the other lately: else the two would take it from each other packet by
 * packet. */
static struct tp_stream *learn_stream(struct transport *t, const struct pkt *pkt,
                                      const struct rtp *rtp, const struct rtp_exts *x,
                                      usec now)
{
    struct producer *p = producer_for(t, pkt, rtp, x);
    if (!p)
        return NULL;
    bool repair = p->media_pt_of[rtp->pt] != PT_NONE;
    struct encoding *e = encoding_for(p, pkt, x, repair);
    if (!e)
        return NULL;
    if (!repair && e->ssrc != 0) {
        if (now - e->last < SILENT_AFTER)
            return NULL;
        sl_producer_renew(e, t->shard, now);
    }
    unbind_stream(t, repair ? e->rtx_ssrc : e->ssrc);
    return bind_stream(t->rx, rtp->ssrc, repair, e);
}

static void know_extensions(struct tp_receiver *rx, const struct rtp_params *p)
{
    bool remb = false;
    for (int e = 1; e < EXTS; e++)
        if (p->ext_id[e])
            rx->ext_of_id[p->ext_id[e]] = (uint8_t)e;
    for (uint8_t i = 0; i < p->codecs_n; i++)
        remb |= p->codecs[i].remb;
    rx->remb |= remb;
    if (p->ext_id[EXT_TWCC] != 0 && !rx->twcc)
        rx->twcc = calloc(1, sizeof *rx->twcc);
}

enum err sl_transport_add_producer(struct transport *t, struct producer *p, usec now)
{
    if (!t->rx && !(t->rx = calloc(1, sizeof *t->rx)))
        return E_MEMORY;
    struct tp_receiver *rx = t->rx;
    list_add(&t->producers, &p->in_transport);
    know_extensions(rx, &p->params);
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        const struct rtp_encoding *n = &p->names[i];
        if (n->ssrc && !stream_of(rx, n->ssrc))
            (void)bind_stream(rx, n->ssrc, false, &p->encodings[i]);
        if (n->rtx_ssrc && !stream_of(rx, n->rtx_ssrc))
            (void)bind_stream(rx, n->rtx_ssrc, true, &p->encodings[i]);
    }
    sl_feedback_arm(t, now);
    return E_OK;
}

void sl_transport_del_producer(struct transport *t, struct producer *p)
{
    struct tp_receiver *rx = t->rx;
    for (size_t i = rx ? rx->streams_n : 0; i-- > 0;)
        if (rx->streams[i].encoding->producer == p)
            forget(t, &rx->streams[i]);
    list_del(&p->in_transport);
}

/* ---- what comes in ---- */

/* An RTX packet becomes the one that it repairs (RFC 4588 §4). False: it carries none, it is a
 * probe; or what it repairs is not known. */
static bool restore(struct rtp *rtp, const struct encoding *e)
{
    uint8_t pt = e->producer->media_pt_of[rtp->pt];
    if (rtp->payload.n <= 2 || pt == PT_NONE || e->stats.received == 0)
        return false;
    rtp->seq = rtp_be16(rtp->payload.p);
    rtp->pt = pt;
    rtp->ssrc = e->ssrc;
    rtp->payload.p += 2;
    rtp->payload.n -= 2;
    return true;
}

void sl_transport_heard(struct transport *t, const struct pkt *p)
{
    if (t->traced)
        sl_trace_received(t, p);
    if (!t->heard)
        t->heard = sl_shard_post(t->shard, SHARD_TO_ASSOC,
                                 &(struct mail){.type = MAIL_HEARD, .id = t->id},
                                 SHARD_KEEP_MEDIA);
}

static enum err take_rtp(struct transport *t, struct pkt *p, usec now)
{
    struct shard_stats *st = &t->shard->stats;
    struct rtp rtp;
    struct rtp_exts x;
    size_t n = p->n;
    uint64_t index;
    enum err e = sl_srtp_unprotect(t->in, p->data, &n, &index);
    if (!e) {
        p->n = (uint16_t)n;
        sl_transport_heard(t, p);
        st->rtp++;
        st->rtp_bytes += n;
        e = sl_rtp_parse((struct span){p->data, n}, &rtp);
    }
    if (e) {
        sl_shard_refused(t->shard, e);
        return e;
    }
    struct tp_receiver *rx = t->rx;
    if (!rx) {
        st->unknown_ssrc++;
        return E_ABSENT;
    }
    sl_rtp_exts_find(p->data, &rtp, rx->ext_of_id, &x);
    if (rx->twcc && x.len[EXT_TWCC] == 2)
        sl_twcc_add(rx->twcc, rtp_be16(p->data + x.off[EXT_TWCC]), p->at);
    t->arrived = true;
    if (rx->twcc && t->next_feedback == USEC_NEVER)
        sl_feedback_awake(t, now);
    struct tp_stream *s = stream_hot(rx, rtp.ssrc);
    if (!s) {
        if (!(s = learn_stream(t, p, &rtp, &x, now))) {
            st->unknown_ssrc++;
            return E_ABSENT;
        }
        sl_feedback_arm(t, now); /* somebody may wait for its key frame */
    }
    struct encoding *enc = s->encoding;
    if (enc->excess) {
        sl_ceiling_drop(enc, n);
        return E_FULL;
    }
    if (s->repair && !restore(&rtp, enc))
        return E_ABSENT;
    uint64_t seq =
        s->repair ? unwrap_seq(enc->stats.highest, rtp.seq) : enc->first + index;
    e = sl_producer_input(enc, p, &rtp, &x, seq, s->repair, now);
    if (e == E_EXISTS)
        return e;
    st->recovered += s->repair;
    st->malformed += e == E_MALFORMED;
    if (!e && !enc->producer->started)
        enc->producer->started =
            sl_shard_post(t->shard, SHARD_TO_CONTROL,
                          &(struct mail){.type = MAIL_STARTED, .id = enc->producer->id},
                          SHARD_KEEP_MEDIA);
    sl_router_put(&t->shard->router, enc, p, now);
    if (enc->nack && sl_nack_take_key_wanted(enc->nack))
        sl_feedback_keyframe(t->shard, enc, now);
    if (enc->nack && sl_nack_deadline(enc->nack) < t->timer.at)
        sl_feedback_arm(t, now);
    return E_OK;
}

void sl_transport_srtp(struct transport *t, struct pkt *p, usec now)
{
    struct shard_stats *st = &t->shard->stats;
    if (!t->ready) {
        if (t->held_n < TP_HELD_MAX) {
            hold(t, p);
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
    for (struct pkt *p; (p = take_held(t));)
        sl_transport_srtp(t, p, now);
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
    if (!t->lost && t->stale_since && now - t->stale_since >= LOST_AFTER)
        t->lost = sl_shard_post(t->shard, SHARD_TO_CONTROL,
                                &(struct mail){.type = MAIL_LOST, .id = t->id}, 0);
}

void sl_transport_tick(struct transport *t, usec now)
{
    check_consent(t, now);
    if (t->sendable) {
        sl_feedback_due(t, now);
        sl_pacer_run(t, now);
        sl_estimate_tick(t, now);
    }
    sl_feedback_arm(t, now + TICK_MIN);
}

struct consumer *sl_transport_consumer(const struct transport *t, uint32_t ssrc)
{
    list_each (struct consumer, c, &t->consumers, in_transport)
        if (c->ssrc == ssrc || (c->conf.rtx_ssrc == ssrc && ssrc != 0))
            return c;
    return NULL;
}
