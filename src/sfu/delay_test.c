#include "sfu/delay.h"

#include <string.h>

#include "check.h"

/* Each bound, what is around it, and what is far from any: computed and searched for. */
TEST(delay_finds_the_place_that_a_search_finds)
{
    struct histogram computed = sl_delay_histogram(), searched = computed;
    static const usec far[] = {0, 1, 5, 1000, 9999, 77777, SEC(1), SEC(100)};
    for (size_t i = 0; i < searched.n; i++)
        for (int off = -1; off <= 1; off++) {
            usec d = (usec)searched.bounds[i] + off;
            delay_add(&computed, d);
            sl_histogram_add(&searched, (uint64_t)d);
            check_row("bound");
            CHECK_INT(memcmp(&computed, &searched, sizeof computed), 0);
        }
    for (size_t i = 0; i < LEN(far); i++) {
        delay_add(&computed, far[i]);
        sl_histogram_add(&searched, (uint64_t)far[i]);
        check_row("far from any");
        CHECK_INT(memcmp(&computed, &searched, sizeof computed), 0);
    }
    CHECK_INT(computed.above, 3);
}

/* A stamp that is later than the send: the wall clock was set meanwhile. */
TEST(delay_is_never_negative)
{
    struct histogram h = sl_delay_histogram();
    delay_add(&h, -5);
    CHECK_INT(h.in[0], 1);
    CHECK_INT(h.sum, 0);
}
