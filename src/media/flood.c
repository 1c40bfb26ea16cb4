#include "media/flood.h"

#include <math.h>

#include "media/groups.h"

/* As much as a few pictures take. */
#define SPAN     MSEC(100)
#define SPAN_MIN MSEC(50)
#define GROWTH   MSEC(40) /* of a queue: no jitter */

enum { GROUPS_MIN = 4 };

void sl_flood_input(struct flood *f, usec sent, usec arrival, size_t octets)
{
    struct flood_group *g = &f->group[(f->next + FLOOD_GROUPS - 1) % FLOOD_GROUPS];
    if (f->n > 0 && sent < g->first_sent)
        return; /* it was overtaken */
    if (f->n == 0 || sent - g->first_sent > GROUP_SPAN) {
        g = &f->group[f->next];
        *g = (struct flood_group){.first_sent = sent};
        f->next = (f->next + 1) % FLOOD_GROUPS;
        f->n += f->n < FLOOD_GROUPS;
    }
    g->sent = sent;
    g->arrival = arrival > g->arrival ? arrival : g->arrival;
    g->octets += (double)octets;
}

static const struct flood_group *at(const struct flood *f, unsigned age)
{
    return &f->group[(f->next + FLOOD_GROUPS - 1 - age) % FLOOD_GROUPS];
}

struct flood_rate sl_flood_rate(const struct flood *f)
{
    const struct flood_group *last = at(f, 0), *first = last;
    struct flood_rate r = {0};
    usec most = 0, span = 0; /* most: that one group came later than the one before */
    double octets = 0;
    for (unsigned age = 1; age < f->n && (span < SPAN || age <= GROUPS_MIN); age++) {
        const struct flood_group *before = at(f, age);
        usec later = first->arrival - before->arrival - (first->sent - before->sent);
        most = later > most ? later : most;
        octets += first->octets;
        first = before;
        span = last->arrival - first->arrival;
        /* The path may have been full for a part of it only: the fastest part. */
        if (age >= GROUPS_MIN && span >= SPAN_MIN)
            r.bps = fmax(r.bps, octets * 8 * SEC(1) / (double)span);
    }
    usec sent = last->sent - first->sent, growth = span - sent - most;
    r.collapsed = r.bps > 0 && growth >= GROWTH && growth >= sent;
    return r;
}
