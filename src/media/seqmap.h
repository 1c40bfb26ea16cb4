#pragma once

/*
 * From the numbers of a source to those of one outgoing RTP stream, and back.
 *
 * The output is one stream without end, whatever it is made of: numbers go on when the
 * source is replaced, and timestamps with them. A packet that is not forwarded on purpose
 * leaves no gap. A packet that was lost on its way to us leaves one, so that the receiver
 * asks for it, and its number stays reserved until it comes. No number is given twice.
 *
 * For the last numbers it is remembered what was sent under them: few at first, and more as
 * more is sent, since most viewers get little. All numbers are unwrapped (unwrap.h) and below
 * 2^48; the map is plain data but for where it lies in memory.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

enum {
    SEQMAP_RESENDS_MAX = 10, /* as often as browsers ask for a packet */
    SEQMAP_MIN = 128,        /* numbers remembered at first: 3 kB, 0.4 s of 3 Mbit/s */
};

struct seqmap;

struct seqmap_conf {
    uint64_t
        first; /* output number to begin with; below 2^15, for SRTP's roll-over guess */
    uint32_t first_ts;
    uint16_t slots; /* numbers that may be remembered, 24 octets each: a power of two, of
                       which SEQMAP_MIN are there at first; 0: nothing is resent (audio) */
};

/* NULL when memory ends. Free takes NULL. Before the first switch nothing passes. */
struct seqmap *sl_seqmap_new(const struct seqmap_conf *conf);
void sl_seqmap_free(struct seqmap *m);

/* Packets come from another source from now on, or from the same after a pause. Its first
 * has number seq and time ts, and goes out with the time out_ts, or one tick after what was
 * sent before if that is later. Returns the generation, by which the caller knows the
 * source again: 1, then one more each time, modulo 2^16. */
uint16_t sl_seqmap_switch(struct seqmap *m, uint64_t seq, uint32_t ts, uint32_t out_ts);

/* An out_ts for a source whose clock says nothing about the last one's: as much later than
 * the last frame as its sending is ago. */
uint32_t sl_seqmap_ts_at(const struct seqmap *m, usec now, uint32_t clock_hz);

struct seqmap_out {
    uint64_t seq;
    uint32_t ts;
};

/* Forwards a packet of the source. facts: whatever the caller needs to write its header
 * again. E_ABSENT: older than the source's first, or its gap was closed, or too late for
 * what is remembered; E_EXISTS: passed or dropped before. */
MUST_USE enum err sl_seqmap_pass(struct seqmap *m, uint64_t seq, uint32_t ts,
                                 uint64_t facts, usec now, struct seqmap_out *ret);

/* A packet of the source is not forwarded. True: it came late, and *hole had been reserved
 * for it; the receiver will ask for that in vain, unless an empty packet fills it now. */
bool sl_seqmap_drop(struct seqmap *m, uint64_t seq, uint64_t *hole);

struct seqmap_sent {
    uint64_t seq; /* of the source */
    uint64_t facts;
    uint32_t ts; /* as it went out */
    uint16_t generation;
};

/* The receiver asks for out (unwrap it by sl_seqmap_next). E_ABSENT: not sent, or too long
 * ago; E_EARLY: resent less than min_resend ago; E_FULL: resent too often, *ret is written. */
MUST_USE enum err sl_seqmap_resend(struct seqmap *m, uint64_t out, usec now,
                                   usec min_resend, struct seqmap_sent *ret);

/* Makes room to remember what is sent in two seconds, if it can. To be called each second, and
 * when the receiver asks; not for each packet. */
void sl_seqmap_fit(struct seqmap *m, usec now);

/* The number that the next packet in order will get. */
uint64_t sl_seqmap_next(const struct seqmap *m);

/* Starts to bring into the cache what the next sl_seqmap_pass writes. */
void sl_seqmap_fetch(const struct seqmap *m);
