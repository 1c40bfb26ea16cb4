#include "sfu/audience.h"

#include "check.h"
#include "sfu/consumer.h"

enum { MANY = 100 };

static bool has(const struct audience *a, const struct consumer *c)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (a->at[i] == c)
            return true;
    return false;
}

/* Some leave, in any order; those who stay are there once. */
TEST(audience_of_some_who_leave)
{
    static struct consumer all[MANY];
    struct audience a = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        CHECK_INT(sl_audience_reserve(&a, i + 1), E_OK);
        sl_audience_add(&a, &all[i]);
    }
    for (int i = 0; i < MANY; i += 3)
        sl_audience_del(&a, &all[i]);
    sl_audience_del(&a, &all[MANY - 2]);
    CHECK_INT(a.n, MANY - MANY / 3 - 2);
    for (int i = 0; i < MANY; i++)
        CHECK_INT(has(&a, &all[i]), i % 3 != 0 && i != MANY - 2);
    sl_audience_add(&a, &all[0]);
    CHECK(has(&a, &all[0]));
    sl_audience_fini(&a);
}
