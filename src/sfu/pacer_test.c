#include "sfu/pacer.h"

#include "check.h"
#include "sfu/consumer.h"
#include "sfu/feedback.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "sfu/transport.h"
#include "stage.h"

/* A viewer of a picture and a sound, whose path is said to carry BPS: 100 packets a second. */

enum { BPS = 480000, BODY = 528, HIGH_IN = 30, LOW_IN = 31 };

static struct stage s;
static uint16_t seq;

static struct transport *viewer(void)
{
    return sl_shard_transport(s.sim.shards[0], s.sub->id);
}

/* A frame of n packets. */
static void send_frame(uint32_t ssrc, unsigned n, bool key)
{
    uint8_t body[BODY] = {0};
    for (unsigned i = 0; i < n; i++) {
        struct rtp r = stage_frame(ssrc, seq++, key);
        body[0] = i == 0 ? 0x10 : 0;
        body[1] = i == 0 && key ? 0 : 1;
        r.ts = 3000U * seq - 3000U * i;
        r.marker = i + 1 == n;
        r.payload = (struct span){body, BODY};
        sim_send_rtp(s.pub, &r);
    }
    sim_settle(&s.sim);
}

static void open_stage(const struct cmd_producer *p)
{
    struct cmd_consumer k = stage_viewer(RTX_OUT), a = stage_listener();
    struct cmd_producer sound = stage_audio();
    seq = 1;
    stage_open(&s, p, &k, 0, SRTP_GCM_128);
    sim_produce(s.pub, &sound);
    sim_consume(s.sub, &a, AUDIO);
    sim_settle(&s.sim);
}

static void open_video(uint64_t bps)
{
    struct cmd_producer p = stage_video();
    open_stage(&p);
    send_frame(SSRC_IN, 1, true);
    CHECK_INT(s.sub->rtp_n, 1);
    sl_pacer_limit(viewer(), bps, s.sim.now);
}

/* Of the picture: how many, in order and without a gap. */
static size_t pictures(void)
{
    size_t n = 0;
    uint16_t last = 0;
    for (size_t i = 0; i < s.sub->rtp_n; i++) {
        struct rtp r = sim_rtp(s.sub, i);
        if (r.ssrc != SSRC_OUT)
            continue;
        CHECK(n == 0 || r.seq == (uint16_t)(last + 1));
        last = r.seq;
        n++;
    }
    return n;
}

static bool about(size_t n, size_t want)
{
    return n + 2 >= want && n <= want + 2;
}

TEST(pacer_spreads)
{
    open_video(BPS);
    CHECK_INT(sim_stats(&s.sim, 0)->paced, 1);
    send_frame(SSRC_IN, 40, true);
    CHECK(about(pictures(), 2));
    sim_run(&s.sim, MSEC(100));
    CHECK(about(pictures(), 12));
    sim_run(&s.sim, MSEC(100));
    CHECK(about(pictures(), 22));
    sim_run(&s.sim, MSEC(220));
    CHECK_INT(pictures(), 41);
    send_frame(SSRC_IN, 1, false); /* it is its turn at once */
    CHECK_INT(pictures(), 42);
    stage_close(&s);
}

/* Each has its own time to send the next, and all are looked after at once. */
TEST(pacer_of_many_wakes_up_once)
{
    enum { VIEWERS = 12 };
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    seq = 1;
    for (unsigned i = 0; i < VIEWERS; i++) {
        struct sim_client *c =
            i == 0 ? s.sub : sim_connected(&s.sim, 2 + i, 0, SRTP_GCM_128);
        if (i > 0) {
            k.id++;
            sim_consume(c, &k, VIDEO);
            sim_ready(c);
        }
        sim_run(&s.sim, MSEC(1));
        sl_pacer_limit(sl_shard_transport(s.sim.shards[0], c->id), BPS + 9000 * i,
                       s.sim.now);
    }
    CHECK_INT(sim_stats(&s.sim, 0)->paced, VIEWERS);
    send_frame(SSRC_IN, 60, true);
    uint64_t before = s.sim.ticks;
    sim_run(&s.sim, MSEC(400));
    CHECK(pictures() > 30);
    CHECK(s.sim.ticks - before <= MSEC(400) / FEEDBACK_STEP + 10);
    stage_close(&s);
}

TEST(pacer_lets_sound_pass)
{
    open_video(BPS);
    send_frame(SSRC_IN, 40, true);
    size_t before = s.sub->rtp_n;
    struct rtp r = stage_frame(AUDIO_IN, 1, false);
    r.pt = PT_OPUS;
    sim_send_rtp(s.pub, &r);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, before + 1);
    CHECK_INT(sim_rtp(s.sub, before).pt, OPUS_OUT);
    stage_close(&s);
}

TEST(pacer_resends_first)
{
    open_video(BPS);
    send_frame(SSRC_IN, 40, true);
    uint16_t lost = sim_rtp(s.sub, 1).seq;
    sim_run(&s.sim, MSEC(20));
    size_t before = s.sub->rtp_n;
    sim_send_nack(s.sub, SSRC_OUT, &lost, 1);
    sim_run(&s.sim, MSEC(30));
    CHECK_INT(sim_rtp(s.sub, before).ssrc, SSRC_RTX);
    CHECK_INT(sim_rtp(s.sub, before + 1).ssrc, SSRC_OUT);
    CHECK_INT(sim_stats(&s.sim, 0)->retransmitted, 1);
    stage_close(&s);
}

/* More than the path takes: it is no use to keep that for ever. */
TEST(pacer_does_not_wait_long)
{
    open_video(BPS / 4);
    send_frame(SSRC_IN, 200, true);
    sim_run(&s.sim, MSEC(100));
    CHECK(pictures() > 15);
    sim_run(&s.sim, 3 * PACER_WAIT);
    CHECK(pictures() > 180);
    stage_close(&s);
}

TEST(pacer_has_places_enough)
{
    open_video(BPS / 4);
    for (int i = 0; i < 4; i++)
        send_frame(SSRC_IN, 100, i == 0);
    CHECK(pictures() > 100);
    CHECK(pictures() < 200);
    sim_run(&s.sim, SEC(8));
    CHECK_INT(pictures(), 401);
    stage_close(&s);
}

TEST(pacer_ends)
{
    open_video(BPS);
    send_frame(SSRC_IN, 40, true);
    CHECK(pictures() < 10);
    sl_pacer_limit(viewer(), 0, s.sim.now);
    CHECK(viewer()->pacer == NULL);
    CHECK_INT(sim_stats(&s.sim, 0)->paced, 0);
    sim_settle(&s.sim);
    CHECK_INT(pictures(), 41);
    stage_close(&s);
}

/* What waits of a larger encoding does not delay the smaller one, and leaves no gap. */
TEST(pacer_drops_what_was_left)
{
    struct cmd_producer p = stage_simulcast();
    p.receive.encodings[0].ssrc = LOW_IN;
    p.receive.encodings[2].ssrc = HIGH_IN;
    open_stage(&p);
    struct consumer *c = sl_shard_consumer(s.sim.shards[0], CONSUMER);
    sl_consumer_want(c, &c->producer->encodings[2]);
    send_frame(HIGH_IN, 1, true);
    CHECK_INT(pictures(), 1);
    sl_pacer_limit(viewer(), BPS, s.sim.now);
    send_frame(HIGH_IN, 40, false);
    size_t before = pictures();
    CHECK(before < 10);
    sl_consumer_want(c, &c->producer->encodings[0]);
    seq = 1;
    send_frame(LOW_IN, 3, true);
    sim_run(&s.sim, MSEC(50));
    CHECK_INT(pictures(), before + 3);
    stage_close(&s);
}

TEST(pacer_of_what_is_closed)
{
    open_video(BPS);
    send_frame(SSRC_IN, 40, true);
    sim_run(&s.sim, MSEC(20));
    uint16_t lost = sim_rtp(s.sub, 1).seq;
    sim_send_nack(s.sub, SSRC_OUT, &lost, 1);
    sim_tell(&s.sim, 0, MAIL_CONSUMER_CLOSE, CONSUMER, 0);
    size_t before = s.sub->rtp_n;
    sim_run(&s.sim, MSEC(600));
    CHECK_INT(s.sub->rtp_n, before);
    stage_close(&s);

    open_video(BPS);
    send_frame(SSRC_IN, 40, true);
    sim_tell(&s.sim, 0, MAIL_PRODUCER_CLOSE, VIDEO, 0);
    sim_run(&s.sim, MSEC(600));
    stage_close(&s);
}
