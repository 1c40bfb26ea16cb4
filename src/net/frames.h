#pragma once

/*
 * Datagrams out of a byte stream: each stands behind its length in two octets (RFC 4571 §2).
 *
 * Octets are read straight into its room, and frames are taken out as they are whole. Whoever
 * connects chooses the lengths, so one that no datagram of ours has ends it: to read over it
 * would be work for nobody. A value without pointers, of one page.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pkt.h"
#include "base/span.h"

enum { FRAMES_HEAD = 2, FRAMES_ROOM = 4096 - 4 };
_Static_assert(FRAMES_ROOM >= FRAMES_HEAD + PKT_CAP, "a frame fits");

struct frames {
    uint16_t at, n; /* what was not taken yet: bytes[at] to bytes[n] */
    uint8_t bytes[FRAMES_ROOM];
};

/* Where to read to; *n is at least one once sl_frames_next gave E_SHORT. */
uint8_t *sl_frames_room(struct frames *f, size_t *n);

/* n octets were read there. */
void sl_frames_put(struct frames *f, size_t n);

/* The next frame, valid until room is asked for. Those without an octet are passed over.
 * E_SHORT: it is not whole yet; E_MALFORMED: longer than PKT_CAP, nothing follows. */
MUST_USE enum err sl_frames_next(struct frames *f, struct span *ret);
