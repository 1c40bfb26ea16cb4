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

struct obu {
    unsigned type;
    bool layered;
    uint8_t temporal, spatial;
    struct rd body;
};

/* The next OBU element, §4.3. left: how many there are, or 0 when each has its length. */
static struct rd rd_element(struct rd *r, unsigned left)
{
    return rd_of(left == 1 ? rd_rest(r) : rd_span(r, rd_leb128(r)));
}

/* Its header, AV1 §5.3. The element is bad when it does not hold that. */
static struct obu rd_obu(struct rd *r, unsigned left)
{
    struct rd body = rd_element(r, left);
    uint8_t h = rd_u8(&body);
    bool layered = h & OBU_EXT;
    uint8_t ext = layered ? rd_u8(&body) : 0;
    if (h & OBU_HAS_SIZE)
        rd_leb128(&body);
    return (struct obu){
        .type = h >> OBU_TYPE_SHIFT & OBU_TYPE_MASK,
        .layered = layered,
        .temporal = ext >> OBU_TID_SHIFT,
        .spatial = ext >> OBU_SID_SHIFT & OBU_SID_MASK,
        .body = body,
    };
}

static bool is_frame(const struct obu *o)
{
    return o->type == OBU_FRAME || o->type == OBU_FRAME_HEADER;
}

static bool may_begin(const struct obu *o)
{
    return is_frame(o) || o->type == OBU_SEQUENCE_HEADER ||
           o->type == OBU_TEMPORAL_DELIMITER || o->type == OBU_METADATA;
}

/* The OBUs of a packet, up to the first frame. */
static enum err read_obus(struct rd *r, unsigned left, struct payload *p)
{
    bool counted = left > 0;
    bool sequence = false;
    for (bool first = true; first || (counted ? left > 0 : r->n > 0); first = false) {
        struct obu o = rd_obu(r, left);
        if (r->bad || o.body.bad)
            return E_MALFORMED;
        left -= counted;
        if (first)
            p->start = may_begin(&o);
        if (o.layered) {
            p->temporal = o.temporal;
            p->spatial = o.spatial;
        }
        sequence |= o.type == OBU_SEQUENCE_HEADER;
        if (is_frame(&o)) {
            p->key = sequence && o.body.n > 0 && !(o.body.p[0] & FRAME_KIND_MASK);
            break;
        }
    }
    return E_OK;
}

enum err sl_av1_read(struct span in, bool marker, struct payload *ret)
{
    struct rd r = rd_of(in);
    struct payload p = {.end = marker};
    uint8_t b0 = rd_u8(&r);
    unsigned count = b0 >> W_SHIFT & W_MASK;

    if (b0 & Z_BIT) {
        struct rd rest = rd_element(&r, count);
        if (r.bad || rest.n == 0)
            return E_MALFORMED;
        *ret = p;
        return E_OK;
    }
    if (read_obus(&r, count, &p))
        return E_MALFORMED;
    /* N: first packet of a coded video sequence (§4.4). Some senders leave it out, so a
     * sequence header with a key frame behind it counts as well. It begins with the base
     * layer. */
    p.key = (p.key || (b0 & N_BIT)) && p.spatial == 0;
    p.start |= p.key;
    *ret = p;
    return E_OK;
}
