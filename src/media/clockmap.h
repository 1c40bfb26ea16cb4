#pragma once

/*
 * A publisher's clock: which NTP time belongs to an RTP timestamp of one stream, learnt from
 * its sender reports (RFC 3550 §6.4.1).
 *
 * All streams of a publisher tell the same NTP clock, so their maps together keep lips in
 * step with sound; how fast or slow the network was for one of them does not matter. Between
 * reports time goes on at the nominal clock rate.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

/* Zero but for clock_hz: nothing is known yet. */
struct clockmap {
    uint32_t clock_hz;
    bool known;
    uint64_t ntp; /* of the last report */
    uint32_t ts;
    usec at; /* when it came */
};

/* A sender report came. One with a time older than the last is late, and ignored, unless it
 * is so much older that the publisher's clock was set. */
void sl_clockmap_sr(struct clockmap *c, uint64_t ntp, uint32_t ts, usec at);

/* E_ABSENT: no report yet. ts may be up to 2^31 ticks from the last report. */
MUST_USE enum err sl_clockmap_ntp(const struct clockmap *c, uint32_t ts, uint64_t *ret);
MUST_USE enum err sl_clockmap_ts(const struct clockmap *c, uint64_t ntp, uint32_t *ret);

/* The publisher's NTP time now, as the last report lets us guess it (it is late by its time
 * on the way), and the timestamp that belongs to it: what a report of ours would carry. */
MUST_USE enum err sl_clockmap_now(const struct clockmap *c, usec now, uint64_t *ntp,
                                  uint32_t *ts);
