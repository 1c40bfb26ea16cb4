#pragma once

/*
 * What was sent on a transport under its last transport-wide numbers: when, and how much.
 *
 * A ring that the low bits of the number lead into; the others are remembered, so that the
 * number of another turn is not taken for this one. An entry has 8 octets and is written at
 * once: this is done for each packet that leaves. Feedback tells the fate of a packet at most
 * twice, as lost and then as received; what it repeats is not told again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum {
    SENTLOG_BITS = 11,
    /* 16 kB: 0.4 s, a long round trip and the wait for feedback, of 5000 packets/s. */
    SENTLOG_SLOTS = 1 << SENTLOG_BITS,
    SENTLOG_TURN = UINT16_MAX >> SENTLOG_BITS, /* bits of the number that are kept */
    SENTLOG_USED = 0x20,                       /* beside those bits, in `turn` */
    SENTLOG_LOST = 0x40,
    SENTLOG_DONE = 0x80,
};

struct sent {
    uint32_t at; /* microseconds, modulo 71 minutes */
    uint16_t octets;
    uint8_t cluster; /* of a probe; 0: none */
    uint8_t turn;
};

_Static_assert(sizeof(struct sent) == 8, "written for each packet");
_Static_assert(SENTLOG_TURN < SENTLOG_USED, "bits beside the turn");

/* What is known of one packet, once its fate is. */
struct sent_fate {
    usec at;
    uint16_t octets;
    uint8_t cluster;
    bool was_lost; /* it had been told to be lost before */
};

/* log has SENTLOG_SLOTS entries, zero at first. */
static inline void sentlog_put(struct sent *log, uint16_t seq, size_t octets,
                               uint8_t cluster, usec now)
{
    log[seq % SENTLOG_SLOTS] =
        (struct sent){.at = (uint32_t)now,
                      .octets = (uint16_t)octets,
                      .cluster = cluster,
                      .turn = (uint8_t)(SENTLOG_USED | seq >> SENTLOG_BITS)};
}

/* False: not sent, too long ago, or this was told before. */
bool sl_sentlog_received(struct sent *log, uint16_t seq, usec now, struct sent_fate *ret);
bool sl_sentlog_lost(struct sent *log, uint16_t seq, usec now, struct sent_fate *ret);
