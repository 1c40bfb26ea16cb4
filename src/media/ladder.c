#include "media/ladder.h"

#include <math.h>

/* What one doubling of a camera's frame rate is worth, in doublings of its pixels, and of a
 * screen's, which is read. So 360p at 30/s goes before 720p at 15/s, but not on a screen. */
#define CAMERA_MOTION 2.5F
#define SCREEN_MOTION 0.5F
#define STAYS         1.25F
enum { USUAL_FPS = 30 };

static unsigned pixels(const struct layer_info *l)
{
    return (unsigned)l->width * l->height;
}

static unsigned fps_of(const struct layer_table *table, const struct layer_info *l)
{
    uint8_t top = l->temporal;
    if (l->fps > 0)
        return l->fps;
    for (uint8_t i = 0; i < table->n; i++)
        if (table->layers[i].encoding == l->encoding && table->layers[i].temporal > top)
            top = table->layers[i].temporal;
    unsigned fps = USUAL_FPS >> (top - l->temporal);
    return fps > 0 ? fps : 1;
}

static bool is_sent(const struct ladder_of *of, const struct layer_info *l)
{
    return layer_same(of->sent,
                      (struct layer_target){l->encoding, l->spatial, l->temporal});
}

/* In doublings. Where a size is missing the rate stands for it. */
static float quality(const struct ladder_of *of, const struct layer_info *l, bool sized)
{
    if (!sized) /* two that are nearly the same do not take turns */
        return log2f((is_sent(of, l) ? STAYS : 1) * (float)l->bps + 1);
    float motion = of->screen ? SCREEN_MOTION : CAMERA_MOTION;
    return log2f((float)pixels(l)) + motion * log2f((float)fps_of(of->table, l));
}

/* Of what does not come, and of which everything is forgotten, nothing need be known. */
static bool all_sized(const struct layer_table *table)
{
    for (uint8_t i = 0; i < table->n; i++)
        if (table->layers[i].live && pixels(&table->layers[i]) == 0)
            return false;
    return true;
}

static bool any_measured(const struct layer_table *table)
{
    for (uint8_t i = 0; i < table->n; i++)
        if (table->layers[i].live && table->layers[i].bps > 0)
            return true;
    return false;
}

/* It fills the place where it is shown, in one direction at least. */
static bool fills(const struct rtp_wish *w, const struct layer_info *l)
{
    return (w->width > 0 && l->width >= w->width) ||
           (w->height > 0 && l->height >= w->height);
}

/* What the viewer can make use of: limits of pixels and quality. A larger size with fewer
 * pictures is no better than the layer that was named, and yet it is above it. */
struct limits {
    unsigned pixels;
    float quality;
    unsigned named; /* pixels */
};

static struct limits limits_of(const struct ladder_of *of, bool sized)
{
    const struct rtp_wish *w = of->wish;
    struct limits lim = {.pixels = UINT32_MAX, .quality = INFINITY};
    float named = -INFINITY;
    unsigned most = 0;
    for (uint8_t i = 0; i < of->table->n; i++) {
        const struct layer_info *l = &of->table->layers[i];
        if (!l->live)
            continue;
        if (sized && fills(w, l) && pixels(l) < lim.pixels)
            lim.pixels = pixels(l);
        if (l->encoding + 1 == w->encoding) {
            named = fmaxf(named, quality(of, l, sized));
            most = pixels(l) > most ? pixels(l) : most;
        }
    }
    if (named > -INFINITY)
        lim.quality = named;
    lim.named = sized && most > 0 ? most : UINT32_MAX;
    return lim;
}

/* Fewer pictures of the same are enough. What is measured of one encoding and of another is never
 * quite alike, though their pictures are the same. */
static bool is_fast(const struct ladder_of *of, const struct layer_info *l)
{
    for (uint8_t i = 0; of->wish->fps > 0 && i < of->table->n; i++) {
        const struct layer_info *o = &of->table->layers[i];
        if (o->live && o->encoding == l->encoding && o->spatial == l->spatial &&
            o->temporal < l->temporal && fps_of(of->table, o) >= of->wish->fps)
            return true;
    }
    return false;
}

/* Why the viewer has no use for the layer. */
static enum ladder_end useless(const struct ladder_of *of, const struct layer_info *l,
                               const struct limits *lim, bool sized)
{
    const struct rtp_wish *w = of->wish;
    if ((w->spatials > 0 && l->spatial >= w->spatials) ||
        (w->temporals > 0 && l->temporal >= w->temporals) ||
        quality(of, l, sized) > lim->quality || pixels(l) > lim->named)
        return LADDER_NAMED;
    if ((sized && pixels(l) > lim->pixels) || is_fast(of, l))
        return LADDER_WIDE;
    return LADDER_BEST;
}

static void add_rung(struct ladder *p, struct rung r)
{
    uint8_t at = p->n;
    while (at > 0 &&
           (p->rungs[at - 1].bps > r.bps ||
            (p->rungs[at - 1].bps == r.bps && p->rungs[at - 1].quality < r.quality))) {
        p->rungs[at] = p->rungs[at - 1];
        at--;
    }
    p->rungs[at] = r;
    p->n++;
}

/* What costs more than another and is no better goes. */
static void prune(struct ladder *p)
{
    uint8_t n = 0;
    for (uint8_t i = 0; i < p->n; i++)
        if (n == 0 || p->rungs[i].quality > p->rungs[n - 1].quality)
            p->rungs[n++] = p->rungs[i];
    p->n = n;
}

/* It can be sent. What was not measured can be, if nothing was, or if it is sent already. */
static bool is_there(const struct ladder_of *of, const struct layer_info *l,
                     bool measured)
{
    return l->live && (l->bps > 0 || !measured || is_sent(of, l));
}

static void add_layer(struct ladder *p, const struct ladder_of *of, uint8_t i, bool sized)
{
    const struct layer_info *l = &of->table->layers[i];
    uint32_t bps = l->bps > 0 || !is_sent(of, l) ? l->bps : of->sent_bps;
    add_rung(p, (struct rung){.bps = bps, .quality = quality(of, l, sized), .layer = i});
}

/* The lowest layer of all is of use to everybody. */
static void add_lowest(struct ladder *p, const struct ladder_of *of, bool sized,
                       bool measured)
{
    const struct layer_info *layers = of->table->layers;
    int low = -1;
    for (uint8_t i = 0; i < of->table->n; i++)
        if (is_there(of, &layers[i], measured) &&
            (low < 0 || layers[i].bps < layers[low].bps))
            low = i;
    if (low >= 0)
        add_layer(p, of, (uint8_t)low, sized);
}

struct ladder sl_ladder(const struct ladder_of *of)
{
    struct ladder ladder = {.n = 0}, *p = &ladder;
    bool sized = all_sized(of->table), measured = any_measured(of->table);
    struct limits lim = limits_of(of, sized);
    float missed = -INFINITY; /* the quality of what might be there, and is not */
    for (uint8_t i = 0; i < of->table->n; i++) {
        const struct layer_info *l = &of->table->layers[i];
        enum ladder_end why = useless(of, l, &lim, sized);
        if (why && l->live)
            p->end = why;
        else if (!why && !l->live)
            missed =
                sized && pixels(l) > 0 ? fmaxf(missed, quality(of, l, sized)) : INFINITY;
        else if (!why && is_there(of, l, measured))
            add_layer(p, of, i, sized);
    }
    if (p->n == 0)
        add_lowest(p, of, sized, measured);
    prune(p);
    if (!p->end && p->n > 0 && missed > p->rungs[p->n - 1].quality)
        p->end = LADDER_STOPPED;
    return ladder;
}
