#include "base/rng.h"

#include "check.h"

TEST(rng_repeats_by_seed_and_differs_between_seeds)
{
    struct rng a = sl_rng_of(1), b = sl_rng_of(1), c = sl_rng_of(2);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t v = sl_rng_u64(&a);
        CHECK(v == sl_rng_u64(&b));
        same += v == sl_rng_u64(&c);
    }
    CHECK_INT(same, 0);
}

/* The first outputs of the published algorithm from the state {1, 2, 3, 4}. */
TEST(rng_is_xoshiro256)
{
    struct rng r = {{1, 2, 3, 4}};
    CHECK(sl_rng_u64(&r) == 11520);
    CHECK(sl_rng_u64(&r) == 0);
    CHECK(sl_rng_u64(&r) == 1509978240);
    CHECK(sl_rng_u64(&r) == UINT64_C(1215971899390074240));
}
