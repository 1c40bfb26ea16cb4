#include "bench/impair.h"

#include "check.h"

/* 1000 bits with what IP and UDP add: 1 ms at 1 Mbit/s. */
enum { OCTETS = 125 - IMPAIR_IP_UDP, MBIT = 1000000 };

static enum err put(struct impair *m, unsigned number, usec now)
{
    uint8_t bytes[OCTETS] = {(uint8_t)(number >> 8), (uint8_t)number};
    return sl_impair_put(m, number % 7, (struct span){bytes, sizeof bytes}, now);
}

/* The number of what has arrived; -1: nothing has. */
static int take(struct impair *m, usec now)
{
    unsigned who;
    struct span s;
    if (!sl_impair_take(m, now, &who, &s))
        return -1;
    int number = s.p[0] << 8 | s.p[1];
    CHECK_INT(s.n, OCTETS);
    CHECK_INT(who, number % 7);
    return number;
}

static struct impair *begin(struct impair_conf conf)
{
    struct impair *m = sl_impair_new(1, 0);
    sl_impair_set(m, &conf, 0);
    return m;
}

static const struct {
    const char *name;
    struct impair_conf conf;
    usec first, fifth; /* when the first and the fifth of five arrive that come at 0 */
} times[] = {
    {"a perfect network", {0}, 0, 0},
    {"a delay holds up nobody behind", {.delay = MSEC(30)}, MSEC(30), MSEC(30)},
    {"a link takes its time", {.rate_bps = MBIT, .queue = SEC(1)}, MSEC(1), MSEC(5)},
    {"and then comes the delay",
     {.rate_bps = MBIT, .queue = SEC(1), .delay = MSEC(20)},
     MSEC(21),
     MSEC(25)},
};

TEST(impair_times)
{
    for (size_t i = 0; i < LEN(times); i++) {
        check_row(times[i].name);
        struct impair *m = begin(times[i].conf);
        for (unsigned n = 0; n < 5; n++)
            CHECK_INT(put(m, n, 0), E_OK);
        if (times[i].first > 0)
            CHECK_INT(take(m, times[i].first - 1), -1);
        CHECK_INT(take(m, times[i].first), 0);
        if (times[i].fifth > times[i].first)
            for (int n = 1; n < 4; n++)
                CHECK_INT(take(m, times[i].fifth - 1), n);
        else
            for (int n = 1; n < 4; n++)
                CHECK_INT(take(m, times[i].fifth), n);
        if (times[i].fifth > 0)
            CHECK_INT(take(m, times[i].fifth - 1), -1);
        CHECK_INT(take(m, times[i].fifth), 4);
        CHECK_INT(sl_impair_deadline(m) == USEC_NEVER, true);
        sl_impair_free(m);
    }
}

/* Whoever waits for the deadlines misses nothing, and does not wait in vain for ever. */
TEST(impair_deadlines_are_all_that_is_needed)
{
    struct impair *m = begin((struct impair_conf){
        .rate_bps = 3.3 * MBIT, .queue = SEC(1), .delay = MSEC(7), .jitter = MSEC(9)});
    unsigned sent = 0, came = 0, wakes = 0;
    usec now = 0;
    while (came < 200 && wakes++ < 1000) {
        while (sent < 200 && (usec)sent * MSEC(1) / 2 <= now)
            (void)put(m, sent++, now);
        while (take(m, now) >= 0)
            came++;
        usec next = sl_impair_deadline(m);
        usec send = sent < 200 ? (usec)sent * MSEC(1) / 2 : USEC_NEVER;
        CHECK(next > now || came == 200);
        now = next < send ? next : send;
    }
    CHECK_INT(came, 200);
    CHECK(wakes < 700);
    sl_impair_free(m);
}

TEST(impair_queue_is_as_long_as_it_is_told)
{
    struct impair *m = begin((struct impair_conf){.rate_bps = MBIT, .queue = MSEC(10)});
    /* One is on the link, and behind it 10 ms wait. */
    for (unsigned n = 0; n < 30; n++)
        CHECK_INT(put(m, n, 0), n < 11 ? E_OK : E_FULL);
    CHECK_INT(put(m, 30, 999), E_FULL);
    CHECK_INT(put(m, 31, MSEC(1)), E_OK);
    for (int n = 0; n < 11; n++)
        CHECK_INT(take(m, MSEC(12)), n);
    CHECK_INT(take(m, MSEC(12)), 31);
    struct impair_stats s = sl_impair_stats(m);
    CHECK_INT(s.in, 32);
    CHECK_INT(s.full, 20);
    CHECK_INT(s.out, 12);
    CHECK_INT(s.out_octets, 12 * 125);
    CHECK_INT(s.waited, MSEC(11));
    sl_impair_free(m);
}

TEST(impair_a_new_rate_holds_for_what_waits)
{
    struct impair *m = begin((struct impair_conf){.rate_bps = MBIT, .queue = SEC(1)});
    for (unsigned n = 0; n < 10; n++)
        (void)put(m, n, 0);
    /* Half of the sixth has passed; the other half takes 5 ms, and each one behind it 10. */
    sl_impair_set(m, &(struct impair_conf){.rate_bps = MBIT / 10.0, .queue = SEC(1)},
                  5500);
    for (int n = 0; n < 5; n++)
        CHECK_INT(take(m, MSEC(10)), n);
    CHECK_INT(take(m, MSEC(10)), -1);
    CHECK_INT(take(m, 10500), 5);
    CHECK_INT(take(m, 20499), -1);
    CHECK_INT(take(m, 20500), 6);
    /* Without a limit nothing waits any more. */
    sl_impair_set(m, &(struct impair_conf){0}, 20501);
    for (int n = 7; n < 10; n++)
        CHECK_INT(take(m, 20501), n);
    sl_impair_free(m);
}

TEST(impair_jitter_changes_the_order_only_where_told)
{
    for (int reorder = 0; reorder < 2; reorder++) {
        struct impair *m = begin((struct impair_conf){
            .delay = MSEC(10), .jitter = MSEC(20), .reorder = reorder});
        int swaps = 0, came = 0, last = -1;
        for (usec now = 0; now < SEC(2); now += MSEC(1)) {
            if (now < SEC(1))
                (void)put(m, (unsigned)(now / MSEC(1)), now);
            for (int n; (n = take(m, now)) >= 0; came++) {
                CHECK(now >= n * MSEC(1) + MSEC(10) && now <= n * MSEC(1) + MSEC(31));
                swaps += n < last;
                last = n;
            }
        }
        CHECK_INT(came, 1000);
        CHECK(reorder ? swaps > 100 : swaps == 0);
        sl_impair_free(m);
    }
}

static const struct {
    const char *name;
    double loss, burst;
    double least_row, most_row; /* losses in a row */
} losses[] = {
    {"none", 0, 0, 0, 0},
    {"each by itself", 0.1, 0, 1.08, 1.15},
    {"in bursts", 0.1, 5, 4.6, 5.4},
    {"long and seldom", 0.02, 10, 9, 11},
    {"all", 1, 1, 100000, 100000},
};

TEST(impair_loses_so_much_and_in_such_rows)
{
    for (size_t i = 0; i < LEN(losses); i++) {
        enum { N = 100000 };
        check_row(losses[i].name);
        struct impair *m =
            begin((struct impair_conf){.loss = losses[i].loss, .burst = losses[i].burst});
        unsigned lost = 0, rows = 0;
        bool before = true;
        for (unsigned n = 0; n < N; n++) {
            (void)put(m, n & 0xffff, n);
            bool came = take(m, n) >= 0;
            lost += !came;
            rows += before && !came;
            before = came;
        }
        CHECK(lost >= losses[i].loss * N * 0.8 && lost <= losses[i].loss * N * 1.2);
        double row = rows ? (double)lost / rows : 0;
        CHECK(row >= losses[i].least_row && row <= losses[i].most_row);
        CHECK_INT(sl_impair_stats(m).lost, lost);
        sl_impair_free(m);
    }
}

TEST(impair_takes_no_more_than_it_can_hold)
{
    struct impair *m = begin((struct impair_conf){.delay = SEC(1)});
    static const uint8_t big[IMPAIR_DATAGRAM_MAX + 1];
    CHECK_INT(sl_impair_put(m, 0, (struct span){big, sizeof big}, 0), E_UNSUPPORTED);
    CHECK_INT(sl_impair_put(m, 0, (struct span){big, sizeof big - 1}, 0), E_OK);
    for (unsigned n = 1; n < IMPAIR_MAX; n++)
        CHECK_INT(put(m, n, 0), E_OK);
    CHECK_INT(put(m, 0, 0), E_FULL);
    sl_impair_free(m);
}
