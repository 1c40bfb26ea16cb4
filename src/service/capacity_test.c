#include "service/capacity.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Two workers that tell once a second, by a clock of the test's. */
struct stage {
    struct capacity a;
    struct capacity_told told[2];
};

static struct stage stage_of(unsigned percent)
{
    struct stage s = {.told = {{.at = SEC(1)}, {.at = SEC(1)}}};
    sl_capacity_init(&s.a, percent, 2);
    sl_capacity_round(&s.a, s.told);
    return s;
}

/* So many rounds, in which they were busy for so many percent and each forwarded so much. */
static void pass(struct stage *s, int rounds, unsigned first, unsigned second,
                 unsigned packets)
{
    const unsigned busy[] = {first, second};
    for (int i = 0; i < rounds; i++) {
        for (int k = 0; k < 2; k++) {
            s->told[k].at += SEC(1);
            s->told[k].cpu_ns += busy[k] * UINT64_C(10000000);
            s->told[k].forwarded += packets;
        }
        sl_capacity_round(&s->a, s->told);
    }
}

static unsigned percent(double v)
{
    return (unsigned)(v * 100 + 0.5);
}

TEST(capacity_closes_when_a_worker_is_busy)
{
    static const struct {
        const char *name;
        int rounds;
        unsigned first, second;
        bool closed;
    } rows[] = {
        {"idle", 5, 1, 1, false},
        {"busy for a second", 1, 100, 100, false},
        {"and for three", 2, 100, 100, false},
        {"idle again", 20, 1, 1, false},
        {"near the limit", 60, 84, 84, false},
        {"one of them above it", 60, 86, 10, true},
        {"just below it", 60, 80, 10, true},
        {"a tenth below it", 60, 75, 10, false},
        {"just below it, from there", 60, 84, 10, false},
        {"busy all the time", 20, 100, 100, true},
    };
    struct stage s = stage_of(85);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        pass(&s, rows[i].rounds, rows[i].first, rows[i].second, 1000);
        CHECK_INT(s.a.closed, rows[i].closed);
    }
}

TEST(capacity_without_a_limit)
{
    struct stage s = stage_of(0);
    sl_capacity_consumers(&s.a, 100);
    pass(&s, 60, 100, 100, 1000);
    sl_capacity_consumers(&s.a, 1100);
    CHECK(!s.a.closed);
    CHECK(sl_capacity_predicted(&s.a) > 1);
}

/* A thousand consumers on two workers get 50 packets a second each, at 8 us a packet: a fifth of
 * each worker's time. 3250 more would make it 85 %. */
TEST(capacity_foresees_a_crowd)
{
    struct stage s = stage_of(85);
    unsigned came = 0;
    sl_capacity_consumers(&s.a, 1000);
    pass(&s, 60, 30, 30, 37500); /* busy enough that what a packet costs is learned */
    CHECK_INT(s.a.workers[0].cost_ns + 0.5, 8000);
    pass(&s, 60, 20, 20, 25000);
    CHECK_INT(s.a.consumer_pps + 0.5, 50);
    CHECK_INT(percent(sl_capacity_predicted(&s.a)), 20);
    while (!s.a.closed && came < 10000)
        sl_capacity_consumers(&s.a, 1000 + ++came);
    CHECK(came >= 3249 && came <= 3251);
    /* They are felt: it is what was foreseen, throughout. */
    for (int i = 0; i < 40; i++) {
        pass(&s, 1, 85, 85, 106250);
        CHECK(percent(sl_capacity_predicted(&s.a)) >= 84);
        CHECK(percent(sl_capacity_predicted(&s.a)) <= 86);
        CHECK(s.a.closed);
    }
    /* They were not real: it opens as that is seen. */
    pass(&s, 60, 20, 20, 25000);
    CHECK(!s.a.closed);
}

/* Fifty who all send to all, and left, say nothing of three hundred in rooms of three. */
TEST(capacity_after_a_large_room)
{
    struct stage s = stage_of(85);
    sl_capacity_consumers(&s.a, 50 * 98);
    pass(&s, 20, 15, 15, 16000);
    CHECK_INT(percent(sl_capacity_predicted(&s.a)), 15);
    sl_capacity_consumers(&s.a, 0);
    pass(&s, 2, 0, 0, 0);
    for (unsigned rooms = 0; rooms <= 100; rooms++) {
        sl_capacity_consumers(&s.a, (size_t)rooms * 12);
        CHECK(!s.a.closed);
    }
    sl_capacity_consumers(&s.a, 50 * 98);
    CHECK(!s.a.closed);
    CHECK(percent(sl_capacity_predicted(&s.a)) <= 20);
    sl_capacity_consumers(&s.a, 750 * 98); /* fifteen such rooms at once */
    CHECK(s.a.closed);
}

/* An idle worker wakes up for each packet; from that nothing is learned. */
TEST(capacity_learns_from_busy_workers)
{
    struct stage s = stage_of(85);
    pass(&s, 60, 2, 20, 1000);
    CHECK_INT(s.a.workers[0].cost_ns, CAPACITY_COST_NS);
    CHECK_INT(s.a.workers[1].cost_ns, CAPACITY_COST_NS);
    pass(&s, 60, 2, 30, 150000);
    CHECK_INT(s.a.workers[0].cost_ns, CAPACITY_COST_NS);
    CHECK_INT(s.a.workers[1].cost_ns + 0.5, 2000);
}

/* A clock that stands, and a worker that does not answer, change nothing. */
TEST(capacity_of_what_is_not_told)
{
    struct stage s = stage_of(85);
    pass(&s, 60, 86, 86, 1000);
    CHECK(s.a.closed);
    for (int i = 0; i < 60; i++)
        sl_capacity_round(&s.a, s.told);
    CHECK(s.a.closed);
    CHECK_INT(percent(sl_capacity_predicted(&s.a)), 86);
}

TEST(capacity_in_metrics)
{
    static const char *const lines[] = {
        "\nsluice_load_ratio{worker=\"1\"} 0.5",
        "\nsluice_packet_cost_seconds{worker=\"1\"} 4e-06\n",
        "\nsluice_capacity_packets_per_second{worker=\"1\"} 250000\n",
        "\nsluice_load_predicted_ratio 0.9",
        "\nsluice_load_limit_ratio 0.85",
        "\nsluice_admission_closed 1\n",
    };
    struct stage s = stage_of(85);
    struct metrics *m = sl_metrics_new();
    pass(&s, 60, 90, 50, 125000);
    CHECK_INT(sl_capacity_add(m, &s.a), E_OK);
    size_t n;
    char *text = sl_metrics_text(m, &n);
    for (size_t i = 0; i < LEN(lines); i++) {
        check_row(lines[i]);
        CHECK(text && strstr(text, lines[i]));
    }
    free(text);
    sl_metrics_free(m);
}
