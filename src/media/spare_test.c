#include "media/spare.h"

#include "check.h"

#define TARGET 1e6
#define STEP   MSEC(50)

/* Sends so much of the target, and returns after how many ms it is so; -1: not in five seconds. */
static int until(struct spare *s, double share, bool much)
{
    usec begun = s->at;
    double sent = (double)s->octets;
    while (s->much != much && s->at - begun < SEC(5)) {
        sent += TARGET * share / 8 * STEP / SEC(1);
        sl_spare_look(s, TARGET, (uint64_t)sent, s->at + STEP);
    }
    return s->much == much ? (int)((s->at - begun) / 1000) : -1;
}

TEST(spare_is_told_late)
{
    static const struct {
        const char *name;
        double share;
        int ms;
    } rows[] = {
        {"nothing is sent", 0, 450},
        {"half", 0.5, 1750},
        {"two thirds", 0.67, -1},
        {"all", 1, -1},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct spare s = {.at = SEC(1)};
        check_row(rows[i].name);
        CHECK_INT(until(&s, rows[i].share, true), rows[i].ms);
    }
}

TEST(spare_ends_late)
{
    struct spare s = {.at = SEC(1)};
    (void)until(&s, 0, true);
    sl_spare_look(&s, TARGET, s.octets,
                  s.at + SEC(10)); /* no more than the window is saved */
    CHECK_INT(until(&s, 1, false), 500);
    CHECK_INT(until(&s, 0, true), 200); /* not from the beginning */
}

TEST(spare_at_the_same_time)
{
    struct spare s = {.at = SEC(1)};
    sl_spare_look(&s, TARGET, 1000, SEC(1));
    CHECK_INT(s.octets, 0);
    CHECK(s.budget_bits == 0);
}
