#include "service/rest.h"

enum {
    LATELY = 8, /* windows */
    FULL = 550, /* of 1000 worked: it rests for longer, */
    FULL_END = 480,
};

/* Busy from half of the time on; then until it is less than two fifths, since what rests save
 * would otherwise end them. */
static bool is_busy(const struct rest *r, usec worked, usec span)
{
    return r->busy ? worked * 5 >= span * 2 : worked * 2 >= span;
}

static void judge(struct rest *r, usec span, usec now)
{
    usec worked = span - r->idle;
    r->busy = is_busy(r, worked, span);
    r->worked += ((int)(worked * 1000 / span) - r->worked) / LATELY;
    r->full = r->worked >= (r->full ? FULL_END : FULL);
    r->since = now;
    r->idle = 0;
}

usec sl_rest_for(struct rest *r, bool found, usec now)
{
    usec span = now - r->since;
    if (span >= REST_WINDOW)
        judge(r, span, now);
    if (!r->busy || !found)
        return 0;
    return r->full ? REST_LONG : REST_TIME;
}
