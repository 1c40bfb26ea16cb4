#include "media/layer.h"

#include "check.h"

TEST(layer_sets)
{
    CHECK_INT(layer_at(2, 1), 9);
    CHECK_INT(layer_at(7, 7), 15);
    CHECK_INT(layer_spatial(9), 2);
    CHECK_INT(layer_temporal(9), 1);
    CHECK_INT(layer_above(0, 0), LAYER_ANY);
    CHECK_INT(layer_above(1, 2), 0xccc0);
    CHECK_INT(layer_above(9, 0), 0xf000);
    CHECK_INT(layer_size(2), 0x0f00);
    CHECK_INT(layer_rate(2), 0x4444);
}

TEST(layer_same_is_the_same_in_all_three)
{
    struct layer_target a = {1, 2, 0};
    CHECK(layer_same(a, (struct layer_target){1, 2, 0}));
    CHECK(!layer_same(a, (struct layer_target){0, 2, 0}));
    CHECK(!layer_same(a, (struct layer_target){1, 1, 0}));
    CHECK(!layer_same(a, (struct layer_target){1, 2, 1}));
    CHECK(layer_same(LAYER_EVERYTHING, LAYER_EVERYTHING));
    CHECK(!layer_same(LAYER_EVERYTHING, (struct layer_target){LAYER_NONE}));
}
