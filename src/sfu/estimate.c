#include "sfu/estimate.h"

#include "media/bwe.h"
#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
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

#define SHARE_TICK  MSEC(250)
#define START_GRACE SEC(1) /* until the first probes are back, and what follows them */
#define ASK_EVERY   SEC(3)
#define TELL_EVERY  SEC(1)
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

/* Nothing of this waits for the timer: a probe that has begun, or less that shall be sent. */
static void heard(struct transport *t, usec now)
{
    struct bwe_state s = sl_bwe_state(t->bwe);
    if (t->estimate.heard_at == 0)
        t->estimate.heard_at = now;
    if (is_cut(t, &s))
        t->estimate.ticked_at = 0;
    if (sl_estimate_deadline(t) < t->timer.at)
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
    list_each (struct consumer, c, &t->consumers, in_transport) {
        for (int i = 0; due > 0 && i < PADDINGS_MAX; i++) {
            struct job job;
            if (sl_consumer_pad(c, due, now, &job) != E_OK)
                break;
            size_t n = media_in(job.pkt)->payload_n;
            sl_batch_push(t->shard->batch, &job, now);
            sl_pkt_unref(job.pkt); /* the batch has one of its own */
            t->shard->stats.padding++;
            due -= n < due ? n : due;
        }
    }
}

/* ---- shares ---- */

static bool is_choice(const struct consumer *c)
{
    return c->producer && c->producer->encodings_n > 1;
}

static uint64_t largest_of(const struct consumer *c)
{
    return c->producer ? sl_producer_best(c->producer)->bitrate_bps : 0;
}

/* Each track with a choice gets as much as the others; what one cannot use is the others'. */
static uint64_t share_of(const struct transport *t, uint64_t bps, uint64_t *fixed,
                         unsigned *n)
{
    for (uint64_t share = 0;;) {
        unsigned sharing = 0;
        uint64_t taken = 0;
        list_each (struct consumer, c, &t->consumers, in_transport) {
            uint64_t largest = PRODUCER_UP(largest_of(c));
            if (is_choice(c) && (share == 0 || largest > share))
                sharing++;
            else
                taken += largest;
        }
        *n = sharing;
        *fixed = taken;
        if (sharing == 0)
            return SHARE_ANY;
        uint64_t each = bps > taken ? (bps - taken) / sharing : 1;
        if (each <= share)
            return each;
        share = each;
    }
}

/* Whether the next encoding of those who have less than the largest could be had. */
static void ask_for_more(struct transport *t, uint64_t fixed, unsigned n, usec now)
{
    struct estimate *est = &t->estimate;
    uint64_t next = UINT64_MAX;
    list_each (struct consumer, c, &t->consumers, in_transport) {
        const struct encoding *e = c->want ? c->want : c->from;
        if (!is_choice(c) || !e)
            continue;
        for (uint8_t i = 0; i < c->producer->encodings_n; i++) {
            uint64_t bps = c->producer->encodings[i].bitrate_bps;
            if (bps > e->bitrate_bps && PRODUCER_UP(bps) > est->share_bps && bps < next)
                next = bps;
        }
    }
    if (next == UINT64_MAX || now - est->asked_at < ASK_EVERY)
        return;
    est->asked_at = now;
    /* A burst shows somewhat less than it was meant to. */
    sl_bwe_ask(t->bwe, fixed + PRODUCER_UP(next) * n * 5 / 4, now);
}

static void choose(struct transport *t, usec now)
{
    list_each (struct consumer, c, &t->consumers, in_transport) {
        const struct encoding *has = c->want ? c->want : c->from;
        if (!is_choice(c))
            continue;
        struct encoding *e = sl_producer_for(c->producer, c);
        if (e == has)
            continue;
        sl_consumer_want(c, e);
        if (c->want)
            sl_feedback_keyframe(t->shard, e, now);
    }
}

static bool can_probe(const struct transport *t)
{
    list_each (struct consumer, c, &t->consumers, in_transport)
        if (t->estimate.numbered ? c->padding_pt != PT_NONE : true)
            return true;
    return false;
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
    return s->limited || now - est->heard_at >= START_GRACE;
}

static void divide(struct transport *t, const struct bwe_state *s, usec now)
{
    struct estimate *est = &t->estimate;
    uint64_t fixed, wanted = 0;
    unsigned n;
    list_each (struct consumer, c, &t->consumers, in_transport)
        wanted += PRODUCER_UP(largest_of(c));
    if (wanted > 0)
        sl_bwe_want(t->bwe, wanted);
    if (is_cut(t, s) && (s->cause == BWE_DELAY || s->cause == BWE_LOSS))
        est->trouble_at = now;
    est->ticked_bps = s->target_bps;
    est->share_bps = SHARE_ANY;
    if (!holds_back(t, s, now)) {
        choose(t, now);
        return;
    }
    est->share_bps = share_of(t, s->target_bps, &fixed, &n);
    if (n > 0)
        ask_for_more(t, fixed, n, now);
    choose(t, now);
}

/* ---- control ---- */

static void tell(struct transport *t, const struct bwe_state *s, usec now)
{
    struct estimate *est = &t->estimate;
    uint64_t off = s->target_bps > est->told_bps ? s->target_bps - est->told_bps
                                                 : est->told_bps - s->target_bps;
    if (now - est->told_at < TELL_EVERY ||
        (s->cause == est->told_cause && off <= est->told_bps / 10))
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
    if (!t->bwe)
        return;
    sl_bwe_tick(t->bwe, now);
    pad(t, now);
    if (now - t->estimate.ticked_at < SHARE_TICK)
        return;
    t->estimate.ticked_at = now;
    struct bwe_state s = sl_bwe_state(t->bwe);
    divide(t, &s, now);
    tell(t, &s, now);
}

usec sl_estimate_deadline(const struct transport *t)
{
    usec shares = t->estimate.ticked_at + SHARE_TICK;
    usec probe = t->bwe ? sl_bwe_deadline(t->bwe) : USEC_NEVER;
    return !t->bwe || probe < shares ? probe : shares;
}
