#pragma once

/*
 * The receiving side of transport-wide congestion control: when each packet of a transport
 * came, told to its sender (draft-holmer-rmcat-transport-wide-cc-extensions-01).
 *
 * A window of the last sequence numbers; feedback tells of everything from where the last
 * one ended to the highest that came. A packet that comes late, after it was told to be
 * missing, moves the next feedback's start back to it; senders take that as they take
 * feedback that comes twice. A value without pointers, zero is new. One thread.
 */

#include "base/clock.h"
#include "base/span.h"

enum {
    TWCC_WINDOW = 1024,   /* a power of two; 100 ms at 100 Mbit/s of full packets */
    TWCC_FB_MIN = 64,     /* octets that one feedback needs at the least */
    TWCC_FB_OCTETS = 1200 /* and has at the most, to fit any path */
};

struct twcc {
    int64_t top;  /* the highest that came, unwrapped; 0: none */
    int64_t next; /* where the next feedback starts */
    uint64_t too_late, duplicates;
    int32_t restart; /* the number that would show that the sender counts anew, or -1 */
    uint8_t fb_count;
    usec at[TWCC_WINDOW]; /* arrival of each, by the low bits of its number; 0: missing */
};

/* A packet with this transport-wide number came; at > 0, on any clock that stays the same. */
void sl_twcc_add(struct twcc *t, uint16_t seq, usec at);

/* Starts to bring into the cache where the next one is written down. */
static inline void twcc_fetch(const struct twcc *t)
{
    __builtin_prefetch(&t->at[(size_t)(t->top + 1) % TWCC_WINDOW], 1);
}

/* Whether there is anything to tell, and whether so much that it should be told now. */
bool sl_twcc_pending(const struct twcc *t);
bool sl_twcc_urgent(const struct twcc *t);

/* Appends one feedback packet of at most TWCC_FB_OCTETS. False, and nothing written: nothing
 * is pending, or w has less than TWCC_FB_MIN left. Call it until then: what does not fit, or
 * came too long after the rest for its delta, goes into the next. It may be padded, so it
 * stands last in a compound. media: any SSRC of the transport. */
bool sl_twcc_build(struct twcc *t, uint32_t sender, uint32_t media, struct wr *w);
