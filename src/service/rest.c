#include "service/rest.h"

/* Busy from half of the time on; then until it is less than two fifths, since what rests save
 * would otherwise end them. */
static bool is_busy(const struct rest *r, usec span)
{
    usec worked = span - r->idle;
    return r->busy ? worked * 5 >= span * 2 : worked * 2 >= span;
}

usec sl_rest_for(struct rest *r, bool found, usec now)
{
    usec span = now - r->since;
    if (span >= REST_WINDOW)
        *r = (struct rest){.since = now, .busy = is_busy(r, span)};
    return r->busy && found ? REST_TIME : 0;
}
