#include "sfu/limit.h"

#include "sfu/demand.h"
#include "sfu/producer.h"
#include "sfu/transport.h"

enum {
    PICTURE = 150000, /* of one that is watched, at the least */
    SOUND = 64000,
    /* A picture may be half as large again as it was lately, before it is seen to be. */
    SPARE_NUM = 3,
    SPARE_DEN = 2,
};

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Of all encodings; of those that sleep, as they were last measured. */
static void rates_of(const struct producer *p, uint32_t ret[PARAMS_ENCODINGS_MAX])
{
    const struct layer_table *t = &p->demand.seen;
    for (uint8_t i = 0; i < p->encodings_n; i++)
        ret[i] = p->encodings[i].bitrate_bps;
    for (uint8_t i = 0; i < t->n; i++)
        ret[t->layers[i].encoding] = larger(ret[t->layers[i].encoding], t->layers[i].bps);
}

/* Browsers stop the largest first. The smallest goes on: who comes sees it at once. */
static uint32_t of_encodings(const struct producer *p, usec now)
{
    uint32_t rates[PARAMS_ENCODINGS_MAX], most = UINT32_MAX, sum = 0;
    bool all = true;
    if (p->demand.seen_since == 0 || now - p->demand.seen_since < LIMIT_SETTLE)
        return LIMIT_ANY;
    rates_of(p, rates);
    for (uint8_t i = 0; i < p->encodings_n; i++)
        most = rates[i] < most ? rates[i] : most;
    for (uint8_t i = 0; i < p->encodings_n; i++)
        if (p->demand.wanted & 1U << i)
            most = larger(most, rates[i]);
    for (uint8_t i = 0; i < p->encodings_n; i++) {
        all &= rates[i] <= most;
        if (rates[i] <= most)
            sum += rates[i] < LIMIT_ANY ? rates[i] : LIMIT_ANY;
    }
    return all || sum > LIMIT_ANY ? LIMIT_ANY
                                  : larger(sum / SPARE_DEN * SPARE_NUM, PICTURE);
}

/* Layers inside one encoding are chosen here, and cannot be stopped one by one there. */
static bool has_sizes(const struct producer *p)
{
    const struct layer_table *t = &p->demand.seen;
    for (uint8_t i = 0; i < t->n; i++)
        if (t->layers[i].spatial > 0)
            return true;
    return false;
}

static uint32_t of_picture(const struct producer *p)
{
    uint32_t most = p->demand.most_bps;
    return most == 0 || most > LIMIT_ANY || has_sizes(p) ? LIMIT_ANY
                                                         : larger(most, PICTURE);
}

static uint32_t use_of(const struct producer *p, usec now)
{
    if (p->params.kind == MEDIA_AUDIO)
        return SOUND;
    return p->encodings_n > 1 ? of_encodings(p, now) : of_picture(p);
}

uint32_t sl_limit_of(const struct transport *t, usec now)
{
    uint32_t use = 0, most = LIMIT_ANY;
    if (t->ceiling_bps > 0 && t->ceiling_bps < most)
        most = t->ceiling_bps;
    list_each (struct producer, p, &t->producers, in_transport)
        use = use < most ? use + use_of(p, now) : most;
    return use < most ? use : most;
}
