#include "media/ackrate.h"

#include <math.h>

#include "check.h"

/* 1250 octets each 10 ms are 1 Mbit/s. */
static usec run(struct ackrate *a, usec at, usec every, usec span)
{
    for (usec until = at + span; at < until; at += every)
        sl_ackrate_input(a, at, 1250);
    return at;
}

static bool about(double bps, double want)
{
    return fabs(bps - want) <= want * 0.1;
}

TEST(ackrate)
{
    struct ackrate a = {0};
    usec at = run(&a, SEC(1), MSEC(10), MSEC(490));
    CHECK(ackrate_bps(&a) == 0); /* not known before half a second */
    at = run(&a, at, MSEC(10), MSEC(30));
    CHECK(about(ackrate_bps(&a), 1e6));

    at = run(&a, at, MSEC(20), MSEC(200));
    CHECK(ackrate_bps(&a) > 600e3 && ackrate_bps(&a) < 800e3); /* half believed */
    at = run(&a, at, MSEC(20), SEC(2));
    CHECK(about(ackrate_bps(&a), 500e3));

    at = run(&a, at + SEC(5), MSEC(20), SEC(1)); /* a pause says nothing */
    CHECK(about(ackrate_bps(&a), 500e3));

    at = run(&a, at, MSEC(5), MSEC(190)); /* four times as much: one window is no proof */
    CHECK(about(ackrate_seen_bps(&a), ackrate_bps(&a)));
    at = run(&a, at, MSEC(5), MSEC(270));
    CHECK(ackrate_bps(&a) < 1.2e6 && about(ackrate_seen_bps(&a), 2e6));
    at = run(&a, at, MSEC(5), SEC(3));
    CHECK(about(ackrate_bps(&a), 2e6));
    CHECK(about(ackrate_now_bps(&a), 2e6));
    sl_ackrate_input(&a, at - SEC(1), 1250); /* overtaken: counts, and moves no time */
    CHECK_INT(a.last, at - MSEC(5));
}
