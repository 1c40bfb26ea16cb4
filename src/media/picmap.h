#pragma once

/*
 * The names of pictures in an outgoing stream whose source is replaced: VP8 and VP9 picture
 * ids (RFC 7741 §4.2, RFC 9628 §4.2) and TL0PICIDX, and the frame numbers of dependency
 * descriptors.
 *
 * Receivers order frames by them, and take a number that goes back for an old frame, or one
 * that jumps for a loss. So a source that follows another goes on where that one ended: all
 * of it is shifted by what its first frame needs. Sizes do not change. Values without
 * pointers.
 */

#include "media/payload.h"

/* Where a stream stands, or how far it is shifted; modulo 2^15, 2^16, 2^8. Zero shifts
 * nothing. */
struct picmap {
    uint16_t picture_id, dd_frame;
    uint8_t tl0picidx;
};

/* Where a packet of the source stands. */
static inline struct picmap picmap_at(const struct payload *p)
{
    return (struct picmap){p->picture_id, p->dd_frame, p->tl0picidx};
}

static inline bool picmap_none(const struct picmap *shift)
{
    return shift->picture_id == 0 && shift->dd_frame == 0 && shift->tl0picidx == 0;
}

/* Where it stands in the output. */
struct picmap sl_picmap_out(struct picmap in, const struct picmap *shift);

/* The shift by which a frame that begins at first is the next one after last. */
struct picmap sl_picmap_follow(struct picmap last, struct picmap first);

/* Pictures that are left out of a stream whose ids count them (VP8): what follows moves up.
 * Remembers which of the last 64 were; a picture of which nothing came keeps its id free. */
struct picgaps {
    uint64_t dropped; /* of the pictures up to the newest, which is bit 0 */
    uint16_t newest;
    uint16_t n; /* dropped in all */
    bool begun;
};

/* A packet of the source passes, or is dropped as all of its picture is. Returns how many
 * pictures before its own were dropped. */
uint16_t sl_picgaps_note(struct picgaps *g, const struct payload *p, bool drop);

/* Writes the first p->ids_n octets of the payload `in`, shifted. */
void sl_picmap_write(const struct picmap *shift, const struct payload *p, struct span in,
                     uint8_t ret[PAYLOAD_IDS_MAX]);

/* Writes the frame number into a copy of the dependency descriptor of p. */
void sl_picmap_write_dd(const struct picmap *shift, const struct payload *p, uint8_t *dd);
