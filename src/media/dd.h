#pragma once

/*
 * The dependency descriptor ("RTP Payload Format For AV1" 1.0, appendix A): frames and
 * layers told in a header extension, for any codec.
 *
 * A key frame carries a structure, a list of templates; each frame names one of them. What
 * of the templates concerns forwarding is kept for each RTP stream: layers, and the marks
 * which say who needs the frame, and who may begin with it. What frames refer to (fdiffs,
 * chains) is passed over.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#include "media/layer.h"

enum { DD_TEMPLATES_MAX = 64, DD_TARGETS_MAX = 32 }; /* A.8.3: 6 and 5 bits */

struct dd_layer {
    uint8_t spatial, temporal;
};

struct dd_template {
    struct dd_layer layer;
    uint16_t in, begin; /* sets of layers, see struct payload */
    bool discardable;
};

/* Where a descriptor says which decode targets are active, or where it would: behind the
 * structure, if it has one. */
struct dd_place {
    uint16_t at;       /* in bits; 0: it has no extended fields */
    uint8_t targets_n; /* 0: not known */
    bool structure, said;
};

struct dd_size {
    uint16_t width, height;
};

/* The structure last seen on one RTP stream. Zero is none. */
struct dd {
    bool known;
    uint8_t offset; /* template id of templates[0] */
    uint8_t templates_n;
    uint8_t targets_n;
    uint16_t frame;  /* number of the frame that it came with */
    uint32_t active; /* of the targets, as was said last, a bit for each */
    struct dd_template templates[DD_TEMPLATES_MAX];
    struct dd_layer targets[DD_TARGETS_MAX]; /* the highest that a decode target has */
    uint8_t target_of[LAYERS];               /* by layer_at: the nearest */
    uint32_t within[LAYERS]; /* by the same: targets of which a viewer gets all */
    uint8_t sizes_n;
    struct dd_size sizes[LAYER_SPATIALS];
};

/* What one descriptor says; see struct payload. */
struct dd_frame {
    uint16_t number;
    bool known; /* its template is; else what follows is 0 */
    bool key;   /* begins the frame that carries a structure */
    bool start, end;
    bool discardable;
    uint8_t spatial, temporal;
    uint16_t in, begin;
    struct dd_place place;
};

/* Reads one extension, and keeps the structure that it may carry. On error dd is left alone.
 * A structure a little older than the one kept came late and is used for its own frame only.
 * E_MALFORMED: shorter than it says, or layers beyond 4 spatial and 8 temporal. */
MUST_USE enum err sl_dd_read(struct dd *dd, struct span ext, struct dd_frame *ret);
