#include "media/vp9.h"

enum {
    I_BIT = 0x80, /* picture id */
    P_BIT = 0x40, /* refers to earlier pictures */
    L_BIT = 0x20, /* layer indices */
    F_BIT = 0x10, /* flexible mode */
    B_BIT = 0x08, /* start of a frame */
    E_BIT = 0x04, /* end of a frame */
    V_BIT = 0x02, /* scalability structure */
    Z_BIT = 0x01, /* frames of higher spatial layers do not need this one */
};
enum { M_BIT = 0x80 };
enum { TID_SHIFT = 5, U_BIT = 0x10, SID_SHIFT = 1, SID_MASK = 7, D_BIT = 0x01 };
enum { N_BIT = 0x01, REFS_MAX = 3 };
enum { NS_SHIFT = 5, Y_BIT = 0x10, G_BIT = 0x08, R_SHIFT = 2, R_MASK = 3 };

static void skip_refs(struct rd *r)
{
    for (int i = 0; rd_u8(r) & N_BIT; i++)
        r->bad |= i + 1 == REFS_MAX;
}

/* §4.2.1 */
static void skip_structure(struct rd *r)
{
    uint8_t b = rd_u8(r);
    if (b & Y_BIT)
        rd_span(r, 4 * ((size_t)(b >> NS_SHIFT) + 1));
    for (int pictures = (b & G_BIT) ? rd_u8(r) : 0; pictures > 0; pictures--)
        rd_span(r, rd_u8(r) >> R_SHIFT & R_MASK);
}

enum err sl_vp9_read(struct span in, struct payload *ret)
{
    struct rd r = rd_of(in);
    struct payload p = {0};
    uint8_t layer = 0;
    uint8_t b0 = rd_u8(&r);
    if (b0 & I_BIT) {
        p.pid_at = (uint8_t)(in.n - r.n);
        p.picture_id = rd_u8(&r);
        p.long_id = p.picture_id & M_BIT;
        if (p.long_id)
            p.picture_id = (uint16_t)((p.picture_id & ~M_BIT) << 8 | rd_u8(&r));
        p.ids_n = (uint8_t)(in.n - r.n);
    }
    if (b0 & L_BIT) {
        layer = rd_u8(&r);
        if (!(b0 & F_BIT)) {
            p.tl0_at = (uint8_t)(in.n - r.n);
            p.tl0picidx = rd_u8(&r);
            p.ids_n = (uint8_t)(in.n - r.n);
        }
    }
    if ((b0 & P_BIT) && (b0 & F_BIT))
        skip_refs(&r);
    if (b0 & V_BIT)
        skip_structure(&r);
    if (r.bad || r.n == 0)
        return E_MALFORMED;

    p.temporal = layer >> TID_SHIFT;
    p.spatial = layer >> SID_SHIFT & SID_MASK;
    p.start = b0 & B_BIT;
    p.end = b0 & E_BIT;
    p.key = p.start && !(b0 & P_BIT) && p.spatial == 0 && !(layer & D_BIT);
    p.in = layer_above(p.spatial, p.temporal);
    if (b0 & Z_BIT)
        p.in &= layer_size(p.spatial);
    /* U promises that what follows in higher layers refers to nothing before this picture. It
     * is set on pictures that themselves refer to lower layers only, so a viewer without their
     * layer may begin with them. The promise is the picture's: taken from the first frame. */
    if ((layer & U_BIT) && !(layer & D_BIT)) {
        p.begin = p.in;
        p.sync = p.temporal > 0;
    }
    *ret = p;
    return E_OK;
}
