#include "media/trendline.h"

#include <math.h>

#include "base/rng.h"

#include "check.h"

/* Groups each 20 ms whose delay grows by `slope` ms each, with jitter up to `jitter` ms. */
static const struct {
    const char *name;
    double slope, jitter;
    int first, groups; /* steady ones before, and then these */
    enum usage want;
} rows[] = {
    {"steady", 0, 0, 0, 200, USAGE_NORMAL},
    {"a clock that runs wrong by 100 ppm", 0.002, 0, 0, 3000, USAGE_NORMAL},
    {"a queue grows by 5 %", 1, 0, 60, 40, USAGE_OVER},
    {"not after a moment", 1, 0, 60, 3, USAGE_NORMAL},
    {"a queue empties", -1, 0, 60, 40, USAGE_UNDER},
    {"jitter is none", 0, 5, 60, 200, USAGE_NORMAL},
    {"a queue grows behind jitter", 1.5, 4, 60, 60, USAGE_OVER},
};

TEST(trendline)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct trendline t;
        struct rng rng = sl_rng_of(3);
        usec at = SEC(100), last = 0;
        bool seen[3] = {false};
        check_row(rows[i].name);
        sl_trendline_init(&t);
        for (int k = 0; k < rows[i].first + rows[i].groups; k++) {
            double jitter = rows[i].jitter * 1000 * (double)rng_u32(&rng) / UINT32_MAX;
            double grown = k < rows[i].first ? 0 : (k - rows[i].first) * rows[i].slope;
            usec delay = (usec)(grown * 1000 + jitter);
            at += MSEC(20) + delay - last;
            struct group_delta d = {MSEC(20), MSEC(20) + delay - last, at};
            last = delay;
            seen[sl_trendline_input(&t, &d)] = true;
        }
        CHECK_INT(seen[USAGE_OVER], rows[i].want == USAGE_OVER);
        CHECK_INT(seen[USAGE_UNDER], rows[i].want == USAGE_UNDER);
    }
}

/* What gets better by itself is let be (draft-ietf-rmcat-gcc §5.4). */
TEST(trendline_declining)
{
    for (int declining = 0; declining < 2; declining++) {
        struct trendline t;
        usec at = SEC(1);
        enum usage u = USAGE_NORMAL;
        sl_trendline_init(&t);
        for (int k = 0; k < 60; k++) {
            at += MSEC(20);
            u = sl_trendline_input(&t, &(struct group_delta){MSEC(20), MSEC(20), at});
        }
        for (int k = 0; k < 40 && t.over_n == 0; k++) {
            at += MSEC(21);
            u = sl_trendline_input(&t, &(struct group_delta){MSEC(20), MSEC(21), at});
        }
        CHECK_INT(t.over_n, 1);
        CHECK_INT(u, USAGE_NORMAL);
        t.over_ms = 20;
        t.slope = declining ? 1 : 0;
        u = sl_trendline_input(&t,
                               &(struct group_delta){MSEC(20), MSEC(21), at + MSEC(21)});
        CHECK_INT(u, declining ? USAGE_NORMAL : USAGE_OVER);
    }
}

/* The threshold follows what the path does, but for spikes. */
TEST(trendline_threshold)
{
    struct trendline t;
    sl_trendline_init(&t);
    usec at = SEC(1);
    for (int k = 0; k < 500; k++) {
        struct group_delta d = {MSEC(20), MSEC(20), at += MSEC(20)};
        (void)sl_trendline_input(&t, &d);
    }
    CHECK(fabs(t.threshold - 6) < 0.01); /* nothing happens: as sensitive as it gets */
    struct group_delta spike = {MSEC(20), MSEC(2020), at += MSEC(20)};
    double before = t.threshold;
    (void)sl_trendline_input(&t, &spike);
    CHECK(t.trend > t.threshold + 15);
    CHECK(fabs(t.threshold - before) < 0.01);
}

/* Of a full window, as least squares are taught. */
static double slope_of(const struct trendline *t)
{
    double mx = 0, my = 0, xy = 0, xx = 0;
    for (unsigned i = 0; i < TRENDLINE_WINDOW; i++) {
        mx += t->sample[i].at_ms / TRENDLINE_WINDOW;
        my += t->sample[i].delay_ms / TRENDLINE_WINDOW;
    }
    for (unsigned i = 0; i < TRENDLINE_WINDOW; i++) {
        double x = t->sample[i].at_ms - mx;
        xy += x * (t->sample[i].delay_ms - my);
        xx += x * x;
    }
    return xy / xx;
}

/* Sums that are carried on stay what they would be if they were made anew: through jitter, a rest
 * of an hour, and a queue of ten seconds. */
TEST(trendline_carried)
{
    struct trendline t;
    struct rng rng = sl_rng_of(7);
    usec at = SEC(50), last = 0;
    sl_trendline_init(&t);
    for (int k = 0; k < 20000; k++) {
        usec delay = k % 1000 == 500 ? SEC(10) : (usec)(rng_u32(&rng) % MSEC(30));
        usec sent = MSEC(6) + (k % 3000 == 700 ? SEC(3600) : 0);
        at += sent + delay - last;
        (void)sl_trendline_input(&t,
                                 &(struct group_delta){sent, sent + delay - last, at});
        last = delay;
        if (t.n == TRENDLINE_WINDOW)
            CHECK(fabs(t.slope - slope_of(&t)) < 1e-6);
    }
}
