#include "proto/twcc.h"

#include <stdio.h>

#include "base/rng.h"

#include "check.h"
#include "proto/rtcp.h"

/* Builds one feedback, and reads it as its receiver would. False: there was none. */
static bool feedback(struct twcc *t, uint8_t buf[TWCC_FB_OCTETS], struct rtcp_twcc *f)
{
    struct wr w = wr_of(buf, TWCC_FB_OCTETS);
    struct rd r = {0};
    struct rtcp p = {0};
    struct rtcp_fb fb = {0};
    if (!sl_twcc_build(t, 1, 2, &w))
        return false;
    CHECK(!w.bad && w.n % 4 == 0);
    CHECK_INT(sl_rtcp_parse(wr_done(&w), &r), E_OK);
    CHECK(sl_rtcp_next(&r, &p) && r.n == 0);
    CHECK(p.type == RTCP_RTPFB && p.count == RTPFB_TWCC);
    CHECK_INT(sl_rtcp_fb(&p, &fb), E_OK);
    CHECK(fb.sender == 1 && fb.media == 2);
    CHECK_INT(sl_rtcp_twcc(&fb, f), E_OK);
    return true;
}

/* What one feedback says, "seq@us seq- ...", with times since base. */
static bool told(struct twcc *t, usec base, char *buf, size_t cap)
{
    uint8_t out[TWCC_FB_OCTETS];
    struct rtcp_twcc f = {0};
    struct rtcp_arrival a;
    size_t n = 0;
    buf[0] = '\0';
    if (!feedback(t, out, &f))
        return false;
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

TEST(twcc_next_feedback_starts_inside_the_window)
{
    struct twcc t = {0};
    for (int i = 0; i < 3; i++)
        sl_twcc_add(&t, (uint16_t)(100 + i), MSEC(64));
    sl_twcc_add(&t, 100 + TWCC_WINDOW - 1, MSEC(64));
    CHECK_INT((uint16_t)t.next, 100);
    sl_twcc_add(&t, 100 + TWCC_WINDOW, MSEC(64));
    CHECK_INT((uint16_t)t.next, 101);
}

TEST(twcc_a_full_window_takes_several_packets)
{
    struct twcc t = {0};
    uint8_t out[4 * TWCC_FB_OCTETS];
    struct wr w = wr_of(out, sizeof out);
    size_t packets = 0;
    for (int i = 0; i < TWCC_WINDOW; i++)
        sl_twcc_add(&t, (uint16_t)i, MSEC(100) * (i + 1));
    for (size_t before = 0; sl_twcc_build(&t, 1, 2, &w); before = w.n, packets++)
        CHECK(w.n - before <= TWCC_FB_OCTETS);
    CHECK_INT(packets, 2);
    CHECK(!w.bad);

    /* With little room there are more of them, and with none, none. */
    for (int i = 0; i < TWCC_WINDOW; i++)
        sl_twcc_add(&t, (uint16_t)(2000 + i), MSEC(100) * (2000 + i));
    for (packets = 0; sl_twcc_pending(&t); packets++) {
        w = wr_of(out, TWCC_FB_MIN);
        CHECK(sl_twcc_build(&t, 1, 2, &w) && !w.bad);
    }
    CHECK(packets > TWCC_WINDOW / 20 && packets < TWCC_WINDOW / 10);
    sl_twcc_add(&t, 4000, SEC(1000));
    w = wr_of(out, TWCC_FB_MIN - 1);
    CHECK(!sl_twcc_build(&t, 1, 2, &w) && w.n == 0 && sl_twcc_pending(&t));
}

/* Packets by the time that passed before each: s up to 255 ticks, L 256, - never came. */
static const struct {
    const char *name, *packets, *chunks;
} chunks[] = {
    {"one", "s", "2001"},
    {"a run of 20", "ssssssssssssssssssss", "2014"},
    {"a gap within 14", "ss-sssssssssss", "b7ff"},
    {"bits that end early", "ss-s", "b400"},
    {"one large: pairs, and a rest", "ss-sLsss", "d465 2001"},
    {"a large one after 8: pairs after all", "ss-sssssL", "d455 d800"},
    {"a run, and others behind it", "sssssssssssssssL-s", "200f e100"},
    {"large ones, then a run of them", "sLLLLLLLL", "daaa 4002"},
    {"large ones behind a full vector", "ss-ssssLLLLLLLL", "d455 4008"},
    {"17 missing", "s-----------------s", "a000 8200"},
    {"bits again behind pairs", "s-Ls-s-s-s-s-s-s-s-ss", "d244 aaab"},
};

TEST(twcc_chunks_are_the_shortest_that_fit)
{
    for (size_t i = 0; i < LEN(chunks); i++) {
        struct twcc t = {0};
        uint8_t out[TWCC_FB_OCTETS];
        struct wr w = wr_of(out, sizeof out);
        struct span want = check_hex(chunks[i].chunks);
        usec now = TWCC_REF_US;
        check_row(chunks[i].name);
        for (uint16_t k = 0; chunks[i].packets[k]; k++) {
            char kind = chunks[i].packets[k];
            if (kind == '-')
                continue;
            if (k > 0)
                now += (kind == 'L' ? 256 : 255) * (usec)TWCC_TICK_US;
            sl_twcc_add(&t, k, now);
        }
        CHECK(sl_twcc_build(&t, 1, 2, &w));
        CHECK(w.n > 20 + want.n && memcmp(out + 20, want.p, want.n) == 0);
    }
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

enum { PACKETS = 60000, BATCH = 300, FIRST = 30000 };

/* Reads all feedback there is into the time of each packet; last: the latest that was sent. */
static size_t collect(struct twcc *t, int last, usec *told_at, uint8_t *fb_count)
{
    uint8_t out[TWCC_FB_OCTETS];
    struct rtcp_twcc f = {0};
    struct rtcp_arrival a;
    size_t n = 0;
    for (; feedback(t, out, &f); n++) {
        CHECK_INT(f.fb_count, (*fb_count)++);
        while (sl_rtcp_twcc_next(&f, &a)) {
            int at = last - (int16_t)(uint16_t)(last + FIRST - a.seq);
            CHECK(at >= 0 && at <= last);
            if (a.received)
                told_at[at] = a.at;
        }
    }
    return n;
}

/* Whatever comes in whatever order: all of it is told, in order, to within a tick, by packets
 * that count themselves. */
TEST(twcc_round_trip_of_a_bad_network)
{
    static usec came_at[PACKETS], told_at[PACKETS];
    static struct twcc t;
    struct rng rng = sl_rng_of(1);
    usec now = SEC(1763700000);
    uint8_t fb_count = 0;
    size_t feedbacks = 0, received = 0;
    for (int i = 0; i < PACKETS; i++) {
        int k = i;
        now += rng_u32(&rng) % 3000;
        if (rng_u32(&rng) % 1000 == 0)
            now += SEC(10);
        if (rng_u32(&rng) % 20 == 0 && i > 50)
            k = i - (int)(rng_u32(&rng) % 50); /* late, or again */
        if (rng_u32(&rng) % 10 > 0) {
            sl_twcc_add(&t, (uint16_t)(k + FIRST), now);
            if (came_at[k] == 0)
                came_at[k] = now;
        }
        if (i % BATCH == BATCH - 1)
            feedbacks += collect(&t, i, told_at, &fb_count);
    }
    for (int i = 0; i < PACKETS; i++) {
        usec want = came_at[i] / TWCC_TICK_US * TWCC_TICK_US % TWCC_WRAP_US;
        CHECK_INT(told_at[i], came_at[i] ? want : 0);
        received += came_at[i] != 0;
    }
    CHECK(received > PACKETS / 2 && feedbacks >= PACKETS / BATCH);
}

/* Packets of all sizes of delta in a row, so that every chunk stands beside every other. */
TEST(twcc_chunks_of_all_mixtures)
{
    struct rng rng = sl_rng_of(2);
    for (int round = 0; round < 3000; round++) {
        struct twcc t = {0};
        uint8_t out[TWCC_FB_OCTETS];
        struct rtcp_twcc f = {0};
        struct rtcp_arrival a = {0};
        usec at[64] = {0};
        usec now = SEC(1000);
        unsigned kinds = 1 + rng_u32(&rng) % 7;
        unsigned n = 1 + rng_u32(&rng) % 60;
        for (unsigned i = 0; i < n; i++) {
            unsigned kind = rng_u32(&rng) % 4 % 3; /* one is twice as likely: runs */
            if (!(kinds >> kind & 1) && i != 0 && i != n - 1)
                continue;
            now += kind == 2 ? MSEC(100) : MSEC(1);
            at[i] = now;
            sl_twcc_add(&t, (uint16_t)i, now);
        }
        CHECK(feedback(&t, out, &f) && !sl_twcc_pending(&t));
        CHECK_INT(f.count, n);
        for (unsigned i = 0; i < n; i++) {
            CHECK(sl_rtcp_twcc_next(&f, &a));
            CHECK_INT(a.received ? a.at : 0, at[i]);
        }
    }
}
