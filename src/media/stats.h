#pragma once

/*
 * Reception of one RTP stream, for report blocks: RFC 3550 A.1, A.3 and A.8.
 *
 * There is no probation: a packet that SRTP let through is from the sender. Numbers are
 * unwrapped (unwrap.h); what comes by RTX is not counted here, so that losses stay visible.
 */

#include <stdint.h>

#include "base/clock.h"

#include "proto/rtcp.h"

/* Zero but for clock_hz is a stream of which nothing came. */
struct stats {
    uint32_t clock_hz; /* of timestamps */
    uint64_t base;     /* the lowest number seen */
    uint64_t highest;
    uint64_t received; /* with duplicates */
    uint64_t octets;   /* of payload */
    /* at the last report */
    uint64_t expected_prior, received_prior;
    /* of the last sender report */
    uint32_t lsr;
    usec sr_at;
    /* jitter, with 4 fractional bits */
    int64_t transit; /* arrival less timestamp, in ticks */
    uint32_t jitter;
};

/* at: when it was received; payload_n: octets of payload, for the count. */
void sl_stats_input(struct stats *s, uint64_t seq, uint32_t ts, size_t payload_n,
                    usec at);

/* A sender report of the stream came. */
void sl_stats_sr(struct stats *s, uint64_t ntp, usec at);

/* Packets that should have come, and have not; negative by duplicates. */
int64_t sl_stats_lost(const struct stats *s);

uint32_t sl_stats_jitter(const struct stats *s);

/* Fills *ret but for its ssrc, and begins the next interval. */
void sl_stats_report(struct stats *s, usec now, struct rtcp_block *ret);
