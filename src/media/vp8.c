#include "media/vp8.h"

enum { X_BIT = 0x80, N_BIT = 0x20, S_BIT = 0x10, PID_MASK = 0x07 }; /* first octet */
enum { I_BIT = 0x80, L_BIT = 0x40, T_BIT = 0x20, K_BIT = 0x10 };    /* extension octet */
enum { M_BIT = 0x80, Y_BIT = 0x20, TID_SHIFT = 6 };
enum { P_BIT = 0x01 }; /* in the frame's first octet: it refers to others */

enum err sl_vp8_read(struct span in, bool marker, struct payload *ret)
{
    struct rd r = rd_of(in);
    struct payload p = {.end = marker};
    uint8_t b0 = rd_u8(&r);
    uint8_t x = (b0 & X_BIT) ? rd_u8(&r) : 0;
    if (x & I_BIT) {
        p.pid_at = (uint8_t)(in.n - r.n);
        p.picture_id = rd_u8(&r);
        p.long_id = p.picture_id & M_BIT;
        if (p.long_id)
            p.picture_id = (uint16_t)((p.picture_id & ~M_BIT) << 8 | rd_u8(&r));
        p.ids_n = (uint8_t)(in.n - r.n);
        p.counted = true;
    }
    if (x & L_BIT) {
        p.tl0_at = (uint8_t)(in.n - r.n);
        p.tl0picidx = rd_u8(&r);
        p.ids_n = (uint8_t)(in.n - r.n);
    }
    uint8_t layer = (x & (T_BIT | K_BIT)) ? rd_u8(&r) : 0;
    uint8_t frame = rd_u8(&r);
    if (r.bad)
        return E_MALFORMED;

    if (x & T_BIT) {
        p.temporal = layer >> TID_SHIFT;
        p.sync = (layer & Y_BIT) && p.temporal > 0;
        p.begin = p.sync ? layer_rate(p.temporal) : 0;
    }
    p.start = (b0 & S_BIT) && (b0 & PID_MASK) == 0;
    p.key = p.start && !(frame & P_BIT);
    p.discardable = b0 & N_BIT;
    *ret = p;
    return E_OK;
}
