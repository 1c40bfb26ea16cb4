#pragma once

/* VP8 payloads: the descriptor of RFC 7741 §4.2 and the first octet of the frame, §4.3. */

#include "media/payload.h"

/* E_MALFORMED: the payload ends in the descriptor, or right behind it. */
MUST_USE enum err sl_vp8_read(struct span in, bool marker, struct payload *ret);
