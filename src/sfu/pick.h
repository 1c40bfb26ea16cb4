#pragma once

/*
 * Of the encoding that a consumer forwards, the layers that it passes on, and what its headers
 * have to say because others are left out: the marker of the last packet of a picture, the
 * decode targets that are active, VP8's picture ids without gaps.
 *
 * What is found is written into the facts of the packet, so that it is resent as it was.
 */

#include <stdbool.h>
#include <stdint.h>

#include "media/ddwrite.h"
#include "media/gate.h"
#include "media/layerrate.h"
#include "media/picmap.h"

struct consumer;
struct encoding;
struct media_pkt;

struct pick {
    bool asked; /* layers are left out, or were: else everything passes */
    bool told;  /* the receiver was told that decode targets are not active */
    bool
        small; /* AV1 for who has no descriptors, and cannot tell sizes apart: the lowest */
    struct gate gate;
    struct picgaps gaps;
};

/* In the facts of a packet, above those of the consumer. */
enum {
    PICK_TELL = 1 << 4, /* which targets are active: at PICK_ACTIVE, DD_ACTIVE_MAX bits */
    PICK_ACTIVE = 16,
    PICK_GAPS = 32, /* pictures that were left out before this one, 16 bits */
};

/* The consumer begins with this packet of a key picture of its encoding. */
void sl_pick_begin(struct consumer *c, const struct media_pkt *m);

/* What is wanted, or what there is, may have changed. True: a key picture is needed. */
bool sl_pick_review(struct consumer *c);

/* For c->pick.asked only. False: the packet is left out. */
bool sl_pick_pass(struct consumer *c, const struct media_pkt *m, uint64_t *facts);

static inline uint16_t pick_gaps(uint64_t facts)
{
    return (uint16_t)(facts >> PICK_GAPS);
}

/* Writes the dependency descriptor of a packet to ret, in which there is room for
 * DD_OCTETS_MAX; returns its octets. */
size_t sl_pick_write_dd(uint64_t facts, const struct picmap *shift,
                        const struct payload *p, struct span dd, uint8_t *ret);
