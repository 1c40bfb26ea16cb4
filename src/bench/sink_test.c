#include "bench/sink.h"

#include <string.h>

#include "check.h"
#include "proto/rtcp.h"

static const struct srtp_master master = {.profile = SRTP_CM_SHA1_80,
                                          .key = {1},
                                          .salt = {2}};

/* A source that is heard by a sink, with nothing but the test between them. */
struct line {
    struct source source;
    struct source *sources[1];
    struct sink sink;
    struct sink_counts counts;
    struct srtp_out *out;
    struct srtp_in *in;
    uint16_t twcc;
    usec now;
    size_t n;
    uint8_t at[SOURCE_STRIDE];
};

static struct line l;

static void line_init(void)
{
    memset(&l, 0, sizeof l);
    l.now = SEC(50);
    l.out = sl_srtp_out_new(sl_srtp_backend("openssl"), &master);
    l.in = sl_srtp_in_new(sl_srtp_backend("openssl"), &master, 4);
    sl_source_init(&l.source, 3, true, 1000, 5, &l.twcc);
    l.sources[0] = &l.source;
    l.sink = (struct sink){.sources = l.sources,
                           .sources_n = 1,
                           .counts = &l.counts,
                           .twcc_id = 5,
                           .ssrc = 7,
                           .next_report = USEC_NEVER,
                           .next_feedback = USEC_NEVER};
}

static void line_fini(void)
{
    sl_srtp_out_free(l.out);
    sl_srtp_in_free(l.in);
}

static void make(void)
{
    l.n = sl_source_burst(&l.source, l.out, 1, 200, 30, l.now, l.at);
    CHECK(l.n > 0);
}

static void deliver(usec delay)
{
    sl_sink_input(&l.sink, l.in, l.at, l.n, l.now + delay);
}

TEST(sink_counts_what_comes_and_how_late)
{
    line_init();
    for (int i = 0; i < 1000; i++) {
        make();
        if (i != 20 && i != 500)
            deliver(i < 900 ? 100 : 5000);
    }
    CHECK_INT(sl_sink_flowing(&l.sink), 1);
    CHECK_INT(l.counts.packets, 998);
    CHECK_INT(l.sink.taken, 998);
    CHECK_INT(sl_sink_lost(&l.sink), 2);
    CHECK_INT(l.counts.bad + l.counts.late, 0);
    CHECK_INT(l.counts.delay.n, 998);
    CHECK(sl_quantiles_at(&l.counts.delay, 500) >= 100 &&
          sl_quantiles_at(&l.counts.delay, 500) < 113);
    CHECK_INT(l.counts.delay.max, 5000);
    line_fini();
}

TEST(sink_takes_only_what_counts)
{
    line_init();
    for (int i = 0; i < 10; i++) {
        make();
        deliver(0);
        if (i == 3)
            l.source.counted = l.source.next + 1;
    }
    CHECK_INT(l.sink.taken, 4 + 5);
    line_fini();
}

/* What a header says is held against what the payload says. */
TEST(sink_sees_other_packets_than_were_sent)
{
    line_init();
    make();
    deliver(0);
    for (int i = 0; i < 2 * SINK_SAMPLE; i++) {
        make();
        l.at[l.n - 1] ^= 1;
        deliver(0);
    }
    CHECK(l.counts.bad > 0);
    line_fini();

    line_init();
    make();
    l.at[20] ^= 1;
    deliver(0);
    CHECK_INT(sl_sink_flowing(&l.sink), 0);
    make();
    deliver(0); /* the next one is looked at again */
    CHECK_INT(sl_sink_flowing(&l.sink), 1);
    CHECK_INT(l.counts.bad, 1);
    line_fini();
}

TEST(sink_sees_disorder)
{
    uint8_t first[SOURCE_STRIDE];
    line_init();
    make();
    deliver(0);
    make();
    memcpy(first, l.at, sizeof first);
    make();
    deliver(0);
    memcpy(l.at, first, sizeof first);
    deliver(0);
    CHECK_INT(l.counts.late, 1);
    CHECK_INT(l.sink.taken, 3);
    line_fini();
}

static bool said(usec now, uint8_t type, uint8_t count, struct rtcp *ret, uint8_t *buf)
{
    struct rd compound;
    size_t n = sl_sink_poll(&l.sink, l.out, now, buf);
    return n > 0 && sl_srtp_unprotect_rtcp(l.in, buf, &n) == E_OK &&
           sl_rtcp_parse((struct span){buf, n}, &compound) == E_OK &&
           sl_rtcp_next(&compound, ret) && ret->type == type && ret->count == count;
}

static void say_what_a_browser_says(bool unasked)
{
    static uint8_t buf[SINK_RTCP_MAX];
    struct rtcp r;
    struct rtcp_fb fb;
    struct rtcp_twcc twcc;
    line_init();
    l.sink.unasked = unasked;
    l.sink.twcc_id = unasked ? 0 : l.sink.twcc_id;
    for (int i = 0; i < 5; i++) {
        make();
        if (i != 2)
            deliver(0);
    }
    l.sink.next_feedback = l.now + SINK_FEEDBACK;
    l.sink.next_report = l.now + SINK_REPORT;
    CHECK_INT(sl_sink_deadline(&l.sink), l.now + SINK_FEEDBACK);
    CHECK_INT(sl_sink_poll(&l.sink, l.out, l.now + SINK_FEEDBACK - 1, buf), 0);
    CHECK(said(l.now + SINK_FEEDBACK, RTCP_RTPFB, RTPFB_TWCC, &r, buf));
    CHECK_INT(sl_rtcp_fb(&r, &fb), E_OK);
    CHECK_INT(sl_rtcp_twcc(&fb, &twcc), E_OK);
    CHECK_INT(twcc.count, 5);
    CHECK_INT(sl_sink_poll(&l.sink, l.out, l.now + SINK_FEEDBACK, buf), 0);
    CHECK_INT(sl_sink_deadline(&l.sink), l.now + 2 * SINK_FEEDBACK);
    CHECK(said(l.now + SINK_REPORT, RTCP_RR, 1, &r, buf));
    line_fini();
}

TEST(sink_says_what_a_browser_says)
{
    say_what_a_browser_says(false);
}

/* The same feedback, of packets that have no number but RTP's. */
TEST(sink_says_it_unasked)
{
    say_what_a_browser_says(true);
}
