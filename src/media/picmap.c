#include "media/picmap.h"

enum { ID_MASK = 0x7fff };

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
