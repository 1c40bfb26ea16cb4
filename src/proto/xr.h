#pragma once

/*
 * How far away a sender is, seen by who only receives: RTCP extended reports of receiver
 * reference times, and what senders say of the last one (RFC 3611 §4.4, §4.5).
 */

#include "proto/rtcp.h"

/* It is now this for who reports. */
void sl_xr_build_rrtr(struct wr *w, uint32_t sender, uint64_t ntp);

/* What a sender says to a receiver. */
struct xr_dlrr {
    uint32_t ssrc; /* the receiver's */
    uint32_t lrr;  /* middle of the NTP time of its last reference time; 0: none came */
    uint32_t dlrr; /* since then, in 1/65536 s */
};

/* Walks what is said in an extended report; start with zero and its body. */
struct xr_walk {
    struct rd blocks, said;
};

struct xr_walk sl_xr_walk_of(const struct rtcp *p);
bool sl_xr_dlrr_next(struct xr_walk *it, struct xr_dlrr *ret);
