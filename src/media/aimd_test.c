#include "media/aimd.h"

#include <math.h>

#include "check.h"

static struct aimd_input input(enum usage u, double acked)
{
    return (struct aimd_input){.usage = u,
                               .acked_bps = acked,
                               .tried_bps = acked,
                               .now_bps = acked,
                               .rtt = MSEC(100)};
}

static bool about(double bps, double want)
{
    return fabs(bps - want) <= want * 0.01;
}

/* Each 100 ms from *now on. */
static enum aimd_did run(struct aimd *a, enum usage u, double acked, usec *now, int n)
{
    enum aimd_did did = AIMD_KEPT;
    struct aimd_input in = input(u, acked);
    for (int i = 0; i < n; i++)
        did = sl_aimd_input(a, &in, *now += MSEC(100));
    return did;
}

TEST(aimd_grows)
{
    struct aimd a;
    usec now = SEC(1);
    sl_aimd_init(&a, 1e6, 50e3, 3e6);
    CHECK_INT(run(&a, USAGE_NORMAL, 0, &now, 1), AIMD_KEPT); /* from now on */
    CHECK_INT(run(&a, USAGE_NORMAL, 0, &now, 10), AIMD_GREW);
    CHECK(about(a.bps, 1.08e6)); /* 8 % a second */
    CHECK_INT(run(&a, USAGE_UNDER, 0, &now, 20), AIMD_KEPT);
    CHECK(about(a.bps, 1.08e6));
    run(&a, USAGE_NORMAL, 0, &now, 500);
    CHECK(a.bps == 3e6); /* the ceiling */
}

TEST(aimd_no_farther_than_tried)
{
    struct aimd a;
    usec now = SEC(1);
    sl_aimd_init(&a, 1e6, 50e3, 9e6);
    CHECK_INT(run(&a, USAGE_NORMAL, 1e6, &now, 200), AIMD_CAPPED);
    CHECK(fabs(a.bps - 1.51e6) < 1);
    run(&a, USAGE_NORMAL, 0.2e6, &now, 200); /* less is sent: it is kept */
    CHECK(about(a.bps, 1.51e6));
}

TEST(aimd_cuts)
{
    struct aimd a;
    usec now = SEC(1);
    sl_aimd_init(&a, 2e6, 50e3, 9e6);
    CHECK_INT(run(&a, USAGE_OVER, 1.8e6, &now, 1), AIMD_CUT);
    CHECK(about(a.bps, 0.85 * 1.8e6));
    struct aimd_input in = input(USAGE_OVER, 1.5e6);
    CHECK_INT(sl_aimd_input(&a, &in, now + MSEC(50)),
              AIMD_KEPT); /* it has to show first */
    CHECK_INT(sl_aimd_input(&a, &in, now += MSEC(110)), AIMD_CUT);
    CHECK(about(a.bps, 0.85 * 1.5e6));
    in = input(USAGE_OVER, 0.3e6); /* collapsed: at once, but by half at the most */
    in.steep = true;
    CHECK_INT(sl_aimd_input(&a, &in, now += MSEC(10)), AIMD_CUT);
    CHECK(about(a.bps, 0.85 * 1.5e6 / 2));
    in = input(USAGE_OVER, 1e3);
    in.steep = true;
    for (int i = 0; i < 50; i++)
        (void)sl_aimd_input(&a, &in, now += MSEC(100));
    CHECK(a.bps == 50e3);
    in = input(USAGE_OVER, 2e6); /* never up */
    (void)sl_aimd_input(&a, &in, now += SEC(1));
    CHECK(a.bps == 50e3);
}

/* A queue that is known early is empty soon, if the source does not fill it again. */
TEST(aimd_cut_for_a_brief_queue)
{
    static const struct {
        const char *name;
        double acked;
        bool brief, steep;
        double want;
    } rows[] = {
        {"brief", 0.9e6, true, false, 0.9e6},
        {"one that stands", 0.9e6, false, false, 0.85 * 0.9e6},
        {"steep", 0.9e6, true, true, 0.85 * 0.9e6},
        {"of all that may be sent", 0.98e6, true, false, 0.85 * 0.98e6},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct aimd a;
        struct aimd_input in = input(USAGE_OVER, rows[i].acked);
        in.brief = rows[i].brief;
        in.steep = rows[i].steep;
        check_row(rows[i].name);
        sl_aimd_init(&a, 1e6, 50e3, 9e6);
        CHECK_INT(sl_aimd_input(&a, &in, SEC(1)), AIMD_CUT);
        CHECK(about(a.bps, rows[i].want));
    }
}

/* What stands while more passes than the rate was sent beside it, and goes by itself. */
TEST(aimd_lets_a_burst_go)
{
    static const struct {
        const char *name;
        double acked, now_bps;
        bool steep;
        bool kept;
    } rows[] = {
        {"a key picture", 0.4e6, 1.1e6, false, true},
        {"less passes than the rate", 0.4e6, 0.95e6, false, false},
        {"all is sent that may be", 0.98e6, 1.1e6, false, false},
        {"steep", 0.4e6, 1.1e6, true, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct aimd a;
        struct aimd_input in = input(USAGE_OVER, rows[i].acked);
        in.now_bps = rows[i].now_bps;
        in.steep = rows[i].steep;
        check_row(rows[i].name);
        sl_aimd_init(&a, 1e6, 50e3, 9e6);
        CHECK_INT(sl_aimd_input(&a, &in, SEC(1)) == AIMD_KEPT, rows[i].kept);
        CHECK((a.bps == 1e6) == rows[i].kept);
    }
}

/* It does not, or begins anew. */
TEST(aimd_burst_that_stays)
{
    struct aimd a;
    struct aimd_input in = input(USAGE_OVER, 0.4e6), calm = input(USAGE_NORMAL, 0.4e6);
    sl_aimd_init(&a, 1e6, 50e3, 9e6);
    in.now_bps = 1.1e6;
    CHECK_INT(sl_aimd_input(&a, &in, SEC(1)), AIMD_KEPT);
    CHECK_INT(sl_aimd_input(&a, &in, SEC(1) + MSEC(300)), AIMD_KEPT);
    CHECK_INT(sl_aimd_input(&a, &in, SEC(1) + MSEC(450)), AIMD_CUT);
    (void)sl_aimd_input(&a, &calm, SEC(2));
    CHECK_INT(sl_aimd_input(&a, &in, SEC(3)), AIMD_KEPT);
}

/* Who sends little learns from a small queue that there was a burst, not that what arrives is
 * all that does. */
TEST(aimd_cut_of_who_sends_little)
{
    struct aimd a;
    usec now = SEC(1);
    struct aimd_input in = input(USAGE_OVER, 0.5e6);
    sl_aimd_init(&a, 1e6, 50e3, 9e6);
    CHECK_INT(sl_aimd_input(&a, &in, now), AIMD_CUT);
    CHECK(about(a.bps, 0.92e6));
    CHECK_INT(sl_aimd_input(&a, &in, now += MSEC(200)), AIMD_KEPT);
    CHECK_INT(sl_aimd_input(&a, &in, now += MSEC(60)), AIMD_CUT); /* it lasts */
    CHECK(about(a.bps, 0.92 * 0.92e6));
    in.steep = true;
    CHECK_INT(sl_aimd_input(&a, &in, now += MSEC(120)), AIMD_CUT);
    CHECK(about(a.bps, 0.85 * 0.5e6));
}

/* What the path carries is known: as little as that is, and however short ago it was cut. */
TEST(aimd_cut_to_what_passes)
{
    struct aimd a;
    usec now = SEC(1);
    struct aimd_input in = input(USAGE_OVER, 2e6);
    sl_aimd_init(&a, 3e6, 50e3, 9e6);
    in.collapsed = true;
    in.now_bps = 0.5e6;
    CHECK_INT(sl_aimd_input(&a, &in, now), AIMD_CUT);
    CHECK(about(a.bps, 0.85 * 0.5e6));
    in.now_bps = 0.4e6;
    CHECK_INT(sl_aimd_input(&a, &in, now += MSEC(20)), AIMD_CUT);
    CHECK(about(a.bps, 0.85 * 0.4e6));
}

/* Where it is known what the path carries, the rate does not leave what is tried far below. */
TEST(aimd_stays_near_what_is_tried)
{
    struct aimd a;
    usec now = SEC(1);
    sl_aimd_init(&a, 1.1e6, 50e3, 9e6);
    sl_aimd_lost(&a, 1e6);
    CHECK_INT(run(&a, USAGE_NORMAL, 0.8e6, &now, 50), AIMD_CAPPED);
    CHECK(about(a.bps, 1e6));
    CHECK_INT(run(&a, USAGE_NORMAL, 0.9e6, &now, 100), AIMD_CAPPED);
    CHECK(about(a.bps, 1.08e6));
    struct aimd_input in = input(USAGE_NORMAL, 0.9e6); /* a tenth is lost on the way */
    in.tried_bps = 1e6;
    CHECK_INT(sl_aimd_input(&a, &in, now += MSEC(100)), AIMD_GREW);
}

/* And where a probe has shown all that there is, it does not leave that, while less is tried. */
TEST(aimd_stays_at_what_was_shown)
{
    struct aimd a;
    usec now = SEC(1);
    sl_aimd_init(&a, 0.5e6, 50e3, 9e6);
    sl_aimd_probed(&a, 1e6, true, now);
    CHECK_INT(run(&a, USAGE_NORMAL, 0.88e6, &now, 100), AIMD_CAPPED);
    CHECK(a.bps < 1.025e6);
    CHECK_INT(run(&a, USAGE_NORMAL, 1e6, &now, 20), AIMD_GREW);
    CHECK(a.bps > 1.05e6);
    sl_aimd_probed(&a, 1e6, false, now);
    CHECK_INT(run(&a, USAGE_NORMAL, 0.88e6, &now, 100), AIMD_CAPPED);
    CHECK(a.bps > 1.3e6);
}

/* Near what the path carried it grows by half a packet a response time, beyond anew by 8 %. */
TEST(aimd_near_capacity)
{
    struct aimd a;
    usec now = SEC(1);
    sl_aimd_init(&a, 2e6, 50e3, 9e6);
    run(&a, USAGE_OVER, 2e6, &now, 1);
    double from = a.bps;
    run(&a, USAGE_NORMAL, 1.7e6, &now, 11);
    CHECK(a.bps - from > 35e3 && a.bps - from < 50e3);
    run(&a, USAGE_NORMAL, 3e6, &now, 1);
    CHECK(a.capacity.kbps == 0); /* it is another path */
    from = a.bps;
    run(&a, USAGE_NORMAL, 3e6, &now, 10);
    CHECK(about(a.bps, from * 1.08));
}

TEST(aimd_after_a_probe)
{
    struct aimd a;
    usec now = SEC(1);
    sl_aimd_init(&a, 300e3, 50e3, 9e6);
    sl_aimd_probed(&a, 2e6, true, now);
    CHECK(a.bps == 2e6);
    CHECK(a.capacity.kbps == 2000);
    run(&a, USAGE_OVER, 400e3, &now, 1); /* what arrives has not followed yet */
    CHECK(about(a.bps, 0.85 * 2e6));
    for (int i = 0; i < 2; i++) { /* now it has */
        struct aimd_input in = input(USAGE_OVER, 1e6);
        in.steep = true;
        (void)sl_aimd_input(&a, &in, now += MSEC(400));
    }
    CHECK(about(a.bps, 0.85 * 1e6));
    sl_aimd_lost(&a, 700e3);
    CHECK(a.bps == 700e3);
    sl_aimd_lost(&a, 900e3);
    CHECK(a.bps == 700e3);
}
