#include "sfu/limit.h"

#include "check.h"
#include "media/allocate.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "stage.h"

/* A publisher that is told by REMB what it may send, beside transport-cc, as browsers negotiate
 * it; and its one viewer, who tells by REMB what its path carries. */

enum { ENCODINGS = 3, SSRC_LAYER = 101 };

static struct stage s;
static unsigned frame;

/* In the last REMB; 0: none came. */
static uint64_t told(void)
{
    struct rtcp all[SIM_GOT];
    struct rtcp_fb fb;
    struct rtcp_remb remb;
    size_t n = sim_rtcp(s.pub, RTCP_PSFB, PSFB_REMB, all, LEN(all));
    size_t last = n < LEN(all) ? n : LEN(all);
    if (n == 0 || sl_rtcp_fb(&all[last - 1], &fb) != E_OK ||
        sl_rtcp_remb(&fb, &remb) != E_OK)
        return 0;
    return remb.bps;
}

/* REMB has 18 bits of it. */
static bool near_to(uint64_t bps, uint64_t want)
{
    return bps <= want && bps >= want - want / 100;
}

/* Layer l has 2^l times the octets of layer 0. */
static void publish(unsigned encodings)
{
    static uint8_t payload[1000] = {0x10, 0x00};
    for (unsigned l = 0; l < ENCODINGS; l++) {
        struct rtp r = stage_frame(SSRC_LAYER + l, (uint16_t)frame, true);
        r.ts = 1800 * frame;
        r.payload = (struct span){payload, 200U << l};
        if (encodings & 1U << l)
            sim_send_rtp(s.pub, &r);
    }
    frame++;
}

/* VP9 in one encoding, each size on top of those below it; all of it are key pictures. */
static void publish_sizes(unsigned sizes)
{
    static const size_t octets[] = {130, 400, 1100};
    for (unsigned size = 0; size < sizes; size++) {
        uint8_t b[1100] = {(uint8_t)(0xac | (size + 1 == sizes)),
                           (uint8_t)(0x80 | frame >> 8),
                           (uint8_t)frame,
                           (uint8_t)(0x10 | size << 1 | (size > 0)),
                           (uint8_t)frame,
                           0x80,
                           (uint8_t)size};
        struct rtp r = {.pt = PT_VP8, /* its number */
                        .seq = s.pub->index & 0xffff,
                        .ts = 1800 * frame,
                        .ssrc = SSRC_LAYER,
                        .marker = size + 1 == sizes,
                        .payload = {b, octets[size]}};
        sim_send_rtp(s.pub, &r);
        s.pub->index++;
    }
    frame++;
}

/* Returns the largest size in the last picture that came. */
static int run_sizes(usec span, unsigned sizes)
{
    for (usec until = s.sim.now + span; s.sim.now < until;) {
        publish_sizes(sizes);
        sim_run(&s.sim, MSEC(20));
    }
    struct rtp r = sim_rtp(s.sub, s.sub->rtp_n - 1);
    return r.payload.n > 6 ? r.payload.p[6] : -1;
}

static void run(usec span, unsigned encodings)
{
    for (usec until = s.sim.now + span; s.sim.now < until;) {
        publish(encodings);
        sim_run(&s.sim, MSEC(20));
    }
}

static void path_is(uint64_t bps)
{
    uint8_t buf[64];
    uint32_t ssrc = SSRC_OUT;
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcp_build_remb(&w, 1, bps, &ssrc, 1);
    sim_send_rtcp(s.sub, wr_done(&w));
}

static void ceiling(uint32_t bps)
{
    sim_mail(&s.sim, 0,
             &(struct mail){.type = MAIL_CEILING, .id = s.pub->id, .id2 = bps});
    sim_run(&s.sim, MSEC(300));
}

static void wish(const struct rtp_wish *w)
{
    struct mail m = sl_mail_wish(CONSUMER, w);
    sim_mail(&s.sim, s.sub->shard, &m);
    sim_settle(&s.sim);
}

static void open_codec(struct cmd_producer *p, unsigned viewer, enum codec codec)
{
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    k.send.params.codecs[0].codec = codec;
    for (unsigned l = 0; l < p->receive.encodings_n; l++)
        p->receive.encodings[l].ssrc = SSRC_LAYER + l;
    p->receive.params.codecs[0].remb = true;
    k.send.params.codecs[0].remb = true;
    k.send.params.ext_id[EXT_TWCC] = 0;
    frame = 0;
    stage_open(&s, p, &k, viewer, SRTP_GCM_128);
}

static void open_stage(struct cmd_producer *p, unsigned viewer)
{
    open_codec(p, viewer, CODEC_VP8);
}

/* More than the best of its viewers can be sent is for nobody; and where there is a second
 * worker, that is known there. */
TEST(limit_of_one_picture)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        struct cmd_producer p = stage_video();
        open_stage(&p, viewer);
        run(SEC(3), 1);
        CHECK_INT(told(), 0); /* nobody is known to be narrow */
        path_is(700000);
        run(SEC(1), 1);
        CHECK(near_to(told(), 700000));
        CHECK(near_to(s.sim.told[MAIL_WANTED].id2, 700000));
        path_is(720000); /* an estimate is never still */
        run(SEC(1), 1);
        CHECK(near_to(told(), 700000));
        path_is(60000);
        run(SEC(3), 1);
        CHECK(near_to(told(), 150000)); /* what is not watched for that, could be */
        path_is(2500000);
        run(SEC(1), 1);
        CHECK(near_to(told(), 2500000));
        sim_tell(&s.sim, viewer, MAIL_CONSUMER_CLOSE, CONSUMER, 0);
        run(SEC(1), 1);
        CHECK_INT(told(), viewer ? told() : 20000000); /* nobody watches: it is let be */
        stage_close(&s);
    }
}

/* Of several encodings the best stop while nobody watches them, and are there at once for who
 * wants them. */
TEST(limit_of_encodings)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        struct cmd_producer p = stage_simulcast();
        open_stage(&p, viewer);
        wish(&(struct rtp_wish){.encoding = 2});
        run(LIMIT_SETTLE, 7);
        CHECK_INT(told(), 0); /* not yet */
        run(SEC(2), 7);
        CHECK(near_to(told(), 650000)); /* what encoders set aside for two */
        wish(&(struct rtp_wish){.encoding = 1});
        run(SEC(2), 3);
        CHECK(near_to(told(), 150000));
        run(SEC(10), 1);
        CHECK(near_to(told(), 150000));
        size_t n = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_REMB);
        wish(&(struct rtp_wish){0});
        sim_run(&s.sim, MSEC(200)); /* of RTCP's rounds; then a round trip */
        CHECK(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_REMB) > n);
        CHECK_INT(told(), 20000000);
        size_t before = s.sub->rtp_n;
        publish(7);
        sim_run(&s.sim, MSEC(5));
        CHECK(s.sub->rtp_n > before);
        CHECK_INT(sim_rtp(s.sub, s.sub->rtp_n - 1).payload.n, 800);
        stage_close(&s);
    }
}

/* Encoders differ in what they set aside: one that stops what is wanted is given more room, and
 * keeps it. */
TEST(limit_learns_what_is_too_low)
{
    struct cmd_producer p = stage_simulcast();
    open_stage(&p, 0);
    wish(&(struct rtp_wish){.encoding = 2});
    run(LIMIT_SETTLE, 7);
    unsigned stopped = 0;
    for (int i = 0; i < 3000; i++) {
        unsigned sent = told() == 0 || told() > 2000000 ? 7 : told() > 1200000 ? 3 : 1;
        stopped += sent == 1;
        run(MSEC(20), sent);
    }
    CHECK(
        near_to(told(), 1462500)); /* 650 kbit/s, and half of it more, and half of that */
    CHECK(stopped > 0 && stopped < 100);
    CHECK(sim_rtp(s.sub, s.sub->rtp_n - 1).payload.n == 400);
    stage_close(&s);
}

/* What did not come in time, as its sender was busy, is given up by viewers, and may come later:
 * there is room for it. */
TEST(limit_leaves_room_for_what_stopped)
{
    struct cmd_producer p = stage_simulcast();
    open_stage(&p, 0);
    wish(&(struct rtp_wish){.encoding = 2});
    run(LIMIT_SETTLE + SEC(2), 7);
    run(SEC(4), 3);
    CHECK(near_to(told(), 650000));
    wish(&(struct rtp_wish){0});
    run(SEC(8), 3);
    CHECK_INT(sim_rtp(s.sub, s.sub->rtp_n - 1).payload.n, 400);
    CHECK_INT(told(), 20000000);
    run(SEC(6), 7);
    CHECK_INT(sim_rtp(s.sub, s.sub->rtp_n - 1).payload.n, 800);
    stage_close(&s);
}

/* Who comes on another worker, once all but the smallest sleep, is sent the best. */
TEST(limit_wakes_for_who_comes_elsewhere)
{
    struct cmd_producer p = stage_simulcast();
    open_stage(&p, 0);
    run(LIMIT_SETTLE + SEC(2), 7);
    CHECK_INT(told(), 0);
    sim_tell(&s.sim, 0, MAIL_CONSUMER_CLOSE, CONSUMER, 0);
    run(SEC(2), 7);
    run(SEC(3), 1);
    CHECK(near_to(told(), 150000));
    struct sim_client *late = sim_connected(&s.sim, 3, 1, SRTP_GCM_128);
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    k.id++;
    sim_carry(s.pub, &p, 1);
    sim_consume(late, &k, VIDEO);
    sim_ready(late);
    run(MSEC(200), 1);
    CHECK_INT(told(), 20000000);
    CHECK(late->rtp_n > 0 || sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI) > 0);
    run(MSEC(1500), 7);
    CHECK(late->rtp_n > 0 && sim_rtp(late, late->rtp_n - 1).payload.n == 800);
    stage_close(&s);
}

/* Of the sizes inside an encoding the largest stops, and is there for who wants it. */
TEST(limit_of_sizes)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        struct cmd_producer p = stage_video();
        p.receive.params.codecs[0].codec = CODEC_VP9;
        open_codec(&p, viewer, CODEC_VP9);
        s.pub->index = 0;
        wish(&(struct rtp_wish){.spatials = 2});
        CHECK_INT(run_sizes(LIMIT_SETTLE, 3), 1);
        CHECK_INT(told(), 0); /* not yet */
        run_sizes(SEC(2), 3);
        CHECK(near_to(told(), 650000));
        wish(&(struct rtp_wish){.spatials = 1});
        CHECK_INT(run_sizes(SEC(2), 2), 0);
        CHECK(near_to(told(), 500000)); /* and no less */
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, viewer ? s.sim.told[MAIL_WANTED].arg : 1);
        run_sizes(SEC(10), 2);
        CHECK(near_to(told(), 500000));
        wish(&(struct rtp_wish){0});
        CHECK_INT(run_sizes(MSEC(200), 2), 1); /* what there is, at once */
        CHECK_INT(told(), 20000000);
        CHECK_INT(sl_mail_shared(&s.sim.told[MAIL_SHARE]).cause, ALLOCATE_NOBODY);
        CHECK_INT(sl_mail_shared(&s.sim.told[MAIL_SHARE]).sent.spatial, 1);
        CHECK_INT(run_sizes(MSEC(300), 3), 2);
        run_sizes(SEC(2), 3);
        CHECK_INT(sl_mail_shared(&s.sim.told[MAIL_SHARE]).cause, ALLOCATE_NONE);
        CHECK_INT(told(), 20000000);
        sim_tell(&s.sim, viewer, MAIL_CONSUMER_CLOSE, CONSUMER, 0);
        run_sizes(SEC(2), 3);
        CHECK(near_to(told(), 500000)); /* nobody watches */
        stage_close(&s);
    }
}

static void tell_sizes(void)
{
    for (unsigned w = 0; w < 2; w++) {
        struct producer *p = sl_shard_producer(s.sim.shards[w], VIDEO);
        for (unsigned i = 0; p && i < 3; i++)
            p->encodings[0].rates.sizes[i] =
                (struct dd_size){(uint16_t)(320U << i), (uint16_t)(180U << i)};
    }
}

/* Fewer pictures of a size are counted where it begins and ends than it has: whoever gets it
 * keeps it, whenever that is. */
TEST(limit_of_sizes_that_have_just_begun)
{
    for (unsigned i = 0; i < 24; i++) {
        struct cmd_producer p = stage_video();
        p.receive.params.codecs[0].codec = CODEC_VP9;
        open_codec(&p, i % 2, CODEC_VP9);
        s.pub->index = 0;
        tell_sizes();
        CHECK_INT(run_sizes(SEC(7), 3), 2);
        for (unsigned k = 0; k < 3; k++) {
            wish(&(struct rtp_wish){.width = 640, .height = 360});
            CHECK_INT(run_sizes(MSEC(1200), 3), 1);
            CHECK_INT(run_sizes(SEC(1) + MSEC(20) * i, 2), 1);
            wish(&(struct rtp_wish){.width = 1280, .height = 720});
            CHECK_INT(run_sizes(MSEC(140), 2), 1);
            for (unsigned left = 5 + (i + k) % 5; left > 0; left--)
                CHECK_INT(run_sizes(MSEC(250), 3), 2);
        }
        stage_close(&s);
    }
}

/* A size that does not come again is not there: what comes is all, and nothing is held back. */
TEST(limit_of_sizes_that_are_gone)
{
    struct cmd_producer p = stage_video();
    p.receive.params.codecs[0].codec = CODEC_VP9;
    open_codec(&p, 0, CODEC_VP9);
    s.pub->index = 0;
    run_sizes(SEC(2), 3);
    wish(&(struct rtp_wish){.spatials = 1});
    run_sizes(SEC(6), 3);
    run_sizes(SEC(6), 2);
    wish(&(struct rtp_wish){0});
    CHECK_INT(run_sizes(SEC(1), 2), 1);
    CHECK_INT(sl_mail_shared(&s.sim.told[MAIL_SHARE]).cause, ALLOCATE_NOBODY);
    CHECK_INT(run_sizes(SEC(3), 2), 1);
    CHECK(sl_mail_shared(&s.sim.told[MAIL_SHARE]).cause != ALLOCATE_NOBODY);
    CHECK_INT(told(), 20000000);
    stage_close(&s);
}

/* What it may send by settings, whatever is watched; and a sound has room besides a picture. */
TEST(limit_by_settings)
{
    struct cmd_producer p = stage_video(), a = stage_audio();
    open_stage(&p, 0);
    sim_produce(s.pub, &a);
    run(MSEC(500), 1);
    ceiling(400000);
    CHECK(near_to(told(), 400000));
    path_is(2500000);
    run(SEC(1), 1);
    CHECK(near_to(told(), 400000));
    path_is(300000);
    run(SEC(1), 1);
    CHECK(near_to(told(), 364000));
    ceiling(0);
    path_is(30000000);
    run(SEC(2), 1);
    CHECK_INT(told(), 20000000);
    stage_close(&s);
}
