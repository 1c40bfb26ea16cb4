#include "media/allocate.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/rng.h"

#include "check.h"

enum { TRACKS = 12 };

/* Three sizes at three rates of frames, as browsers send them. */
#define L(e, t, kbps, w, h, f)                                                           \
    {                                                                                    \
        .live = true, .bps = (kbps)*1000, .width = (w), .height = (h), .fps = (f),       \
        .encoding = (e), .temporal = (t)                                                 \
    }
static const struct layer_table camera = {
    9,
    {L(0, 0, 75, 320, 180, 8), L(0, 1, 105, 320, 180, 15), L(0, 2, 150, 320, 180, 30),
     L(1, 0, 250, 640, 360, 8), L(1, 1, 350, 640, 360, 15), L(1, 2, 500, 640, 360, 30),
     L(2, 0, 1000, 1280, 720, 8), L(2, 1, 1400, 1280, 720, 15),
     L(2, 2, 2000, 1280, 720, 30)}};
static const struct layer_table screen = {
    2,
    {L(0, 0, 200, 1920, 1080, 5), L(0, 1, 1500, 1920, 1080, 30)}};
static const struct layer_table single = {1, {L(0, 0, 1000, 0, 0, 0)}};
static const struct layer_table sound = {1, {L(0, 0, 40, 0, 0, 0)}};

struct rig {
    size_t n;
    usec now;
    struct allocate_sum sum;
    struct allocate_track tracks[TRACKS];
    struct allocate_state states[TRACKS];
};

static struct allocate_track *add(struct rig *r, const struct layer_table *table)
{
    struct allocate_track *t = &r->tracks[r->n];
    *t = (struct allocate_track){.kind = table == &sound ? MEDIA_AUDIO : MEDIA_VIDEO,
                                 .screen = table == &screen,
                                 .table = table,
                                 .state = &r->states[r->n]};
    r->n++;
    return t;
}

static void once(struct rig *r, double kbps)
{
    r->now += MSEC(250);
    r->sum = sl_allocate(r->tracks, r->n, (uint64_t)(kbps * 1000), SEC(100) + r->now);
}

static void settle(struct rig *r, double kbps)
{
    for (int i = 0; i < 4 * 40; i++)
        once(r, kbps);
}

/* "0.2 1.1 -": encoding and temporal layer of each track; "-": paused. */
static const char *sent(const struct rig *r)
{
    static char text[128];
    size_t at = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct allocate_state *s = &r->states[i];
        const char *gap = i > 0 ? " " : "";
        if (!allocate_sent(s))
            at += (size_t)snprintf(text + at, sizeof text - at, "%s-", gap);
        else
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%u.%u", gap,
                                   s->target.encoding, s->target.temporal);
    }
    return text;
}

static void check_sent(const struct rig *r, const char *want)
{
    if (strcmp(sent(r), want) != 0)
        check_fail(__FILE__, __LINE__, "sent %s, want %s", sent(r), want);
}

static void check_cause(const struct rig *r, size_t track, enum allocate_cause want)
{
    enum allocate_cause got = (enum allocate_cause)r->states[track].cause;
    if (got != want)
        check_fail(__FILE__, __LINE__, "track %zu: %s, want %s", track,
                   sl_allocate_cause_name(got), sl_allocate_cause_name(want));
}

TEST(allocate_one_picture)
{
    static const struct {
        const char *name;
        double kbps;
        const char *want;
        enum allocate_cause cause;
    } rows[] = {
        {"all there is", 2200, "0.0 2.2", ALLOCATE_NONE},
        {"to the bit", 2040, "0.0 2.2", ALLOCATE_NONE},
        {"not quite", 2039, "0.0 1.2", ALLOCATE_BANDWIDTH},
        {"frames before a larger picture at few of them", 1300, "0.0 1.2",
         ALLOCATE_BANDWIDTH},
        {"full motion before a larger picture", 500, "0.0 0.2", ALLOCATE_BANDWIDTH},
        {"full motion of the small one", 300, "0.0 0.2", ALLOCATE_BANDWIDTH},
        {"the least", 115, "0.0 0.0", ALLOCATE_BANDWIDTH},
        {"not even that", 114, "0.0 -", ALLOCATE_BANDWIDTH},
        {"sound is not asked", 10, "0.0 -", ALLOCATE_BANDWIDTH},
        {"nothing at all", 0, "0.0 -", ALLOCATE_BANDWIDTH},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r = {0};
        check_row(rows[i].name);
        add(&r, &sound);
        add(&r, &camera);
        once(&r, rows[i].kbps);
        check_sent(&r, rows[i].want);
        check_cause(&r, 1, rows[i].cause);
        check_cause(&r, 0, ALLOCATE_NONE);
    }
}

TEST(allocate_several)
{
    static const struct {
        const char *name;
        const struct layer_table *a, *b, *c;
        double kbps;
        const char *want;
    } rows[] = {
        {"enough for all", &camera, &camera, &camera, 6000, "2.2 2.2 2.2"},
        {"everybody is seen before anybody is large", &camera, &camera, &camera, 230,
         "0.0 0.0 0.0"},
        {"equal pictures are equal", &camera, &camera, &camera, 450, "0.2 0.2 0.2"},
        {"what is left goes to one", &camera, &camera, &camera, 870, "1.2 0.2 0.2"},
        {"the first are seen", &camera, &camera, &camera, 160, "0.0 0.0 -"},
        {"a screen before cameras", &camera, &screen, &camera, 1700, "0.1 0.1 0.0"},
        {"a screen is raised first, as far as it goes", &camera, &screen, &camera, 1649,
         "1.2 0.0 1.2"},
        {"a screen is seen first", &camera, &screen, &camera, 210, "- 0.0 -"},
        {"no choice, no room", &camera, &single, &camera, 900, "1.2 - 0.2"},
        {"no choice, and room", &camera, &single, &camera, 1160, "0.0 0.0 0.0"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r = {0};
        const struct layer_table *of[] = {rows[i].a, rows[i].b, rows[i].c};
        check_row(rows[i].name);
        for (size_t k = 0; k < LEN(of); k++)
            add(&r, of[k]);
        once(&r, rows[i].kbps);
        check_sent(&r, rows[i].want);
    }
}

TEST(allocate_what_is_wanted)
{
    static const struct {
        const char *name;
        struct rtp_wish wish;
        const char *want;
        enum allocate_cause cause;
    } rows[] = {
        {"anything", {0}, "2.2", ALLOCATE_NONE},
        {"as large as the largest", {.width = 1280, .height = 720}, "2.2", ALLOCATE_NONE},
        {"a little larger than the middle one",
         {.width = 641, .height = 361},
         "2.2",
         ALLOCATE_NONE},
        {"as large as the middle one",
         {.width = 640, .height = 360},
         "1.2",
         ALLOCATE_VIEWPORT},
        {"a narrow place fills by its width",
         {.width = 640, .height = 1000},
         "1.2",
         ALLOCATE_VIEWPORT},
        {"a height alone", {.height = 180}, "0.2", ALLOCATE_VIEWPORT},
        {"smaller than the smallest",
         {.width = 10, .height = 10},
         "0.2",
         ALLOCATE_VIEWPORT},
        {"few frames", {.fps = 10}, "2.1", ALLOCATE_VIEWPORT},
        {"one frame", {.fps = 1}, "2.0", ALLOCATE_VIEWPORT},
        {"a named encoding", {.encoding = 2}, "1.2", ALLOCATE_LAYER},
        {"a named temporal layer", {.temporals = 2}, "2.1", ALLOCATE_LAYER},
        {"a name that is none", {.encoding = 7}, "2.2", ALLOCATE_NONE},
        {"nothing", {.paused = true}, "-", ALLOCATE_VIEWER},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r = {0};
        check_row(rows[i].name);
        add(&r, &camera);
        once(&r, 10000);
        r.tracks[0].wish = rows[i].wish;
        once(&r, 10000);
        check_sent(&r, rows[i].want);
        check_cause(&r, 0, rows[i].cause);
        r.tracks[0].wish = (struct rtp_wish){0};
        once(&r, 10000); /* what is wanted again comes at once */
        check_sent(&r, "2.2");
    }
}

TEST(allocate_svc_and_unknown_sizes)
{
    static const struct layer_table svc = {
        3,
        {{.live = true, .bps = 200000, .width = 320, .height = 180, .fps = 30},
         {.live = true, .bps = 600000, .width = 640, .height = 360, .spatial = 1},
         {.live = true, .bps = 1800000, .width = 1280, .height = 720, .spatial = 2}}};
    struct layer_table unknown = {2, {L(0, 0, 100, 0, 0, 0), L(1, 0, 900, 0, 0, 0)}};
    struct rig r = {0};
    add(&r, &svc);
    once(&r, 5000);
    CHECK_INT(r.states[0].target.spatial, 2);
    r.tracks[0].wish.spatials = 2;
    once(&r, 5000);
    CHECK_INT(r.states[0].target.spatial, 1);
    check_cause(&r, 0, ALLOCATE_LAYER);

    struct rig u = {0};
    add(&u, &unknown);
    once(&u, 500);
    check_sent(&u, "0.0");
    CHECK_INT(u.sum.next, 960001);
    settle(&u, 1000);
    check_sent(&u, "1.0");
    CHECK_INT(u.sum.next, 0);
    unknown.n = 0;
    once(&u, 1000);
    check_sent(&u, "-");
    check_cause(&u, 0, ALLOCATE_NOT_PUBLISHED);
    unknown.n = 2;
    once(&u, 1000); /* a source that begins does not wait */
    check_sent(&u, "1.0");
}

TEST(allocate_by_priority)
{
    struct rig r = {0};
    add(&r, &camera);
    add(&r, &camera)->wish.priority = 64;
    add(&r, &screen);
    once(&r, 160);
    check_sent(&r, "0.0 0.0 -"); /* it is small enough, the screen is not */
    struct rig u = {0};          /* the same, with a screen that is not less */
    add(&u, &camera);
    add(&u, &camera)->wish.priority = 64;
    add(&u, &screen)->wish.priority = 64;
    once(&u, 1700);
    check_sent(&u, "0.0 0.1 0.1");
    struct rig v = {0};
    add(&v, &camera);
    add(&v, &camera)->wish.priority = 64;
    once(&v, 2700);
    check_sent(&v, "1.2 2.2");
}

TEST(allocate_goes_down_at_once_and_up_in_time)
{
    struct rig r = {0};
    add(&r, &camera);
    once(&r, 3000);
    check_sent(&r, "2.2");
    once(&r, 600);
    check_sent(&r, "1.2");
    CHECK_INT(r.sum.bps, 500000);
    CHECK_INT(r.sum.next, 2133334); /* few frames of 720p are no step on the way */
    once(&r, 3000);
    usec from = r.now;
    while (strcmp(sent(&r), "1.2") == 0 && r.now - from < SEC(10))
        once(&r, 3000);
    check_sent(&r, "2.2");
    CHECK_INT(r.now - from, ALLOCATE_CONFIRM);
    for (int i = 0; i < 40; i++)
        once(&r, i % 3 == 0 ? 500 : 3000); /* it never fits for so long without a break */
    check_sent(&r, "1.2");
}

/* What nearly fits stays; it is not begun, and not raised to. */
TEST(allocate_lets_stay_what_nearly_fits)
{
    struct rig r = {0};
    add(&r, &camera);
    settle(&r, 600);
    check_sent(&r, "1.2");
    settle(&r, 445);
    check_sent(&r, "1.2");
    CHECK_INT(r.sum.next, 2133334); /* and more is asked for as before */
    once(&r, 444);
    check_sent(&r, "0.2");
    settle(&r, 500);
    check_sent(&r, "0.2");
    add(&r, &camera);
    once(&r, 640);
    check_sent(&r, "0.2 0.2");
    CHECK(r.sum.bps <= 640000);
}

/* There is room for one of them and no spare: who is more important now has it. */
TEST(allocate_gives_the_place_of_one_to_another)
{
    struct rig r = {0};
    struct allocate_track *a = add(&r, &camera), *b = add(&r, &camera);
    a->wish.priority = 200;
    b->wish.priority = 50;
    settle(&r, 700);
    check_sent(&r, "1.2 0.2");
    settle(&r, 655);
    check_sent(&r, "1.2 0.2");
    a->wish.priority = 50;
    b->wish.priority = 200;
    settle(&r, 655);
    check_sent(&r, "0.2 1.2");
}

TEST(allocate_pauses_and_resumes)
{
    struct rig r = {0};
    add(&r, &camera);
    settle(&r, 100);
    check_sent(&r, "0.0");
    usec from = r.now;
    while (allocate_sent(&r.states[0]) && r.now - from < SEC(10))
        once(&r, 60);
    CHECK_INT(r.now - from - MSEC(250), ALLOCATE_GRACE);
    check_cause(&r, 0, ALLOCATE_BANDWIDTH);
    CHECK_INT(r.states[0].changed_at, SEC(100) + r.now);
    CHECK_INT(r.sum.next, 80001);
    settle(&r, 79); /* it fits, but with nothing to spare */
    check_sent(&r, "-");
    from = r.now;
    while (!allocate_sent(&r.states[0]) && r.now - from < SEC(10))
        once(&r, 81);
    CHECK_INT(r.now - from - MSEC(250), ALLOCATE_RESUME);
    check_sent(&r, "0.0");
}

/* What it needs is measured, and never twice the same: the spare is for that. */
TEST(allocate_waits_in_spite_of_noise)
{
    struct rig r = {0};
    struct layer_table noisy = camera;
    add(&r, &noisy);
    settle(&r, 100);
    for (int k = 0; k < 400 && allocate_sent(&r.states[0]); k++)
        once(&r, 60);
    CHECK_INT(allocate_sent(&r.states[0]), false);
    usec from = r.now;
    while (!allocate_sent(&r.states[0]) && r.now - from < SEC(100)) {
        noisy.layers[0].bps = r.now / MSEC(250) % 3 == 0 ? 79000 : 73000;
        once(&r, 80);
    }
    CHECK(r.now - from <= ALLOCATE_RESUME + 3 * MSEC(250));
}

/* An estimate goes up and down a little: a raise begins with some to spare, and is not given up
 * for as long as it fits. */
TEST(allocate_raises_in_spite_of_whims)
{
    for (int fits = 0; fits < 2; fits++) {
        struct rig r = {0};
        add(&r, &sound);
        add(&r, &camera);
        settle(&r, 440);
        CHECK_STR(sent(&r), "0.0 0.2");
        for (int i = 0; i < 40; i++)
            once(&r, i % 3 != 2 ? 580 : fits ? 545 : 535);
        CHECK_STR(sent(&r), fits ? "0.0 1.2" : "0.0 0.2");
    }
}

/* However often it had to go again soon. */
TEST(allocate_tries_a_paused_picture_again)
{
    struct rig r = {0};
    add(&r, &camera);
    settle(&r, 100);
    for (int i = 0; i < 8; i++) {
        for (int k = 0; k < 400 && allocate_sent(&r.states[0]); k++)
            once(&r, 60);
        CHECK_INT(allocate_sent(&r.states[0]), false);
        usec from = r.now;
        while (!allocate_sent(&r.states[0]) && r.now - from < SEC(100))
            once(&r, 90);
        int doublings = i < ALLOCATE_RESUMES_MAX ? i : ALLOCATE_RESUMES_MAX;
        CHECK_INT(r.now - from - MSEC(250), ALLOCATE_RESUME << doublings);
    }
    CHECK_INT(r.states[0].strikes, ALLOCATE_STRIKES_MAX);
}

/* Who waits has it reserved, and nobody loses what the other does not have yet. */
TEST(allocate_waits_without_taking)
{
    struct rig r = {0};
    add(&r, &camera);
    add(&r, &camera);
    settle(&r, 1000);
    check_sent(&r, "1.2 1.2");
    r.tracks[0].wish.priority = 1;
    r.tracks[1].wish.priority = 255;
    once(&r, 2300);
    check_sent(&r, "1.2 1.2");
    for (int i = 0; i < 3; i++) {
        once(&r, 2300);
        check_sent(&r, "1.2 1.2");
    }
    once(&r, 2300);
    check_sent(&r, "0.2 2.2");
}

/* The layer that is sent stops: another takes its place in the same moment, none larger. */
TEST(allocate_replaces_a_layer_that_stopped)
{
    struct layer_table table = camera;
    struct rig r = {0};
    add(&r, &table);
    settle(&r, 600);
    check_sent(&r, "1.2");
    for (int i = 3; i < 6; i++)
        table.layers[i].live = false;
    once(&r, 600);
    check_sent(&r, "0.2");
    settle(&r, 3000);
    check_sent(&r, "2.2");
    check_cause(&r, 0, ALLOCATE_NONE); /* it lacks nothing */
    for (int i = 6; i < 9; i++)
        table.layers[i].live = false;
    once(&r, 3000);
    check_sent(&r, "0.2");
    check_cause(&r, 0, ALLOCATE_PUBLISHER);
    for (int i = 0; i < 3; i++)
        table.layers[i].live = false;
    once(&r, 3000);
    check_sent(&r, "-");
    check_cause(&r, 0, ALLOCATE_NOT_PUBLISHED);
}

/* What a layer takes is not known when its first packets come. */
TEST(allocate_waits_for_a_measure)
{
    struct layer_table table = camera;
    struct rig r = {0};
    for (int i = 0; i < 9; i++)
        table.layers[i].bps = 0;
    add(&r, &table);
    once(&r, 100);
    check_sent(&r, "2.2"); /* of nothing anything is known: the best is tried */
    for (int i = 0; i < 3; i++)
        table.layers[i].bps = camera.layers[i].bps;
    once(&r, 100);
    check_sent(&r, "2.2"); /* as it is, until it shows */
    table = camera;
    once(&r, 600);
    check_sent(&r, "1.2");
    table.layers[8].bps = 0;
    settle(&r, 600);
    check_sent(&r, "1.2"); /* nobody knows what that would cost */
}

/* ---- properties ---- */

static double noise(struct rng *rng)
{
    return 0.9 + 0.2 * (double)(rng_u32(rng) % 1000) / 1000;
}

/* Whatever the path carries, and however steps fall on it: ten minutes of ten percent noise,
 * in the estimate and in all rates, change the picture a few times, and less and less. */
TEST(allocate_does_not_flap)
{
    struct rng rng = sl_rng_of(7);
    for (int kbps = 60; kbps <= 2400; kbps += 20) {
        struct rig r = {0};
        struct layer_table noisy = camera;
        int changes = 0, late = 0;
        char row[32];
        (void)snprintf(row, sizeof row, "%d kbit/s", kbps);
        check_row(row);
        add(&r, &noisy);
        for (int i = 0; i < 2400; i++) {
            double n = noise(&rng);
            usec was = r.states[0].changed_at;
            for (int k = 0; k < 9; k++)
                noisy.layers[k].bps = (uint32_t)(camera.layers[k].bps * n);
            once(&r, kbps * noise(&rng));
            changes += r.states[0].changed_at != was;
            late += i >= 1200 && r.states[0].changed_at != was;
        }
        CHECK(changes <= 40);
        CHECK(late <= 16);
    }
}

static void any_rig(struct rig *r, struct rng *rng, struct layer_table *at)
{
    *r = (struct rig){0};
    size_t n = 1 + rng_u32(rng) % TRACKS;
    for (size_t i = 0; i < n; i++) {
        at[i] = camera;
        at[i].n = (uint8_t)(1 + rng_u32(rng) % 9);
        for (uint8_t k = 0; k < at[i].n; k++)
            at[i].layers[k].bps = (uint32_t)(camera.layers[k].bps * (noise(rng) + 0.1));
        struct allocate_track *t = add(r, &at[i]);
        t->screen = rng_u32(rng) % 4 == 0;
        t->wish.priority = rng_u32(rng) % 3 == 0 ? 48 : WISH_PRIORITY;
    }
}

/* What is sent is never more than there is, but for lowest layers that are about to be paused,
 * and for what was sent before and nearly fits. */
static void check_sum(const struct rig *r, uint64_t bps, const struct layer_table *tables)
{
    uint64_t sum = 0;
    bool grace = false;
    for (size_t k = 0; k < r->n; k++) {
        sum += r->states[k].bps;
        grace |= r->states[k].short_since != 0;
    }
    CHECK_INT(sum, r->sum.bps);
    CHECK(grace || sum <= bps + bps / ALLOCATE_STAY);
    for (size_t k = 0; grace && k < r->n; k++)
        CHECK(r->states[k].bps <= tables[k].layers[0].bps);
}

TEST(allocate_stays_below_the_estimate)
{
    struct rng rng = sl_rng_of(1);
    struct layer_table at[TRACKS];
    struct rig r;
    for (int round = 0; round < 300; round++) {
        any_rig(&r, &rng, at);
        unsigned kbps = 50 + rng_u32(&rng) % 8000;
        for (int i = 0; i < 60; i++) {
            if (rng_u32(&rng) % 8 == 0)
                kbps = 50 + rng_u32(&rng) % 8000;
            once(&r, kbps);
            check_sum(&r, (uint64_t)kbps * 1000, at);
        }
    }
}

/* One picture alone is never worse with more. */
TEST(allocate_more_is_never_less)
{
    struct rng rng = sl_rng_of(2);
    struct layer_table at[TRACKS];
    struct rig r;
    for (int round = 0; round < 200; round++) {
        any_rig(&r, &rng, at);
        uint64_t before = 0;
        r.n = 1;
        for (int kbps = 50; kbps < 9000; kbps += kbps / 10) {
            memset(r.states, 0, sizeof r.states);
            once(&r, kbps);
            CHECK(r.sum.bps >= before);
            before = r.sum.bps;
        }
    }
}

static size_t seen(const struct rig *r)
{
    size_t n = 0;
    while (n < r->n && allocate_sent(&r->states[n]))
        n++;
    return n;
}

/* Once all are seen, all are seen with more. */
TEST(allocate_more_pauses_nobody)
{
    struct rng rng = sl_rng_of(4);
    struct layer_table at[TRACKS];
    struct rig r;
    for (int round = 0; round < 200; round++) {
        any_rig(&r, &rng, at);
        bool all = false;
        for (int kbps = 50; kbps < 9000; kbps += kbps / 10) {
            memset(r.states, 0, sizeof r.states);
            once(&r, kbps);
            CHECK(!all || seen(&r) == r.n);
            all = seen(&r) == r.n;
        }
    }
}

/* What the sum says would raise something does; what it says would be enough is. */
TEST(allocate_knows_what_it_lacks)
{
    struct rng rng = sl_rng_of(3);
    struct layer_table at[TRACKS];
    struct rig r;
    for (int round = 0; round < 200; round++) {
        any_rig(&r, &rng, at);
        settle(&r, 50 + rng_u32(&rng) % 4000);
        uint64_t was = r.sum.bps, next = r.sum.next, best = r.sum.best;
        if (next == 0)
            continue;
        CHECK(next <= best);
        settle(&r, (double)next / 1000 + 1);
        CHECK(r.sum.bps > was);
        settle(&r, (double)best / 1000 + 1);
        CHECK_INT(r.sum.next, 0);
    }
}

/* A screen gets what it would get if all cameras were as small as can be. */
TEST(allocate_screens_do_not_lose_to_cameras)
{
    for (int kbps = 300; kbps < 6000; kbps += 50) {
        struct layer_table lowest = camera;
        struct rig r = {0}, least = {0};
        lowest.n = 1;
        add(&r, &camera);
        add(&r, &screen);
        add(&r, &camera);
        add(&least, &lowest);
        add(&least, &screen);
        add(&least, &lowest);
        once(&r, kbps);
        once(&least, kbps);
        CHECK_INT(r.states[1].target.temporal, least.states[1].target.temporal);
    }
}
