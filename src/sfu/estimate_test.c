#include "sfu/estimate.h"

#include "check.h"
#include "media/bwe.h"
#include "proto/twcc.h"
#include "sfu/inside.h"
#include "sfu/transport.h"
#include "stage.h"

/* A publisher of three encodings, and viewers behind a link of some rate whose browsers tell
 * by transport-wide feedback what arrives. The media is real, the link is not. */

enum { ENCODINGS = 3, QUEUE = 4096, SSRC_LAYER = 101 };

static const unsigned frame_octets[ENCODINGS] = {600, 1700,
                                                 5000}; /* 144, 408, 1200 kbit/s */

static struct stage s;

static struct {
    double bps;
    usec free_at;
    size_t taken, head, tail;
    struct {
        uint16_t seq;
        usec at;
    } at[QUEUE];
    struct twcc twcc;
    bool deaf;            /* it tells nothing */
    size_t of_rtx, again; /* again: with a payload */
    unsigned plis, seq[ENCODINGS], frame;
    size_t packets; /* that left for the viewer since it was set to 0 */
    uint64_t octets;
} way;

/* One frame of each encoding; a key frame when that was asked for. */
static void publish(void)
{
    static uint8_t payload[1000];
    size_t plis = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
    bool key = plis != way.plis || way.frame == 0;
    way.plis = (unsigned)plis;
    for (unsigned l = 0; l < ENCODINGS; l++)
        for (unsigned left = frame_octets[l]; left > 0;) {
            unsigned n = left < sizeof payload ? left : sizeof payload;
            bool first = left == frame_octets[l];
            struct rtp r = stage_frame(SSRC_LAYER + l, (uint16_t)++way.seq[l], key);
            payload[0] = first ? 0x10 : 0x00;
            payload[1] = first && key ? 0 : 1;
            left -= n;
            r.ts = 3000 * way.frame;
            r.marker = left == 0;
            r.payload = (struct span){payload, n};
            sim_send_rtp(s.pub, &r);
        }
    way.frame++;
}

/* What was sent to the viewer goes over the link. */
static void carry(void)
{
    for (; way.taken < s.sub->rtp_n; way.taken++) {
        struct rtp r = sim_rtp(s.sub, way.taken);
        struct span ext = sim_ext(s.sub, way.taken, TWCC_OUT);
        size_t n = s.sub->rtp[way.taken % SIM_GOT].n + 28U + 16U;
        way.of_rtx += r.ssrc == SSRC_RTX;
        way.again += r.ssrc == SSRC_RTX && r.payload.n > 2;
        CHECK(r.ssrc != SSRC_RTX || r.pt == RTX_OUT);
        way.packets++;
        way.octets += n;
        if (way.free_at < s.sim.now)
            way.free_at = s.sim.now;
        if (way.free_at - s.sim.now > MSEC(300) || ext.n != 2)
            continue;
        way.free_at += (usec)((double)n * 8e6 / way.bps);
        way.at[way.tail % QUEUE].seq = rtp_be16(ext.p);
        way.at[way.tail++ % QUEUE].at = way.free_at + MSEC(20);
    }
    for (; way.head != way.tail && way.at[way.head % QUEUE].at <= s.sim.now; way.head++)
        sl_twcc_add(&way.twcc, way.at[way.head % QUEUE].seq, way.at[way.head % QUEUE].at);
}

static void tell(void)
{
    uint8_t buf[TWCC_FB_OCTETS];
    struct wr w = wr_of(buf, sizeof buf);
    while (!way.deaf && sl_twcc_build(&way.twcc, 1, SSRC_OUT, &w)) {
        sim_send_rtcp(s.sub, wr_done(&w));
        w = wr_of(buf, sizeof buf);
    }
}

static void run(usec span)
{
    for (usec until = s.sim.now + span; s.sim.now < until;) {
        usec ms = s.sim.now / 1000;
        if (ms % 33 == 0)
            publish();
        if (ms % 100 == 0)
            tell();
        if (ms % 5000 == 0) { /* consent */
            sim_check(s.pub);
            sim_check(s.sub);
        }
        sim_run(&s.sim, MSEC(1));
        carry();
    }
}

/* The encoding that went out in the last second, by what it takes. */
static double kbps_sent(void)
{
    way.octets = 0;
    run(SEC(1));
    return (double)way.octets * 8 / 1000;
}

static void open_link(double bps, bool twcc, bool remb, uint8_t rtx)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(rtx);
    memset(&way, 0, sizeof way);
    way.bps = bps;
    for (unsigned l = 0; l < ENCODINGS; l++)
        p.receive.encodings[l].ssrc = SSRC_LAYER + l;
    k.send.params.codecs[0].twcc = twcc;
    k.send.params.codecs[0].remb = remb;
    k.send.params.codecs[0].nack = rtx != PT_NONE;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
}

static bool is_layer(double kbps, unsigned l)
{
    double media = frame_octets[l] * 8 / 33.0;
    return kbps > media * 0.85 && kbps < media * 1.35 + 20;
}

/* Seconds after which the encoding is what fits, and stays for 10. */
static const struct {
    const char *name;
    double bps;
    unsigned layer;
} fits[] = {
    {"5 Mbit/s", 5e6, 2},
    {"just enough for all", 1.6e6, 2},
    {"700 kbit/s", 700e3, 1},
    {"220 kbit/s", 220e3, 0},
};

TEST(estimate_chooses)
{
    for (size_t i = 0; i < LEN(fits); i++) {
        check_row(fits[i].name);
        open_link(fits[i].bps, true, false, RTX_OUT);
        CHECK_INT(sim_stats(&s.sim, 0)->estimated, 1);
        run(SEC(8));
        for (int k = 0; k < 10; k++) {
            double kbps = kbps_sent();
            if (!is_layer(kbps, fits[i].layer))
                check_fail(__FILE__, __LINE__, "second %d: %.0f kbit/s", k, kbps);
        }
        CHECK(s.sim.to_control[MAIL_ESTIMATE] > 0);
        CHECK(sim_stats(&s.sim, 0)->estimated_bps > fits[i].bps * 0.6 ||
              fits[i].bps > 2e6);
        stage_close(&s);
    }
}

/* Down in 2 s, up again in 8, with probes on the RTX stream. */
TEST(estimate_follows)
{
    open_link(3e6, true, false, RTX_OUT);
    run(SEC(6));
    CHECK(is_layer(kbps_sent(), 2));
    CHECK(way.of_rtx > way.again); /* there was nothing yet to send again */
    CHECK_INT(way.again, 0);
    CHECK(sim_stats(&s.sim, 0)->padding > 0);
    way.bps = 300e3;
    run(SEC(2));
    CHECK(is_layer(kbps_sent(), 0));
    run(SEC(5));
    CHECK(is_layer(kbps_sent(), 0));
    way.bps = 3e6;
    run(SEC(7));
    CHECK(is_layer(kbps_sent(), 2));
    stage_close(&s);
}

/* What does not quite fit is not taken, and not asked for all the time. */
TEST(estimate_is_content)
{
    open_link(300e3, true, false, RTX_OUT);
    run(SEC(6));
    way.bps = 900e3;
    run(SEC(6));
    uint64_t padding = sim_stats(&s.sim, 0)->padding;
    for (int i = 0; i < 5; i++)
        CHECK(is_layer(kbps_sent(), 1));
    CHECK(sim_stats(&s.sim, 0)->padding - padding < 100);
    stage_close(&s);
}

/* Who has the best there is gets its share with the reports, not several times a second. */
TEST(estimate_rests)
{
    open_link(20e6, true, false, RTX_OUT);
    run(SEC(6));
    const struct transport *t = sl_shard_transport(s.sim.shards[0], s.sub->id);
    int shared = 0;
    usec last = t->shared_at;
    for (int i = 0; i < 5000; i++) {
        run(MSEC(1));
        shared += t->shared_at != last;
        last = t->shared_at;
    }
    CHECK(shared >= 5);
    CHECK(shared <= 6);
    stage_close(&s);
}

/* What is sent uses most of what is known, so that only asking shows that there is more. */
TEST(estimate_asks)
{
    open_link(650e3, true, false, RTX_OUT);
    run(SEC(10));
    CHECK(is_layer(kbps_sent(), 1));
    way.bps = 5e6;
    run(SEC(5));
    CHECK(is_layer(kbps_sent(), 2));
    stage_close(&s);
}

/* Two tracks share: neither gets the largest, where both cannot. */
TEST(estimate_shares)
{
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    open_link(1700e3, true, false, RTX_OUT);
    k.id = CONSUMER + 5;
    k.send.ssrc = SSRC_OUT + 5;
    k.send.rtx_ssrc = SSRC_RTX + 5;
    sim_consume(s.sub, &k, VIDEO);
    way.bps = 5e6;
    run(SEC(3));
    CHECK(kbps_sent() > 2400); /* there is enough for both */
    way.bps = 1700e3;
    run(SEC(10));
    for (int i = 0; i < 5; i++) {
        double kbps = kbps_sent();
        CHECK(kbps > 2 * 408 && kbps < 1050);
    }
    sim_tell(&s.sim, 0, MAIL_CONSUMER_CLOSE, CONSUMER + 5, 0);
    run(SEC(8));
    CHECK(is_layer(kbps_sent(), 2));
    stage_close(&s);
}

/* Who tells nothing gets all, as there is nothing to judge by. */
TEST(estimate_of_the_silent)
{
    open_link(300e3, true, false, RTX_OUT);
    way.deaf = true;
    run(SEC(10));
    CHECK(is_layer(kbps_sent(), 2));
    stage_close(&s);

    open_link(300e3, false, false, RTX_OUT); /* and it is not even measured */
    CHECK_INT(sim_stats(&s.sim, 0)->estimated, 0);
    run(SEC(5));
    CHECK(is_layer(kbps_sent(), 2));
    CHECK_INT(sim_stats(&s.sim, 0)->padding, 0);
    stage_close(&s);
}

/* No RTX, no padding: all is sent until that is too much, and again after a while. */
TEST(estimate_without_probes)
{
    open_link(5e6, true, false, PT_NONE);
    run(SEC(8));
    CHECK(is_layer(kbps_sent(), 2));
    way.bps = 300e3;
    run(SEC(3));
    CHECK(is_layer(kbps_sent(), 0));
    way.bps = 5e6;
    run(SEC(4));
    CHECK(is_layer(kbps_sent(), 0)); /* not yet */
    run(SEC(8));
    CHECK(is_layer(kbps_sent(), 2));
    CHECK_INT(sim_stats(&s.sim, 0)->padding, 0);
    stage_close(&s);
}

static void remb(uint64_t bps)
{
    uint8_t buf[64];
    uint32_t ssrc = SSRC_OUT;
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcp_build_remb(&w, 1, bps, &ssrc, 1);
    sim_send_rtcp(s.sub, wr_done(&w));
}

/* How long it takes until an encoding is what is sent. */
static usec wait_for(unsigned l)
{
    usec from = s.sim.now;
    while (s.sim.now - from < SEC(5)) {
        way.octets = 0;
        run(MSEC(99)); /* three frames */
        double kbps = (double)way.octets * 8 / 99;
        if (is_layer(kbps, l))
            break;
    }
    return s.sim.now - from;
}

/* What changes is not left for the next review. */
TEST(estimate_changes_at_once)
{
    open_link(5e6, false, true, RTX_OUT);
    run(SEC(2));
    for (int i = 0; i < 5; i++) {
        remb(3000000);
        run(SEC(3) + MSEC(110) * i); /* key frames are not to be had at any rate */
        remb(100000);
        CHECK(wait_for(0) <= MSEC(500));
    }
    stage_close(&s);
}

/* Who joins a running stream does not see a small picture first. */
TEST(estimate_begins_with_the_best)
{
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    open_link(5e6, true, false, RTX_OUT);
    run(SEC(2));
    k.id++;
    k.send.params.codecs[0].twcc = true;
    s.sub = sim_connected(&s.sim, 3, 0, SRTP_GCM_128);
    sim_consume(s.sub, &k, VIDEO);
    sim_ready(s.sub);
    memset(&way.twcc, 0, sizeof way.twcc);
    way.taken = way.head = way.tail = 0;
    run(MSEC(66)); /* a key frame comes with the second */
    for (int i = 0; i < 20; i++) {
        way.octets = 0;
        run(MSEC(99));
        CHECK((double)way.octets * 8 / 99 > 1000);
    }
    stage_close(&s);
}

/* Who joins over a narrow path is not sent the largest for longer than it takes to know. */
TEST(estimate_begins_with_what_fits)
{
    open_link(600e3, true, false, RTX_OUT);
    run(MSEC(500));
    for (int i = 0; i < 5; i++)
        CHECK(kbps_sent() < 600);
    stage_close(&s);
}

TEST(estimate_by_remb)
{
    open_link(5e6, false, true, RTX_OUT);
    CHECK_INT(sim_stats(&s.sim, 0)->estimated, 1);
    run(SEC(2));
    remb(3000000);
    run(SEC(3));
    CHECK(is_layer(kbps_sent(), 2));
    remb(600000);
    run(SEC(1));
    CHECK(is_layer(kbps_sent(), 1));
    remb(200000);
    run(SEC(1));
    CHECK(is_layer(kbps_sent(), 0));
    remb(3000000);
    run(SEC(2));
    CHECK(is_layer(kbps_sent(), 2));
    remb(100000); /* not even the smallest: a picture that stands still is of no use */
    run(SEC(2));
    CHECK(kbps_sent() < 1);
    remb(3000000);
    run(SEC(3));
    CHECK(is_layer(kbps_sent(), 2));
    CHECK_INT(sim_stats(&s.sim, 0)->padding, 0);
    stage_close(&s);
}

TEST(estimate_mail)
{
    uint64_t id2 = MAIL_ESTIMATE_OF(UINT64_C(20000000), BWE_CEILING, 200);
    CHECK_INT(MAIL_ESTIMATE_BPS(id2), 20000000);
    CHECK_INT(MAIL_ESTIMATE_CAUSE(id2), BWE_CEILING);
    CHECK_INT(MAIL_ESTIMATE_LOST(id2), 200);
}
