#include "media/payload.h"

#include "media/av1.h"
#include "media/h264.h"
#include "media/h265.h"
#include "media/opus.h"
#include "media/vp8.h"
#include "media/vp9.h"

enum { LONG_ID = 0x80 }; /* VP8 and VP9: the picture id has 15 bits */

_Static_assert(sizeof(struct payload) <= 32, "it shares the packet's meta with others");

static enum err read_codec(enum codec codec, struct span in, bool marker,
                           struct payload *ret)
{
    switch (codec) {
    case CODEC_OPUS: return sl_opus_read(in, ret);
    case CODEC_RED: return sl_red_read(in, ret);
    case CODEC_VP8: return sl_vp8_read(in, marker, ret);
    case CODEC_VP9: return sl_vp9_read(in, ret);
    case CODEC_H264: return sl_h264_read(in, marker, ret);
    case CODEC_H265: return sl_h265_read(in, marker, ret);
    case CODEC_AV1: return sl_av1_read(in, marker, ret);
    case CODEC_G722:
    case CODEC_PCMU:
    case CODEC_PCMA: *ret = payload_audio(); return E_OK;
    case CODEC_NONE:
    case CODEC_RTX:
    case CODECS: break;
    }
    return E_UNSUPPORTED;
}

enum err sl_payload_read(enum codec codec, struct span in, bool marker, struct span ext,
                         struct dd *dd, struct payload *ret)
{
    struct dd_frame frame = {0};
    struct payload p = {0};
    enum err e = E_OK;

    /* A descriptor that cannot be read is as good as none. */
    bool has_dd = ext.n > 0 && dd && sl_dd_read(dd, ext, &frame) == E_OK;
    if (in.n == 0)
        p.empty = true;
    else if (!frame.known || codec == CODEC_VP8 || codec == CODEC_VP9)
        e = read_codec(codec, in, marker, &p);
    if (e)
        return e;

    if (p.key && sl_codec_kind(codec) == MEDIA_VIDEO)
        p.begin = LAYER_ANY;
    if (p.in == 0)
        p.in = layer_above(p.spatial, p.temporal);
    p.has_dd = has_dd;
    p.dd_frame = frame.number;
    p.dd = frame.place;
    if (frame.known && !p.empty) {
        p.key = frame.key;
        p.start = frame.start;
        p.end = frame.end;
        p.spatial = frame.spatial;
        p.temporal = frame.temporal;
        p.in = frame.in;
        p.begin = frame.key ? LAYER_ANY : frame.begin;
        p.sync = false;
        p.discardable = frame.discardable;
    }
    *ret = p;
    return E_OK;
}

void sl_payload_renumber(const struct payload *p, struct span in, uint16_t picture_id,
                         uint8_t tl0picidx, uint8_t ret[PAYLOAD_IDS_MAX])
{
    memcpy(ret, in.p, p->ids_n);
    if (p->pid_at && p->long_id) {
        ret[p->pid_at] = (uint8_t)(LONG_ID | picture_id >> 8);
        ret[p->pid_at + 1] = (uint8_t)picture_id;
    } else if (p->pid_at) {
        ret[p->pid_at] = picture_id & ~LONG_ID & 0xff;
    }
    if (p->tl0_at)
        ret[p->tl0_at] = tl0picidx;
}
