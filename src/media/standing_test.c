#include "media/standing.h"

#include "check.h"

static double run(struct standing *s, int queue_ms, bool losing, usec *now, usec span)
{
    double limit = 0;
    for (usec until = *now + span; *now < until; *now += MSEC(20)) {
        sl_standing_input(s, MSEC(queue_ms) - s->delay, *now);
        limit = sl_standing_limit(s, 1e6, losing, *now);
    }
    return limit;
}

TEST(standing)
{
    struct standing s = {0};
    usec now = SEC(5);
    CHECK(run(&s, 0, false, &now, SEC(1)) == 0);
    CHECK(run(&s, 200, false, &now, SEC(2)) ==
          0); /* nothing is lost: somebody's jitter */
    CHECK(run(&s, 0, false, &now, SEC(1)) == 0);
    CHECK(run(&s, 200, true, &now, MSEC(380)) == 0); /* not long enough */
    CHECK(run(&s, 200, true, &now, MSEC(100)) == 0.75e6);
    CHECK(run(&s, 60, true, &now, MSEC(100)) == 0.75e6); /* it empties */
    CHECK(run(&s, 10, true, &now, MSEC(100)) == 0);
    CHECK(run(&s, 200, true, &now, MSEC(900)) == 0); /* a rest */
    CHECK(run(&s, 200, true, &now, MSEC(300)) == 0.75e6);
    CHECK(run(&s, 200, true, &now, SEC(2)) == 0); /* in vain: somebody else's */
    CHECK(run(&s, 200, true, &now, SEC(10)) == 0);
}

/* What was always there is no queue. */
TEST(standing_long_path)
{
    struct standing s = {0};
    usec now = SEC(5);
    CHECK(run(&s, 500, true, &now, SEC(60)) == 0);
    CHECK_INT(sl_standing_queue(&s), 0);
    (void)run(&s, 530, true, &now, MSEC(100));
    CHECK_INT(sl_standing_queue(&s), MSEC(30));
}
