#include "sfu/patience.h"

#include "base/clock.h"

#include "sfu/consumer.h"

enum {
    FAR_MS = 100,    /* a round trip, for who was not measured, as for browsers */
    NOTICED_MS = 50, /* until what follows a lost packet has come, and is asked about */
    MOST_MS = 500,   /* nobody waits for longer */
    UNIT_MS = 10,
    ANY_UNITS = 0x3e8, /* it may wait for as long as it likes, up to ten seconds */
    LEVELS = 2,
};

/* Lost of 256, from which on, and below which no longer, a receiver waits for one resend, and for
 * a second one. Of pictures of eight packets a twelfth needs that at 10 %. */
static const struct {
    uint8_t from, until;
} steps[LEVELS] = {{3 /* 1 % */, 2}, {15 /* 6 % */, 10 /* 4 % */}};

static uint8_t level_of(uint8_t level, uint8_t lost)
{
    while (level < LEVELS && lost >= steps[level].from)
        level++;
    while (level > 0 && lost < steps[level - 1].until)
        level--;
    return level;
}

/* Who asks again does so after a round trip, as far as it knows one. */
static unsigned wait_ms(uint8_t level, usec rtt)
{
    unsigned way = rtt == 0              ? FAR_MS
                   : rtt > MSEC(MOST_MS) ? MOST_MS
                                         : (unsigned)(rtt / MSEC(1));
    unsigned again = way > FAR_MS ? way : FAR_MS;
    unsigned ms = level == 0 ? 0 : way + NOTICED_MS + (level > 1 ? again : 0);
    return ms < MOST_MS ? ms : MOST_MS;
}

/* A round trip is never still, and whoever waits is to wait evenly. */
static bool is_near(unsigned a, unsigned b)
{
    return (a > b ? a - b : b - a) <= b / 4;
}

void sl_patience_report(struct consumer *c)
{
    if (!c->ext_id[EXT_PLAYOUT_DELAY] || !c->conf.params.codecs[0].nack)
        return; /* nothing comes again */
    c->patience.lost = (uint8_t)((c->patience.lost + c->lost + 1) / 2);
    uint8_t level = level_of(c->patience.level, c->patience.lost);
    unsigned units = wait_ms(level, c->rtt) / UNIT_MS, was = c->wait & PATIENCE_UNITS;
    if ((level == 0 && c->wait == 0) ||
        (level == c->patience.level && is_near(units, was)))
        return;
    c->patience.level = level;
    c->wait = (uint16_t)(PATIENCE_TOLD | units);
}

void sl_patience_write(uint16_t wait, uint8_t *at)
{
    unsigned least = wait & PATIENCE_UNITS;
    at[0] = (uint8_t)(least >> 4);
    at[1] = (uint8_t)(least << 4 | ANY_UNITS >> 8);
    at[2] = (uint8_t)ANY_UNITS;
}
