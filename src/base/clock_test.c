#include "base/clock.h"

#include "base/rng.h"

#include "check.h"

TEST(timers_come_out_in_order)
{
    static struct timer all[500];
    struct timers t = {0};
    struct rng rng = sl_rng_of(7);
    size_t n = 0;
    usec before = 0;

    CHECK_INT(sl_timers_deadline(&t), USEC_NEVER);
    for (size_t i = 0; i < LEN(all); i++)
        CHECK_INT(sl_timer_set(&t, &all[i], rng_u32(&rng) % 1000), E_OK);
    for (size_t i = 0; i < LEN(all); i += 3)
        CHECK_INT(sl_timer_set(&t, &all[i], rng_u32(&rng) % 1000), E_OK);
    for (size_t i = 0; i < LEN(all); i += 5)
        sl_timer_stop(&t, &all[i]);
    CHECK(sl_timers_due(&t, -1) == NULL);
    for (struct timer *due; (due = sl_timers_due(&t, 1000)); n++) {
        CHECK(due->at >= before && due->pos == 0 && (due - all) % 5 != 0);
        before = due->at;
    }
    CHECK_INT(n, 400);
    sl_timer_stop(&t, &all[0]);
    sl_timers_fini(&t);
}

TEST(steps_are_never_too_early)
{
    static const usec rows[][2] = {
        {0, 0}, {1, 50}, {49, 50}, {50, 50}, {51, 100}, {USEC_NEVER, USEC_NEVER},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        CHECK_INT(usec_step(rows[i][0], 50), rows[i][1]);
    usec last = usec_step(USEC_NEVER - 60, 50);
    CHECK(last >= USEC_NEVER - 60 && last % 50 == 0);
    CHECK_INT(usec_step(USEC_NEVER - 49, 50), USEC_NEVER - 49);
}
