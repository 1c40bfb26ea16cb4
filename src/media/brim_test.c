#include "media/brim.h"

#include "base/rng.h"

#include "check.h"

/* A queue that fills and empties all the time, and where in it packets are lost. */
static const struct {
    const char *name;
    usec longest; /* of the queue */
    double at;    /* from which part of it on packets are lost */
    double lost;  /* of those */
    bool full;
} rows[] = {
    {"at the brim", MSEC(25), 0.9, 0.5, true},
    {"at the brim of a shorter one", MSEC(10), 0.9, 0.5, true},
    {"anywhere", MSEC(25), 0, 0.05, false},
    {"anywhere, and many", MSEC(25), 0, 0.3, false},
    {"at the brim of a long one, which has a slope", MSEC(300), 0.9, 0.5, false},
    {"what is no more than jitter", MSEC(4), 0.9, 0.5, false},
    {"none", MSEC(25), 1, 0, false},
};

TEST(brim)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct brim b = {0};
        struct rng rng = sl_rng_of(3);
        unsigned full = 0;
        check_row(rows[i].name);
        for (int n = 0; n < 20000; n++) {
            double part = n % 20 / 19.0;
            double chance = (double)rng_u32(&rng) / UINT32_MAX;
            if (part >= rows[i].at && chance < rows[i].lost)
                sl_brim_lost(&b);
            else
                sl_brim_arrived(&b, SEC(5) + (usec)(part * (double)rows[i].longest));
            full += sl_brim_full(&b);
        }
        if (rows[i].full)
            CHECK(full > 50);
        else
            CHECK(full <= 15); /* by accident, of 1000 */
    }
}

/* A few losses say nothing, and each is counted once. */
TEST(brim_takes_its_time)
{
    struct brim b = {0};
    unsigned full = 0;
    for (int n = 0; n < 1000; n++)
        sl_brim_arrived(&b, n % 20 * MSEC(1));
    for (int n = 0; n < 5; n++) {
        sl_brim_lost(&b);
        CHECK(!sl_brim_full(&b));
    }
    sl_brim_lost(&b);
    full += sl_brim_full(&b);
    full += sl_brim_full(&b);
    CHECK_INT(full, 1);
}
