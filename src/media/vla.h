#pragma once

/*
 * The header extension video-layers-allocation00: what a publisher means to send in each
 * layer of each encoding (webrtc.org/experiments/rtp-hdrext/video-layers-allocation00).
 *
 * Browsers send it with key frames, and when it changes. Rates are targets, in kbit/s, of a
 * temporal layer with those below it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum { VLA_STREAMS_MAX = 4, VLA_SPATIALS_MAX = 4, VLA_TEMPORALS_MAX = 4 };

struct vla_layer {
    uint8_t temporals; /* 0: it is not sent */
    uint8_t fps;       /* these three are 0 where they are not told */
    uint32_t width, height;
    uint32_t kbps[VLA_TEMPORALS_MAX];
};

struct vla {
    uint8_t stream; /* the number of the encoding that carried it */
    uint8_t streams_n;
    struct vla_layer layers[VLA_STREAMS_MAX][VLA_SPATIALS_MAX];
};

/* E_MALFORMED: it ends too early, or a number is too large. */
MUST_USE enum err sl_vla_read(struct span in, struct vla *ret);
