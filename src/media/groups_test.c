#include "media/groups.h"

#include "check.h"

/* Packets of one table are one flow; times in ms. told: the delta of the group that this
 * packet completed, as sending and arrival. */
static const struct {
    const char *name;
    int sent, arrival;
    bool told;
    int d_sent, d_arrival;
} rows[] = {
    {"first", 100, 200, false, 0, 0},
    {"left with it", 104, 206, false, 0, 0},
    {"second group", 120, 220, false, 0, 0},
    {"left before the group", 90, 221, false, 0, 0},
    {"third completes the second", 140, 250, true, 16, 14},
    {"came in a burst with it", 150, 254, false, 0, 0},
    {"and this", 155, 257, false, 0, 0},
    {"completes the burst", 180, 290, true, 35, 37},
    {"overtook it, so they are one", 200, 280, false, 0, 0},
    {"goes on", 220, 320, true, 45, 33},
    {"and on", 240, 340, true, 20, 30},
    {"the receiver's clock jumps", 260, 9000, true, 20, 20},
    {"which is no delay", 280, 9020, false, 0, 0},
    {"anew", 300, 9040, false, 0, 0},
    {"compares again", 320, 9060, true, 20, 20},
    {"the clock jumps back", 340, 2000, true, 20, 20},
    {"which is no burst", 360, 2020, false, 0, 0},
    {"anew", 380, 2040, false, 0, 0},
    {"compares again", 400, 2060, true, 20, 20},
};

TEST(groups)
{
    struct groups g = {0};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct group_delta d = {0};
        check_row(rows[i].name);
        bool told = sl_groups_input(&g, MSEC(rows[i].sent), MSEC(rows[i].arrival), &d);
        CHECK_INT(told, rows[i].told);
        CHECK_INT(d.sent, MSEC(rows[i].d_sent));
        CHECK_INT(d.arrival, MSEC(rows[i].d_arrival));
    }
}

/* A radio that gives everything at once every 20 ms: groups of 100 ms, and no longer. */
TEST(groups_endless_burst)
{
    struct groups g = {0};
    int told = 0;
    for (int i = 0; i < 100; i++) {
        struct group_delta d;
        told += sl_groups_input(&g, MSEC(10 * i), MSEC(4 * i), &d);
    }
    CHECK_INT(told, 2);
}
