#include "sfu/estimate.h"

#include "media/bwe.h"
#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/pacer.h"
#include "sfu/producer.h"
#include "sfu/share.h"
#include "sfu/transport.h"

enum {
    /* Probes of three and six times as much are the first to leave: what they show is known
     * before the picture is there, and most paths carry it. */
    START_BPS = 600000,
    FIRST_WANTED = 2500000, /* until it is known what there is to send */
    MIN_BPS = 50000,
    MAX_BPS = 20000000,
    UDP_IP = 28,       /* octets of a packet that we do not see, and the path carries */
    PADDINGS_MAX = 16, /* packets at once */
};

#define START_GRACE SEC(1) /* until the first probes are back, and what follows them */
#define ASK_EVERY   SEC(3)
#define ASK_SOON    MSEC(500)
#define TELL_EVERY  MSEC(500)
#define TRY_AGAIN   SEC(10) /* where it cannot be probed */

/* ---- begin and end ---- */

void sl_estimate_begin(struct transport *t, const struct consumer *c, usec now)
{
    const struct rtp_params *p = &c->conf.params;
    bool twcc = false, remb = false;
    for (uint8_t i = 0; i < p->codecs_n; i++) {
        twcc |= p->codecs[i].twcc && c->ext_id[EXT_TWCC];
        remb |= p->codecs[i].remb;
    }
    if (t->bwe || p->kind != MEDIA_VIDEO || (!twcc && !remb))
        return;
    struct bwe_conf conf = {
        .start_bps = START_BPS, .min_bps = MIN_BPS, .max_bps = MAX_BPS, .remb = !twcc};
    t->bwe = sl_bwe_new(&conf, now);
    if (!t->bwe)
        return; /* nothing is held back, as where nobody tells */
    t->estimate = (struct estimate){.share_bps = SHARE_ANY, .numbered = twcc};
    t->share_at = now;
    sl_bwe_want(t->bwe, FIRST_WANTED);
    t->shard->stats.estimated++;
    sl_feedback_arm(t, now);
}

void sl_estimate_free(struct transport *t)
{
    if (!t->bwe)
        return;
    t->shard->stats.estimated--;
    t->shard->stats.estimated_bps -= t->estimate.told_bps;
    sl_bwe_free(t->bwe);
    t->bwe = NULL;
}

/* ---- what the peer says ---- */

/* Whether it was cut by more than a tenth since shares were computed. */
static bool is_cut(const struct transport *t, const struct bwe_state *s)
{
    return s->target_bps < t->estimate.ticked_bps - t->estimate.ticked_bps / 10;
}

/* Before the timer comes, which may be late by a step for what is not due now. */
static bool is_sooner(const struct transport *t, usec now)
{
    usec at = sl_estimate_deadline(t);
    if (at > now)
        at = usec_step(at, FEEDBACK_STEP);
    return at < t->timer.at || sl_estimate_probe_deadline(t) < t->timer.at;
}

/* Nothing of this waits for the timer: a probe that has begun, or less that shall be sent. */
static void heard(struct transport *t, usec now)
{
    struct bwe_state s = sl_bwe_state(t->bwe);
    if (t->estimate.heard_at == 0)
        t->estimate.heard_at = now;
    if (is_cut(t, &s))
        t->share_at = now;
    if (is_sooner(t, now))
        sl_feedback_arm(t, now);
}

void sl_estimate_feedback(struct transport *t, const struct rtcp_fb *fb, usec now)
{
    struct rtcp_twcc told;
    if (!t->bwe || sl_rtcp_twcc(fb, &told) != E_OK)
        return;
    sl_bwe_feedback(t->bwe, &told, now);
    heard(t, now);
}

void sl_estimate_remb(struct transport *t, const struct rtcp_fb *fb, usec now)
{
    struct rtcp_remb remb;
    if (!t->bwe || sl_rtcp_remb(fb, &remb) != E_OK)
        return;
    sl_bwe_remb(t->bwe, remb.bps, now);
    heard(t, now);
}

void sl_estimate_report(struct transport *t, struct consumer *c,
                        const struct rtcp_block *b, usec now)
{
    uint32_t expected = b->last_seq - c->reported_seq;
    int32_t lost = b->lost - c->reported_lost;
    bool first = c->reported_seq == 0;
    c->reported_seq = b->last_seq;
    c->reported_lost = b->lost;
    if (t->bwe && !first && expected > 0 && expected < UINT16_MAX)
        sl_bwe_report(t->bwe, expected, lost, c->rtt, now);
}

void sl_estimate_sent(struct transport *t, const struct consumer *c, size_t octets,
                      usec now)
{
    if (c->ext_id[EXT_TWCC] || !t->estimate.numbered)
        sl_bwe_sent(t->bwe, (uint16_t)(t->twcc_next - 1), octets + UDP_IP, now);
}

/* ---- probes ---- */

static void pad(struct transport *t, usec now)
{
    size_t due = sl_bwe_padding(t->bwe, now);
    size_t waited = due > 0 ? sl_pacer_hurry(t, due, now) : 0; /* as good as padding */
    due -= waited < due ? waited : due;
    list_each (struct consumer, c, &t->consumers, in_transport) {
        for (int i = 0; due > 0 && i < PADDINGS_MAX; i++) {
            struct job job;
            if (sl_consumer_pad(c, due, now, &job) != E_OK)
                break;
            size_t n = media_in(job.pkt)->payload_n;
            sl_batch_push(t->shard->batch, &job, now);
            sl_pkt_unref(job.pkt); /* the batch has one of its own */
            t->shard->stats.padding++;
            if (t->pacer)
                sl_pacer_spent(t, n);
            due -= n < due ? n : due;
        }
    }
}

/* ---- shares ---- */

static bool can_probe(const struct transport *t)
{
    list_each (struct consumer, c, &t->consumers, in_transport)
        if (t->estimate.numbered ? c->padding_pt != PT_NONE : true)
            return true;
    return false;
}

/* Its first probes are not back, or what follows them. */
static bool is_new(const struct transport *t, usec now)
{
    const struct estimate *est = &t->estimate;
    return est->heard_at == 0 || now - est->heard_at < START_GRACE;
}

/* Until the first probes are back, and where there can be none, all is sent until that shows
 * to be too much. */
static bool holds_back(const struct transport *t, const struct bwe_state *s, usec now)
{
    const struct estimate *est = &t->estimate;
    if (est->heard_at == 0)
        return false;
    if (!can_probe(t))
        return est->trouble_at != 0 && now - est->trouble_at < TRY_AGAIN;
    return s->limited || !is_new(t, now);
}

/* Whether what the next layer needs could be had. While the answer is yes, at once for the one
 * after that. */
static void ask_for_more(struct transport *t, uint64_t next, uint64_t target, usec now)
{
    struct estimate *est = &t->estimate;
    bool had = target >= est->asked_bps;
    if (next <= target || now - est->asked_at < (had ? ASK_SOON : ASK_EVERY))
        return;
    est->asked_at = now;
    est->asked_bps = next;
    /* A burst shows somewhat less than it was meant to. */
    sl_bwe_ask(t->bwe, next + next / 8, now);
}

static void divide(struct transport *t, const struct bwe_state *s, usec now)
{
    struct estimate *est = &t->estimate;
    if (is_cut(t, s) && (s->cause == BWE_DELAY || s->cause == BWE_LOSS))
        est->trouble_at = now;
    est->ticked_bps = s->target_bps;
    est->share_bps = holds_back(t, s, now) ? s->target_bps : SHARE_ANY;
    struct allocate_sum sum = sl_share(t, now);
    if (sum.bps > 0 || sum.next > 0) {
        sl_bwe_want(t->bwe, sum.best);
        est->best_bps = sum.best;
    }
    if (est->share_bps != SHARE_ANY)
        ask_for_more(t, sum.next, s->target_bps, now);
}

/* What a burst may be of the target: more, and it stands in the path's queue. While one is
 * there, no more than the target. */
#define PACE_NUM 5
#define PACE_DEN 4
#define PACE_FAR 2 /* times all that is wanted: then the path takes any burst */

static void pace(struct transport *t, const struct bwe_state *s, usec now)
{
    uint64_t bps = s->over ? s->target_bps : s->target_bps * PACE_NUM / PACE_DEN;
    bool far = s->target_bps > t->estimate.best_bps * PACE_FAR;
    bool narrow = s->limited && !far && holds_back(t, s, now);
    if (t->estimate.numbered)
        sl_pacer_limit(t, narrow ? bps : 0, now);
}

/* ---- control ---- */

static void tell(struct transport *t, const struct bwe_state *s, usec now)
{
    struct estimate *est = &t->estimate;
    uint64_t off = s->target_bps > est->told_bps ? s->target_bps - est->told_bps
                                                 : est->told_bps - s->target_bps;
    if (now - est->told_at < TELL_EVERY ||
        (s->cause == est->told_cause && off <= est->told_bps / 32))
        return;
    struct mail m = {.type = MAIL_ESTIMATE,
                     .arg = (uint32_t)s->rtt,
                     .id = t->id,
                     .id2 = MAIL_ESTIMATE_OF(s->target_bps, s->cause, s->lost)};
    if (!sl_shard_post(t->shard, SHARD_TO_CONTROL, &m, SHARD_KEEP_MEDIA))
        return;
    t->shard->stats.estimated_bps += s->target_bps - est->told_bps;
    est->told_at = now;
    est->told_bps = s->target_bps;
    est->told_cause = (uint8_t)s->cause;
}

void sl_estimate_tick(struct transport *t, usec now)
{
    if (t->bwe) {
        sl_bwe_tick(t->bwe, now);
        pad(t, now);
    }
    if (now < t->share_at)
        return;
    t->share_at = t->next_report; /* or sooner: sl_share says so */
    if (!t->bwe) {
        (void)sl_share(t, now);
        return;
    }
    struct bwe_state s = sl_bwe_state(t->bwe);
    divide(t, &s, now);
    pace(t, &s, now);
    tell(t, &s, now);
    if (t->pacer || is_new(t, now))
        sl_share_soon(t, now);
}

usec sl_estimate_deadline(const struct transport *t)
{
    usec tick = t->bwe ? sl_bwe_deadline(t->bwe) : USEC_NEVER;
    return tick < t->share_at ? tick : t->share_at;
}

usec sl_estimate_probe_deadline(const struct transport *t)
{
    return t->bwe ? sl_bwe_probe_deadline(t->bwe) : USEC_NEVER;
}
