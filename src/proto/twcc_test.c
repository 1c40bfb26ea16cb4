#include "proto/twcc.h"

#include <stdio.h>

#include "base/rng.h"

#include "check.h"
#include "proto/rtcp.h"

/* What one feedback says, "seq@us seq- ...", with times since base. */
static bool told(struct twcc *t, usec base, char *buf, size_t cap)
{
    uint8_t out[TWCC_FB_OCTETS];
    struct wr w = wr_of(out, sizeof out);
    struct rd r = {0};
    struct rtcp p = {0};
    struct rtcp_fb fb = {0};
    struct rtcp_twcc f = {0};
    struct rtcp_arrival a;
    size_t n = 0;
    buf[0] = '\0';
    if (!sl_twcc_build(t, 1, 2, &w))
        return false;
    CHECK_INT(sl_rtcp_parse(wr_done(&w), &r), E_OK);
    CHECK(sl_rtcp_next(&r, &p) && r.n == 0);
    CHECK_INT(p.type, RTCP_RTPFB);
    CHECK_INT(p.count, RTPFB_TWCC);
    CHECK_INT(sl_rtcp_fb(&p, &fb), E_OK);
    CHECK(fb.sender == 1 && fb.media == 2);
    CHECK_INT(sl_rtcp_twcc(&fb, &f), E_OK);
    while (sl_rtcp_twcc_next(&f, &a) && n < cap)
        n += a.received ? (size_t)snprintf(buf + n, cap - n, "%u@%d ", a.seq,
                                           (int)(a.at - base % TWCC_WRAP_US))
                        : (size_t)snprintf(buf + n, cap - n, "%u- ", a.seq);
    CHECK_INT(f.deltas.n, 0);
    return true;
}

static const struct {
    const char *name;
    struct {
        uint16_t seq;
        int ms; /* after the first */
    } came[8];
    size_t n;
    const char *first, *second; /* feedback packets */
} rows[] = {
    {"three in order", {{7, 0}, {8, 5}, {9, 70}}, 3, "7@0 8@5000 9@70000 ", ""},
    {"a gap", {{7, 0}, {9, 1}}, 2, "7@0 8- 9@1000 ", ""},
    {"swapped", {{7, 0}, {9, 1}, {8, 2}}, 3, "7@0 8@2000 9@1000 ", ""},
    {"twice: the first time counts", {{7, 0}, {7, 9}, {8, 10}}, 3, "7@0 8@10000 ", ""},
    {"across the wrap", {{65535, 0}, {0, 1}, {1, 2}}, 3, "65535@0 0@1000 1@2000 ", ""},
    {"before the very first", {{5, 0}, {3, 1}}, 2, "3@1000 4- 5@0 ", ""},
    {"5 before the first, across the wrap",
     {{1, 0}, {65535, 1}},
     2,
     "65535@1000 0- 1@0 ",
     ""},
    {"too long after for a delta", {{7, 0}, {8, 9000}}, 2, "7@0 ", "8@9000000 "},
    {"missing ones go with what came after",
     {{7, 0}, {9, 9000}},
     2,
     "7@0 8- ",
     "9@9000000 "},
    {"clock of the kernel set back", {{7, 0}, {8, -9000}}, 2, "7@0 ", "8@-9000000 "},
};

TEST(twcc_feedback_of_what_came)
{
    const usec base = SEC(1763700000) / TWCC_REF_US * TWCC_REF_US;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct twcc t = {0};
        char buf[512];
        check_row(rows[i].name);
        CHECK(!sl_twcc_pending(&t));
        for (size_t k = 0; k < rows[i].n; k++)
            sl_twcc_add(&t, rows[i].came[k].seq, base + MSEC(rows[i].came[k].ms));
        told(&t, base, buf, sizeof buf);
        if (strcmp(buf, rows[i].first) != 0)
            check_fail(__FILE__, __LINE__, "first: %s", buf);
        told(&t, base, buf, sizeof buf);
        if (strcmp(buf, rows[i].second) != 0)
            check_fail(__FILE__, __LINE__, "second: %s", buf);
        CHECK(!told(&t, base, buf, sizeof buf));
        CHECK(!sl_twcc_pending(&t));
    }
}

TEST(twcc_a_late_one_is_told_in_the_next_feedback)
{
    struct twcc t = {0};
    char buf[512];
    sl_twcc_add(&t, 7, MSEC(64));
    sl_twcc_add(&t, 9, MSEC(65));
    CHECK(told(&t, MSEC(64), buf, sizeof buf) && strcmp(buf, "7@0 8- 9@1000 ") == 0);
    sl_twcc_add(&t, 8, MSEC(66));
    sl_twcc_add(&t, 10, MSEC(67));
    CHECK(told(&t, MSEC(64), buf, sizeof buf) &&
          strcmp(buf, "8@2000 9@1000 10@3000 ") == 0);
    sl_twcc_add(&t, 8, MSEC(68));
    CHECK(!told(&t, MSEC(64), buf, sizeof buf));
    CHECK_INT(t.duplicates, 1);
}

TEST(twcc_what_left_the_window_is_not_told)
{
    struct twcc t = {0};
    char buf[1 << 14];
    sl_twcc_add(&t, 100, MSEC(64));
    CHECK(told(&t, MSEC(64), buf, sizeof buf));
    sl_twcc_add(&t, 100 + TWCC_WINDOW, MSEC(65));
    CHECK(sl_twcc_urgent(&t));
    sl_twcc_add(&t, 100, MSEC(66)); /* just too late */
    CHECK_INT(t.too_late, 1);
    CHECK_INT(t.top - t.next, TWCC_WINDOW - 1);
    sl_twcc_add(&t, 101, MSEC(66)); /* just in time */
    CHECK(told(&t, MSEC(64), buf, sizeof buf));
    CHECK(strncmp(buf, "101@2000 102- ", 14) == 0);
    CHECK_INT(t.too_late, 1);
}

TEST(twcc_a_sender_that_counts_anew_is_followed_from_its_second_packet)
{
    struct twcc t = {0};
    char buf[512];
    sl_twcc_add(&t, 20000, MSEC(64));
    CHECK(told(&t, MSEC(64), buf, sizeof buf));
    sl_twcc_add(&t, 0, MSEC(65));
    CHECK(!sl_twcc_pending(&t));
    sl_twcc_add(&t, 1, MSEC(66));
    sl_twcc_add(&t, 2, MSEC(67));
    CHECK(told(&t, MSEC(64), buf, sizeof buf) && strcmp(buf, "1@2000 2@3000 ") == 0);
}

/* Whatever comes in whatever order: all of it is told once, in order, to within a tick, by
 * packets of at most 1200 octets, which count themselves. */
TEST(twcc_round_trip_of_a_bad_network)
{
    enum { PACKETS = 60000, BATCH = 300 };
    static usec sent_at[PACKETS], told_at[PACKETS];
    struct rng rng = sl_rng_of(1);
    static struct twcc t;
    usec now = SEC(1763700000);
    uint8_t fb_count = 0;
    size_t feedbacks = 0, received = 0;
    t = (struct twcc){0};
    for (int i = 0; i < PACKETS; i++) {
        int k = i;
        now += rng_u32(&rng) % 3000;
        if (rng_u32(&rng) % 1000 == 0)
            now += SEC(10);
        if (rng_u32(&rng) % 20 == 0 && i > 50)
            k = i - (int)(rng_u32(&rng) % 50); /* late, or again */
        if (rng_u32(&rng) % 10 > 0) {
            sl_twcc_add(&t, (uint16_t)(k + 30000), now);
            if (sent_at[k] == 0)
                sent_at[k] = now;
        }
        if (i % BATCH != BATCH - 1 && i != PACKETS - 1)
            continue;
        for (;;) {
            uint8_t out[1500];
            struct wr w = wr_of(out, sizeof out);
            struct rd r;
            struct rtcp p;
            struct rtcp_fb fb;
            struct rtcp_twcc f;
            struct rtcp_arrival a;
            if (!sl_twcc_build(&t, 1, 2, &w))
                break;
            feedbacks++;
            CHECK(!w.bad && w.n <= TWCC_FB_OCTETS && w.n % 4 == 0);
            CHECK_INT(sl_rtcp_parse(wr_done(&w), &r), E_OK);
            CHECK(sl_rtcp_next(&r, &p));
            CHECK_INT(sl_rtcp_fb(&p, &fb), E_OK);
            CHECK_INT(sl_rtcp_twcc(&fb, &f), E_OK);
            CHECK_INT(f.fb_count, fb_count++);
            while (sl_rtcp_twcc_next(&f, &a)) {
                int at = i - (int16_t)(uint16_t)(i + 30000 - a.seq);
                CHECK(at >= 0 && at <= i);
                if (a.received)
                    told_at[at] = a.at;
            }
        }
    }
    for (int i = 0; i < PACKETS; i++) {
        usec want = sent_at[i] / TWCC_TICK_US * TWCC_TICK_US % TWCC_WRAP_US;
        CHECK_INT(told_at[i], sent_at[i] ? want : 0);
        received += sent_at[i] != 0;
    }
    CHECK(received > PACKETS / 2 && feedbacks >= PACKETS / BATCH);
}

/* Deltas of all sizes in a row, so that every kind of chunk stands beside every other. */
TEST(twcc_chunks_of_all_mixtures)
{
    struct rng rng = sl_rng_of(2);
    for (int round = 0; round < 3000; round++) {
        static struct twcc t;
        usec at[64] = {0};
        usec now = SEC(1000);
        t = (struct twcc){0};
        unsigned kinds = 1 + rng_u32(&rng) % 7;
        unsigned n = 1 + rng_u32(&rng) % 60;
        for (unsigned i = 0; i < n; i++) {
            unsigned kind = rng_u32(&rng) % 3;
            if (rng_u32(&rng) % 4 == 0)
                kind = 1; /* makes runs */
            if (!(kinds >> kind & 1) && i != 0 && i != n - 1)
                continue;
            now += kind == 2 ? MSEC(100) : MSEC(1);
            at[i] = now;
            sl_twcc_add(&t, (uint16_t)i, now);
        }
        uint8_t out[TWCC_FB_OCTETS];
        struct wr w = wr_of(out, sizeof out);
        struct rd r;
        struct rtcp p;
        struct rtcp_fb fb;
        struct rtcp_twcc f;
        struct rtcp_arrival a;
        CHECK(sl_twcc_build(&t, 1, 2, &w) && !sl_twcc_pending(&t));
        CHECK_INT(sl_rtcp_parse(wr_done(&w), &r), E_OK);
        CHECK(sl_rtcp_next(&r, &p) && sl_rtcp_fb(&p, &fb) == E_OK);
        CHECK_INT(sl_rtcp_twcc(&fb, &f), E_OK);
        CHECK_INT(f.count, n);
        for (unsigned i = 0; i < n; i++) {
            CHECK(sl_rtcp_twcc_next(&f, &a));
            CHECK_INT(a.received ? a.at : 0, at[i]);
        }
    }
}
