#pragma once

/*
 * The packets last received of one RTP stream, kept to answer NACKs of all its viewers.
 *
 * A ring indexed by the stream's unwrapped sequence number: lookup and insertion cost the
 * same whatever its size, and it never grows. It holds a reference to each packet, and gives
 * it up when the slot is used again or the packet is older than max_age. A packet's buffer is
 * of one size, whatever is in it, so that slots bound octets, too: PKT_CAP for each. For the
 * worker that owns the packets, and no other thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pkt.h"

struct history;

struct history_conf {
    uint16_t slots; /* a power of two: the most packets that are held */
    usec max_age;   /* since pkt->at; older packets are not given, and soon not held */
};

/* NULL when memory ends. Free gives up all packets; it takes NULL. */
struct history *sl_history_new(const struct history_conf *conf);
void sl_history_free(struct history *h);

/* Keeps pkt under seq by a reference of its own, unless one of seq, or a newer one in its
 * place, is there. Gives up what has become too old. */
void sl_history_put(struct history *h, uint64_t seq, struct pkt *pkt, usec now);

/* *ret is borrowed, valid until the next call that changes h. E_ABSENT: never here, or too
 * old. */
MUST_USE enum err sl_history_get(const struct history *h, uint64_t seq, usec now,
                                 struct pkt **ret);

/* Gives up what is too old; for a stream that fell silent. Call it each second or so. */
void sl_history_trim(struct history *h, usec now);

/* How many packets are held. */
size_t sl_history_held(const struct history *h);
