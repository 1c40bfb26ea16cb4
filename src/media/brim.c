#include "media/brim.h"

#include <math.h>

enum { SEEN_MIN = 100, LOST_MIN = 6 };

#define WEIGHT      (1.0 / 128)
#define LOST_WEIGHT (1.0 / 4)
#define DEVS        1.6
#define LEAST       3000.0 /* microseconds: less is jitter */

void sl_brim_arrived(struct brim *b, usec later)
{
    b->delay = (double)later;
    if (b->seen == 0)
        b->mean = b->delay;
    double off = b->delay - b->mean;
    b->mean += off * WEIGHT;
    b->dev += (fabs(off) - b->dev) * WEIGHT;
    if (b->seen < SEEN_MIN)
        b->seen++;
}

void sl_brim_lost(struct brim *b)
{
    if (b->seen < SEEN_MIN)
        return;
    double above = b->delay - b->mean;
    b->before = b->lost == 0 ? above : b->before + (above - b->before) * LOST_WEIGHT;
    b->lost++;
}

bool sl_brim_full(struct brim *b)
{
    if (b->lost < LOST_MIN)
        return false;
    b->lost = 0;
    return b->before > fmax(b->dev * DEVS, LEAST) && b->before < BRIM_QUEUE;
}
