#include "auth/bearer.h"

#include "check.h"

static void make(struct bearers *b, const char *client, uint8_t chance, usec now,
                 char ret[BEARER_CAP])
{
    uint8_t random[24];
    memset(random, chance, sizeof random);
    CHECK_INT(sl_bearers_make(b, span_of(client), random, now, ret), E_OK);
}

TEST(bearers)
{
    static const uint64_t seed[2] = {1, 2};
    struct bearers *b = sl_bearers_new(SEC(60), seed);
    char first[BEARER_CAP], second[BEARER_CAP], other[BEARER_CAP];
    struct span who = {0};
    CHECK_INT(sl_bearers_find(b, span_of(""), 0, &who), E_ABSENT);
    make(b, "a", 1, 0, first);
    make(b, "b", 3, 0, other);
    CHECK_INT(strlen(first), BEARER_LEN);
    CHECK_INT(sl_bearers_find(b, span_of(first), SEC(59), &who), E_OK);
    CHECK(span_is(who, "a"));
    CHECK_INT(sl_bearers_find(b, (struct span){(uint8_t *)first, 31}, 0, &who), E_ABSENT);

    make(b, "a", 2, SEC(10), second);
    CHECK_INT(sl_bearers_find(b, span_of(first), SEC(10), &who), E_ABSENT);
    CHECK_INT(sl_bearers_find(b, span_of(second), SEC(69), &who), E_OK);
    CHECK_INT(sl_bearers_find(b, span_of(other), SEC(60), &who), E_LATE);
    CHECK_INT(sl_bearers_find(b, span_of(other), SEC(60), &who), E_ABSENT);

    sl_bearers_drop(b, span_of("nobody"));
    sl_bearers_drop(b, span_of("a"));
    CHECK_INT(sl_bearers_find(b, span_of(second), SEC(10), &who), E_ABSENT);
    make(b, "c", 4, 0, first);
    sl_bearers_free(b);
}
