#pragma once

/*
 * What was sent on a transport under its last transport-wide numbers: when, and how much.
 *
 * A ring that the low bits of the number lead into. An entry is written at once: this is done
 * for each packet that leaves. Feedback tells the fate of a packet at most twice, as lost and
 * then as received; what it repeats is not told again. The ring is small at first, and grows
 * with what is on its way, since most viewers are near and get little.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

enum {
    SENTLOG_MIN = 128, /* slots at first: 1.5 kB, 0.4 s of 3 Mbit/s */
    SENTLOG_MAX =
        2048, /* 0.4 s, a long round trip and the wait for feedback, of 5000/s */
    SENTLOG_USED = 0x01,
    SENTLOG_LOST = 0x02,
    SENTLOG_DONE = 0x04,
};

struct sent {
    uint32_t at; /* microseconds, modulo 71 minutes */
    uint16_t seq;
    uint16_t octets;
    uint8_t cluster; /* of a probe; 0: none */
    uint8_t flags;
};

/* Zero is one that holds nothing. */
struct sentlog {
    struct sent *sent;
    uint16_t mask; /* slots less one */
};

/* What is known of one packet, once its fate is. */
struct sent_fate {
    usec at;
    uint16_t octets;
    uint8_t cluster;
    bool was_lost; /* it had been told to be lost before */
};

/* E_MEMORY. */
MUST_USE enum err sl_sentlog_init(struct sentlog *l);
void sl_sentlog_fini(struct sentlog *l);

/* So many packets are on their way: makes room for twice as many, if it can. Not for each
 * packet. */
void sl_sentlog_fit(struct sentlog *l, uint16_t on_way);

static inline void sentlog_put(const struct sentlog *l, uint16_t seq, size_t octets,
                               uint8_t cluster, usec now)
{
    l->sent[seq & l->mask] = (struct sent){.at = (uint32_t)now,
                                           .seq = seq,
                                           .octets = (uint16_t)octets,
                                           .cluster = cluster,
                                           .flags = SENTLOG_USED};
}

/* Starts to bring into the cache what is known of packets from seq on. */
static inline void sentlog_fetch(const struct sentlog *l, uint16_t seq)
{
    __builtin_prefetch(&l->sent[seq & l->mask], 1);
}

/* False: not sent, too long ago, or this was told before. */
bool sl_sentlog_received(const struct sentlog *l, uint16_t seq, usec now,
                         struct sent_fate *ret);
bool sl_sentlog_lost(const struct sentlog *l, uint16_t seq, usec now,
                     struct sent_fate *ret);
