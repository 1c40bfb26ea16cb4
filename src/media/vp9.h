#pragma once

/*
 * VP9 payloads: the descriptor of RFC 9628 §4.2.
 *
 * All spatial layers of a picture share one timestamp; `start` and `end` are those of one
 * layer's frame, and the marker, which ends the picture, is not needed for them. A picture
 * that refers to no other and comes in the base layer is a key.
 */

#include "media/payload.h"

/* E_MALFORMED: the payload ends in the descriptor or right behind it, or names more than
 * three reference pictures. */
MUST_USE enum err sl_vp9_read(struct span in, struct payload *ret);
