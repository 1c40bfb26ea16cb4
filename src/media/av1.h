#pragma once

/*
 * AV1 payloads: the aggregation header and the first OBUs ("RTP Payload Format For AV1" 1.0,
 * §4), for streams without a dependency descriptor.
 *
 * Of a packet that continues an OBU only its place in the temporal unit is known: layers are
 * named by OBU headers, which stand at the beginning. So layers can be chosen among only with
 * the descriptor, which browsers always offer.
 */

#include "media/payload.h"

/* E_MALFORMED: no OBU, or one that is longer than the payload. */
MUST_USE enum err sl_av1_read(struct span in, bool marker, struct payload *ret);
