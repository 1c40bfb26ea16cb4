#include "media/bwe.h"

#include <math.h>
#include <stdlib.h>

#include "base/line.h"

#include "media/ackrate.h"
#include "media/aimd.h"
#include "media/brim.h"
#include "media/flood.h"
#include "media/groups.h"
#include "media/lossrate.h"
#include "media/probe.h"
#include "media/sentlog.h"
#include "media/spare.h"
#include "media/standing.h"
#include "media/trendline.h"

#define TICK       MSEC(250)
#define TICK_QUIET SEC(1) /* where each feedback is one, too, and nothing has begun */

#define RTT_FIRST  MSEC(100) /* before it is known */
#define RTT_MAX    SEC(10)
#define RTT_WEIGHT 0.125 /* RFC 6298 §2 */

/* After a probe its own queue is not taken for another's. */
#define PROBE_GRACE MSEC(200)

#define PROBE_STEP 1.2

/* Of a queue: when it grows so much for each unit of time, what is sent does not arrive. */
#define STEEP 0.15

#define COLLAPSE 0.75 /* less than so much of the target passes: not just a burst */

/* A queue that is known early; and one that says nothing yet, where less is sent than may be. */
#define BRIEF_QUEUE  MSEC(50)
#define FAINT_QUEUE  30e3 /* microseconds */
#define FAINT_OCTETS 2400.0
#define FAINT_USE    0.85
#define FAINT_PROBE  MSEC(700)

#define LOST_MOST 0.5 /* of what is sent: more is no rate to count back from */

#define BRIM_CUT   0.92 /* of what arrives while a short queue is full */
#define BRIM_REST  MSEC(500)
#define DRAIN_LOSS 0.03 /* a standing queue that does not lose so much is let be */

/* Packets left, and nobody said what became of them: half, then half again. */
#define SILENCE_MIN  SEC(1)
#define SILENCE_RTTS 3
#define SILENCE_CUT  0.5

struct bwe {
    /* hot: written for each packet that leaves */
    struct sentlog log;  /* empty where there is only REMB */
    uint64_t octets;     /* sent in all */
    uint16_t last, told; /* number of the last packet, and of the last that was told of */
    bool remb_only;
    usec sent_at;       /* the last */
    struct probe probe; /* its id */

    double max_bps;
    double remb_bps; /* 0: none came */
    enum bwe_cause cause;
    usec changed_at;
    double target_bps;
    enum aimd_did did;    /* last, other than AIMD_KEPT */
    bool probed;          /* the rate is what a probe showed, and has not changed since */
    enum bwe_cause found; /* what the path carries, or that it was too much: by what */

    bool clock_known; /* of the receiver: its feedback's, unwrapped */
    usec clock;
    struct groups groups;
    struct trendline trendline;
    struct ackrate ackrate;
    struct aimd aimd;
    struct standing standing;
    struct brim brim;
    usec brim_at;     /* when it was cut for that */
    double drain_bps; /* 0: no queue stands */
    usec grace;       /* until then a queue may be that of a probe */

    usec rtt;          /* 0: not known */
    usec told_at;      /* when the last feedback came */
    uint64_t told_for; /* octets that had been sent by then */
    usec silent_at;    /* since when there is none, or when it was last cut for that */
    bool silent;

    struct spare spare;
    bool started; /* probes of a new path were begun */
    struct lossrate lossrate;
    struct flood flood; /* the last, as little of it is read at a time */
};

size_t sl_bwe_size(bool remb)
{
    return sizeof(struct bwe) + (remb ? 0 : SENTLOG_MIN * sizeof(struct sent));
}

struct bwe *sl_bwe_new(const struct bwe_conf *conf, usec now)
{
    struct bwe *b = line_new(sizeof *b);
    if (!b || (!conf->remb && sl_sentlog_init(&b->log) != E_OK)) {
        free(b);
        return NULL;
    }
    b->remb_only = conf->remb;
    b->max_bps = conf->max_bps;
    b->target_bps = conf->start_bps;
    b->probe.wanted_bps = conf->max_bps;
    b->lossrate.max_bps = conf->max_bps;
    b->spare.at = b->told_at = b->silent_at = b->changed_at = now;
    sl_aimd_init(&b->aimd, conf->start_bps, conf->min_bps, conf->max_bps);
    sl_trendline_init(&b->trendline);
    return b;
}

void sl_bwe_free(struct bwe *b)
{
    if (b)
        sl_sentlog_fini(&b->log);
    free(b);
}

void sl_bwe_sent(struct bwe *b, uint16_t seq, size_t octets, usec now)
{
    b->octets += octets;
    b->sent_at = now;
    if (b->remb_only)
        return;
    b->last = seq;
    sentlog_put(&b->log, seq, octets, b->probe.id, now);
    if (b->probe.id)
        sl_probe_sent(&b->probe, (unsigned)octets, now);
}

void sl_bwe_fetch_sent(const struct bwe *b)
{
    if (!b->remb_only)
        sentlog_fetch(&b->log, (uint16_t)(b->last + 1));
}

static void fetch(const struct bwe *b, size_t from, size_t end)
{
    for (size_t at = from; at < end; at += 64)
        __builtin_prefetch((const uint8_t *)b + at, 1);
}

void sl_bwe_fetch(const struct bwe *b)
{
    fetch(b, 0, offsetof(struct bwe, probe.kept));
    fetch(b, offsetof(struct bwe, max_bps), offsetof(struct bwe, lossrate.seen));
    fetch(b, offsetof(struct bwe, flood), offsetof(struct bwe, flood) + 64);
}

void sl_bwe_fetch_told(const struct bwe *b)
{
    sl_flood_fetch(&b->flood);
    if (!b->remb_only)
        sentlog_fetch(&b->log, (uint16_t)(b->told + 1));
}

/* ---- the target ---- */

static enum bwe_cause cause_of(const struct bwe *b, double *bps)
{
    enum bwe_cause c = BWE_RISING;
    *bps = b->aimd.bps;
    if (b->remb_only)
        *bps = b->remb_bps > 0 ? fmin(b->remb_bps, b->max_bps) : b->aimd.bps;
    if (b->silent)
        c = BWE_SILENCE;
    else if (b->remb_only)
        c = b->remb_bps > 0 ? BWE_REMB : BWE_START;
    else if (!b->clock_known)
        c = BWE_START;
    else if (b->did == AIMD_CAPPED)
        c = b->probed ? BWE_PROBE : BWE_APP;
    else if (b->did == AIMD_CUT || b->aimd.capacity.kbps > 0)
        c = b->found;
    if (b->lossrate.limited && b->lossrate.bps < *bps) {
        *bps = b->lossrate.bps;
        c = BWE_LOSS;
    }
    if (b->drain_bps > 0 && b->drain_bps < *bps) {
        *bps = b->drain_bps;
        c = BWE_DELAY;
    }
    if (b->remb_bps > 0 && b->remb_bps < *bps) {
        *bps = b->remb_bps;
        c = BWE_REMB;
    }
    if (*bps >= b->max_bps) {
        *bps = b->max_bps;
        c = BWE_CEILING;
    }
    if (*bps < b->aimd.min_bps)
        *bps = b->aimd.min_bps;
    return c;
}

static void settle(struct bwe *b, usec now)
{
    enum bwe_cause c = cause_of(b, &b->target_bps);
    if (c != b->cause)
        b->changed_at = now;
    b->cause = c;
}

/* ---- how much is sent ---- */

static void watch_silence(struct bwe *b, usec now)
{
    usec wait = SILENCE_RTTS * b->rtt;
    if (wait < SILENCE_MIN)
        wait = SILENCE_MIN;
    if (b->octets == b->told_for || b->sent_at == 0)
        b->silent_at = now; /* nothing left, so nothing is to be told */
    if (now - b->silent_at < wait)
        return;
    b->silent_at = now;
    b->silent = true;
    sl_aimd_set(&b->aimd, b->aimd.bps * SILENCE_CUT, now);
}

void sl_bwe_tick(struct bwe *b, usec now)
{
    sl_spare_look(&b->spare, b->target_bps, b->octets, now);
    if (b->remb_only)
        return;
    watch_silence(b, now);
    bool calm = b->trendline.usage != USAGE_OVER && !b->silent &&
                !sl_lossrate_losing(&b->lossrate) && b->drain_bps == 0;
    enum probe_use use = b->spare.much               ? PROBE_USE_LITTLE
                         : b->aimd.capacity.kbps > 0 ? PROBE_USE_FULL
                                                     : PROBE_USE_RISING;
    if (!b->started) {
        b->started = true;
        sl_probe_start(&b->probe, b->aimd.bps);
    }
    sl_probe_tick(&b->probe, b->target_bps, use, calm, now);
    settle(b, now);
}

usec sl_bwe_deadline(const struct bwe *b)
{
    bool quiet =
        b->remb_only || (b->clock_known && !b->silent && b->probe.pending_n == 0);
    return b->spare.at + (quiet ? TICK_QUIET : TICK);
}

usec sl_bwe_probe_deadline(const struct bwe *b)
{
    return b->remb_only ? USEC_NEVER : sl_probe_deadline(&b->probe);
}

size_t sl_bwe_padding(const struct bwe *b, usec now)
{
    return b->remb_only ? 0 : sl_probe_padding(&b->probe, now);
}

/* ---- what comes back ---- */

/* What one feedback told. */
struct told {
    unsigned packets;
    int lost;
    double octets;
    usec last_sent; /* of those that arrived */
    bool any;
    struct probe_result probe;
    bool was_over; /* before this one */
};

/* Its clock has 24 bits of 64 ms. The nearest to what was known before is meant. */
static usec unwrap(struct bwe *b, usec at)
{
    usec d = (at - b->clock) % TWCC_WRAP_US;
    if (d < -TWCC_WRAP_US / 2)
        d += TWCC_WRAP_US;
    else if (d >= TWCC_WRAP_US / 2)
        d -= TWCC_WRAP_US;
    b->clock = b->clock_known ? b->clock + d : at;
    b->clock_known = true;
    return b->clock;
}

static void arrived(struct bwe *b, uint16_t seq, usec arrival, struct told *told,
                    usec now)
{
    struct sent_fate s;
    struct group_delta d;
    if (!sl_sentlog_received(&b->log, seq, now, &s))
        return;
    told->packets += !s.was_lost;
    told->lost -= s.was_lost;
    told->octets += s.was_lost ? 0 : s.octets;
    told->any = true;
    if (s.at > told->last_sent)
        told->last_sent = s.at;
    sl_ackrate_input(&b->ackrate, arrival, s.octets);
    sl_flood_input(&b->flood, s.at, arrival, s.octets);
    sl_brim_arrived(&b->brim, arrival - s.at);
    if (sl_groups_input(&b->groups, s.at, arrival, &d)) {
        (void)sl_trendline_input(&b->trendline, &d);
        sl_standing_input(&b->standing, d.arrival - d.sent, now);
    }
    struct probe_result r =
        sl_probe_received(&b->probe, s.cluster, s.octets, s.at, arrival);
    if (r.bps > 0)
        told->probe = r;
}

static void learn_rtt(struct bwe *b, usec rtt)
{
    if (rtt <= 0 || rtt > RTT_MAX)
        return;
    if (b->rtt == 0)
        b->rtt = rtt;
    else
        b->rtt += (usec)((double)(rtt - b->rtt) * RTT_WEIGHT);
}

static void use_probe(struct bwe *b, const struct probe_result *r, usec now)
{
    if (!sl_probe_result(&b->probe, r)) {
        b->grace = now + PROBE_GRACE;
        return;
    }
    double shown = b->probe.known_bps > 0 ? b->probe.known_bps : r->bps;
    /* It was a short look: what arrived in earnest meanwhile is not undone by it. */
    double least = r->full ? fmin(b->aimd.bps, ackrate_bps(&b->ackrate)) : b->aimd.bps;
    /* What held it up may be others, who would be driven out by taking all there is. */
    double most = r->full && !b->spare.much && !b->probe.chasing
                      ? b->aimd.bps * PROBE_STEP
                      : b->max_bps;
    sl_aimd_probed(&b->aimd, fmin(fmax(shown, least), most), r->full, now);
    b->probed = true;
    if (r->full)
        b->found = BWE_PROBE;
    b->did = AIMD_CAPPED;
    b->grace = now + PROBE_GRACE;
    sl_lossrate_probed(&b->lossrate, shown);
}

/* Who sends less than the path is thought to carry makes queues by bursts, and arrivals have
 * whims of their own. While nothing waits for longer than that, nothing is known by it. */
static bool is_faint(const struct bwe *b, const struct aimd_input *in, usec now)
{
    bool probed = now - b->probe.tried_at < FAINT_PROBE; /* which arrived besides */
    bool little = in->acked_bps < b->aimd.bps * FAINT_USE || probed;
    double octets =
        FAINT_OCTETS + (probed ? sl_probe_standing(&b->probe, b->aimd.bps) : 0);
    double burst = octets * 8 * (double)SEC(1) / b->aimd.bps;
    return !in->steep && !in->collapsed && in->acked_bps > 0 && little &&
           (double)sl_standing_queue(&b->standing) < fmax(burst, FAINT_QUEUE);
}

static void control_delay(struct bwe *b, const struct told *told, usec now)
{
    double before = b->aimd.bps, came = 1 - fmin(b->lossrate.recent, LOST_MOST);
    struct aimd_input in = {.usage = b->trendline.usage,
                            .acked_bps = ackrate_seen_bps(&b->ackrate),
                            .tried_bps = ackrate_seen_bps(&b->ackrate) / came,
                            .now_bps = ackrate_now_bps(&b->ackrate),
                            .brief = sl_standing_queue(&b->standing) < BRIEF_QUEUE,
                            .steep = b->trendline.slope > STEEP,
                            .rtt = b->rtt ? b->rtt : RTT_FIRST};
    struct flood_rate passes = sl_flood_rate(&b->flood);
    if (passes.slow && passes.bps < before * COLLAPSE) {
        in.usage = USAGE_OVER;
        in.collapsed = true;
        in.now_bps = passes.bps;
    } else if (in.usage == USAGE_OVER) {
        in.now_bps = fmax(in.now_bps, passes.bps);
    }
    bool faint = is_faint(b, &in, now);
    bool own = in.usage != USAGE_OVER || !told->was_over || faint || now < b->grace;
    if (told->probe.bps > 0 && own) {
        use_probe(b, &told->probe, now);
        return;
    }
    if (in.usage == USAGE_OVER && (now < b->grace || faint))
        in.usage = USAGE_UNDER; /* wait and see */
    enum aimd_did did = sl_aimd_input(&b->aimd, &in, now);
    if (did == AIMD_CUT)
        b->found = BWE_DELAY;
    if (did == AIMD_CUT && b->aimd.bps < before)
        sl_probe_cut(&b->probe, before, now);
    if (did == AIMD_CUT || did == AIMD_GREW)
        b->probed = false;
    if (did != AIMD_KEPT)
        b->did = did;
}

void sl_bwe_feedback(struct bwe *b, struct rtcp_twcc *fb, usec now)
{
    struct rtcp_arrival a;
    struct sent_fate s;
    struct told told = {.was_over = b->trendline.usage == USAGE_OVER};
    if (b->remb_only)
        return;
    sl_spare_look(&b->spare, b->target_bps, b->octets, now);
    sl_sentlog_fit(&b->log, (uint16_t)(b->last - b->told));
    while (sl_rtcp_twcc_next(fb, &a)) {
        b->told = a.seq;
        if (a.received) {
            arrived(b, a.seq, unwrap(b, a.at), &told, now);
        } else if (sl_sentlog_lost(&b->log, a.seq, now, &s)) {
            told.packets++;
            told.lost++;
            sl_brim_lost(&b->brim);
            told.octets += s.octets;
        }
    }
    if (told.packets == 0 && !told.any)
        return; /* nothing new: sent twice, or of packets that we do not know */
    b->told_at = b->silent_at = now;
    b->told_for = b->octets;
    b->silent = false;
    if (told.any) {
        learn_rtt(b, now - told.last_sent);
        control_delay(b, &told, now);
    }
    sl_lossrate_input(&b->lossrate, told.packets, told.lost, told.octets, told.last_sent);
    sl_lossrate_update(&b->lossrate, b->aimd.bps,
                       b->spare.much ? 0 : ackrate_bps(&b->ackrate), now);
    if (sl_lossrate_losing(&b->lossrate)) {
        sl_aimd_lost(&b->aimd, fmax(b->lossrate.bps, ackrate_bps(&b->ackrate)));
        b->found = BWE_LOSS;
    }
    if (sl_brim_full(&b->brim) && now - b->brim_at > BRIM_REST) {
        b->brim_at = now;
        sl_aimd_lost(&b->aimd, ackrate_bps(&b->ackrate) * BRIM_CUT);
        b->found = BWE_LOSS;
        b->did = AIMD_CUT;
    }
    b->drain_bps = sl_standing_limit(&b->standing, ackrate_now_bps(&b->ackrate),
                                     b->lossrate.recent > DRAIN_LOSS, now);
    sl_bwe_tick(b, now);
}

void sl_bwe_remb(struct bwe *b, uint64_t bps, usec now)
{
    b->remb_bps = bps > 0 ? fmin((double)bps, b->max_bps) : b->aimd.min_bps;
    settle(b, now);
}

void sl_bwe_report(struct bwe *b, unsigned expected, int lost, usec rtt, usec now)
{
    if (!b->remb_only)
        return;
    learn_rtt(b, rtt);
    sl_lossrate_input(&b->lossrate, expected, lost, (double)(b->octets - b->told_for),
                      now);
    b->told_for = b->octets;
    sl_lossrate_update(&b->lossrate, b->remb_bps > 0 ? b->remb_bps : b->aimd.bps, 0, now);
    settle(b, now);
}

void sl_bwe_want(struct bwe *b, uint64_t bps)
{
    b->probe.wanted_bps = fmin((double)bps, b->max_bps);
}

void sl_bwe_ask(struct bwe *b, uint64_t bps, usec now)
{
    if (b->remb_only)
        return;
    sl_probe_ask(&b->probe, fmin((double)bps, b->max_bps));
    sl_bwe_tick(b, now);
}

/* Whatever set the target: it was too much once, and nothing has shown another path since. */
static bool limited(const struct bwe *b)
{
    return b->silent || b->remb_bps > 0 || b->lossrate.limited || b->drain_bps > 0 ||
           b->aimd.capacity.kbps > 0;
}

struct bwe_state sl_bwe_state(const struct bwe *b)
{
    return (struct bwe_state){.target_bps = (uint64_t)b->target_bps,
                              .acked_bps = (uint64_t)ackrate_bps(&b->ackrate),
                              .cause = b->cause,
                              .over = b->trendline.usage == USAGE_OVER,
                              .limited = limited(b),
                              .app_limited = b->spare.much,
                              .lost = (uint8_t)fmin(b->lossrate.fraction * 256, 255),
                              .rtt = b->rtt,
                              .changed_at = b->changed_at};
}

const char *sl_bwe_cause_name(enum bwe_cause c)
{
    static const char *const names[BWE_CAUSES] = {
        [BWE_START] = "start", [BWE_RISING] = "rising",   [BWE_DELAY] = "delay",
        [BWE_LOSS] = "loss",   [BWE_PROBE] = "probe",     [BWE_APP] = "app",
        [BWE_REMB] = "remb",   [BWE_SILENCE] = "silence", [BWE_CEILING] = "ceiling",
    };
    return (unsigned)c < BWE_CAUSES ? names[c] : "unknown";
}
