#include "media/h264.h"

enum { TYPE_MASK = 0x1f, NRI_MASK = 0x60, FU_START = 0x80 };
enum { FIRST_MB = 0x80 }; /* first_mb_in_slice is 0: its Exp-Golomb code is one set bit */

/* NAL unit types: H.264 table 7-1, RFC 6184 table 1. */
enum {
    NAL_SLICE = 1,
    NAL_SLICE_A = 2,
    NAL_IDR = 5,
    NAL_SEI = 6,
    NAL_SPS = 7,
    NAL_PPS = 8,
    NAL_AUD = 9,
    NAL_LAST = 23,
    NAL_STAP_A = 24,
    NAL_STAP_B = 25,
    NAL_MTAP24 = 27,
    NAL_FU_A = 28,
    NAL_FU_B = 29,
};

/* What one NAL unit says; nri is in the first octet. Body: what follows that. */
static void look(struct payload *p, bool first, unsigned nri, unsigned type,
                 struct span body)
{
    bool slice = type == NAL_SLICE || type == NAL_SLICE_A || type == NAL_IDR;
    bool begins = slice && body.n > 0 && body.p[0] & FIRST_MB;

    if (first)
        p->start = begins || (type >= NAL_SEI && type <= NAL_AUD);
    /* What nobody refers to is as good as a temporal layer of its own. */
    if (slice) {
        p->discardable = p->sync = nri == 0;
        p->temporal = nri == 0 ? 1 : 0;
        p->begin = nri == 0 ? layer_above(0, 1) : 0;
    }
    p->key |= type == NAL_SPS || (type == NAL_IDR && begins);
}

enum err sl_h264_read(struct span in, bool marker, struct payload *ret)
{
    struct rd r = rd_of(in);
    struct payload p = {.end = marker};
    uint8_t b0 = rd_u8(&r);
    unsigned type = b0 & TYPE_MASK;

    if (type == NAL_FU_A) {
        uint8_t fu = rd_u8(&r);
        if (r.n == 0)
            return E_MALFORMED;
        look(&p, true, b0 & NRI_MASK, fu & TYPE_MASK, (struct span){r.p, r.n});
        if (!(fu & FU_START))
            p.key = p.start = false;
    } else if (type == NAL_STAP_A) {
        for (bool first = true; r.n > 0 || first; first = false) {
            struct rd nal = rd_of(rd_span(&r, rd_u16(&r)));
            uint8_t h = rd_u8(&nal);
            if (nal.bad)
                return E_MALFORMED;
            look(&p, first, h & NRI_MASK, h & TYPE_MASK, rd_rest(&nal));
        }
    } else if ((type >= NAL_STAP_B && type <= NAL_MTAP24) || type == NAL_FU_B) {
        return E_UNSUPPORTED;
    } else if (r.bad || type == 0 || type > NAL_LAST) {
        return E_MALFORMED;
    } else {
        look(&p, true, b0 & NRI_MASK, type, rd_rest(&r));
    }
    p.start |= p.key;
    p.temporal = p.key ? 0 : p.temporal;
    p.sync &= !p.key;
    *ret = p;
    return E_OK;
}
