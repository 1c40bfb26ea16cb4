#include "service/cpu_load.h"

#include <math.h>

#include "check.h"

TEST(cpu_load_is_one_over_what_is_idle)
{
    struct cpu_load c = {0};
    double load = 7;
    CHECK_INT(sl_cpu_load(&c, span_of("intr 1\n"), SEC(1), &load), E_MALFORMED);
    CHECK_INT(
        sl_cpu_load(&c, span_of("cpu  1 2 3 1000 9\ncpu0 1 2 3 4\n"), SEC(1), &load),
        E_ABSENT);
    CHECK_INT(sl_cpu_load(&c, span_of("cpu  1 2 3 1001 9\n"), SEC(1), &load), E_EARLY);
    CHECK(load == 7);

    /* Four processors, idle for a second: a quarter. */
    CHECK_INT(sl_cpu_load(&c, span_of("cpu  1 2 3 1400 9\n"), SEC(2), &load), E_OK);
    CHECK(load == 0.25);
    CHECK_INT(sl_cpu_load(&c, span_of("cpu  1 2 3 1500 9\n"), SEC(4), &load), E_OK);
    CHECK(load == 2);
    CHECK_INT(sl_cpu_load(&c, span_of("cpu  1 2 3 1500 9\n"), SEC(5), &load), E_OK);
    CHECK(isinf(load));
    CHECK_INT(sl_cpu_load(&c, span_of("cpu  1 2 3 oops\n"), SEC(6), &load), E_MALFORMED);
}
