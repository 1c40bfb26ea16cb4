/* A camera in three sizes, watched over bad paths: what is seen of it, and what is thought of
 * the path. What `./dev bench quality` shows with real browsers, in exact time. */

#include "viewing.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "media/bwe.h"
#include "sfu/inside.h"
#include "sfu/transport.h"

enum { SAMPLES = 4096, SEEDS = 4 };
#define SAMPLE MSEC(50)

static struct stage s;
static double estimates[SAMPLES];
static size_t estimates_n;

static void run(usec span)
{
    for (usec until = s.sim.now + span; s.sim.now < until;) {
        viewing_run(&s, SAMPLE);
        const struct transport *t = sl_shard_transport(s.sim.shards[0], s.sub->id);
        if (estimates_n < SAMPLES)
            estimates[estimates_n++] = (double)sl_bwe_state(t->bwe).target_bps;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double estimate(double share)
{
    qsort(estimates, estimates_n, sizeof estimates[0], compare);
    return estimates[(size_t)((double)(estimates_n - 1) * share)];
}

/* A path that stays as it is. */
static const struct {
    const char *name;
    struct impair_conf path;
    unsigned height; /* nearly all the time */
    double fps;
    int longest_ms;
    bool settles; /* between 85 and 105 % of the path, of 9 tenths of the time each */
    struct viewing_busy viewer, relay;
} rows[] = {
    {"200 kbit/s", /* half of the pictures, and a third of the path is sound */
     {.rate_bps = 200e3, .queue = MSEC(300), .delay = MSEC(25)},
     180,
     13,
     250,
     true},
    {"300 kbit/s",
     {.rate_bps = 300e3, .queue = MSEC(300), .delay = MSEC(25)},
     180,
     29,
     150,
     true},
    {"500 kbit/s",
     {.rate_bps = 500e3, .queue = MSEC(300), .delay = MSEC(25)},
     180,
     29,
     100,
     true},
    {"800 kbit/s",
     {.rate_bps = 800e3, .queue = MSEC(300), .delay = MSEC(25)},
     360,
     29,
     150,
     true},
    {"1500 kbit/s",
     {.rate_bps = 1500e3, .queue = MSEC(300), .delay = MSEC(25)},
     360,
     29,
     100,
     true},
    {"3 Mbit/s",
     {.rate_bps = 3e6, .queue = MSEC(300), .delay = MSEC(25)},
     720,
     29,
     100,
     false},
    {"jitter of 30 ms",
     {.rate_bps = 3e6, .queue = MSEC(300), .delay = MSEC(25), .jitter = MSEC(30)},
     720,
     29,
     120,
     false},
    {"300 ms",
     {.rate_bps = 1e6, .queue = MSEC(300), .delay = MSEC(150)},
     360,
     29,
     150,
     true},
    {"300 ms, and arrivals with whims",
     {.rate_bps = 1e6, .queue = MSEC(300), .delay = MSEC(150), .jitter = MSEC(10)},
     360,
     29,
     150,
     true},
    {"a queue of 2 s",
     {.rate_bps = 1e6, .queue = SEC(2), .delay = MSEC(25)},
     360,
     29,
     100,
     true},
    {"jitter of 10 ms",
     {.rate_bps = 1e6, .queue = MSEC(300), .delay = MSEC(25), .jitter = MSEC(10)},
     360,
     29,
     150,
     true},
    {"a queue of 2 s, and a busy viewer",
     {.rate_bps = 1e6, .queue = SEC(2), .delay = MSEC(25)},
     360,
     29,
     150,
     true,
     .viewer = {MSEC(200), MSEC(60)}},
    {"a busy path of 800 kbit/s",
     {.rate_bps = 800e3, .queue = MSEC(300), .delay = MSEC(25)},
     360,
     29,
     150,
     true,
     .relay = {MSEC(200), MSEC(20)}},
    {"a busy path of 300 ms",
     {.rate_bps = 1e6, .queue = MSEC(300), .delay = MSEC(150)},
     360,
     29,
     150,
     true,
     .relay = {MSEC(200), MSEC(20)}},
    {"20 ms, all busy",
     {.rate_bps = 1e6, .queue = MSEC(300), .delay = MSEC(10)},
     360,
     29,
     150,
     true,
     .viewer = {MSEC(200), MSEC(20)},
     .relay = {MSEC(200), MSEC(20)}},
    {"5 % lost", {.delay = MSEC(30), .loss = 0.05}, 720, 28, 500, false},
    {"10 % lost", {.delay = MSEC(30), .loss = 0.1}, 360, 26, 1000, false},
    {"20 % lost", {.delay = MSEC(30), .loss = 0.2}, 180, 20, 1000, false},
};

static void check_seen(size_t i, usec from)
{
    double share = viewing_share(rows[i].height, from, s.sim.now);
    double fps = viewing_fps(from, s.sim.now);
    int longest = (int)(viewing_longest(from, s.sim.now) / 1000);
    double low = estimate(0.1), high = estimate(0.9), rate = rows[i].path.rate_bps;
    (void)printf("# %-16s first after %4d ms, %3.0f %% at %up, %4.1f/s, longest %3d ms, "
                 "estimate %4.0f to %4.0f\n",
                 rows[i].name, (int)((viewing.shown[0].at - viewing.joined) / 1000),
                 share * 100, rows[i].height, fps, longest, low / 1000, high / 1000);
    CHECK(share >= 0.95);
    CHECK(fps >= rows[i].fps);
    CHECK(longest <= rows[i].longest_ms);
    CHECK(!rows[i].settles || (low >= 0.85 * rate && high <= 1.05 * rate));
}

TEST(viewing_on_bad_paths)
{
    for (size_t i = 0; i < LEN(rows) * SEEDS; i++) {
        check_row(rows[i / SEEDS].name);
        viewing_open(&s, &rows[i / SEEDS].path, 1 + i % SEEDS);
        viewing.viewer = rows[i / SEEDS].viewer;
        viewing.relay = rows[i / SEEDS].relay;
        run(SEC(15));
        estimates_n = 0;
        usec from = s.sim.now;
        run(SEC(15));
        check_seen(i / SEEDS, from);
        viewing_close(&s);
    }
}

/* From then on the path is of this rate. */
static usec change(struct impair_conf *path, double bps)
{
    path->rate_bps = bps;
    sl_impair_set(viewing.down, path, s.sim.now);
    return s.sim.now;
}

static void drop(uint64_t seed)
{
    struct impair_conf path = {.rate_bps = 3e6, .queue = MSEC(300), .delay = MSEC(25)};
    viewing_open(&s, &path, seed);
    run(SEC(15));
    usec at = change(&path, 500e3);
    CHECK(viewing_share(720, at - SEC(5), at) > 0.99);
    run(SEC(15));
    usec back = change(&path, 3e6);
    CHECK(viewing_longest(at, back) <= MSEC(600));
    CHECK(viewing_share(720, at + MSEC(1200), back) < 0.01);
    CHECK(viewing_fps(at + MSEC(1500), back) >= 29);
    run(SEC(10));
    CHECK(viewing_share(720, back, back + SEC(1)) < 0.01);
    CHECK(viewing_share(720, back + SEC(6), s.sim.now) > 0.99);
    CHECK(viewing_longest(back, s.sim.now) <= MSEC(200));
    viewing_close(&s);
}

/* 3 Mbit/s, then 500 kbit/s, then 3 again. */
TEST(viewing_through_a_drop)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        drop(seed);
}
