#include "media/gate.h"

#include <string.h>

static bool has(uint16_t set, uint8_t layer)
{
    return set >> layer & 1;
}

void sl_gate_want(struct gate *g, const struct gate_wish *w)
{
    g->want = w->layer;
    g->whole = w->whole;
    g->keyed = w->keyed;
}

void sl_gate_begin(struct gate *g, const struct gate_wish *w, uint32_t ts)
{
    uint8_t now = w->whole ? GATE_ALL : w->layer;
    *g = (struct gate){.now = now, .sent = LAYER_ANY, .newest = ts};
    for (int k = 0; k < GATE_PAST; k++) {
        g->past[k].since = ts;
        g->past[k].layer = now;
    }
    sl_gate_want(g, w);
}

bool sl_gate_needs_key(const struct gate *g)
{
    if (g->now == GATE_ALL)
        return false;
    uint8_t now = layer_spatial(g->now), want = layer_spatial(g->want);
    return want > now || (want < now && g->keyed);
}

/* Of what is sent now, the part that is still wanted. */
static uint8_t lower(const struct gate *g)
{
    uint8_t s = layer_spatial(g->now), t = layer_temporal(g->now);
    if (layer_spatial(g->want) < s && !g->keyed)
        s = layer_spatial(g->want);
    if (layer_temporal(g->want) < t)
        t = layer_temporal(g->want);
    return layer_at(s, t);
}

/* The highest wanted temporal layer that may begin with the frame. */
static uint8_t higher(const struct gate *g, uint8_t now, const struct payload *p,
                      bool begins)
{
    uint8_t s = layer_spatial(now);
    bool below = layer_temporal(now) + 1 == p->temporal &&
                 has(p->in, layer_at(s, p->temporal)) && begins;
    if (!has(p->in, now) && !(p->sync && below))
        return now;
    for (uint8_t t = layer_temporal(g->want); t > layer_temporal(now); t--)
        if (has(p->begin, layer_at(s, t)))
            return layer_at(s, t);
    return now;
}

/* A packet of the newest picture, fresh: the first one. */
static uint8_t next(const struct gate *g, const struct payload *p, bool fresh)
{
    if (g->now == GATE_ALL)
        return fresh && !g->whole ? g->want : g->now;
    if (p->key)
        return g->want;
    return higher(g, fresh ? lower(g) : g->now, p, fresh || p->start);
}

static void advance(struct gate *g, const struct payload *p, bool fresh)
{
    uint8_t to = g->now != g->want ? next(g, p, fresh) : g->now;
    /* A picture is not given in part: its packets may come in any order. */
    if (to != g->now && (has(g->shut, to) || !has(g->sent, to)))
        return;
    if (to == g->want && g->whole)
        to = GATE_ALL;
    if (to == g->now)
        return;
    if (g->past[0].since != g->newest)
        memmove(&g->past[1], &g->past[0], sizeof g->past - sizeof g->past[0]);
    g->past[0].since = g->newest;
    g->past[0].layer = to;
    g->now = to;
}

uint8_t sl_gate_layer(const struct gate *g, uint32_t ts)
{
    int i = 0;
    while (i < GATE_PAST - 1 && (int32_t)(ts - g->past[i].since) < 0)
        i++;
    return g->past[i].layer;
}

enum gate_pass sl_gate_pass(struct gate *g, const struct payload *p, uint32_t ts)
{
    bool fresh = (int32_t)(ts - g->newest) > 0;
    if (fresh) {
        g->newest = ts;
        g->shut = 0;
        g->sent = LAYER_ANY;
    }
    if (ts == g->newest)
        advance(g, p, fresh);
    uint8_t layer = sl_gate_layer(g, ts);
    bool pass = layer == GATE_ALL || has(p->in, layer);
    if (ts == g->newest) {
        g->shut |= pass ? 0 : p->in;
        g->sent &= pass ? p->in : LAYER_ANY;
    }
    if (!pass)
        return GATE_DROP;
    return layer != GATE_ALL && p->end && p->spatial == layer_spatial(layer) ? GATE_LAST
                                                                             : GATE_PASS;
}
