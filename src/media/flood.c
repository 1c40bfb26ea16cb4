#include "media/flood.h"

#include <math.h>

#define SPAN     MSEC(100) /* as much as a few pictures take */
#define SPAN_MIN MSEC(50)
#define GROWTH   MSEC(40) /* of a queue: no jitter */

enum { PACKETS_MIN = 6 };

static const struct flood_packet *at(const struct flood *f, unsigned age)
{
    return &f->packet[(f->next + FLOOD_PACKETS - 1 - age) % FLOOD_PACKETS];
}

void sl_flood_fetch(const struct flood *f)
{
    for (unsigned age = 0; age < PACKETS_MIN + 2; age += 2)
        __builtin_prefetch(at(f, age), 1);
}

void sl_flood_input(struct flood *f, usec sent, usec arrival, size_t octets)
{
    if (f->n > 0 && (sent < at(f, 0)->sent || arrival < at(f, 0)->arrival))
        return; /* it was overtaken */
    f->packet[f->next] = (struct flood_packet){sent, arrival, (double)octets};
    f->next = (f->next + 1) % FLOOD_PACKETS;
    f->n += f->n < FLOOD_PACKETS;
}

struct flood_rate sl_flood_rate(const struct flood *f)
{
    const struct flood_packet *last = at(f, 0), *first = last;
    struct flood_rate r = {0};
    usec most = 0, span = 0; /* most: that one packet came later than the one before */
    double octets = 0;
    for (unsigned age = 1; age < f->n && (span < SPAN || age <= PACKETS_MIN); age++) {
        const struct flood_packet *before = at(f, age);
        usec later = first->arrival - before->arrival - (first->sent - before->sent);
        most = later > most ? later : most;
        octets += first->octets;
        first = before;
        span = last->arrival - first->arrival;
        /* The path may have been full for a part of it only: the fastest part. */
        if (age >= PACKETS_MIN && span >= SPAN_MIN)
            r.bps = fmax(r.bps, octets * 8 * SEC(1) / (double)span);
    }
    usec sent = last->sent - first->sent, growth = span - sent - most;
    r.slow = r.bps > 0 && growth >= GROWTH && growth >= sent;
    return r;
}
