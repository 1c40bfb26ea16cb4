#include "media/speaker.h"

enum {
    Q = 256,          /* of floor and mean */
    TENS = 10,        /* dB of one immediate step */
    SPEECH_MIN = 80,  /* loudness: -47 dBov; what is softer is no speech */
    ABOVE_FLOOR = 10, /* dB that speech is louder than its background */
    FLOOR_MIN = SPEECH_MIN - ABOVE_FLOOR, /* a softer background changes nothing */
    FLOOR_RISE =
        10,         /* a slot: 2 dB a second, so that pauses between words hold it down */
    FLOOR_FALL = 4, /* the part of the way that it falls, a slot */
    MEAN_SHIFT = 4, /* of 16 slots */
    MEDIUM_BITS = (1 << SPEECH_MEDIUM) - 1,
};

/* Logarithms of the scores of each count x of n: how much likelier it is that x of n parts are
 * active in speech than in noise,
 *     ln C(n,x) + x ln p + (n-x) ln (1-p) - ln lambda + lambda x,  at least 1e-10,
 * with p = 1/2 and (n, lambda) = (13, 0.78), (5, 24), (10, 47); in thousandths. */
static const int16_t immediate_score[] = {-23026, -23026, -23026, -23026, -73,  832, 1214,
                                          1422,   1534,   1575,   1546,   1429, 1151};
static const int16_t medium_score[] = {-23026, 2943, 3776, 4214, 4510, 4731};
static const int16_t long_score[] = {-23026, 3651, 4466, 4905, 5207, 5437,
                                     5622,   5778, 5911, 6027, 6130};

/* By how much more in each term, in thousandths: C1, C2, C3. */
enum { MORE_IMMEDIATE = 3000, MORE_MEDIUM = 2000, MORE_LONG = 0 };

static int loudness_of(const struct level *level, bool dtx)
{
    if (level)
        return LEVEL_SILENCE - level->below_dbov;
    return dtx ? 0 : LEVEL_SILENCE - SPEECH_UNTOLD;
}

/* The background is what is heard between words. Digital silence is none if it lasts: a
 * microphone that was muted says nothing about the room it is in. Between words it is one: of
 * a voice that is made, or one whose noise was taken away. */
static void follow_floor(struct speech *s, int loudness)
{
    int q = (loudness > FLOOR_MIN ? loudness : FLOOR_MIN) * Q;
    if (loudness > 0)
        s->silent = 0;
    else if (s->silent == SPEECH_PAUSE) {
        s->floor = s->held != 0 ? s->held : s->floor;
        return;
    } else if (s->silent++ == 0)
        s->held = s->floor;
    if (s->floor == 0)
        s->floor = (uint16_t)q;
    else if (q < s->floor)
        s->floor = (uint16_t)(s->floor - (s->floor - q) / FLOOR_FALL);
    else if (s->floor + FLOOR_RISE <= q)
        s->floor = (uint16_t)(s->floor + FLOOR_RISE);
}

/* n slots of one loudness. */
static void hear(struct speech *s, int loudness, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (s->told)
            follow_floor(s, loudness);
        bool over = !s->told || loudness * Q >= s->floor + ABOVE_FLOOR * Q;
        bool active = over && (loudness >= SPEECH_MIN || (!s->told && loudness > 0));
        s->slots = s->slots << 1 | active;
        s->now = (uint8_t)(over ? loudness : 0);
        s->mean = (uint16_t)(s->mean + (loudness * Q - s->mean) / (1 << MEAN_SHIFT));
    }
}

void sl_speech_input(struct speech *s, uint32_t ts, uint32_t clock_hz,
                     const struct level *level, bool dtx, usec now)
{
    uint32_t slot = (uint32_t)(clock_hz * SPEECH_SLOT / SEC(1));
    unsigned n = 1;
    if (slot == 0)
        return;
    if (s->at != 0 && now - s->at < SEC(1)) {
        int32_t ahead = (int32_t)(ts - s->ts);
        n = ahead < 0 ? 0 : (unsigned)ahead / slot;
        if (n == 0)
            return; /* of a slot that is heard already */
        ts = s->ts + n * slot;
    } else {
        /* it pauses, or begins anew with other time stamps */
        *s = (struct speech){.floor = s->floor};
    }
    if (n > SPEECH_PACKET_MAX) {
        hear(s, 0,
             n <= SPEECH_LONG * SPEECH_MEDIUM ? n - 1 : SPEECH_LONG * SPEECH_MEDIUM);
        n = 1;
    }
    s->told = level != NULL;
    s->ts = ts;
    s->at = now;
    hear(s, loudness_of(level, dtx), n);
}

struct voice sl_speech_voice(const struct speech *s, usec now)
{
    struct voice v = {.below_dbov = LEVEL_SILENCE, .told = s->told};
    uint64_t slots = s->slots;
    if (s->at == 0 || now - s->at > SPEECH_SILENT)
        return v;
    v.immediate = s->now / TENS;
    v.medium = (uint8_t)__builtin_popcountll(slots & MEDIUM_BITS);
    for (int i = 0; i < SPEECH_LONG; i++, slots >>= SPEECH_MEDIUM)
        v.longs = (uint8_t)(v.longs + ((slots & MEDIUM_BITS) == MEDIUM_BITS));
    v.below_dbov = (uint8_t)(LEVEL_SILENCE - (s->mean + Q / 2) / Q);
    return v;
}

bool sl_voice_overtakes(const struct voice *rival, const struct voice *speaker)
{
    return rival->told &&
           immediate_score[rival->immediate] - immediate_score[speaker->immediate] >
               MORE_IMMEDIATE &&
           medium_score[rival->medium] - medium_score[speaker->medium] > MORE_MEDIUM &&
           long_score[rival->longs] - long_score[speaker->longs] > MORE_LONG;
}

enum { MEDIUM_AT = 4, LONG_AT = 8, LEVEL_AT = 16, TOLD_AT = 24, NIBBLE = 0xf };

uint32_t sl_voice_pack(const struct voice *v)
{
    return v->immediate | (uint32_t)v->medium << MEDIUM_AT |
           (uint32_t)v->longs << LONG_AT | (uint32_t)v->below_dbov << LEVEL_AT |
           (uint32_t)v->told << TOLD_AT;
}

struct voice sl_voice_unpack(uint32_t packed)
{
    return (struct voice){
        .immediate = packed & NIBBLE,
        .medium = packed >> MEDIUM_AT & NIBBLE,
        .longs = packed >> LONG_AT & NIBBLE,
        .below_dbov = packed >> LEVEL_AT & LEVEL_SILENCE,
        .told = packed >> TOLD_AT & 1,
    };
}
