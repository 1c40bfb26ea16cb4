#include "base/line.h"

#include <stdint.h>

#include "check.h"

TEST(line_begins_one_and_is_zero)
{
    static const size_t sizes[] = {1, 63, 64, 65, 1000};
    for (size_t i = 0; i < LEN(sizes); i++) {
        uint8_t *p = line_new(sizes[i]), sum = 0;
        CHECK(p != NULL);
        CHECK_INT((uintptr_t)p % LINE, 0);
        for (size_t at = 0; p && at < sizes[i]; at++)
            sum |= p[at];
        CHECK_INT(sum, 0);
        free(p);
    }
}

TEST(line_refuses_what_is_too_long_to_be_rounded)
{
    volatile size_t n = SIZE_MAX;
    CHECK(line_new(n) == NULL);
}
