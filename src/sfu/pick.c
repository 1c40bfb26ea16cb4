#include "sfu/pick.h"

#include <string.h>

#include "sfu/consumer.h"
#include "sfu/producer.h"

_Static_assert(DD_ACTIVE_MAX <= PICK_GAPS - PICK_ACTIVE, "active targets in the facts");

static struct gate_wish wish_of(const struct consumer *c)
{
    struct layer_target t = c->share.target;
    struct gate_wish w = sl_layerrate_wish(&c->from->rates, t.spatial, t.temporal);
    if (c->pick.small)
        w = (struct gate_wish){.layer = layer_at(0, layer_temporal(w.layer))};
    return w;
}

void sl_pick_begin(struct consumer *c, const struct media_pkt *m)
{
    const struct producer *p = c->from->producer;
    uint8_t codec = p->codec_of[m->pt];
    c->pick = (struct pick){0};
    c->pick.small = codec != PT_NONE && p->params.codecs[codec].codec == CODEC_AV1 &&
                    m->info.has_dd && !c->ext_id[EXT_DEPENDENCY];
    struct gate_wish w = wish_of(c);
    sl_gate_begin(&c->pick.gate, &w, m->ts);
    c->pick.asked = !gate_open(&c->pick.gate);
}

bool sl_pick_review(struct consumer *c)
{
    struct gate_wish w = wish_of(c);
    sl_gate_want(&c->pick.gate, &w);
    c->pick.asked |= !gate_open(&c->pick.gate);
    return sl_gate_needs_key(&c->pick.gate);
}

static uint64_t all_of(unsigned targets)
{
    return (UINT64_C(1) << targets) - 1;
}

/* The active targets are told with each frame while some are not, and after that until
 * another source begins: who lost the first to say so hears it again. */
static uint64_t active(struct consumer *c, const struct media_pkt *m)
{
    const struct payload *p = &m->info;
    const struct dd *dd = &c->from->dd;
    uint8_t layer = sl_gate_layer(&c->pick.gate, m->ts);
    if (!c->ext_id[EXT_DEPENDENCY] || !p->has_dd || !dd_tellable(&p->dd) ||
        dd->targets_n != p->dd.targets_n)
        return 0;
    uint64_t all = all_of(p->dd.targets_n);
    uint64_t set = (layer == GATE_ALL ? all : dd->within[layer]) & dd->active;
    c->pick.told |= set != all;
    if (!c->pick.told || (p->dd.at == 0 && !p->start))
        return 0;
    return PICK_TELL | set << PICK_ACTIVE;
}

bool sl_pick_pass(struct consumer *c, const struct media_pkt *m, uint64_t *facts)
{
    enum gate_pass pass = sl_gate_pass(&c->pick.gate, &m->info, m->ts);
    if (m->info.counted) {
        uint64_t gaps = sl_picgaps_note(&c->pick.gaps, &m->info, pass == GATE_DROP);
        *facts |= gaps << PICK_GAPS;
    }
    if (pass == GATE_DROP)
        return false;
    *facts |= active(c, m) | (pass == GATE_LAST ? FACT_MARKER : 0);
    return true;
}

size_t sl_pick_write_dd(uint64_t facts, const struct picmap *shift,
                        const struct payload *p, struct span dd, uint8_t *ret)
{
    size_t n = 0;
    if (facts & PICK_TELL)
        n = sl_dd_write(dd, &p->dd,
                        (uint32_t)(facts >> PICK_ACTIVE & all_of(DD_ACTIVE_MAX)), ret);
    if (n == 0) {
        n = dd.n;
        memcpy(ret, dd.p, n);
    }
    if (p->has_dd)
        sl_picmap_write_dd(shift, p, ret);
    return n;
}
