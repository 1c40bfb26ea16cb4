#pragma once

/*
 * What one RTP payload means to a forwarder, found once when the packet comes in.
 *
 * Can a viewer begin here? Which layer is this? Which octets name the picture? It is read
 * from the dependency descriptor where there is one, and else from the codec's own payload
 * header: a payload whose sender encrypts end to end is not looked at beyond the VP8 or VP9
 * descriptor, which such senders leave in the clear. Nothing is decoded.
 *
 * struct payload is a plain value; it goes into the packet's meta.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#include "media/dd.h"
#include "media/layer.h"
#include "proto/params.h"

enum { PAYLOAD_IDS_MAX = 5 };

struct payload {
    uint16_t picture_id; /* VP8 and VP9, 7 or 15 bits, if pid_at is not 0 */
    uint16_t dd_frame;   /* frame number of the dependency descriptor, if has_dd */
    uint8_t tl0picidx;   /* VP8 and VP9, if tl0_at is not 0 */
    uint8_t spatial;     /* layer, 0 is the base */
    uint8_t temporal;
    /* Sets of layers, by layer_at: whose viewers need the frame; and which may be given from
     * it on, to one of those viewers, or, with sync, to one who has the temporal layer below
     * the frame's. With a key anything may begin. */
    uint16_t in, begin;
    struct dd_place dd; /* where the descriptor says which layers there are */
    uint8_t pid_at;     /* where the ids are in the payload; 0: not there */
    uint8_t tl0_at;
    uint8_t ids_n; /* first octets of the payload, up to the end of the last id */
    bool long_id;  /* the picture id has 15 bits */

    /* First packet of a frame that needs no other. H.264 and H.265 may send parameter sets
     * and slices in packets of their own, and then each says this; the producer takes the
     * first. Audio: always. */
    bool key;
    bool start; /* first packet of a frame of this layer; in H.264, H.265, AV1: a guess */
    bool end;   /* last packet of it; in those three codecs: the marker */
    bool sync;
    bool counted; /* picture ids count pictures: a gap among them is taken for a loss */
    bool discardable; /* no other frame refers to it */
    bool empty;       /* no media: a probe's padding, or a keep-alive */
    bool dtx;         /* the codec says: silence, and more silence until I speak */
    bool has_dd;
};

/* Reads the payload of one packet. ext: the dependency-descriptor extension, n = 0 without;
 * dd: what was learnt from those of the same RTP stream, may be NULL when not negotiated.
 * E_MALFORMED: no such payload; E_UNSUPPORTED: not a codec, or an H.264 packet of
 * interleaved mode, which WebRTC does not use. */
MUST_USE enum err sl_payload_read(enum codec codec, struct span in, bool marker,
                                  struct span ext, struct dd *dd, struct payload *ret);

/* Writes the first p->ids_n octets of the payload `in` to ret, with other ids; of a short
 * picture id the lower 7 bits. *p is what sl_payload_read made of `in`. */
void sl_payload_renumber(const struct payload *p, struct span in, uint16_t picture_id,
                         uint8_t tl0picidx, uint8_t ret[PAYLOAD_IDS_MAX]);
