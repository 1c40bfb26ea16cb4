#pragma once

/* For tests: packets of which some are lost, and others come after those behind them. */

#include <string.h>

#include "base/rng.h"

#include "proto/rtp.h"

enum { UNRULY_HELD = 64, UNRULY_OCTETS = 160, UNRULY_FRAMES = 4 };

struct unruly_held {
    struct rtp rtp;
    uint64_t seq;
    uint8_t payload[UNRULY_OCTETS], ext[UNRULY_OCTETS];
    int until; /* the frame that it comes after */
};

/* Zero but for what is given. */
struct unruly {
    struct rng *rng;
    void (*give)(const struct rtp *r, uint64_t seq); /* seq: with roll-overs */
    unsigned lost, late;                             /* of 1000 packets */
    size_t lost_n;
    size_t held_n;
    struct unruly_held held[UNRULY_HELD];
};

static inline unsigned unruly_chance(struct unruly *u, unsigned n)
{
    return (unsigned)(sl_rng_u64(u->rng) % n);
}

/* A packet of this frame: lost, given at once, or up to so many frames later. */
static inline void unruly_pass(struct unruly *u, const struct rtp *r, uint64_t seq,
                               int frame)
{
    if (unruly_chance(u, 1000) < u->lost) {
        u->lost_n++;
        return;
    }
    if (unruly_chance(u, 1000) >= u->late || u->held_n == UNRULY_HELD ||
        r->payload.n > UNRULY_OCTETS || r->ext.n > UNRULY_OCTETS) {
        u->give(r, seq);
        return;
    }
    struct unruly_held *h = &u->held[u->held_n++];
    h->rtp = *r;
    h->seq = seq;
    memcpy(h->payload, r->payload.p, r->payload.n);
    if (r->ext.n > 0)
        memcpy(h->ext, r->ext.p, r->ext.n);
    h->until = frame + (int)unruly_chance(u, UNRULY_FRAMES);
}

/* The frame is sent: gives what waited for that. */
static inline void unruly_sent(struct unruly *u, int frame)
{
    size_t left = 0;
    for (size_t i = 0; i < u->held_n; i++) {
        struct unruly_held h = u->held[i];
        if (h.until > frame) {
            u->held[left++] = h;
            continue;
        }
        h.rtp.payload.p = h.payload;
        h.rtp.ext.p = h.ext;
        u->give(&h.rtp, h.seq);
    }
    u->held_n = left;
}
