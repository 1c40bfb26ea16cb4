#include "media/lossrate.h"

#include <math.h>

enum { CANDIDATES = 5, SEEN_MIN = 3 };

#define AGE_WEIGHT         0.9
#define RECENT_WEIGHT      0.6
#define NEWTON             0.75 /* of a full step, for the fit of the own loss */
#define OWN_FIRST          0.01
#define OWN_MIN            0.001
/* No path is believed to lose more than this by itself: 5 %, and more for slow
 * ones, of which each packet is much. */
#define OWN_OFFSET         0.05
#define OWN_BALANCE_KBPS   100.0
/* The leaning to a higher rate, for each packet, while less than a fifth is
 * lost. */
#define BIAS               0.0002
#define BIAS_LOG           0.02
#define BIAS_UNTIL         0.2
/* Whatever fits: above 5 % it is never more than this through the excess. */
#define BOUND_OFFSET       0.05
#define BOUND_BALANCE_KBPS 100.0
#define USUAL_WEIGHT       0.995 /* a minute */
#define USUAL_NEAR         0.04
#define BELOW              0.92 /* of what arrives, for a short queue to empty */
#define LOSING             0.02 /* beyond the path's own */
/* How fast it rises again. */
#define RAMP               1.3
#define RAMP_TIME          MSEC(300)

static double between(double v, double lo, double hi)
{
    return fmin(fmax(v, lo), hi);
}

/* What share of what is sent at kbps does not pass at all. */
static double excess(double kbps, double limit_kbps)
{
    return kbps > limit_kbps ? (kbps - limit_kbps) / kbps : 0;
}

static double loss_of(double own, double over)
{
    return between(over + own * (1 - over), 1e-6, 1 - 1e-6);
}

static unsigned index_of(const struct lossrate *l, unsigned age)
{
    return (l->next + LOSSRATE_WINDOW - 1 - age) % LOSSRATE_WINDOW;
}

static double own_max(double limit_kbps)
{
    return OWN_OFFSET + OWN_BALANCE_KBPS / limit_kbps;
}

/* One step of Newton's method up the likelihood. */
static double fit_own(const struct lossrate *l, double limit_kbps)
{
    double own = between(l->own_loss, OWN_MIN, own_max(limit_kbps));
    double d1 = 0, d2 = 0, weight = 1;
    for (unsigned age = 0; age < l->n; age++) {
        unsigned i = index_of(l, age);
        double over = excess(l->seen[i].kbps, limit_kbps);
        double p = loss_of(own, over);
        double came = l->seen[i].packets - l->seen[i].lost;
        d1 += weight * (1 - over) * (l->seen[i].lost / p - came / (1 - p));
        d2 -= weight * (1 - over) * (1 - over) *
              (l->seen[i].lost / (p * p) + came / ((1 - p) * (1 - p)));
        weight *= AGE_WEIGHT;
    }
    if (d2 < 0)
        own -= NEWTON * d1 / d2;
    return between(own, OWN_MIN, own_max(limit_kbps));
}

static double likelihood(const struct lossrate *l, double limit_kbps, double own)
{
    double lean = fmax(0, (BIAS_UNTIL - l->fraction) / BIAS_UNTIL) *
                  (BIAS * limit_kbps + BIAS_LOG * log1p(limit_kbps));
    double sum = 0, weight = 1;
    for (unsigned age = 0; age < l->n; age++) {
        unsigned i = index_of(l, age);
        double p = loss_of(own, excess(l->seen[i].kbps, limit_kbps));
        double came = l->seen[i].packets - l->seen[i].lost;
        sum += weight *
               (l->seen[i].lost * log(p) + came * log(1 - p) + lean * l->seen[i].packets);
        weight *= AGE_WEIGHT;
    }
    return sum;
}

void sl_lossrate_input(struct lossrate *l, unsigned packets, int lost, double octets,
                       usec sent)
{
    l->packets += packets;
    l->lost += lost;
    l->bits += octets * 8;
    if (sent > l->until)
        l->until = sent;
}

static double fraction_of(const struct lossrate *l, double by_age)
{
    double lost = 0, packets = 0, weight = 1;
    for (unsigned age = 0; age < l->n; age++) {
        lost += weight * l->seen[index_of(l, age)].lost;
        packets += weight * l->seen[index_of(l, age)].packets;
        weight *= by_age;
    }
    return packets > 0 ? lost / packets : 0;
}

/* Makes what came since the last one an observation. False: too little. */
static bool observe(struct lossrate *l)
{
    usec span = l->until - l->from;
    if (l->packets <= 0 || (l->from != 0 && span < LOSSRATE_SPAN))
        return false;
    if (l->from != 0) {
        l->seen[l->next].packets = l->packets;
        l->seen[l->next].lost = between(l->lost, 0, l->packets);
        l->seen[l->next].kbps = l->bits * 1000 / (double)span;
        l->next = (l->next + 1) % LOSSRATE_WINDOW;
        if (l->n < LOSSRATE_WINDOW)
            l->n++;
    }
    if (l->from != 0) {
        l->usual_lost = l->usual_lost * USUAL_WEIGHT + between(l->lost, 0, l->packets);
        l->usual_packets = l->usual_packets * USUAL_WEIGHT + l->packets;
    }
    l->from = l->until;
    l->packets = l->lost = l->bits = 0;
    l->fraction = fraction_of(l, AGE_WEIGHT);
    l->recent = fraction_of(l, RECENT_WEIGHT);
    return l->n > 0;
}

/* The likeliest rate and own loss. */
static double choose(struct lossrate *l, double now_bps, double delay_bps,
                     double acked_bps, double *own)
{
    double bps[CANDIDATES] = {now_bps, now_bps * 0.95, now_bps * 1.02, delay_bps,
                              acked_bps};
    double best = now_bps, most = -INFINITY;
    for (int i = 0; i < CANDIDATES; i++) {
        if (bps[i] <= 0)
            continue;
        double kbps = fmin(bps[i], l->max_bps) / 1000;
        double p = fit_own(l, kbps);
        double v = likelihood(l, kbps, p);
        if (v > most) {
            most = v;
            best = kbps * 1000;
            *own = p;
        }
    }
    return best;
}

/* After a cut it may grow by RAMP each RAMP_TIME, and no faster. */
static double ramped(struct lossrate *l, double to, usec now)
{
    if (now - l->ramp_at >= RAMP_TIME) {
        l->ramp_at = now;
        l->ramp_from = l->bps;
    }
    return fmin(to, l->ramp_from * RAMP);
}

void sl_lossrate_probed(struct lossrate *l, double bps)
{
    if (l->limited && bps > l->bps) {
        l->bps = bps;
        l->ramp_from = bps;
    }
}

bool sl_lossrate_losing(const struct lossrate *l)
{
    return l->limited && l->recent > l->own_loss + LOSING;
}

/* What is lost of a path, as far as lately nothing else is seen: of some
 * hundred packets by chance now 8 and now 12 of each hundred are, and between
 * these the bound is two to one. */
static double bounding_loss(const struct lossrate *l)
{
    double usual = l->usual_packets > 0 ? l->usual_lost / l->usual_packets : 0;
    return fabs(l->fraction - usual) < USUAL_NEAR ? usual : l->fraction;
}

void sl_lossrate_update(struct lossrate *l, double delay_bps, double acked_bps, usec now)
{
    if (!observe(l) || l->n < SEEN_MIN)
        return;
    if (l->own_loss == 0)
        l->own_loss = OWN_FIRST;
    if (!l->limited && l->fraction <= 0) {
        l->own_loss = fit_own(l, delay_bps / 1000); /* nothing was lost: most paths */
        l->bps = delay_bps;
        return;
    }
    double before = l->limited ? l->bps : delay_bps;
    double own = l->own_loss;
    double to = choose(l, before, delay_bps, acked_bps, &own);
    /* What is lost beyond the path's own loss is lost to congestion: not the time
   * to rise. */
    if (to > before && l->fraction > own && l->recent > own)
        to = before;
    if (l->limited && to > before)
        to = ramped(l, to, now);
    if (to < before) {
        to = fmax(to, fmin(acked_bps * BELOW, before)); /* what arrives, arrives */
        l->cut_at = now;
    }
    double excessive = bounding_loss(l) - BOUND_OFFSET;
    if (excessive > 0)
        to = fmin(to, BOUND_BALANCE_KBPS * 1000 / excessive);
    l->own_loss = own;
    l->limited = to < delay_bps;
    l->bps = fmin(to, delay_bps);
}
