#include "media/lossrate.h"

#include <math.h>

#include "check.h"

/* A path that loses `own` of all packets, and what goes beyond `limit` besides.
 * The sender keeps to what it is told, and else sends what delay allows:
 * `delay`, in kbit/s. */
static const struct {
    const char *name;
    double own, limit, delay;
    double low, high; /* where it ends, in kbit/s */
    bool limited;
} rows[] = {
    {"nothing is lost", 0, 9000, 1000, 1000, 1000, false},
    {"a radio link, 2 %", 0.02, 9000, 2000, 2000, 2000, false},
    {"a radio link, 5 %", 0.05, 9000, 2000, 2000, 2000, false},
    {"10 %", 0.10, 9000, 3000, 1500, 2100, true},
    {"40 %", 0.40, 9000, 3000, 150, 400, true},
    {"full at 1 Mbit/s", 0, 1000, 2000, 700, 1060, true},
    {"full at 1 Mbit/s, and lossy", 0.03, 1000, 2000, 700, 1200, true},
};

TEST(lossrate)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct lossrate l = {.max_bps = 1e7};
        usec now = SEC(1);
        double over = 0;
        check_row(rows[i].name);
        for (int k = 0; k < 400; k++, now += MSEC(100)) {
            double kbps = l.limited ? l.bps / 1000 : rows[i].delay;
            double packets = kbps * 100 / 8 / 1000;
            double full = kbps > rows[i].limit ? 1 - rows[i].limit / kbps : 0;
            over += packets * (full + (1 - full) * rows[i].own);
            int lost = (int)over;
            over -= lost;
            sl_lossrate_input(&l, (unsigned)packets + 1, lost, kbps * 100 / 8, now);
            sl_lossrate_update(&l, rows[i].delay * 1000, kbps * 1000 * (1 - full), now);
        }
        CHECK_INT(l.limited, rows[i].limited);
        double ends = l.bps / 1000;
        CHECK(ends >= rows[i].low && ends <= rows[i].high);
        if (ends < rows[i].low || ends > rows[i].high)
            check_fail(__FILE__, __LINE__, "it ended at %.0f", ends);
    }
}

/* 20 packets each 100 ms, of 2 Mbit/s, of which so many are lost. */
static void feed(struct lossrate *l, int lost, int times, usec *now)
{
    for (int k = 0; k < times; k++, *now += MSEC(100)) {
        sl_lossrate_input(l, 20, lost, 25000, *now);
        sl_lossrate_update(l, 2e6, lost > 0 ? 1.2e6 : 2e6, *now);
    }
}

TEST(lossrate_is_raised_by_a_probe)
{
    struct lossrate l = {.max_bps = 1e7};
    usec now = SEC(1);
    feed(&l, 8, 50, &now);
    CHECK(l.limited);
    CHECK(sl_lossrate_losing(&l));
    CHECK(l.fraction > 0.38 && l.fraction < 0.42);
    sl_lossrate_probed(&l, 1e3); /* never down */
    double before = l.bps;
    CHECK(before > 1e3);
    sl_lossrate_probed(&l, before + 50e3);
    CHECK(l.bps == before + 50e3);
}

TEST(lossrate_comes_back)
{
    struct lossrate l = {.max_bps = 1e7};
    usec now = SEC(1);
    feed(&l, 8, 50, &now);
    for (int k = 0; k < 15; k++) {
        double before = l.bps;
        feed(&l, 0, 1, &now);
        CHECK(l.bps < 1.31 * before); /* not at one bound */
    }
    CHECK(l.recent < 0.1);
    feed(&l, 0, 35, &now);
    CHECK(!l.limited);
    CHECK(!sl_lossrate_losing(&l));
}

TEST(lossrate_late_is_not_lost)
{
    struct lossrate l = {.max_bps = 1e7};
    usec now = SEC(1);
    for (int k = 0; k < 40; k++, now += MSEC(100)) {
        sl_lossrate_input(&l, 20, k % 2 ? -5 : 5, 25000, now);
        sl_lossrate_update(&l, 2e6, 2e6, now);
    }
    CHECK(l.fraction < 0.10);
    CHECK(l.bps > 0);
}

/* A path that loses a tenth, by chance a little more of these seconds and less
 * of those: the rate does not follow. When it loses much more, it does. */
TEST(lossrate_of_a_path_that_is_known)
{
    struct lossrate l = {.max_bps = 1e7};
    usec now = SEC(1);
    double low = INFINITY, high = 0;
    for (int k = 0; k < 1200; k++, now += MSEC(100)) {
        sl_lossrate_input(&l, 50, k % 50 < 25 ? 4 : 6, 25000, now);
        sl_lossrate_update(&l, 3e6, 0, now);
        low = k > 600 ? fmin(low, l.bps) : low;
        high = k > 600 ? fmax(high, l.bps) : high;
    }
    CHECK(low > 1.8e6 && high < 2.2e6);
    for (int k = 0; k < 20; k++, now += MSEC(100)) {
        sl_lossrate_input(&l, 50, 20, 25000, now);
        sl_lossrate_update(&l, 3e6, 0, now);
    }
    CHECK(l.bps < 0.7e6);
}
