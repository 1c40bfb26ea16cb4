#pragma once

/*
 * H.265 payloads: RFC 7798, without DONL fields (sprop-max-don-diff 0, as WebRTC has it).
 *
 * Parameter sets and intra random access pictures are keys, as in h264.h. The temporal layer
 * stands in every NAL unit header.
 */

#include "media/payload.h"

/* E_MALFORMED: no temporal layer, or a NAL unit that ends too early; E_UNSUPPORTED: PACI, or
 * a type that RFC 7798 leaves open. */
MUST_USE enum err sl_h265_read(struct span in, bool marker, struct payload *ret);
