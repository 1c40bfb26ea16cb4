#include "media/standing.h"

#define WINDOW     SEC(10) /* two of them: the least of 10 to 20 s */
#define DRAIN      0.75    /* of what comes out: 300 ms in 1.2 s */
#define DRAIN_MAX  SEC(2)
#define DRAINED    (STANDING_QUEUE / 4)
#define SOMEBODY   SEC(20)
#define DRAIN_REST SEC(1)

static usec least(usec a, usec b)
{
    return a < b ? a : b;
}

usec sl_standing_queue(const struct standing *s)
{
    return s->delay - least(s->least, s->spare);
}

void sl_standing_input(struct standing *s, usec later, usec now)
{
    s->delay += later;
    if (s->window_at == 0 || now - s->window_at >= WINDOW) {
        s->spare = s->window_at == 0 ? s->delay : s->least;
        s->least = s->delay;
        s->window_at = now;
    }
    s->least = least(s->least, s->delay);
    if (sl_standing_queue(s) < STANDING_QUEUE)
        s->above_at = 0;
    else if (s->above_at == 0)
        s->above_at = now;
}

double sl_standing_limit(struct standing *s, double acked_bps, bool losing, usec now)
{
    if (s->drain_at != 0) {
        bool gone = sl_standing_queue(s) < DRAINED,
             in_vain = now - s->drain_at >= DRAIN_MAX;
        if (!gone && !in_vain)
            return s->drain_bps;
        s->drain_at = 0;
        s->not_before = now + (gone ? DRAIN_REST : SOMEBODY);
    }
    if (!losing || s->above_at == 0 || now - s->above_at < STANDING_TIME ||
        now < s->not_before || acked_bps <= 0)
        return 0;
    s->drain_at = now;
    s->drain_bps = acked_bps * DRAIN;
    return s->drain_bps;
}
