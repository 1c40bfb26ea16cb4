#include "proto/dcep.h"

enum { UNORDERED = 0x80 }; /* of the channel type, RFC 8832 §5.1 */

bool sl_dcep_text(struct dcep_text *ret, struct span text)
{
    if (text.n > DCEP_TEXT_MAX)
        return false;
    ret->n = (uint8_t)text.n;
    if (text.n > 0)
        memcpy(ret->p, text.p, text.n);
    return true;
}

static enum err parse_open(struct rd *r, struct dcep_open *ret)
{
    uint8_t kind = rd_u8(r);
    uint8_t reliability = kind & (uint8_t)~UNORDERED;
    ret->unordered = kind & UNORDERED;
    ret->priority = rd_u16(r);
    ret->limit = rd_u32(r);
    uint16_t label_n = rd_u16(r);
    uint16_t protocol_n = rd_u16(r);
    struct span label = rd_span(r, label_n);
    struct span protocol = rd_span(r, protocol_n);
    if (r->bad)
        return E_SHORT;
    if (reliability > DCEP_LIFETIME)
        return E_UNSUPPORTED;
    ret->reliability = reliability;
    if (reliability == DCEP_RELIABLE)
        ret->limit = 0; /* to be ignored, §5.1 */
    bool fit = sl_dcep_text(&ret->label, label) && sl_dcep_text(&ret->protocol, protocol);
    return fit ? E_OK : E_FULL;
}

enum err sl_dcep_parse(struct span in, struct dcep *ret)
{
    struct rd r = rd_of(in);
    struct dcep m = {0};
    uint8_t type = rd_u8(&r);
    if (r.bad)
        return E_SHORT;
    if (type != DCEP_ACK && type != DCEP_OPEN)
        return E_UNSUPPORTED;
    m.type = type;
    enum err e = type == DCEP_OPEN ? parse_open(&r, &m.open) : E_OK;
    if (e)
        return e;
    if (r.n > 0)
        return E_MALFORMED;
    *ret = m;
    return E_OK;
}

void sl_dcep_write(struct wr *w, const struct dcep *m)
{
    wr_u8(w, m->type);
    if (m->type == DCEP_ACK)
        return;
    const struct dcep_open *o = &m->open;
    wr_u8(w, o->reliability | (o->unordered ? (unsigned)UNORDERED : 0));
    wr_u16(w, o->priority);
    wr_u32(w, o->limit);
    wr_u16(w, o->label.n);
    wr_u16(w, o->protocol.n);
    wr_span(w, dcep_span(&o->label));
    wr_span(w, dcep_span(&o->protocol));
}
