#include "sfu/layers.h"

#include <string.h>

#include "media/vla.h"
#include "sfu/producer.h"

_Static_assert((int)PARAMS_ENCODINGS_MAX <= (int)VLA_STREAMS_MAX, "each can be told of");

/* What the publisher means to send: sizes, and what it has just switched off. */
static void take_allocation(struct producer *p, struct span ext)
{
    struct vla v;
    if (sl_vla_read(ext, &v) != E_OK)
        return;
    /* Those behind the last that it tells of are off, too. */
    for (uint8_t i = 0; i < p->encodings_n; i++)
        for (unsigned s = 0; s < LAYER_SPATIALS; s++) {
            const struct vla_layer *l = &v.layers[i][s];
            struct layerrate *rates = &p->encodings[i].rates;
            if (l->temporals == 0)
                rates->last[s] = 0;
            else if (l->width > 0 && l->width <= UINT16_MAX && l->height <= UINT16_MAX)
                rates->sizes[s] =
                    (struct dd_size){(uint16_t)l->width, (uint16_t)l->height};
        }
}

static void take_structure(struct encoding *e)
{
    for (uint8_t s = 0; s < e->dd.sizes_n; s++)
        e->rates.sizes[s] = e->dd.sizes[s];
}

static void take_ext(struct encoding *e, const struct pkt *p, size_t i)
{
    const struct media_pkt *m = media_in(p);
    struct span ext = {p->data + m->exts[i].off, m->exts[i].len};
    struct dd_frame frame;
    if (m->exts[i].ext == EXT_LAYERS_ALLOCATION)
        take_allocation(e->producer, ext);
    if (m->exts[i].ext != EXT_DEPENDENCY || m->info.dd.at == 0)
        return;
    /* Where the packet landed this was read with it. */
    if (!e->producer->transport && sl_dd_read(&e->dd, ext, &frame) != E_OK)
        return;
    take_structure(e);
}

void sl_layers_learn(struct encoding *e, const struct pkt *p, size_t octets, usec now)
{
    const struct media_pkt *m = media_in(p);
    if (m->payload_n == 0 || e->producer->params.kind != MEDIA_VIDEO)
        return;
    for (uint8_t i = 0; i < m->exts_n; i++)
        take_ext(e, p, i);
    sl_layerrate_input(&e->rates, &m->info, m->ts, octets, now);
}

void sl_layers_of(const struct producer *p, struct layer_table *ret)
{
    unsigned n = 0;
    bool any = false;
    *ret = (struct layer_table){0};
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        n += sl_layerrate_count(&p->encodings[i].rates, true);
        any |= p->encodings[i].last != 0;
    }
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        const struct encoding *e = &p->encodings[i];
        bool live = e->last != 0 && !e->excess && !sl_producer_silent(p, e);
        if (sl_layerrate_count(&e->rates, true) > 0)
            sl_layerrate_list(&e->rates, i, live, n <= LAYER_INFOS_MAX, ret);
        else if (ret->n < LAYER_INFOS_MAX)
            ret->layers[ret->n++] =
                (struct layer_info){.encoding = i,
                                    .live = live || (!any && !e->excess),
                                    .bps = e->bitrate_bps};
    }
}

static bool is_near(uint32_t a, uint32_t b)
{
    uint32_t off = a > b ? a - b : b - a;
    return (a == 0) == (b == 0) && off <= b / 4;
}

bool sl_layers_alike(const struct layer_table *a, const struct layer_table *b)
{
    if (a->n != b->n)
        return false;
    for (uint8_t i = 0; i < a->n; i++) {
        const struct layer_info *x = &a->layers[i], *y = &b->layers[i];
        if (x->encoding != y->encoding || x->spatial != y->spatial ||
            x->temporal != y->temporal || x->live != y->live || x->width != y->width ||
            x->height != y->height || (x->bps == 0) != (y->bps == 0) ||
            (a->n > 1 && !is_near(x->bps, y->bps)))
            return false;
    }
    return true;
}
