#include "media/av1.h"

enum {
    Z_BIT = 0x80,
    W_SHIFT = 4,
    W_MASK = 3,
    N_BIT = 0x08
};                       /* aggregation header, §4.4 */
enum { LEB128_MAX = 8 }; /* octets of a length; AV1 §4.10.5 */

/* OBU header, AV1 §5.3.2 and §5.3.3. */
enum { OBU_TYPE_SHIFT = 3, OBU_TYPE_MASK = 15, OBU_EXT = 0x04, OBU_HAS_SIZE = 0x02 };
enum { OBU_TID_SHIFT = 5, OBU_SID_SHIFT = 3, OBU_SID_MASK = 3 };
enum {
    OBU_SEQUENCE_HEADER = 1,
    OBU_TEMPORAL_DELIMITER = 2,
    OBU_FRAME_HEADER = 3,
    OBU_METADATA = 5,
    OBU_FRAME = 6,
};

/* AV1 §5.9.2: show_existing_frame and frame_type, and both 0 for a new key frame. */
enum { FRAME_KIND_MASK = 0xe0 };

static size_t rd_leb128(struct rd *r)
{
    size_t v = 0;
    for (unsigned i = 0; i < LEB128_MAX; i++) {
        uint8_t b = rd_u8(r);
        v |= (size_t)(b & 0x7f) << 7 * i;
        if (!(b & 0x80))
            return v;
    }
    r->bad = true;
    return 0;
}

/* The next OBU element, §4.3. left: how many there are, or 0 when each has its length. */
static struct rd rd_element(struct rd *r, unsigned left)
{
    return rd_of(left == 1 ? rd_rest(r) : rd_span(r, rd_leb128(r)));
}

enum err sl_av1_read(struct span in, bool marker, struct payload *ret)
{
    struct rd r = rd_of(in);
    struct payload p = {.end = marker};
    uint8_t b0 = rd_u8(&r);
    unsigned left = b0 >> W_SHIFT & W_MASK;
    bool counted = left > 0;
    bool sequence = false;

    if (b0 & Z_BIT) {
        struct rd rest = rd_element(&r, left);
        if (r.bad || rest.n == 0)
            return E_MALFORMED;
        *ret = p;
        return E_OK;
    }
    for (bool first = true; first || (counted ? left > 0 : r.n > 0); left -= counted) {
        struct rd obu = rd_element(&r, left);
        uint8_t h = rd_u8(&obu);
        uint8_t ext = h & OBU_EXT ? rd_u8(&obu) : 0;
        unsigned type = h >> OBU_TYPE_SHIFT & OBU_TYPE_MASK;
        if (h & OBU_HAS_SIZE)
            rd_leb128(&obu);
        if (r.bad || obu.bad)
            return E_MALFORMED;
        if (first)
            p.start = type == OBU_SEQUENCE_HEADER || type == OBU_TEMPORAL_DELIMITER ||
                      type == OBU_FRAME_HEADER || type == OBU_METADATA ||
                      type == OBU_FRAME;
        first = false;
        sequence |= type == OBU_SEQUENCE_HEADER;
        if (h & OBU_EXT) {
            p.temporal = ext >> OBU_TID_SHIFT;
            p.spatial = ext >> OBU_SID_SHIFT & OBU_SID_MASK;
        }
        if (type == OBU_FRAME || type == OBU_FRAME_HEADER) {
            p.key = sequence && obu.n > 0 && !(obu.p[0] & FRAME_KIND_MASK);
            break;
        }
    }
    /* N: first packet of a coded video sequence (§4.4). Some senders leave it out, so a
     * sequence header with a key frame behind it counts as well. */
    p.key |= (b0 & N_BIT) != 0;
    p.switch_to = p.key ? LAYERS_ALL : 0;
    *ret = p;
    return E_OK;
}
