#include "media/speaker.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"

enum { HZ = 48000, SLOT_TICKS = 960 };

/* So long at a level; several make a track. Level 0: no packets. */
struct part {
    int ms, below;
};

enum { PARTS = 8 };

/* A track that is being heard. */
struct track {
    struct speech speech;
    uint32_t ts;
    usec now;
};

static void play(struct track *t, int ms, int below, int ptime_ms)
{
    for (int at = 0; at < ms; at += ptime_ms) {
        struct level l = {.below_dbov = (uint8_t)below};
        if (below > 0)
            sl_speech_input(&t->speech, t->ts, HZ, &l, false, t->now);
        t->ts += (uint32_t)(ptime_ms * HZ / 1000);
        t->now += MSEC(ptime_ms);
    }
}

static struct track begun(void)
{
    return (struct track){.ts = UINT32_MAX - 20000, .now = SEC(100)};
}

static const struct {
    const char *name;
    struct part part[PARTS];
    int ptime_ms;
    unsigned immediate, medium, longs;
    int below;
} rows[] = {
    {"nothing came", {{0}}, 20, 0, 0, 0, 127},
    {"the first packet is background", {{20, 30}}, 20, 0, 0, 0, 121},
    {"a room without noise", {{2000, 127}}, 20, 0, 0, 0, 127},
    {"the first word after silence", {{1000, 127}, {60, 30}}, 20, 9, 3, 0, 110},
    {"the first word", {{1000, 90}, {60, 30}}, 20, 9, 3, 0, 81},
    {"a tenth of a second", {{1000, 90}, {100, 30}}, 20, 9, 5, 1, 75},
    {"half a second", {{1000, 90}, {500, 30}}, 20, 9, 5, 5, 42},
    {"a second and more", {{1000, 90}, {1500, 30}}, 20, 9, 5, 10, 31},
    {"packets of 60 ms", {{1200, 90}, {1200, 30}}, 60, 9, 5, 10, 31},
    {"packets of 10 ms", {{1000, 90}, {500, 30}}, 10, 9, 5, 5, 42},
    {"too soft for speech", {{1000, 90}, {500, 50}}, 20, 0, 0, 0, 58},
    {"a fan", {{60000, 40}}, 20, 0, 0, 0, 40},
    {"a word over a fan", {{30000, 40}, {200, 25}}, 20, 10, 5, 2, 33},
    {"a fan, after a while", {{1000, 90}, {40000, 40}}, 20, 0, 0, 0, 40},
    {"a cough", {{1000, 90}, {80, 10}, {300, 90}}, 20, 0, 0, 0, 84},
    {"it stops to send", {{1000, 90}, {500, 30}, {220, 0}}, 20, 0, 0, 0, 127},
    {"a moment without packets", {{1000, 90}, {500, 30}, {180, 0}}, 20, 9, 5, 5, 42},
    {"after DTX", {{1000, 90}, {500, 30}, {400, 0}, {20, 90}}, 20, 0, 0, 4, 103},
    {"a minute later", {{1000, 90}, {500, 30}, {60000, 0}, {20, 30}}, 20, 9, 1, 0, 121},
    {"muted is no background", {{5000, 40}, {60000, 127}, {200, 40}}, 20, 0, 0, 0, 86},
    {"muted from the first", {{5000, 127}, {200, 40}}, 20, 8, 5, 2, 86},
    {"a second word, and silence", {{200, 30}, {80, 127}, {200, 30}}, 20, 9, 5, 2, 62},
};

TEST(speech_hears)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct track t = begun();
        check_row(rows[i].name);
        for (const struct part *p = rows[i].part; p < rows[i].part + PARTS && p->ms; p++)
            play(&t, p->ms, p->below, rows[i].ptime_ms);
        struct voice v = sl_speech_voice(&t.speech, t.now);
        CHECK_INT(v.immediate, rows[i].immediate);
        CHECK_INT(v.medium, rows[i].medium);
        CHECK_INT(v.longs, rows[i].longs);
        CHECK_INT(v.below_dbov, rows[i].below);
        CHECK_INT(voice_speaks(&v), rows[i].medium >= 3);
    }
}

/* A voice that is made has digital silence between its words, and never another background. */
TEST(speech_between_silences)
{
    struct track t = begun();
    for (int at = 0; at < 60000; at += 280) {
        play(&t, 80, 127, 20);
        play(&t, 200, 30, 20);
        struct voice v = sl_speech_voice(&t.speech, t.now);
        CHECK(voice_speaks(&v) && v.longs > 0);
    }
}

/* The counts do not depend on which packets were lost, or came late. */
TEST(speech_outlives_losses)
{
    struct track t = begun();
    play(&t, 1000, 90, 20);
    for (int i = 0; i < 100; i++) {
        struct level l = {.below_dbov = 30};
        if (i % 4 != 3)
            sl_speech_input(&t.speech, t.ts, HZ, &l, false, t.now);
        if (i % 4 == 2) /* again, and one from before */
            sl_speech_input(&t.speech, t.ts - 4 * SLOT_TICKS, HZ, &l, false, t.now);
        t.ts += SLOT_TICKS;
        t.now += SPEECH_SLOT;
    }
    struct voice v = sl_speech_voice(&t.speech, t.now);
    CHECK(v.medium == 5 && v.longs == 10);
}

/* Without levels: heard as moderately loud while it sends sound, at any clock rate. */
TEST(speech_without_levels)
{
    static const uint32_t rates[] = {8000, 48000};
    for (size_t k = 0; k < LEN(rates); k++) {
        struct speech s = {0};
        usec now = SEC(1);
        uint32_t ts = 0;
        for (int i = 0; i < 3000; i++, ts += rates[k] / 50, now += SPEECH_SLOT)
            sl_speech_input(&s, ts, rates[k], NULL, false, now);
        struct voice v = sl_speech_voice(&s, now);
        CHECK(voice_speaks(&v) && !v.told);
        CHECK(v.below_dbov - SPEECH_UNTOLD <= 1);
        for (int i = 0; i < 10; i++, ts += rates[k] / 50, now += SPEECH_SLOT)
            sl_speech_input(&s, ts, rates[k], NULL, true, now);
        v = sl_speech_voice(&s, now);
        CHECK(!voice_speaks(&v));
    }
    struct speech s = {0};
    sl_speech_input(&s, 1, 0, NULL, false, SEC(1)); /* a codec without a clock */
    CHECK_INT(s.at, 0);
}

TEST(voice_is_packed)
{
    struct voice v = {
        .immediate = 12, .medium = 5, .longs = 10, .below_dbov = 127, .told = true};
    struct voice w = {.medium = 1, .below_dbov = 1};
    struct voice a = sl_voice_unpack(sl_voice_pack(&v)),
                 b = sl_voice_unpack(sl_voice_pack(&w));
    CHECK(a.immediate == 12 && a.medium == 5 && a.longs == 10 && a.below_dbov == 127 &&
          a.told);
    CHECK(b.immediate == 0 && b.medium == 1 && b.longs == 0 && b.below_dbov == 1 &&
          !b.told);
}

/* Of the paper: how much likelier x of n are of speech, and by how much more. */
static double score(int n, double lambda, int x)
{
    double choose = lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1);
    double s = choose - n * log(2) - log(lambda) + lambda * x;
    return log(s > 1e-10 ? s : 1e-10);
}

static bool would_overtake(const struct voice *a, const struct voice *b)
{
    return score(13, 0.78, a->immediate) - score(13, 0.78, b->immediate) > 3 &&
           score(5, 24, a->medium) - score(5, 24, b->medium) > 2 &&
           score(10, 47, a->longs) - score(10, 47, b->longs) > 0;
}

TEST(voice_overtakes_as_the_paper_has_it)
{
    size_t wins = 0, of = 0;
    for (uint8_t i = 0; i < 13 * 13; i++)
        for (uint8_t m = 0; m < 6 * 6; m++)
            for (uint8_t l = 0; l < 11 * 11; l++) {
                struct voice a = {i / 13, m / 6, l / 11, 0, true};
                struct voice b = {i % 13, m % 6, l % 11, 0, true};
                bool wins_now = sl_voice_overtakes(&a, &b);
                CHECK(wins_now == would_overtake(&a, &b));
                wins += wins_now;
                of++;
            }
    CHECK(wins > of / 100 && wins < of / 4);
    struct voice nobody = {0}, untold = {12, 5, 10, 0, false};
    CHECK(!sl_voice_overtakes(&untold, &nobody));
}

/* What two do at once, and after how long the second is the speaker; -1: it is not. */
static const struct {
    const char *name;
    struct part first[PARTS], second[PARTS];
    int want_ms;
} duels[] = {
    {"silence, then the second", {{4000, 90}}, {{2000, 90}, {2000, 30}}, 2100},
    {"one after the other",
     {{1000, 90}, {1000, 30}, {2000, 90}},
     {{2200, 90}, {1800, 30}},
     2700},
    {"a word of agreement",
     {{1000, 90}, {3000, 30}},
     {{2000, 90}, {400, 25}, {1600, 90}},
     -1},
    {"a cough in a pause",
     {{1000, 90}, {1000, 30}, {300, 90}, {1700, 30}},
     {{2100, 90}, {80, 10}, {1820, 90}},
     -1},
    {"both speak, the second louder",
     {{1000, 90}, {3000, 35}},
     {{1500, 90}, {2500, 15}},
     -1},
    {"a fan against speech", {{500, 40}, {3500, 40}}, {{1000, 90}, {3000, 30}}, 1200},
};

static void step(struct track *t, const struct part *p, int at_ms)
{
    int end = 0;
    for (int i = 0; i < PARTS && p[i].ms; i++) {
        end += p[i].ms;
        if (at_ms < end) {
            play(t, 20, p[i].below, 20);
            return;
        }
    }
}

TEST(voice_is_the_dominant_one)
{
    for (size_t i = 0; i < LEN(duels); i++) {
        struct track t[2] = {begun(), begun()};
        int speaker = -1, second_at = -1;
        check_row(duels[i].name);
        for (int ms = 0; ms < 4000; ms += 20) {
            step(&t[0], duels[i].first, ms);
            step(&t[1], duels[i].second, ms);
            if (ms % 300 != 0)
                continue;
            struct voice v[2], nobody = {0};
            for (int k = 0; k < 2; k++)
                v[k] = sl_speech_voice(&t[k].speech, t[k].now);
            for (int k = 0; k < 2; k++)
                if (k != speaker &&
                    sl_voice_overtakes(&v[k], speaker < 0 ? &nobody : &v[speaker]))
                    speaker = k;
            if (speaker == 1 && second_at < 0)
                second_at = ms;
        }
        CHECK_INT(second_at, duels[i].want_ms);
    }
}
