#include "media/stats.h"

#include "check.h"
#include "media/ntp.h"

enum { HZ = 90000, FIRST = 0x10000 };

TEST(stats_counts_loss)
{
    struct stats s = {.clock_hz = HZ};
    struct rtcp_block b = {0};

    CHECK_INT(sl_stats_lost(&s), 0);
    sl_stats_report(&s, 0, &b);
    CHECK_INT(b.fraction, 0);

    /* 8 of 10, and the two missing are told. */
    for (unsigned i = 0; i < 10; i++)
        if (i != 3 && i != 4)
            sl_stats_input(&s, FIRST + 100 + i, 0, 1000, 0);
    sl_stats_report(&s, 0, &b);
    CHECK_INT(b.fraction, 2 * 256 / 10);
    CHECK_INT(b.lost, 2);
    CHECK_INT(b.last_seq, 109);
    CHECK_INT(s.octets, 8000);

    /* Nothing new. */
    sl_stats_report(&s, 0, &b);
    CHECK_INT(b.fraction, 0);
    CHECK_INT(b.lost, 2);

    /* One of them late, and two duplicates: more came than were expected. */
    sl_stats_input(&s, FIRST + 103, 0, 0, 0);
    sl_stats_input(&s, FIRST + 109, 0, 0, 0);
    sl_stats_input(&s, FIRST + 109, 0, 0, 0);
    sl_stats_report(&s, 0, &b);
    CHECK_INT(b.fraction, 0);
    CHECK_INT(b.lost, -1);

    /* One new, twice. */
    sl_stats_input(&s, FIRST + 110, 0, 0, 0);
    sl_stats_input(&s, FIRST + 110, 0, 0, 0);
    sl_stats_report(&s, 0, &b);
    CHECK_INT(b.fraction, 0);
    CHECK_INT(b.lost, -2);

    /* One of four. */
    sl_stats_input(&s, FIRST + 111, 0, 0, 0);
    sl_stats_input(&s, FIRST + 113, 0, 0, 0);
    sl_stats_input(&s, FIRST + 114, 0, 0, 0);
    sl_stats_report(&s, 0, &b);
    CHECK_INT(b.fraction, 64);
    CHECK_INT(b.lost, -1);
}

TEST(stats_limits_of_a_block)
{
    struct stats s = {.clock_hz = HZ};
    struct rtcp_block b = {0};

    sl_stats_input(&s, FIRST, 0, 0, 0);
    sl_stats_input(&s, FIRST + 0x1000000, 0, 0, 0);
    sl_stats_report(&s, 0, &b);
    CHECK_INT(b.lost, 0x7fffff);
    CHECK_INT(b.fraction, 255);
    CHECK_INT(b.last_seq, 0x1000000);
}

TEST(stats_packet_before_the_first)
{
    struct stats s = {.clock_hz = HZ};
    struct rtcp_block b = {0};

    sl_stats_input(&s, FIRST, 0, 0, 0);
    sl_stats_input(&s, FIRST - 1, 0, 0, 0);
    sl_stats_report(&s, 0, &b);
    CHECK_INT(b.lost, 0);
    CHECK_INT(b.last_seq, 0x10000); /* it had rolled over */
}

TEST(stats_jitter)
{
    struct stats s = {.clock_hz = HZ};

    /* In step: 20 ms of arrival are 1800 ticks. */
    for (unsigned i = 0; i < 100; i++)
        sl_stats_input(&s, FIRST + i, 1800 * i, 0, MSEC(20) * i);
    CHECK_INT(sl_stats_jitter(&s), 0);

    /* One is 16 ms late, 1440 ticks: a sixteenth of it. */
    sl_stats_input(&s, FIRST + 100, 1800 * 100, 0, MSEC(20 * 100 + 16));
    CHECK_INT(sl_stats_jitter(&s), 1440 / 16);

    /* The next is in time again: as much a change, the other way. */
    sl_stats_input(&s, FIRST + 101, 1800 * 101, 0, MSEC(20 * 101));
    CHECK_INT(sl_stats_jitter(&s), (1440 - 1440 / 16 + 1440) / 16);

    /* In step again it fades; 34 is what the rounding of A.8 makes of it. */
    for (unsigned i = 102; i < 127; i++)
        sl_stats_input(&s, FIRST + i, 1800 * i, 0, MSEC(20) * i);
    CHECK_INT(sl_stats_jitter(&s), 34);

    /* Alternating for long, the estimate comes to what it is. */
    for (unsigned i = 127; i < 400; i++)
        sl_stats_input(&s, FIRST + i, 1800 * i, 0, MSEC(20 * i + (i % 2 ? 0 : 16)));
    CHECK(sl_stats_jitter(&s) > 1400 && sl_stats_jitter(&s) <= 1440);
}

TEST(stats_jitter_of_late_packets_and_new_clocks)
{
    struct stats s = {.clock_hz = HZ};

    sl_stats_input(&s, FIRST, 0xffffff00, 0, SEC(1));
    sl_stats_input(&s, FIRST + 2, 0xffffff00 + 3600, 0, SEC(1) + MSEC(40));
    CHECK_INT(sl_stats_jitter(&s), 0); /* over the end of timestamps */
    sl_stats_input(&s, FIRST + 1, 0xffffff00 + 1800, 0, SEC(3));
    CHECK_INT(sl_stats_jitter(&s), 0); /* out of order: not part of it */
    sl_stats_input(&s, FIRST + 3, 0x12345678, 0, SEC(1) + MSEC(60));
    CHECK_INT(sl_stats_jitter(&s), 0); /* timestamps began anew */
    sl_stats_input(&s, FIRST + 4, 0x12345678, 0, SEC(1) + MSEC(76));
    CHECK_INT(sl_stats_jitter(&s), 90);

    s = (struct stats){.clock_hz = HZ};
    sl_stats_input(&s, FIRST, 0, 0, 0);
    sl_stats_input(&s, FIRST + 1, 0, 0, SEC(5));
    CHECK_INT(sl_stats_jitter(&s), 0);
    sl_stats_input(&s, FIRST + 2, 0, 0, SEC(9));
    CHECK_INT(sl_stats_jitter(&s), 4 * HZ / 16);
}

TEST(stats_last_sender_report)
{
    struct stats s = {.clock_hz = HZ};
    struct rtcp_block b = {0};

    sl_stats_report(&s, SEC(9), &b);
    CHECK_INT(b.lsr, 0);
    CHECK_INT(b.dlsr, 0);

    /* RFC 3550 §6.4.1, figure 2: a delay of 5.250 s. */
    sl_stats_sr(&s, 0xb44db70520000000, SEC(10));
    sl_stats_report(&s, SEC(15) + MSEC(250), &b);
    CHECK_INT(b.lsr, 0xb7052000);
    CHECK_INT(b.dlsr, 0x00054000);
}
