#include "service/rest.h"

#include "check.h"

/* Windows one after the other, of which it worked so many percent. */
TEST(rests_when_busy)
{
    static const struct {
        const char *name;
        int worked;
        bool rests; /* in the window that follows */
    } rows[] = {
        {"idle", 0, false},
        {"little to do", 9, false},
        {"not quite half", 49, false},
        {"half", 50, true},
        {"less by its rests", 41, true},
        {"two fifths", 40, true},
        {"less than that", 39, false},
        {"again not quite half", 49, false},
        {"all the time", 100, true},
        {"idle again", 0, false},
    };
    struct rest r = {.since = SEC(5)};
    usec now = SEC(5);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(rows[i].name);
        usec idle = REST_WINDOW * (100 - rows[i].worked) / 100;
        rest_add(&r, now, now + idle / 2);
        rest_add(&r, now + REST_WINDOW / 2, now + REST_WINDOW / 2 + idle - idle / 2);
        now += REST_WINDOW;
        CHECK_INT(sl_rest_for(&r, true, now), rows[i].rests ? REST_TIME : 0);
    }
}

/* What happens within a window changes nothing before its end. */
TEST(a_window_is_judged_at_its_end)
{
    struct rest r = {0};
    CHECK_INT(sl_rest_for(&r, true, REST_WINDOW - 1), 0);
    CHECK_INT(sl_rest_for(&r, true, REST_WINDOW), REST_TIME);
    rest_add(&r, REST_WINDOW, 2 * REST_WINDOW - 1);
    CHECK_INT(sl_rest_for(&r, true, 2 * REST_WINDOW - 1), REST_TIME);
    CHECK_INT(sl_rest_for(&r, true, 2 * REST_WINDOW), 0);
}

/* A round that took longer than a window is judged by its own length. */
TEST(a_long_round_counts_whole)
{
    struct rest r = {0};
    rest_add(&r, 0, MSEC(14));
    CHECK_INT(sl_rest_for(&r, true, MSEC(30)), REST_TIME);
    rest_add(&r, MSEC(30), MSEC(50));
    CHECK_INT(sl_rest_for(&r, true, MSEC(60)), 0);
}

TEST(sleeps_after_a_look_that_found_nothing)
{
    struct rest r = {0};
    CHECK_INT(sl_rest_for(&r, true, REST_WINDOW), REST_TIME);
    CHECK_INT(sl_rest_for(&r, false, REST_WINDOW + REST_TIME), 0);
    CHECK_INT(sl_rest_for(&r, true, REST_WINDOW + 2 * REST_TIME), REST_TIME);
    CHECK_INT(sl_rest_for(&r, false, 2 * REST_WINDOW), 0);
    CHECK_INT(sl_rest_for(&r, true, 2 * REST_WINDOW + 1), REST_TIME);
}

/* Only who is busier than that for some windows rests for longer, and until it clearly is not. */
TEST(rests_longer_when_busy_for_long)
{
    static const struct {
        const char *name;
        int worked, windows;
        usec rests; /* in the window that follows the last */
    } rows[] = {
        {"half", 50, 100, REST_TIME},
        {"more, for a moment", 80, 1, REST_TIME},
        {"half again", 50, 20, REST_TIME},
        {"three fifths", 60, 40, REST_LONG},
        {"less by its rests", 50, 40, REST_LONG},
        {"idle for a moment", 0, 1, 0},
        {"half, without them", 52, 40, REST_TIME},
        {"three fifths again", 60, 40, REST_LONG},
        {"half, with them", 46, 40, REST_TIME},
        {"idle", 0, 40, 0},
    };
    struct rest r = {0};
    usec now = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        usec rests = 0;
        check_row(rows[i].name);
        for (int w = 0; w < rows[i].windows; w++) {
            rest_add(&r, now, now + REST_WINDOW * (100 - rows[i].worked) / 100);
            now += REST_WINDOW;
            rests = sl_rest_for(&r, true, now);
        }
        CHECK_INT(rests, rows[i].rests);
    }
}
