#include "media/nack.h"

#include "check.h"

static struct nack *nack_of(unsigned tries)
{
    struct nack *n = sl_nack_new(
        &(struct nack_conf){.max_age = SEC(1), .max_tries = tries, .rtt = MSEC(40)});
    return n;
}

#define RETRY MSEC(50) /* the round trip and a quarter */

/* How many are asked for at now; the first of them goes to *ret. */
static size_t ask(struct nack *n, usec now, uint64_t *ret)
{
    uint64_t seqs[NACK_LIST_MAX] = {0};
    size_t count = sl_nack_poll(n, now, seqs, LEN(seqs));
    *ret = seqs[0];
    return count;
}

TEST(nack_reset_is_as_new)
{
    struct nack *n = nack_of(9);
    uint64_t asked[4];
    CHECK(n != NULL);
    if (!n)
        return;
    (void)sl_nack_input(n, 1000, 0);
    (void)sl_nack_input(n, 1020, 0);
    CHECK(sl_nack_deadline(n) < USEC_NEVER);
    sl_nack_reset(n);
    CHECK_INT(sl_nack_deadline(n), USEC_NEVER);
    CHECK_INT(sl_nack_rtt(n), MSEC(40));
    CHECK_INT(sl_nack_input(n, 5, SEC(1)),
              NACK_NEW); /* lower than what was there before */
    CHECK_INT(sl_nack_poll(n, SEC(2), asked, LEN(asked)), 0);
    sl_nack_free(n);
}

TEST(nack_waits_for_packets_that_were_overtaken)
{
    struct nack *n = nack_of(10);
    uint64_t seq;

    CHECK_INT(sl_nack_input(n, 1000, 0), NACK_NEW);
    CHECK_INT(sl_nack_deadline(n), USEC_NEVER);
    CHECK_INT(sl_nack_input(n, 1002, MSEC(1)), NACK_NEW);
    CHECK_INT(sl_nack_deadline(n), MSEC(1) + NACK_WAIT);
    CHECK_INT(ask(n, MSEC(11) - 1, &seq), 0);
    CHECK_INT(sl_nack_input(n, 1001, MSEC(11) - 1), NACK_FOUND);
    CHECK_INT(sl_nack_deadline(n), USEC_NEVER);
    CHECK_INT(ask(n, MSEC(11), &seq), 0);
    CHECK_INT(sl_nack_deadline(n), USEC_NEVER);
    CHECK_INT(sl_nack_count(n).asked, 0);
    sl_nack_free(n);
}

TEST(nack_asks_after_a_while)
{
    struct nack *n = nack_of(10);
    uint64_t seq;

    sl_nack_input(n, 1000, 0);
    sl_nack_input(n, 1002, 0);
    CHECK_INT(ask(n, NACK_WAIT - 1, &seq), 0);
    CHECK_INT(ask(n, NACK_WAIT, &seq), 1);
    CHECK_INT(seq, 1001);
    sl_nack_free(n);
}

TEST(nack_asks_at_once_when_three_newer_came)
{
    struct nack *n = nack_of(10);
    uint64_t seq;

    sl_nack_input(n, 1000, 0);
    sl_nack_input(n, 1002, 0);
    sl_nack_input(n, 1003, 0);
    CHECK_INT(ask(n, 0, &seq), 0);
    sl_nack_input(n, 1004, 0);
    CHECK_INT(sl_nack_deadline(n), 0);
    CHECK_INT(ask(n, 0, &seq), 1);
    CHECK_INT(seq, 1001);

    /* Of a longer gap, those that are three behind. */
    sl_nack_input(n, 1010, MSEC(1));
    CHECK_INT(ask(n, MSEC(1), &seq), 3);
    CHECK_INT(seq, 1005);
    CHECK_INT(ask(n, MSEC(11), &seq), 2);
    CHECK_INT(seq, 1008);
    sl_nack_free(n);
}

TEST(nack_repeats_each_round_trip_and_gives_up)
{
    struct nack *n = nack_of(3);
    uint64_t seq;
    usec now = NACK_WAIT;

    sl_nack_input(n, 1000, 0);
    sl_nack_input(n, 1002, 0);
    for (int i = 0; i < 3; i++, now += RETRY) {
        CHECK_INT(ask(n, now - 1, &seq), 0);
        CHECK_INT(sl_nack_deadline(n), now);
        CHECK_INT(ask(n, now, &seq), 1);
    }
    CHECK_INT(ask(n, now, &seq), 0);
    CHECK_INT(sl_nack_deadline(n), USEC_NEVER);
    CHECK_INT(sl_nack_input(n, 1001, now), NACK_OLD);

    struct nack_count c = sl_nack_count(n);
    CHECK_INT(c.missed, 1);
    CHECK_INT(c.asked, 3);
    CHECK_INT(c.found, 0);
    CHECK_INT(c.given_up, 1);
    sl_nack_free(n);
}

TEST(nack_gives_up_what_is_too_old)
{
    struct nack *n = nack_of(1000);
    uint64_t seq;

    sl_nack_input(n, 1000, 0);
    sl_nack_input(n, 1002, 0);
    CHECK_INT(ask(n, SEC(1), &seq), 1);
    CHECK_INT(ask(n, SEC(1) + RETRY, &seq), 0);
    CHECK_INT(sl_nack_count(n).given_up, 1);
    sl_nack_free(n);
}

TEST(nack_asks_in_portions)
{
    struct nack *n = nack_of(10);
    uint64_t seqs[4];

    sl_nack_input(n, 1000, 0);
    sl_nack_input(n, 1007, 0);
    CHECK_INT(sl_nack_poll(n, NACK_WAIT, seqs, 4), 4);
    CHECK_INT(seqs[3], 1004);
    CHECK_INT(sl_nack_deadline(n), NACK_WAIT);
    CHECK_INT(sl_nack_poll(n, NACK_WAIT, seqs, 4), 2);
    CHECK_INT(seqs[1], 1006);
    CHECK_INT(sl_nack_poll(n, NACK_WAIT, seqs, 4), 0);
    CHECK_INT(sl_nack_deadline(n), NACK_WAIT + RETRY);
    sl_nack_free(n);
}

TEST(nack_recovered_and_repeated_packets)
{
    struct nack *n = nack_of(10);
    uint64_t seq;

    sl_nack_input(n, 1000, 0);
    sl_nack_input(n, 1004, 0);
    CHECK_INT(sl_nack_input(n, 1002, 0), NACK_FOUND);
    CHECK_INT(sl_nack_input(n, 1002, 0), NACK_OLD);
    CHECK_INT(sl_nack_input(n, 1000, 0), NACK_OLD);
    CHECK_INT(sl_nack_input(n, 999, 0), NACK_OLD);
    CHECK_INT(ask(n, NACK_WAIT, &seq), 2);
    CHECK_INT(seq, 1001);
    sl_nack_input(n, 1006, NACK_WAIT);
    CHECK_INT(sl_nack_input(n, 1005, NACK_WAIT), NACK_FOUND);
    CHECK_INT(sl_nack_count(n).missed, 4);
    CHECK_INT(sl_nack_count(n).found, 2);
    sl_nack_free(n);
}

TEST(nack_wants_a_key_frame_when_too_much_is_missing)
{
    struct nack *n = nack_of(10);
    uint64_t seq;

    sl_nack_input(n, 1000, 0);
    sl_nack_input(n, 1001 + NACK_LIST_MAX, 0);
    CHECK(!sl_nack_take_key_wanted(n));
    sl_nack_input(n, 1003 + NACK_LIST_MAX, 0);
    CHECK(sl_nack_take_key_wanted(n));
    CHECK(!sl_nack_take_key_wanted(n));
    CHECK_INT(ask(n, NACK_WAIT, &seq), 0);
    CHECK_INT(sl_nack_count(n).given_up, NACK_LIST_MAX + 1);
    CHECK_INT(sl_nack_count(n).overflows, 1);
    sl_nack_input(n, 1003 + 3 * NACK_LIST_MAX, NACK_WAIT);
    CHECK(sl_nack_take_key_wanted(n));
    CHECK_INT(sl_nack_count(n).given_up, 3 * NACK_LIST_MAX);
    CHECK_INT(sl_nack_count(n).missed, 3 * NACK_LIST_MAX);

    sl_nack_input(n, 1005 + 3 * NACK_LIST_MAX, SEC(1));
    CHECK_INT(ask(n, SEC(1) + NACK_WAIT, &seq), 1);
    CHECK_INT(seq, 1004 + 3 * NACK_LIST_MAX);
    sl_nack_free(n);
}

TEST(nack_forgets_first_what_a_key_frame_made_useless)
{
    struct nack *n = nack_of(10);
    uint64_t seq;

    sl_nack_input(n, 1000, 0);
    sl_nack_input(n, 1101, 0); /* 100 missing */
    sl_nack_key(n, 1101);
    sl_nack_input(n, 1202, 0); /* 200 */
    sl_nack_input(n, 1303, 0); /* 300 do not fit, 200 do */
    CHECK(!sl_nack_take_key_wanted(n));
    CHECK_INT(ask(n, NACK_WAIT, &seq), 200);
    CHECK_INT(seq, 1102);
    CHECK_INT(sl_nack_count(n).given_up, 100);
    sl_nack_free(n);
}

TEST(nack_round_trip_has_a_floor)
{
    struct nack *n = sl_nack_new(&(struct nack_conf){.max_age = SEC(1), .max_tries = 10});
    uint64_t seq;

    sl_nack_input(n, 1000, 0);
    sl_nack_input(n, 1002, 0);
    CHECK_INT(ask(n, NACK_WAIT, &seq), 1);
    CHECK_INT(sl_nack_deadline(n), NACK_WAIT + MSEC(20));
    sl_nack_free(n);
}

/* Answers come after so long; then what is lost is asked for again soon after that, whatever
 * was believed at first. Each tenth request, or its answer, is lost. */
TEST(nack_learns_the_round_trip)
{
    static const int trips[] = {5, 60, 200, 300};
    for (size_t i = 0; i < LEN(trips); i++) {
        struct nack *n = sl_nack_new(
            &(struct nack_conf){.max_age = SEC(1), .max_tries = 10, .rtt = MSEC(100)});
        usec now = 0, rtt = MSEC(trips[i]);
        uint64_t asked[4];
        for (uint64_t seq = 1000; seq < 1400; seq += 2) {
            (void)sl_nack_input(n, seq, now);
            now += NACK_WAIT; /* an odd one is missing before each even one */
            size_t k = sl_nack_poll(n, now, asked, LEN(asked));
            for (usec end = now + rtt * (seq % 20 == 0 ? 2 : 1); now < end;
                 now += MSEC(1))
                (void)sl_nack_poll(n, now, asked, LEN(asked));
            if (seq > 1000) {
                CHECK_INT(k, 1);
                CHECK_INT(sl_nack_input(n, seq - 1, now), NACK_FOUND);
            }
        }
        CHECK(sl_nack_rtt(n) >= rtt && sl_nack_rtt(n) <= rtt + rtt / 4 + MSEC(2));
        sl_nack_free(n);
    }
}
