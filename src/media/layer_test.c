#include "media/layer.h"

#include "check.h"

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
