#include "media/aimd.h"

#include <math.h>

#define CUT 0.85 /* §5.5, beta */
#define CUT_BRIEF                                                                        \
    0.9 /* of the rate, at the least, for a queue that is not filled again */
#define ALL      0.95 /* of the rate: who sends so much does */
#define GROWTH   1.08 /* a second, eta */
#define BEYOND   1.5  /* of what arrives, and so much more; §5.5 */
#define BEYOND_C 10000.0

/* The same where it is known what the path carries: what is not tried shows no more of it. */
#define BEYOND_KNOWN 1.2

#define BEYOND_FULL 1.02 /* a burst that is held up shows a little less than there is */
#define TRIED       0.9 /* of the rate: less, and a probe knows better than what arrives */

#define LITTLE     0.85 /* of what may be sent */
#define CUT_LITTLE 0.92 /* then */

/* A burst of who sends less than it may has so long to go. */
#define BURST MSEC(400)

/* In one cut: what arrives in a moment may be little by accident. */
#define CUT_MOST 0.5

/* Near the capacity: half a packet of a 30 fps stream each response time. */
#define FRAMES_A_SECOND 30.0
#define PACKET_BITS     9600.0
#define GROWTH_MIN_BPS  4000.0
#define RESPONSE_EXTRA  MSEC(100) /* until feedback comes, and the detector sees it */

/* Of the capacity: weight of a new sample, bounds of the variance. */
#define CAPACITY_WEIGHT  0.05
#define CAPACITY_VAR     0.4
#define CAPACITY_VAR_MAX 2.5

#define PROBE_FRESH SEC(1)

#define CUT_AGAIN_MIN    MSEC(10)
#define CUT_AGAIN_MAX    MSEC(200)
/* For the burst's queue to empty. */
#define CUT_AGAIN_GENTLE MSEC(250)

void sl_aimd_init(struct aimd *a, double start_bps, double min_bps, double max_bps)
{
    *a = (struct aimd){.bps = start_bps, .min_bps = min_bps, .max_bps = max_bps};
}

static double clamped(const struct aimd *a, double bps)
{
    return fmin(fmax(bps, a->min_bps), a->max_bps);
}

void sl_aimd_set(struct aimd *a, double bps, usec now)
{
    a->bps = clamped(a, bps);
    a->changed_at = now;
}

/* ---- capacity ---- */

static double spread(const struct capacity *c)
{
    return 3 * sqrt(c->var * c->kbps);
}

static void saw_capacity(struct capacity *c, double kbps)
{
    if (c->kbps == 0) {
        *c = (struct capacity){.kbps = kbps, .var = CAPACITY_VAR};
        return;
    }
    c->kbps += CAPACITY_WEIGHT * (kbps - c->kbps);
    double off = c->kbps - kbps;
    c->var += CAPACITY_WEIGHT * (off * off / fmax(c->kbps, 1) - c->var);
    c->var = fmin(fmax(c->var, CAPACITY_VAR), CAPACITY_VAR_MAX);
}

void sl_aimd_lost(struct aimd *a, double bps)
{
    if (bps >= a->bps)
        return;
    saw_capacity(&a->capacity, bps / 1000);
    a->bps = clamped(a, bps);
}

void sl_aimd_probed(struct aimd *a, double bps, bool full, usec now)
{
    a->capacity = (struct capacity){0};
    if (full)
        saw_capacity(&a->capacity, bps / 1000);
    a->full_bps = full ? bps : 0;
    a->probed_bps = bps;
    a->probed_at = now;
    sl_aimd_set(a, bps, now);
}

/* ---- rate ---- */

static double growth_near(const struct aimd *a, usec rtt)
{
    double frame = a->bps / FRAMES_A_SECOND;
    double packet = frame / ceil(frame / PACKET_BITS);
    double response = (double)(rtt + RESPONSE_EXTRA) / SEC(1);
    return fmax(packet / response, GROWTH_MIN_BPS);
}

static enum aimd_did grow(struct aimd *a, const struct aimd_input *in, usec now)
{
    double kbps = in->acked_bps / 1000;
    double seconds = fmin((double)(now - a->changed_at) / SEC(1), 1);
    /* More arrives than it could carry: it is another path now. */
    if (a->capacity.kbps > 0 && kbps > a->capacity.kbps + spread(&a->capacity)) {
        a->capacity = (struct capacity){0};
        a->full_bps = 0;
    }
    a->changed_at = now;
    double most = a->capacity.kbps > 0 ? BEYOND_KNOWN * in->tried_bps
                                       : BEYOND * in->acked_bps + BEYOND_C;
    if (a->full_bps > 0 && in->tried_bps < a->bps * TRIED)
        most = fmin(most, fmax(a->full_bps * BEYOND_FULL, in->tried_bps));
    if (in->acked_bps > 0 && a->bps >= most)
        return AIMD_CAPPED;
    double to = a->bps;
    if (a->capacity.kbps > 0)
        to += growth_near(a, in->rtt) * seconds;
    else
        to += fmax(a->bps * (pow(GROWTH, seconds) - 1), 1000 * seconds);
    if (in->acked_bps > 0)
        to = fmin(to, most);
    a->bps = clamped(a, to);
    return AIMD_GREW;
}

static bool sends_all(const struct aimd *a, const struct aimd_input *in)
{
    return in->acked_bps == 0 || in->acked_bps >= a->bps * ALL;
}

/* More passes than the rate: what stands was sent beside it, as a key picture or a probe is, and
 * goes by itself. If it does not, somebody else is there. */
static bool is_burst(struct aimd *a, const struct aimd_input *in, usec now)
{
    if (in->now_bps <= a->bps || sends_all(a, in) || in->steep || in->collapsed)
        return false;
    if (a->burst_at == 0)
        a->burst_at = now;
    return now - a->burst_at < BURST;
}

static enum aimd_did cut(struct aimd *a, const struct aimd_input *in, usec now)
{
    usec wait = in->rtt < CUT_AGAIN_MIN   ? CUT_AGAIN_MIN
                : in->rtt > CUT_AGAIN_MAX ? CUT_AGAIN_MAX
                                          : in->rtt;
    bool collapsed =
        in->collapsed || (in->steep && in->acked_bps > 0 && in->now_bps < a->bps / 2);
    /* An application that sends little fills no queue by what it sends on the average: it was
     * a burst, or somebody else, and more than what arrives may still pass. */
    if (is_burst(a, in, now)) {
        a->changed_at = 0;
        return AIMD_KEPT;
    }
    bool gentle = !in->steep && !in->collapsed && in->acked_bps > 0 &&
                  in->now_bps < a->bps * LITTLE;
    if (gentle || a->was_brief)
        wait = CUT_AGAIN_GENTLE;
    if (a->cut_at != 0 && now - a->cut_at < wait && !collapsed)
        return AIMD_KEPT;
    double kbps = in->now_bps / 1000;
    bool brief = in->brief && !in->steep && !in->collapsed && !sends_all(a, in);
    double share = brief ? CUT_BRIEF : CUT;
    double to = in->acked_bps > 0 ? in->now_bps * share : a->bps / 2;
    if (gentle)
        to = fmax(to, a->bps * CUT_LITTLE);
    if (brief)
        to = fmax(to, a->bps * CUT_BRIEF); /* half a packet may be that long */
    /* What arrives has not followed the probe yet, and says less than it. */
    if (now - a->probed_at < PROBE_FRESH && a->probed_bps > in->now_bps)
        to = a->probed_bps * share;
    a->probed_bps = 0;
    if (to > a->bps && sends_all(a, in) && a->capacity.kbps > 0)
        to = a->capacity.kbps * 1000 * CUT;
    if (kbps > 0) {
        if (kbps < a->capacity.kbps - spread(&a->capacity))
            a->capacity = (struct capacity){0};
        saw_capacity(&a->capacity, kbps);
    }
    if (!in->collapsed)
        to = fmax(to, a->bps * CUT_MOST);
    a->bps = clamped(a, fmin(to, a->bps));
    a->cut_at = now;
    a->was_brief = brief;
    a->changed_at = 0;
    return AIMD_CUT;
}

enum aimd_did sl_aimd_input(struct aimd *a, const struct aimd_input *in, usec now)
{
    if (in->usage == USAGE_OVER)
        return cut(a, in, now);
    a->burst_at = 0;
    if (in->usage == USAGE_UNDER) {
        a->changed_at = 0; /* let it empty */
        return AIMD_KEPT;
    }
    if (a->changed_at == 0) {
        a->changed_at = now;
        return AIMD_KEPT;
    }
    return grow(a, in, now);
}
