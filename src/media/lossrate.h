#pragma once

/*
 * The rate that the losses allow: a path that loses the same whatever is sent
 * is not full, one that loses more when more is sent is.
 *
 * A maximum-likelihood fit of the last observations to a path with two
 * parameters: a loss of its own, and a rate above which all the rest is lost.
 * Some candidates for the rate are tried, each with the own loss that fits it
 * best, and the likeliest is taken, with a leaning to higher ones while little
 * is lost (this is what libwebrtc's second loss-based estimator does;
 * draft-ietf-rmcat-gcc §6, which takes any 10 % for congestion, ends at nothing
 * on a radio link that loses that much). A value without pointers; zero but for
 * max_bps is new.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { LOSSRATE_WINDOW = 20 };  /* observations */
#define LOSSRATE_SPAN MSEC(250) /* that one of them takes at least */

struct lossrate {
    double max_bps;
    double bps;                       /* 0: it has nothing to say yet */
    double own_loss;                  /* of the path */
    double fraction;                  /* lost lately, weighted by age */
    double recent;                    /* the same of the last second */
    double usual_lost, usual_packets; /* of the last minute */
    /* the observation that is being made */
    double packets, lost, bits;
    usec from; /* when the last packet of the one before left */
    usec until;
    usec cut_at;
    double ramp_from; /* bits/s, at the time of ramp_at: how fast it may rise
                       again */
    usec ramp_at;
    bool limited; /* below what delay allows */
    unsigned n, next;
    struct {
        double packets, lost, kbps;
    } seen[LOSSRATE_WINDOW]; /* last: not read for each feedback */
};

/* What feedback told of: packets that left until `sent`, in order. */
void sl_lossrate_input(struct lossrate *l, unsigned packets, int lost, double octets,
                       usec sent);

/* A burst of this rate passed: so much does. */
void sl_lossrate_probed(struct lossrate *l, double bps);

/* Whether more is lost now than the path loses by itself. */
bool sl_lossrate_losing(const struct lossrate *l);

/* What delay allows, and what arrives (0: not known, or the application sends
 * little). The rate to keep below is written to l->bps whenever an observation
 * is complete. */
void sl_lossrate_update(struct lossrate *l, double delay_bps, double acked_bps, usec now);
