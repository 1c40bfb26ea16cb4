#include "bench/quantiles.h"

#include "check.h"

TEST(quantiles_of_what_fits_exactly)
{
    struct quantiles q = {0};
    CHECK_INT(sl_quantiles_at(&q, 500), 0);
    for (uint64_t i = 1; i <= 7; i++)
        sl_quantiles_add(&q, i);
    CHECK_INT(sl_quantiles_at(&q, 500), 4);
    CHECK_INT(sl_quantiles_at(&q, 1000), 7);
    CHECK_INT(sl_quantiles_at(&q, 0), 1);
}

TEST(quantiles_are_right_to_an_eighth)
{
    struct quantiles q = {0};
    for (uint64_t i = 1; i <= 100000; i++)
        sl_quantiles_add(&q, i);
    for (unsigned at = 10; at < 1000; at += 7) {
        uint64_t want = (uint64_t)at * 100, got = sl_quantiles_at(&q, at);
        CHECK(got >= want && got <= want + want / 8 + 1);
    }
    CHECK_INT(sl_quantiles_at(&q, 1000), 100000);
}

TEST(quantiles_join)
{
    struct quantiles a = {0}, b = {0};
    for (uint64_t i = 0; i < 99; i++)
        sl_quantiles_add(&a, 5);
    sl_quantiles_add(&b, UINT64_MAX);
    sl_quantiles_join(&a, &b);
    CHECK_INT(a.n, 100);
    CHECK_INT(sl_quantiles_at(&a, 990), 5);
    CHECK(sl_quantiles_at(&a, 1000) == UINT64_MAX);
}
