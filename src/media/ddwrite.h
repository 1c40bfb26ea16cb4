#pragma once

/*
 * Dependency descriptors as they go out: with another frame number, and with the decode
 * targets that a viewer gets ("RTP Payload Format For AV1" 1.0, A.8.2).
 *
 * Where layers are left out, the decode targets that have them are not active for the viewer,
 * and nobody waits for their frames. The descriptor may get longer by that.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#include "media/dd.h"

enum {
    DD_OCTETS_MAX = 255, /* of the extension that it is */
    DD_ACTIVE_MAX = 16,  /* targets of a structure whose active ones can be told */
    DD_GROWTH_MAX = 3,   /* octets, by those and the flags before them */
};

/* Can be told in this descriptor. */
static inline bool dd_tellable(const struct dd_place *at)
{
    return at->targets_n > 0 && at->targets_n <= DD_ACTIVE_MAX;
}

/* Writes the frame number into n octets that were copied from a packet. */
static inline void dd_number(uint8_t *dd, uint16_t frame)
{
    dd[1] = (uint8_t)(frame >> 8);
    dd[2] = (uint8_t)frame;
}

/* Writes the descriptor `in`, read with place `at`, with these targets active, a bit for each,
 * the first lowest. Returns its octets; 0: it does not fit into DD_OCTETS_MAX. */
size_t sl_dd_write(struct span in, const struct dd_place *at, uint32_t active,
                   uint8_t ret[DD_OCTETS_MAX]);
