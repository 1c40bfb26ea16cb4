#include "sfu/feedback.h"

#include "media/bwe.h"
#include "media/ntp.h"
#include "proto/xr.h"
#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "sfu/limit.h"
#include "sfu/pacer.h"
#include "sfu/patience.h"
#include "sfu/pipe.h"
#include "sfu/producer.h"
#include "sfu/reception.h"
#include "sfu/trace.h"
#include "sfu/transport.h"

enum {
    RTCP_OCTETS = 1200, /* of one compound, to fit any path */
    RTCP_EMPTY = 8,     /* of a report without blocks */
    RTCP_BLOCK = 24,    /* of one more block */
    RTCP_SENDER = 80,   /* of a sender report and its CNAME */
    RTCP_FB = 12,       /* of feedback without its entries */
    XR_RRTR = 20,
    NACKS_A_ROUND = 64,   /* packets asked for at once of one encoding */
    RESENDS_A_NACK = 128, /* packets resent for one NACK: more is asked for again */
    RESEND_SHARE = 3,     /* of what arrives, at the most */
    RESEND_BURST =
        16000, /* octets at once, however little arrives: a key frame, if small */
    RESEND_HEADERS = 60, /* octets of a packet beside its payload */
};

/* ---- in ---- */

static void take_clock(struct transport *t, struct encoding *e,
                       const struct rtcp_sender *sr, usec at, usec now)
{
    bool first = !e->clock.known;
    sl_stats_sr(&e->stats, sr->ntp, at);
    sl_clockmap_sr(&e->clock, sr->ntp, sr->rtp_ts, at);
    sl_pipe_clock(t->shard, e);
    if (first)
        sl_feedback_clock(e, now);
}

static void take_report(struct transport *t, const struct rtcp *r, usec now, usec at)
{
    struct rtcp_report rep;
    struct rtcp_block b;
    if (sl_rtcp_report(r, &rep) != E_OK)
        return;
    const struct tp_receiver *rx = t->rx;
    for (size_t i = 0; r->type == RTCP_SR && rx && i < rx->streams_n; i++)
        if (rx->streams[i].ssrc == rep.ssrc && !rx->streams[i].repair)
            take_clock(t, rx->streams[i].encoding, &rep.sender, at, now);
    while (sl_rtcp_block_next(&rep.blocks, &b)) {
        struct consumer *c = sl_transport_consumer(t, b.ssrc);
        if (!c || c->ssrc != b.ssrc)
            continue;
        sl_consumer_report(c, &b, now);
        sl_patience_report(c);
        sl_estimate_report(t, c, &b, now);
    }
}

static void begin_anew(struct transport *t, const struct consumer *c, usec now)
{
    struct encoding *e = c->want ? c->want : c->from;
    if (e)
        sl_feedback_keyframe(t->shard, e, now);
}

/* Octets that may be resent now. What was lost in a queue that is too long is lost again,
 * and asked for again, while it keeps out what comes after: so resends have a share of what
 * is known to arrive, which is enough for a quarter of all lost. */
static int64_t resend_budget(struct transport *t, const struct bwe_state *s, usec now)
{
    uint64_t bps = s->target_bps;
    if (s->acked_bps > 0 && s->acked_bps < bps)
        bps = s->acked_bps;
    int64_t most = (int64_t)(bps / 8 / RESEND_SHARE);
    usec since = now - t->resend_at < SEC(1) ? now - t->resend_at : SEC(1);
    t->resend_octets += most * since / SEC(1);
    t->resend_at = now;
    int64_t burst = most / 4 > RESEND_BURST ? most / 4 : RESEND_BURST;
    if (t->resend_octets > burst)
        t->resend_octets = burst;
    return t->resend_octets;
}

static void resend(struct transport *t, struct consumer *c, const struct rtcp_fb *fb,
                   usec now)
{
    struct rtcp_nacks it = rtcp_nacks_of(fb);
    struct bwe_state path = t->bwe ? sl_bwe_state(t->bwe) : (struct bwe_state){0};
    int64_t budget = t->bwe ? resend_budget(t, &path, now) : INT64_MAX, left = budget;
    /* Reports are rare: while a queue grows, transport-wide feedback knows better. */
    usec rtt = path.rtt > c->rtt ? path.rtt : c->rtt;
    bool late = false;
    uint16_t seq;
    sl_seqmap_fit(c->map, now);
    for (int i = 0; i < RESENDS_A_NACK && sl_rtcp_nack_next(&it, &seq); i++) {
        struct job job;
        t->shard->stats.nacks_received++;
        if (left <= 0)
            continue; /* it is asked for again */
        enum err e = sl_consumer_resend(c, seq, rtt, now, &job);
        late |= e == E_LATE;
        if (e)
            continue;
        left -= media_in(job.pkt)->payload_n + RESEND_HEADERS;
        sl_batch_push(t->shard->batch, &job, now);
        if (t->pacer)
            sl_pacer_spent(t, media_in(job.pkt)->payload_n);
        t->shard->stats.retransmitted++;
    }
    t->resend_octets -= budget - left;
    /* A browser would ask in vain for seconds before it asks for that. */
    if (late)
        begin_anew(t, c, now);
}

static void ask_for(struct transport *t, uint32_t ssrc, usec now)
{
    struct consumer *c = sl_transport_consumer(t, ssrc);
    t->shard->stats.keyreqs_received++;
    if (c)
        begin_anew(t, c, now);
}

static void take_feedback(struct transport *t, const struct rtcp *r, usec now)
{
    struct rtcp_fb fb;
    uint32_t ssrc;
    uint8_t seq;
    if (sl_rtcp_fb(r, &fb) != E_OK)
        return;
    if (r->type == RTCP_RTPFB && r->count == RTPFB_NACK) {
        struct consumer *c = sl_transport_consumer(t, fb.media);
        if (c && c->ssrc == fb.media)
            resend(t, c, &fb, now);
    } else if (r->type == RTCP_RTPFB && r->count == RTPFB_TWCC) {
        sl_estimate_feedback(t, &fb, now);
    } else if (r->type == RTCP_PSFB && r->count == PSFB_REMB) {
        sl_estimate_remb(t, &fb, now);
    } else if (r->type == RTCP_PSFB && r->count == PSFB_PLI) {
        ask_for(t, fb.media, now);
    } else if (r->type == RTCP_PSFB && r->count == PSFB_FIR) {
        while (sl_rtcp_fir_next(&fb.fci, &ssrc, &seq))
            ask_for(t, ssrc, now);
    }
}

void sl_feedback_take(struct transport *t, struct pkt *p, usec now)
{
    size_t n = p->n;
    struct rd compound;
    struct rtcp r;
    enum err e = sl_srtp_unprotect_rtcp(t->in, p->data, &n);
    if (!e) {
        p->n = (uint16_t)n;
        sl_transport_heard(t, p);
        e = sl_rtcp_parse((struct span){p->data, n}, &compound);
    }
    if (e) {
        sl_shard_refused(t->shard, e);
        return;
    }
    while (sl_rtcp_next(&compound, &r)) {
        if (r.type == RTCP_SR || r.type == RTCP_RR)
            take_report(t, &r, now, p->at);
        else if (r.type == RTCP_XR && t->rx)
            sl_reception_take(t, &r, now);
        else if (r.type == RTCP_RTPFB || r.type == RTCP_PSFB)
            take_feedback(t, &r, now);
    }
}

/* ---- out ---- */

/* A compound that is being made where it will be sent from. */
struct out {
    struct transport *t;
    usec now;
    struct wr w;
};

static struct out begin(struct transport *t, usec now)
{
    uint8_t *p = sl_batch_room(t->shard->batch, RTCP_OCTETS + SRTP_RTCP_MAX);
    struct out o = {.t = t, .now = now, .w = wr_of(p, RTCP_OCTETS)};
    return o;
}

static void end(struct out *o)
{
    struct transport *t = o->t;
    size_t n = o->w.n;
    if (n > 0 && !o->w.bad && t->traced)
        sl_trace_sent(t, (const struct span[TRACE_PARTS]){wr_done(&o->w)}, o->now);
    if (n > 0 && !o->w.bad && sl_srtp_protect_rtcp(t->out, o->w.p, &n) == E_OK)
        sl_batch_put(t->shard->batch, &t->to, t->port, n);
}

/* Room for so many octets more; what there is leaves when there is not. Every compound begins
 * with a report (RFC 3550 §6.1), if only an empty one. */
static void make_room(struct out *o, size_t octets)
{
    if (o->w.cap - o->w.n < octets + RTCP_EMPTY) {
        end(o);
        *o = begin(o->t, o->now);
    }
}

static void need_report(struct out *o)
{
    if (o->w.n == 0)
        sl_rtcp_build_report(&o->w, o->t->ssrc, NULL, NULL, 0);
}

static void put_blocks(struct out *o, const struct rtcp_block *blocks, size_t n)
{
    if (n == 0)
        return;
    make_room(o, RTCP_EMPTY + n * RTCP_BLOCK);
    sl_rtcp_build_report(&o->w, o->t->ssrc, NULL, blocks, n);
    o->t->shard->stats.reports_sent++;
}

static void report_received(struct out *o, usec now)
{
    const struct tp_receiver *rx = o->t->rx;
    uint8_t lost = 0;
    struct rtcp_block blocks[RTCP_COUNT_MAX];
    size_t n = 0;
    for (size_t i = 0; rx && i < rx->streams_n; i++) {
        const struct tp_stream *s = &rx->streams[i];
        if (s->repair || s->encoding->stats.received == 0)
            continue;
        if (n == RTCP_COUNT_MAX) {
            put_blocks(o, blocks, n);
            n = 0;
        }
        sl_stats_report(&s->encoding->stats, now, &blocks[n]);
        lost = blocks[n].fraction > lost ? blocks[n].fraction : lost;
        blocks[n++].ssrc = s->ssrc;
    }
    put_blocks(o, blocks, n);
    if (n == 0)
        return;
    make_room(o, XR_RRTR);
    sl_xr_build_rrtr(&o->w, o->t->ssrc, ntp_of_span(now));
    sl_reception_report(o->t, lost);
}

/* all: or only of those that hurry. */
static void report_sent(struct out *o, bool all, usec now)
{
    o->t->next_clock = USEC_NEVER;
    list_each (struct consumer, c, &o->t->consumers, in_transport) {
        struct rtcp_sender s;
        if (all)
            sl_seqmap_fit(c->map, now);
        if (!(all || consumer_hurries(c)) || !sl_consumer_sender(c, now, &s))
            continue;
        if (consumer_hurries(c))
            o->t->next_clock = now + CLOCK_INTERVAL;
        make_room(o, RTCP_SENDER);
        sl_rtcp_build_report(&o->w, c->ssrc, &s, NULL, 0);
        sl_rtcp_build_cname(&o->w, c->ssrc, span_of(c->conf.cname));
        o->t->shard->stats.reports_sent++;
    }
}

/* Whoever was told once is told again: of what is lost, the one before would hold for ever. */
static void tell_limit(struct out *o, bool again, usec now)
{
    struct transport *t = o->t;
    const struct tp_receiver *rx = t->rx;
    uint32_t ssrcs[TP_STREAMS_MAX];
    if (!rx || !rx->remb || rx->streams_n == 0)
        return;
    uint32_t bps = sl_limit_of(t, now);
    if (bps == t->limit_bps ? !again : bps == LIMIT_ANY && t->limit_bps == 0 && rx->twcc)
        return;
    t->limit_bps = bps;
    for (size_t i = 0; i < rx->streams_n; i++)
        ssrcs[i] = rx->streams[i].ssrc;
    make_room(o, RTCP_FB + (rx->streams_n + 2) * 4);
    need_report(o);
    sl_rtcp_build_remb(&o->w, t->ssrc, bps, ssrcs, rx->streams_n);
}

static void ask_again(struct out *o, struct encoding *e, usec now)
{
    uint64_t missing[NACKS_A_ROUND];
    uint16_t seqs[NACKS_A_ROUND];
    if (!e->nack || e->ssrc == 0)
        return;
    size_t n = sl_nack_poll(e->nack, now, missing, NACKS_A_ROUND);
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        seqs[i] = (uint16_t)missing[i];
    make_room(o, RTCP_FB + n * 4);
    need_report(o);
    sl_rtcp_build_nack(&o->w, o->t->ssrc, e->ssrc, seqs, n);
    o->t->shard->stats.nacks_sent += n;
}

static bool has_feedback(const struct producer *p, bool fir)
{
    for (uint8_t i = 0; i < p->params.codecs_n; i++)
        if (fir ? p->params.codecs[i].fir : p->params.codecs[i].pli)
            return true;
    return false;
}

/* Who waited for it took something else: the key frame of what sleeps, or is lost, would never come,
 * and a browser answers each request with one of all that it sends. What comes again begins so. */
static bool is_for_nobody(const struct encoding *e)
{
    const struct producer *p = e->producer;
    const struct demand *d = &p->demand;
    unsigned b = 1U << e->number, lost = p->encodings_n > 1 ? d->lost : 0;
    return d->told && (!(d->wanted & b) || lost & b);
}

static void ask_keyframe(struct out *o, struct encoding *e, usec now)
{
    if (is_for_nobody(e))
        keyreq_done(&e->keyreq);
    if (e->ssrc == 0 || !keyreq_poll(&e->keyreq, now))
        return;
    make_room(o, RTCP_FB + 8);
    need_report(o);
    if (has_feedback(e->producer, false))
        sl_rtcp_build_pli(&o->w, o->t->ssrc, e->ssrc);
    else if (has_feedback(e->producer, true)) {
        /* Repeated, it is the same request: RFC 5104 §4.3.1.1. */
        e->fir_seq = (uint8_t)(e->fir_seq + (e->keyreq.unanswered == 1));
        sl_rtcp_build_fir(&o->w, o->t->ssrc, e->ssrc, e->fir_seq);
    } else
        return;
    o->t->shard->stats.keyreqs_sent++;
}

static void requests(struct out *o, usec now)
{
    list_each (struct producer, p, &o->t->producers, in_transport)
        for (uint8_t i = 0; i < p->encodings_n; i++) {
            ask_again(o, &p->encodings[i], now);
            ask_keyframe(o, &p->encodings[i], now);
        }
}

static void arrivals(struct transport *t, usec now)
{
    const struct tp_receiver *rx = t->rx;
    uint32_t media = rx->streams_n > 0 ? rx->streams[0].ssrc : 0;
    while (sl_twcc_pending(rx->twcc)) {
        struct out o = begin(t, now);
        need_report(&o);
        if (!sl_twcc_build(rx->twcc, t->ssrc, media, &o.w))
            break;
        end(&o);
        t->shard->stats.feedback_sent++;
    }
}

/* Who sends nothing is told nothing until it does; only that it may send more is not to wait. */
static usec feedback_after(struct transport *t, usec now)
{
    bool some = t->arrived || (t->limit_bps > 0 && t->limit_bps < LIMIT_ANY);
    t->arrived = false;
    return some ? now + FEEDBACK_INTERVAL : USEC_NEVER;
}

void sl_feedback_due(struct transport *t, usec now)
{
    struct out o = begin(t, now);
    bool due = now >= t->next_report;
    if (due) {
        t->next_report = now + REPORT_INTERVAL;
        report_received(&o, now);
    }
    if (due || now >= t->next_clock)
        report_sent(&o, due, now);
    tell_limit(&o, due, now);
    requests(&o, now);
    end(&o);
    if (now >= t->next_feedback) {
        t->next_feedback = feedback_after(t, now);
        arrivals(t, now);
    }
}

static usec sooner(usec a, usec b)
{
    return a < b ? a : b;
}

/* What may be late by a step is done with what others have to do then: a worker with hundreds of
 * transports would be woken up for each of them otherwise. */
static usec leisurely(const struct transport *t, usec earliest)
{
    usec at = sooner(sooner(t->next_report, t->next_feedback), sl_ice_expires(&t->ice));
    at = sooner(at, sooner(sl_estimate_deadline(t), sl_pacer_deadline(t)));
    return at > earliest ? usec_step(at, FEEDBACK_STEP) : at;
}

void sl_feedback_arm(struct transport *t, usec earliest)
{
    usec at = earliest + REPORT_INTERVAL;
    if (!t->out)
        return;
    if (t->sendable)
        at = sooner(sooner(leisurely(t, earliest), t->next_clock),
                    sl_estimate_probe_deadline(t));
    list_each (struct producer, p, &t->producers, in_transport)
        for (uint8_t i = 0; t->sendable && i < p->encodings_n; i++) {
            const struct encoding *e = &p->encodings[i];
            if (e->ssrc == 0)
                continue; /* nobody to ask: when its first packet comes, this is called */
            if (e->nack)
                at = sooner(at, sl_nack_deadline(e->nack));
            at = sooner(at, keyreq_deadline(&e->keyreq));
        }
    if (at < earliest)
        at = earliest;
    if (sl_timer_set(&t->shard->timers, &t->timer, at) != E_OK)
        t->shard->stats.pool_empty++;
}

void sl_feedback_awake(struct transport *t, usec now)
{
    t->next_feedback = now + FEEDBACK_INTERVAL;
    sl_feedback_arm(t, now);
}

void sl_feedback_hurry(struct transport *t, usec now)
{
    if (t->next_clock <= now)
        return;
    t->next_clock = now;
    sl_feedback_arm(t, now);
}

void sl_feedback_clock(struct encoding *e, usec now)
{
    for (uint32_t i = 0; i < e->audience.n; i++)
        if (consumer_hurries(e->audience.at[i]))
            sl_feedback_hurry(e->audience.at[i]->transport, now);
}

void sl_feedback_keyframe(struct shard *s, struct encoding *e, usec now)
{
    struct producer *p = e->producer;
    bool asked = e->keyreq.wanted;
    if (p->params.kind != MEDIA_VIDEO || e->excess)
        return;
    keyreq_want(&e->keyreq);
    if (p->transport) {
        /* Thousands of viewers may ask at once: the timer stands after the first. */
        if (!asked)
            sl_feedback_arm(p->transport, now);
    } else if (keyreq_poll(&e->keyreq, now) || !asked) {
        /* The first since a key frame is never held back: it waits where the publisher is. */
        struct mail m = {.type = MAIL_KEYFRAME, .id = p->id, .arg = e->number};
        sl_shard_post(s, p->origin, &m, SHARD_KEEP_MEDIA);
    }
}
