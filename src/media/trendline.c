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

/* Delay in ms for each ms, through a full window. Sums are of what lies between the samples, which
 * is small beside what they are. */
static double slope_of(const struct trendline *t)
{
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (unsigned i = 1; i < TRENDLINE_WINDOW; i++) {
        double x = t->sample[i].at_ms - t->sample[0].at_ms;
        double y = t->sample[i].delay_ms - t->sample[0].delay_ms;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    double den = sxx - sx * sx / TRENDLINE_WINDOW;
    return den > 0 ? (sxy - sx * sy / TRENDLINE_WINDOW) / den : 0;
}

static void adapt(struct trendline *t, usec at)
{
    double over = fabs(t->trend) - t->threshold;
    double ms = (double)(at - t->adapted_at) / 1000;
    if (t->adapted_at == 0 || ms < 0)
        ms = 0;
    t->adapted_at = at;
    if (over > OUTLIER_MS)
        return;
    t->threshold += (over < 0 ? K_DOWN : K_UP) * over * fmin(ms, ADAPT_MAX_MS);
    t->threshold = fmin(fmax(t->threshold, THRESHOLD_MIN), THRESHOLD_MAX);
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
    t->delay_ms += (double)(d->arrival - d->sent) / 1000;
    t->smooth_ms = SMOOTHING * t->smooth_ms + (1 - SMOOTHING) * t->delay_ms;
    t->sample[t->next].at_ms = (double)(d->at - t->first_at) / 1000;
    t->sample[t->next].delay_ms = t->smooth_ms;
    t->next = (t->next + 1) % TRENDLINE_WINDOW;
    if (t->n < TRENDLINE_WINDOW)
        t->n++;
    double slope = t->n == TRENDLINE_WINDOW ? slope_of(t) : 0;
    t->trend = slope * t->deltas * GAIN;
    detect(t, slope, (double)d->sent / 1000);
    adapt(t, d->at);
    return t->usage;
}
