#include "media/flood.h"

#include <math.h>

#include "check.h"

/* Packets of 1000 octets, so far apart when sent and when they arrive. */
static void feed(struct flood *f, usec *sent, usec *arrival, usec each, usec apart, int n)
{
    for (int i = 0; i < n; i++)
        sl_flood_input(f, *sent += each, *arrival += apart, 1000);
}

static const struct {
    const char *name;
    usec sent, arrival; /* between two packets */
    int n;
    double kbps; /* that pass; 0: not known */
    bool slow;
} rows[] = {
    {"too few", MSEC(20), MSEC(20), 6, 0, false},
    {"too short a time", MSEC(6), MSEC(6), 9, 0, false},
    {"all arrive as they were sent", MSEC(10), MSEC(10), 20, 800, false},
    {"a queue grows", MSEC(10), MSEC(15), 20, 533, false},
    {"four times as long", MSEC(10), MSEC(40), 20, 200, true},
    {"just more than twice as long", MSEC(10), MSEC(24), 20, 333, true},
};

TEST(flood)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct flood f = {0};
        usec sent = SEC(1), arrival = SEC(5);
        check_row(rows[i].name);
        feed(&f, &sent, &arrival, MSEC(10), MSEC(10), rows[i].n < 10 ? 0 : 40);
        feed(&f, &sent, &arrival, rows[i].sent, rows[i].arrival, rows[i].n);
        struct flood_rate r = sl_flood_rate(&f);
        CHECK(fabs(r.bps / 1000 - rows[i].kbps) <= 0.01 * rows[i].kbps);
        CHECK_INT(r.slow, rows[i].slow);
    }
}

/* Those of a picture leave together, and the path takes its time for each. */
TEST(flood_of_bursts)
{
    struct flood f = {0};
    usec arrival = SEC(3);
    for (int i = 0; i < 10; i++)
        for (int k = 0; k < 6; k++)
            sl_flood_input(&f, SEC(1) + MSEC(33) * i, arrival += MSEC(16), 1000);
    struct flood_rate r = sl_flood_rate(&f);
    CHECK(fabs(r.bps - 500e3) < 1e3);
    CHECK(r.slow);
}

/* Only the last packets had to queue. */
TEST(flood_begins)
{
    struct flood f = {0};
    usec sent = SEC(1), arrival = SEC(5);
    feed(&f, &sent, &arrival, MSEC(20), MSEC(20), 20);
    feed(&f, &sent, &arrival, MSEC(1), MSEC(9), 6);
    CHECK(fabs(sl_flood_rate(&f).bps - 889e3) < 1e3);
}

/* A link that stood still for a moment, and then let all through. */
TEST(flood_one_delay)
{
    struct flood f = {0};
    usec sent = SEC(1), arrival = SEC(5);
    feed(&f, &sent, &arrival, MSEC(10), MSEC(10), 20);
    feed(&f, &sent, &arrival, MSEC(10), MSEC(150), 1);
    feed(&f, &sent, &arrival, MSEC(10), MSEC(1), 1);
    CHECK(!sl_flood_rate(&f).slow);
    feed(&f, &sent, &arrival, MSEC(10), MSEC(1), 10);
    CHECK(!sl_flood_rate(&f).slow);
}

TEST(flood_overtaken)
{
    struct flood f = {0};
    usec sent = SEC(1), arrival = SEC(5);
    feed(&f, &sent, &arrival, MSEC(10), MSEC(10), 20);
    double before = sl_flood_rate(&f).bps;
    sl_flood_input(&f, SEC(1), arrival + SEC(9), 60000);
    CHECK(sl_flood_rate(&f).bps == before);
}
