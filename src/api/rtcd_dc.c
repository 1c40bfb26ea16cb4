#include "api/rtcd_dc.h"

#include <math.h>

#include "base/zip.h"

static enum err read_value(struct rd *r, double *ret)
{
    enum err e = sl_msgpack_float(r, ret);
    if (e)
        return e == E_UNSUPPORTED ? E_MALFORMED : e;
    return isfinite(*ret) && *ret >= 0 ? E_OK : E_MALFORMED;
}

/* A client asks with nothing behind the type, and is answered with a truth. */
static void read_granted(struct rd *r, bool *ret)
{
    struct msgpack m;
    if (sl_msgpack_next(r, &m) == E_OK && m.type == MSGPACK_BOOL)
        *ret = m.b;
}

enum err sl_rtcd_dc_read(struct span in, struct rtcd_dc *ret)
{
    struct rd r = rd_of(in);
    struct rtcd_dc m = {0};
    uint64_t type = 0;
    enum err e = sl_msgpack_uint(&r, &type);
    if (e)
        return e == E_UNSUPPORTED ? E_MALFORMED : e;
    if (type == RTCD_DC_UNKNOWN || type >= RTCD_DC_TYPES)
        return E_UNSUPPORTED;
    m.type = (enum rtcd_dc_type)type;
    switch (m.type) {
    case RTCD_DC_SDP:
        e = sl_msgpack_text(&r, &m.zipped);
        e = e == E_UNSUPPORTED ? E_MALFORMED : e;
        break;
    case RTCD_DC_LOSS:
    case RTCD_DC_RTT:
    case RTCD_DC_JITTER: e = read_value(&r, &m.value); break;
    case RTCD_DC_LOCK: read_granted(&r, &m.granted); break;
    case RTCD_DC_PING:
    case RTCD_DC_PONG:
    case RTCD_DC_UNLOCK:
    case RTCD_DC_MEDIA_MAP: /* which no server reads */
    case RTCD_DC_UNKNOWN:
    case RTCD_DC_TYPES: break;
    }
    if (!e)
        *ret = m;
    return e;
}

void sl_rtcd_dc_write(struct wr *w, enum rtcd_dc_type type)
{
    sl_msgpack_put_uint(w, type);
}

void sl_rtcd_dc_write_lock(struct wr *w, bool granted)
{
    sl_msgpack_put_uint(w, RTCD_DC_LOCK);
    sl_msgpack_put_bool(w, granted);
}

enum err sl_rtcd_dc_write_sdp(struct wr *w, struct span json)
{
    enum { HEAD = 1 + 5 }; /* the type, and the head of up to 4 GiB */
    struct wr zipped = *w;
    if (!wr_take(&zipped, HEAD))
        return E_FULL;
    size_t at = zipped.n;
    enum err e = sl_zip(&zipped, json);
    if (e)
        return e;
    sl_msgpack_put_uint(w, RTCD_DC_SDP);
    wr_u8(w, 0xc6); /* bin 32 */
    wr_u32(w, (uint32_t)(zipped.n - at));
    *w = zipped;
    return E_OK;
}

void sl_rtcd_dc_write_map(struct wr *w, const struct rtcd_dc_track *tracks, size_t n)
{
    sl_msgpack_put_uint(w, RTCD_DC_MEDIA_MAP);
    sl_msgpack_put_map(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        sl_msgpack_put_str(w, tracks[i].mid);
        sl_msgpack_put_map(w, 2);
        sl_msgpack_put_str(w, span_of("type"));
        sl_msgpack_put_str(w, span_of(tracks[i].type));
        sl_msgpack_put_str(w, span_of("sender_id"));
        sl_msgpack_put_str(w, tracks[i].sender);
    }
}
