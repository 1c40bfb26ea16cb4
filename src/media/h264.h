#pragma once

/*
 * H.264 payloads: RFC 6184, packetization modes 0 and 1 (single NAL units, STAP-A, FU-A).
 *
 * Parameter sets are key, as the IDR picture behind them is: a viewer that begins with the
 * one gets the other. The beginning of a picture shows in its first slice, or in the units
 * that may only stand before it.
 */

#include "media/payload.h"

/* E_MALFORMED: an undefined NAL unit type, or one that ends too early; E_UNSUPPORTED: a
 * packet of interleaved mode (STAP-B, MTAP, FU-B). */
MUST_USE enum err sl_h264_read(struct span in, bool marker, struct payload *ret);
