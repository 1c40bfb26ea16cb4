/* Picture and sound of one publisher: whatever we add to their times, reports to the viewer put
 * packets of one moment at one moment, and come in time. Here and on another worker. */

#include "check.h"
#include "sfu/feedback.h"
#include "stage.h"

enum { SOUND_OUT = SSRC_OUT + 10 };

static struct stage s;

static void send_clock(uint32_t ssrc, uint64_t ntp, uint32_t ts)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcp_sender sr = {.ntp = ntp, .rtp_ts = ts};
    sl_rtcp_build_report(&w, ssrc, &sr, NULL, 0);
    sim_send_rtcp(s.pub, wr_done(&w));
}

/* The publisher's time, in ms, of a timestamp that the viewer got. */
static int64_t moment(uint32_t ssrc, uint32_t ts, uint32_t hz)
{
    struct rtcp sr[64];
    size_t n = sim_rtcp(s.sub, RTCP_SR, 0, sr, LEN(sr));
    struct rtcp_report rep;
    for (size_t i = n < LEN(sr) ? n : LEN(sr); i-- > 0;) {
        if (sl_rtcp_report(&sr[i], &rep) != E_OK || rep.ssrc != ssrc)
            continue;
        int64_t ms = (int64_t)(rep.sender.ntp >> 16) * 1000 / 65536;
        return ms + (int64_t)(int32_t)(ts - rep.sender.rtp_ts) * 1000 / hz;
    }
    CHECK(!"reported");
    return 0;
}

static void lip_sync(unsigned viewer_shard)
{
    struct cmd_producer p = stage_video(), a = stage_audio();
    struct cmd_consumer k = stage_viewer(RTX_OUT), l = stage_listener();
    stage_open(&s, &p, &k, viewer_shard, SRTP_GCM_128);
    sim_produce(s.pub, &a);
    if (viewer_shard != 0)
        sim_carry(s.pub, &a, viewer_shard);
    sim_consume(s.sub, &l, AUDIO);
    uint64_t ntp = UINT64_C(5000) << 32;
    send_clock(SSRC_IN, ntp, 0xfffffff0);               /* wraps at once */
    send_clock(AUDIO_IN, ntp + (UINT64_C(1) << 31), 7); /* half a second later */
    for (uint16_t i = 0; i < 100; i++) {
        /* Captured at 5000 s + 20 ms * i, both; sound takes 60 ms less on its way. */
        struct rtp v = stage_frame(SSRC_IN, i, i == 0);
        v.ts = 0xfffffff0 + 1800U * i;
        struct rtp o = {.pt = PT_OPUS, .seq = i, .ssrc = AUDIO_IN};
        o.ts = 7U - 24000U + 960U * (i + 3U);
        o.payload = span_of("opus");
        sim_send_rtp(s.pub, &v);
        sim_send_rtp(s.pub, &o);
        sim_run(&s.sim, MSEC(20));
    }
    CHECK_INT(s.sub->rtp_n, 200);
    sim_run(&s.sim, MSEC(100));
    for (size_t i = 190; i < 200; i++) {
        struct rtp r = sim_rtp(s.sub, i);
        bool video = r.ssrc == SSRC_OUT;
        int64_t t = moment(r.ssrc, r.ts, video ? 90000 : 48000);
        int64_t sent = (int64_t)(5000 * 1000 + 20 * (i / 2) + (video ? 0 : 60));
        CHECK(t - sent >= -1 && t - sent <= 1);
    }
    struct rtcp sr;
    struct rtcp_report rep;
    CHECK(sim_rtcp(s.sub, RTCP_SR, 0, &sr, 1) >= 4);
    CHECK(sl_rtcp_report(&sr, &rep) == E_OK);
    CHECK(rep.sender.packets >= 90 && rep.sender.packets <= 100);
    CHECK_INT(rep.sender.octets,
              rep.sender.packets * (rep.ssrc == SSRC_OUT ? sizeof stage_key : 4));
    size_t told = sim_rtcp_count(s.sub, RTCP_SR, 0);
    sim_run(&s.sim, SEC(3));
    CHECK(sim_rtcp_count(s.sub, RTCP_SR, 0) <= told + 2); /* silent: nothing to report */
    stage_close(&s);
}

TEST(feedback_keeps_lips_in_step)
{
    lip_sync(0);
    lip_sync(1);
}

static size_t told_of(uint32_t ssrc)
{
    struct rtcp sr[64];
    struct rtcp_report rep;
    size_t n = sim_rtcp(s.sub, RTCP_SR, 0, sr, LEN(sr)), told = 0;
    for (size_t i = 0; i < n && i < LEN(sr); i++)
        told += sl_rtcp_report(&sr[i], &rep) == E_OK && rep.ssrc == ssrc;
    return told;
}

/* Two reports tell a receiver a clock and its pace: they come with the first packet, or with the
 * publisher's first report where that is later, and others in their turn. */
static void clocks_at_once(unsigned viewer_shard)
{
    struct cmd_producer p = stage_video(), a = stage_audio();
    struct cmd_consumer k = stage_viewer(RTX_OUT), l = stage_listener();
    stage_open(&s, &p, &k, viewer_shard, SRTP_GCM_128);
    sim_produce(s.pub, &a);
    if (viewer_shard != 0)
        sim_carry(s.pub, &a, viewer_shard);
    sim_consume(s.sub, &l, AUDIO);
    struct rtp o = {.pt = PT_OPUS, .ssrc = AUDIO_IN, .payload = span_of("opus")};
    sim_run(&s.sim, SEC(1));
    send_clock(SSRC_IN, UINT64_C(5000) << 32, 0);
    sim_run(&s.sim, MSEC(100));
    CHECK_INT(told_of(SSRC_OUT), 0); /* nothing of it was sent yet */
    stage_send(s.pub, SSRC_IN, 0, true);
    sim_send_rtp(s.pub, &o);
    sim_run(&s.sim, MSEC(5));
    CHECK_INT(told_of(SSRC_OUT), 1);
    sim_run(&s.sim, MSEC(50));
    CHECK_INT(told_of(SSRC_OUT), 2);
    CHECK_INT(told_of(SOUND_OUT), 0); /* whose time is not known yet */
    send_clock(AUDIO_IN, UINT64_C(5000) << 32, 7);
    sim_run(&s.sim, MSEC(5));
    CHECK_INT(told_of(SOUND_OUT), 1);
    sim_run(&s.sim, MSEC(50));
    CHECK_INT(told_of(SOUND_OUT), 2);
    stage_send(s.pub, SSRC_IN, 1, false);
    sim_run(&s.sim, MSEC(500));
    CHECK_INT(told_of(SSRC_OUT) + told_of(SOUND_OUT), 4);
    stage_close(&s);
}

TEST(feedback_tells_new_clocks_at_once)
{
    clocks_at_once(0);
    clocks_at_once(1);
}
