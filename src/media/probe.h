#pragma once

/*
 * Bursts that find out whether a path carries more than is sent on it.
 *
 * A cluster is a burst of some milliseconds at a rate: media that leaves meanwhile, and
 * padding for the rest. How fast it arrives says what the path carries, long before a queue
 * or a loss would. The first clusters are of three and six times the rate to start with; one
 * that shows that the path carries it is followed by one of twice as much; later there is one
 * each PROBE_INTERVAL while more is wanted, one soon after a large cut, which may have been an
 * accident, and one whenever somebody asks whether a rate could be reached
 * (clusters and their figures are libwebrtc's).
 *
 * A burst is as short as what it is to show allows. Where packets are delayed by chance it shows
 * now this and now that: then the next one takes longer.
 *
 * It never goes beyond what is wanted. A value without pointers.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum {
    PROBE_PENDING_MAX = 4,
    PROBE_PACKETS_MIN = 5, /* in a cluster */
    PROBE_KEPT = 4,        /* clusters whose arrival is looked for */
};
#define PROBE_SPAN     MSEC(15)
#define PROBE_SPAN_MAX MSEC(60)
#define PROBE_INTERVAL SEC(5)

/* What is known of a cluster: sent, and as it arrived. */
struct cluster {
    uint8_t id;               /* 1 to 255; 0: none */
    double bps;               /* that was meant */
    usec span;                /* the same: how long it takes */
    unsigned packets, octets; /* sent; octets that are still to come count as meant */
    unsigned got_packets, got_octets;
    usec first_sent, last_sent; /* of those that arrived */
    usec first_got, last_got;
    unsigned last_sent_octets, first_got_octets;
    unsigned stood_packets, stood_octets; /* of got, that were found together */
    bool stood, paced; /* the first were; others came one after the other */
};

struct probe {
    double wanted_bps; /* no use in more */
    uint8_t id;        /* of the cluster that is being sent; 0: none */
    uint8_t last_id;
    usec began_at;
    double pending[PROBE_PENDING_MAX];
    unsigned pending_n;
    double tried_bps; /* the rate of the last cluster */
    double start_bps;
    bool passed;       /* all of the last one did */
    bool chasing;      /* a good result is followed by twice as much */
    usec tried_at;     /* when the last cluster was begun */
    usec cut_at;       /* the last */
    double before_bps; /* before the last cuts; 0: as much was reached since */
    usec again;        /* when that is tried again */
    usec span;         /* of the next clusters; 0: PROBE_SPAN */
    double full_bps;   /* what the last one that was held up showed; 0: none was */
    uint8_t full_id;
    /* what those that were believed showed, on the average of what is near to each other, and the
     * same before the last of them; 0: it was not held up */
    double known_bps, known_before_bps;
    uint8_t known_id;
    usec again_at;      /* when a result is looked at once more; 0: it is not */
    bool doubted;       /* the last one, which showed much more than that */
    uint8_t refused_id; /* the last that was not believed */
    struct cluster kept[PROBE_KEPT]; /* last: not read for each feedback */
};

/* Those of a new path. */
void sl_probe_start(struct probe *p, double start_bps);

/* One of this rate, as soon as may be. */
void sl_probe_ask(struct probe *p, double bps);

/* The estimate was cut. */
void sl_probe_cut(struct probe *p, double before_bps, usec now);

/* What the application makes of its estimate. */
enum probe_use {
    PROBE_USE_FULL,   /* all, and the path is known to be full */
    PROBE_USE_RISING, /* all, and nothing is known to be in the way */
    PROBE_USE_LITTLE,
};

/* Begins what is due. bps: the estimate; calm: no queue grows, and nothing is lost by sending
 * too much. */
void sl_probe_tick(struct probe *p, double bps, enum probe_use use, bool calm, usec now);

/* A packet of the cluster leaves. Called for each packet while p->id is not 0. */
void sl_probe_sent(struct probe *p, unsigned octets, usec now);

/* Octets that are to leave as padding now; 0: none. And when there are some again. */
unsigned sl_probe_padding(const struct probe *p, usec now);
usec sl_probe_deadline(const struct probe *p);

/* Of the last cluster, what a path of that rate did not let through at once: it stands there. */
unsigned sl_probe_standing(const struct probe *p, double bps);

struct probe_result {
    double bps; /* 0: nothing yet */
    bool full;  /* it was held up on the way: that is all there is */
    uint8_t id;
};

/* A packet of a cluster arrived: what the cluster shows so far. */
struct probe_result sl_probe_received(struct probe *p, uint8_t id, unsigned octets,
                                      usec sent, usec arrival);

/* All feedback that came at once was taken: this is what the cluster showed. False: another
 * showed something else, and it is looked at again, for longer. */
bool sl_probe_result(struct probe *p, const struct probe_result *r);
