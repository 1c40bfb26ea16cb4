#include "media/vla.h"

enum { STREAM_SHIFT = 6, STREAMS_SHIFT = 4, TWO_BITS = 3, SIZES_MASK = 15 };
enum { SIZE_OCTETS = 5, LEB128_MAX = 5 };

static uint32_t rd_leb128(struct rd *r)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < LEB128_MAX; i++) {
        uint8_t b = rd_u8(r);
        v |= (uint64_t)(b & 0x7f) << 7 * i;
        if (!(b & 0x80)) {
            r->bad |= v > UINT32_MAX;
            return (uint32_t)v;
        }
    }
    r->bad = true;
    return 0;
}

/* The sizes of each stream, 4 bits: once for all, or, where that is 0, for each. */
static void rd_sizes(struct rd *r, unsigned common, unsigned n, uint8_t ret[])
{
    unsigned both = 0;
    for (unsigned i = 0; i < n; i++) {
        if (common == 0 && i % 2 == 0)
            both = rd_u8(r);
        ret[i] = (uint8_t)(common ? common : both >> (i % 2 ? 0 : 4) & SIZES_MASK);
    }
}

/* The layers that are sent, in their order. */
static unsigned active(struct vla *v, const uint8_t sizes[],
                       struct vla_layer *ret[VLA_STREAMS_MAX * VLA_SPATIALS_MAX])
{
    unsigned n = 0;
    for (unsigned i = 0; i < v->streams_n; i++)
        for (unsigned s = 0; s < VLA_SPATIALS_MAX; s++)
            if (sizes[i] >> s & 1)
                ret[n++] = &v->layers[i][s];
    return n;
}

enum err sl_vla_read(struct span in, struct vla *ret)
{
    struct rd r = rd_of(in);
    struct vla v = {0};
    struct vla_layer *layers[VLA_STREAMS_MAX * VLA_SPATIALS_MAX];
    uint8_t sizes[VLA_STREAMS_MAX];
    uint8_t b0 = rd_u8(&r);
    unsigned four = 0;

    /* A single 0: nothing is sent. */
    if (in.n == 1 && b0 == 0) {
        *ret = (struct vla){.streams_n = 1};
        return E_OK;
    }
    v.stream = b0 >> STREAM_SHIFT;
    v.streams_n = (uint8_t)((b0 >> STREAMS_SHIFT & TWO_BITS) + 1);
    rd_sizes(&r, b0 & SIZES_MASK, v.streams_n, sizes);
    unsigned n = active(&v, sizes, layers);
    for (unsigned i = 0; i < n; i++) {
        if (i % 4 == 0)
            four = rd_u8(&r);
        layers[i]->temporals = (uint8_t)((four >> (6 - i % 4 * 2) & TWO_BITS) + 1);
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned t = 0; t < layers[i]->temporals; t++)
            layers[i]->kbps[t] = rd_leb128(&r);
    for (unsigned i = 0; i < n && r.n >= SIZE_OCTETS; i++) {
        layers[i]->width = rd_u16(&r) + 1U;
        layers[i]->height = rd_u16(&r) + 1U;
        layers[i]->fps = rd_u8(&r);
    }
    if (r.bad)
        return E_MALFORMED;
    *ret = v;
    return E_OK;
}
