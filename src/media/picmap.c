#include "media/picmap.h"

enum { ID_MASK = 0x7fff, GAPS = 64 };

struct picmap sl_picmap_out(struct picmap in, const struct picmap *shift)
{
    return (struct picmap){
        .picture_id = (in.picture_id + shift->picture_id) & ID_MASK,
        .dd_frame = (uint16_t)(in.dd_frame + shift->dd_frame),
        .tl0picidx = (uint8_t)(in.tl0picidx + shift->tl0picidx),
    };
}

struct picmap sl_picmap_follow(struct picmap last, struct picmap first)
{
    return (struct picmap){
        .picture_id = (uint16_t)(last.picture_id + 1 - first.picture_id) & ID_MASK,
        .dd_frame = (uint16_t)(last.dd_frame + 1 - first.dd_frame),
        .tl0picidx = (uint8_t)(last.tl0picidx + 1 - first.tl0picidx),
    };
}

/* How much later a picture is than the newest; ids have 7 or 15 bits. */
static int ahead(const struct picgaps *g, const struct payload *p)
{
    unsigned bits = p->long_id ? 15 : 7;
    int off = (int)((p->picture_id - g->newest) & ((1U << bits) - 1));
    return off < 1 << (bits - 1) ? off : off - (1 << bits);
}

uint16_t sl_picgaps_note(struct picgaps *g, const struct payload *p, bool drop)
{
    int by = g->begun ? ahead(g, p) : 1;
    g->begun = true;
    if (by > 0) {
        g->dropped = by < GAPS ? g->dropped << by : 0;
        g->newest = p->picture_id;
        by = 0;
        if (drop) {
            g->dropped |= 1;
            return g->n++;
        }
    }
    if (by <= -GAPS)
        return g->n;
    /* Those behind it, and itself, are not before it. */
    uint64_t behind = g->dropped & ((UINT64_C(2) << -by) - 1);
    return (uint16_t)(g->n - __builtin_popcountll(behind));
}

void sl_picmap_write(const struct picmap *shift, const struct payload *p, struct span in,
                     uint8_t ret[PAYLOAD_IDS_MAX])
{
    struct picmap out = sl_picmap_out(picmap_at(p), shift);
    sl_payload_renumber(p, in, out.picture_id, out.tl0picidx, ret);
}

void sl_picmap_write_dd(const struct picmap *shift, const struct payload *p, uint8_t *dd)
{
    struct picmap out = sl_picmap_out(picmap_at(p), shift);
    dd[1] = (uint8_t)(out.dd_frame >> 8);
    dd[2] = (uint8_t)out.dd_frame;
}
