#include "media/opus.h"

enum {
    DTX_MAX =
        2, /* octets; a packet this short tells that nothing is said: RFC 7587 §3.1.3 */
    F_BIT = 0x80,
    PT_MASK = 0x7f,
    LENGTH_MASK = 0x3ff, /* of a redundant block: the low 10 bits of its header */
    LENGTH_BITS = 10,
};

enum err sl_opus_read(struct span in, struct payload *ret)
{
    if (in.n == 0)
        return E_MALFORMED;
    *ret = payload_audio();
    ret->dtx = in.n <= DTX_MAX;
    return E_OK;
}

enum err sl_red_read(struct span in, struct payload *ret)
{
    struct span primary;
    uint8_t pt;
    if (sl_red_primary(in, &pt, &primary))
        return E_MALFORMED;
    if (primary.n > 0)
        return sl_opus_read(primary, ret);
    *ret = payload_audio();
    ret->dtx = true;
    return E_OK;
}

enum err sl_red_primary(struct span in, uint8_t *pt, struct span *ret)
{
    struct rd r = rd_of(in);
    size_t older = 0;
    uint8_t b = rd_u8(&r);
    for (; b & F_BIT; b = rd_u8(&r)) {
        rd_u8(&r); /* with the upper 6 bits of the next: how much older, in ticks */
        older += rd_u16(&r) & LENGTH_MASK;
    }
    (void)rd_take(&r, older);
    if (r.bad)
        return E_MALFORMED;
    *pt = b & PT_MASK;
    *ret = rd_rest(&r);
    return E_OK;
}

void sl_red_write(struct wr *w, uint8_t pt, const struct red_block *older, size_t n,
                  struct span primary)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t facts = older[i].age << LENGTH_BITS | (uint32_t)older[i].payload.n;
        wr_u8(w, F_BIT | pt);
        wr_u8(w, facts >> 16);
        wr_u16(w, facts);
    }
    wr_u8(w, pt);
    for (size_t i = 0; i < n; i++)
        wr_span(w, older[i].payload);
    wr_span(w, primary);
}
