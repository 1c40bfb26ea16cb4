#include "media/layerrate.h"

enum {
    BPS_LEAST = 1000, /* less, and nothing new: it is gone */
    KEY_SHARE = 8, /* of a key picture's octets, one in so many counts in each review */
};

/* Between two frames of one picture: the higher needs the lower, or does not. In a key
 * picture it always does. */
static void compare(struct layerrate *l, const struct payload *p, uint32_t ts)
{
    bool same = ts == l->ts && l->in != 0;
    bool key = p->key || (same && l->key);
    if (same && !key && p->spatial == l->spatial + 1)
        l->keyed = !(l->in >> layer_at(p->spatial, p->temporal) & 1);
    l->ts = ts;
    l->in = p->in;
    l->spatial = p->spatial;
    l->key = key;
}

static usec newest(const struct layerrate *l)
{
    usec ret = 0;
    for (unsigned s = 0; s < LAYER_SPATIALS; s++)
        ret = l->last[s] > ret ? l->last[s] : ret;
    return ret;
}

static void arrive(struct layerrate *l, unsigned s, uint32_t ts, usec now)
{
    usec gap = now - l->last[s];
    bool live = sl_layerrate_live(l, s);
    if (ts != l->last_ts) {
        l->rest = layer_rest(newest(l), l->before);
        l->before = newest(l);
    }
    if (gap >= l->rest || (gap >= LAYER_SILENT && !live))
        l->back[s] = now;
    l->last_ts = ts;
    l->last[s] = now;
}

void sl_layerrate_input(struct layerrate *l, const struct payload *p, uint32_t ts,
                        size_t octets, usec now)
{
    uint8_t at = layer_at(p->spatial, p->temporal);
    arrive(l, layer_spatial(at), ts, now);
    if (p->start) {
        l->frames[at]++;
        compare(l, p, ts);
    }
    if (l->key && ts == l->ts)
        l->keys[layer_spatial(at)] += (uint32_t)octets;
    else
        l->octets[at] += (uint32_t)octets;
}

/* A key picture is as much as many others, and comes when somebody asks: what it takes is
 * spread over the time after it, as it is when it is sent. */
static void spread_keys(struct layerrate *l)
{
    for (unsigned s = 0; s < LAYER_SPATIALS; s++) {
        unsigned at = layer_at(s, 0);
        uint32_t part = l->bps[at] > 0 ? l->keys[s] / KEY_SHARE : l->keys[s];
        l->keys[s] -= part;
        l->octets[at] += part;
    }
}

void sl_layerrate_review(struct layerrate *l, usec span)
{
    spread_keys(l);
    for (unsigned at = 0; at < LAYERS; at++) {
        uint64_t bps = (uint64_t)l->octets[at] * 8 * SEC(1) / (uint64_t)span;
        uint64_t fps = (uint64_t)l->frames[at] * 16 * SEC(1) / (uint64_t)span;
        if (l->bps[at] > 0) {
            bps = (bps + l->bps[at]) / 2;
            fps = (fps + l->fps_16ths[at]) / 2;
        }
        if (l->octets[at] == 0 && bps < BPS_LEAST)
            bps = fps = 0;
        l->bps[at] = bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX;
        l->fps_16ths[at] = fps < UINT16_MAX ? (uint16_t)fps : UINT16_MAX;
        l->octets[at] = 0;
        l->frames[at] = 0;
    }
}

bool sl_layerrate_live(const struct layerrate *l, unsigned spatial)
{
    usec last = l->last[spatial];
    return last != 0 &&
           (newest(l) - last < LAYER_SILENT || l->before - last < LAYER_SPREAD);
}

static unsigned top_temporal(const struct layerrate *l, unsigned s)
{
    unsigned t = LAYER_TEMPORALS - 1;
    while (t > 0 && l->bps[layer_at(s, t)] == 0)
        t--;
    return t;
}

static bool measured(const struct layerrate *l)
{
    for (unsigned at = 0; at < LAYERS; at++)
        if (l->bps[at] > 0)
            return true;
    return false;
}

struct gate_wish sl_layerrate_wish(const struct layerrate *l, uint8_t spatial,
                                   uint8_t temporal)
{
    unsigned s = LAYER_SPATIALS, top = 0;
    if (!measured(l))
        return (struct gate_wish){.layer = layer_at(0, temporal), .whole = true};
    for (unsigned i = 0; i < LAYER_SPATIALS; i++) {
        if (!sl_layerrate_live(l, i))
            continue;
        top = i;
        if (i <= spatial || s == LAYER_SPATIALS)
            s = i;
    }
    if (s == LAYER_SPATIALS)
        s = 0;
    return (struct gate_wish){.layer = layer_at(s, temporal),
                              .whole =
                                  s == top && temporal >= top_temporal(l, s) && !l->keyed,
                              .keyed = l->keyed};
}

/* ---- what there is ---- */

static struct layer_info describe(const struct layerrate *l, unsigned s, unsigned t)
{
    uint64_t bps = 0;
    unsigned fps = 0;
    for (unsigned i = l->keyed ? s : 0; i <= s; i++)
        for (unsigned k = 0; k <= t; k++)
            bps += l->bps[layer_at(i, k)];
    for (unsigned k = 0; k <= t; k++)
        fps += l->fps_16ths[layer_at(s, k)];
    fps = fps > 0 && fps < 16 ? 1 : (fps + 8) / 16; /* 0 is not known */
    return (struct layer_info){
        .spatial = (uint8_t)s,
        .temporal = (uint8_t)t,
        .bps = bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX,
        .width = l->sizes[s].width,
        .height = l->sizes[s].height,
        .fps = fps < UINT8_MAX ? (uint8_t)fps : UINT8_MAX,
    };
}

unsigned sl_layerrate_count(const struct layerrate *l, bool all)
{
    unsigned n = 0;
    for (unsigned s = 0; s < LAYER_SPATIALS; s++)
        for (unsigned t = all ? 0 : top_temporal(l, s); t < LAYER_TEMPORALS; t++)
            n += l->bps[layer_at(s, t)] > 0;
    return n;
}

void sl_layerrate_list(const struct layerrate *l, uint8_t encoding, bool live, bool all,
                       struct layer_table *t)
{
    for (unsigned s = 0; s < LAYER_SPATIALS; s++)
        for (unsigned k = all ? 0 : top_temporal(l, s); k < LAYER_TEMPORALS; k++) {
            if (l->bps[layer_at(s, k)] == 0 || t->n == LAYER_INFOS_MAX)
                continue;
            struct layer_info *i = &t->layers[t->n++];
            *i = describe(l, s, k);
            i->encoding = encoding;
            i->live = live && sl_layerrate_live(l, s);
        }
}
