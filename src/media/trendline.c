#include "media/trendline.h"

#include <math.h>

enum { DELTAS_MAX = 60 };

/* Of the filter; libwebrtc's, as found by it in the field. */
#define SMOOTHING 0.9
#define GAIN      4.0

/* Of the threshold, in ms: draft-ietf-rmcat-gcc §5.4, but that a first excess of 10 ms is
 * enough: the slope is smoother than the draft's gradient. */
#define THRESHOLD_START 12.5
#define THRESHOLD_MIN   6.0
#define THRESHOLD_MAX   600.0
#define K_UP            0.0087
#define K_DOWN          0.039
#define OUTLIER_MS      15.0 /* above the threshold: a spike does not move it */
#define ADAPT_MAX_MS    100.0
#define OVER_MS         10.0

void sl_trendline_init(struct trendline *t)
{
    *t = (struct trendline){.threshold = THRESHOLD_START};
}

static double ms_of(usec d)
{
    return (double)d * 1e-3;
}

static void add(struct trendline_sums *sums, const struct trendline_sample *s,
                double times)
{
    double x = s->at_ms - sums->from.at_ms, y = s->delay_ms - sums->from.delay_ms;
    sums->x += times * x;
    sums->y += times * y;
    sums->xx += times * x * x;
    sums->xy += times * x * y;
}

/* The newest takes the place of the oldest. Each time around the sums are made anew, so that what
 * was rounded does not add up. */
static void put(struct trendline *t, const struct trendline_sample *s)
{
    bool full = t->n == TRENDLINE_WINDOW;
    if (full) {
        add(&t->sums, &t->sample[t->next], -1);
        add(&t->sums, s, 1);
    }
    t->sample[t->next] = *s;
    t->next = (t->next + 1) % TRENDLINE_WINDOW;
    if (!full)
        t->n++;
    if (t->next > 0)
        return;
    t->sums = (struct trendline_sums){.from = t->sample[0]};
    for (unsigned i = 1; i < TRENDLINE_WINDOW; i++)
        add(&t->sums, &t->sample[i], 1);
}

/* Delay in ms for each ms, through a full window. */
static double slope_of(const struct trendline_sums *s)
{
    double den = TRENDLINE_WINDOW * s->xx - s->x * s->x;
    return den > 0 ? (TRENDLINE_WINDOW * s->xy - s->x * s->y) / den : 0;
}

/* Not by fmin and fmax, which are calls: this is done for each group. */
static double between(double least, double d, double most)
{
    return d < least ? least : d > most ? most : d;
}

static void adapt(struct trendline *t, usec at)
{
    double over = fabs(t->trend) - t->threshold;
    double ms = t->adapted_at == 0 ? 0 : ms_of(at - t->adapted_at);
    t->adapted_at = at;
    if (over > OUTLIER_MS)
        return;
    t->threshold += (over < 0 ? K_DOWN : K_UP) * over * between(0, ms, ADAPT_MAX_MS);
    t->threshold = between(THRESHOLD_MIN, t->threshold, THRESHOLD_MAX);
}

/* Overuse is told when it lasts and does not get better by itself. */
static void detect(struct trendline *t, double slope, double sent_ms)
{
    if (t->trend > t->threshold) {
        /* The excess began somewhere since the last group. */
        t->over_ms += t->over_n == 0 ? sent_ms / 2 : sent_ms;
        t->over_n++;
        if (t->over_ms > OVER_MS && t->over_n > 1 && slope >= t->slope) {
            t->over_ms = 0;
            t->over_n = 0;
            t->usage = USAGE_OVER;
        }
    } else {
        t->over_ms = 0;
        t->over_n = 0;
        t->usage = t->trend < -t->threshold ? USAGE_UNDER : USAGE_NORMAL;
    }
    t->slope = slope;
}

enum usage sl_trendline_input(struct trendline *t, const struct group_delta *d)
{
    if (t->deltas == 0)
        t->first_at = d->at;
    if (t->deltas < DELTAS_MAX)
        t->deltas++;
    t->delay_ms += ms_of(d->arrival - d->sent);
    t->smooth_ms = SMOOTHING * t->smooth_ms + (1 - SMOOTHING) * t->delay_ms;
    put(t, &(struct trendline_sample){ms_of(d->at - t->first_at), t->smooth_ms});
    double slope = t->n == TRENDLINE_WINDOW ? slope_of(&t->sums) : 0;
    t->trend = slope * t->deltas * GAIN;
    detect(t, slope, ms_of(d->sent));
    adapt(t, d->at);
    return t->usage;
}
