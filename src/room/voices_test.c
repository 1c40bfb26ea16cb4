#include "room/voices.h"

#include <string.h>

#include "check.h"

/* Voices are letters, a..e; levels are loud (-20), plain (-35), soft (-44) or silent, of
 * speech or of something else. Time is in tenths of a second, as control is told. */
enum { VOICES = 5 };

struct room {
    struct voices voices;
    struct heard heard[VOICES];
    usec now;
};

static void init(struct room *r)
{
    sl_voices_init(&r->voices);
    r->now = SEC(100);
    for (int i = 0; i < VOICES; i++)
        sl_voices_add(&r->voices, &r->heard[i]);
}

static struct voice voice_of(char how)
{
    struct voice speech = {.immediate = 9, .medium = 5, .longs = 9, .told = true};
    struct voice other = {.told = true, .below_dbov = LEVEL_SILENCE};
    speech.below_dbov = how == 'L' ? 20 : how == 'P' ? 35 : 44;
    if (how == 'm') /* music: no speech, but loud */
        other.below_dbov = 25;
    if (how == 'n') /* noise that nobody needs to hear */
        other.below_dbov = 65;
    return strchr("LPS", how) ? speech : other;
}

static const char *order(struct room *r)
{
    static char text[VOICES + 1];
    size_t n = 0;
    list_each (struct heard, h, &r->voices.order, in_order)
        text[n++] = (char)('a' + (h - r->heard));
    text[n] = '\0';
    return text;
}

/* What each does in each tenth of a second, repeated; then the order, and the speaker. */
static const struct {
    const char *name;
    struct {
        int tenths;
        const char *does; /* by voice; '.': control is told nothing */
    } part[4];
    const char *want;
    char speaker; /* 0: nobody */
} rows[] = {
    {"silence", {{20, "....."}}, "abcde", 0},
    {"the last speaks", {{1, "....P"}}, "eabcd", 'e'},
    {"who speaks second comes second", {{1, "....P"}, {1, "...PP"}}, "edabc", 'e'},
    {"a pause between words changes nothing",
     {{10, "P...."}, {8, "s...P"}},
     "aebcd",
     'e'},
    {"a longer pause does", {{10, "P...."}, {12, "s...P"}}, "eabcd", 'e'},
    {"who paused is behind, but before silence",
     {{10, "P...."}, {30, "ss..P"}, {5, "s.ssP"}},
     "eabcd",
     'e'},
    {"a bit louder is not enough", {{10, "S...."}, {50, "S..P."}}, "adbce", 'a'},
    {"much louder, for long", {{10, "P...."}, {50, "P..L."}}, "dabce", 'a'},
    {"three cannot be cut off by a fourth", {{10, "PPP.."}, {50, "PPPP."}}, "abcde", 'a'},
    {"much louder, but not for long", {{20, "S...."}, {18, "S...L"}}, "aebcd", 'a'},
    {"music before silence", {{2, "...m."}}, "dabce", 0},
    {"noise is silence", {{2, "...n."}}, "abcde", 0},
    {"speech before music", {{2, "...m."}, {1, "...mP"}}, "edabc", 'e'},
};

TEST(voices_come_in_order)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct room r;
        init(&r);
        check_row(rows[i].name);
        for (size_t k = 0; k < LEN(rows[i].part) && rows[i].part[k].does; k++)
            for (int t = 0; t < rows[i].part[k].tenths; t++, r.now += MSEC(100))
                for (int who = 0; who < VOICES; who++) {
                    struct voice v = voice_of(rows[i].part[k].does[who]);
                    if (rows[i].part[k].does[who] == '.')
                        continue;
                    (void)sl_voices_input(&r.voices, &r.heard[who], &v, r.now);
                    (void)sl_voices_decide(&r.voices, &r.heard[who], r.now);
                }
        list_each (struct heard, h, &r.voices.order, in_order)
            CHECK(h->in_order.next == &r.voices.order ||
                  h->place < list_entry(h->in_order.next, struct heard, in_order)->place);
        if (strcmp(order(&r), rows[i].want) != 0)
            check_fail(__FILE__, __LINE__, "%s, want %s", order(&r), rows[i].want);
        CHECK_INT(r.voices.speaker ? 'a' + (r.voices.speaker - r.heard) : 0,
                  rows[i].speaker);
    }
}
