#include "media/h265.h"

enum { HEADER_N = 2, TYPE_SHIFT = 9, TYPE_MASK = 0x3f, TID_MASK = 7 }; /* of 16 bits */
enum { FU_START = 0x80, FIRST_SLICE = 0x80 };

/* NAL unit types: H.265 table 7-1, RFC 7798 §4.4. */
enum {
    NAL_TSA_N = 2,
    NAL_TSA_R = 3,
    NAL_STSA_N = 4,
    NAL_STSA_R = 5,
    NAL_SUB_LAYER_LAST =
        15, /* up to here even types are not referred to in their layer */
    NAL_IRAP = 16,
    NAL_IRAP_LAST = 23,
    NAL_VCL_LAST = 31,
    NAL_VPS = 32,
    NAL_SPS = 33,
    NAL_PPS = 34,
    NAL_AUD = 35,
    NAL_PREFIX_SEI = 39,
    NAL_AP = 48,
    NAL_FU = 49,
};

static void look(struct payload *p, bool first, unsigned type, struct span body)
{
    bool slice = type <= NAL_VCL_LAST;
    bool begins = slice && body.n > 0 && body.p[0] & FIRST_SLICE;
    bool irap = type >= NAL_IRAP && type <= NAL_IRAP_LAST;

    if (first)
        p->start =
            begins || (type >= NAL_VPS && type <= NAL_AUD) || type == NAL_PREFIX_SEI;
    if (slice) {
        p->discardable = type <= NAL_SUB_LAYER_LAST && type % 2 == 0;
        bool tsa = type == NAL_TSA_N || type == NAL_TSA_R;
        bool stsa = type == NAL_STSA_N || type == NAL_STSA_R;
        p->sync = tsa || stsa;
        p->begin = tsa ? layer_above(0, p->temporal) : stsa ? layer_rate(p->temporal) : 0;
    }
    p->key |= type == NAL_VPS || type == NAL_SPS || (irap && begins);
}

enum err sl_h265_read(struct span in, bool marker, struct payload *ret)
{
    struct rd r = rd_of(in);
    unsigned h = rd_u16(&r);
    unsigned type = h >> TYPE_SHIFT & TYPE_MASK;
    unsigned tid = h & TID_MASK;
    if (r.bad || tid == 0)
        return E_MALFORMED;

    struct payload p = {.temporal = (uint8_t)(tid - 1), .end = marker};
    if (type == NAL_FU) {
        uint8_t fu = rd_u8(&r);
        if (r.n == 0)
            return E_MALFORMED;
        look(&p, true, fu & TYPE_MASK, (struct span){r.p, r.n});
        if (!(fu & FU_START))
            p.key = p.start = false;
    } else if (type == NAL_AP) {
        for (bool first = true; r.n > 0 || first; first = false) {
            struct rd nal = rd_of(rd_span(&r, rd_u16(&r)));
            unsigned nh = rd_u16(&nal);
            if (nal.bad)
                return E_MALFORMED;
            look(&p, first, nh >> TYPE_SHIFT & TYPE_MASK, rd_rest(&nal));
        }
    } else if (type > NAL_FU) {
        return E_UNSUPPORTED;
    } else {
        look(&p, true, type, rd_rest(&r));
    }
    p.start |= p.key;
    *ret = p;
    return E_OK;
}
