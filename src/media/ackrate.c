#include "media/ackrate.h"

#include <math.h>

/* As in libwebrtc: the deviation of a sample that differs by all of the estimate, the
 * variance at first, and what is added with each window, in kbit/s. */
#define DEVIATION 10.0
#define VAR_FIRST 50.0
#define VAR_STEP  5.0

static void learn(struct ackrate *a, double sample)
{
    a->sample[1] = a->kbps == 0 ? sample : a->sample[0];
    a->sample[0] = sample;
    if (a->kbps == 0) {
        a->kbps = sample;
        a->var = VAR_FIRST;
        return;
    }
    double dev = DEVIATION * fabs(a->kbps - sample) / a->kbps;
    double var = a->var + VAR_STEP;
    a->kbps = (dev * dev * a->kbps + var * sample) / (dev * dev + var);
    a->var = dev * dev * var / (dev * dev + var);
}

void sl_ackrate_input(struct ackrate *a, usec arrival, size_t octets)
{
    usec window = a->kbps == 0 ? ACKRATE_FIRST : ACKRATE_WINDOW;
    usec gap = a->any ? arrival - a->last : 0;
    if (gap < 0)
        gap = 0; /* overtaken */
    if (gap > window) {
        /* The sender was silent: that says nothing of the path. */
        a->bits = 0;
        a->in = 0;
        gap = 0;
    }
    a->in += gap;
    if (a->in >= window) {
        if (a->bits > 0)
            learn(a, a->bits * 1000 / (double)window);
        a->in -= window;
        a->bits = 0;
    }
    a->bits += (double)octets * 8;
    if (!a->any || arrival > a->last)
        a->last = arrival;
    a->any = true;
}
