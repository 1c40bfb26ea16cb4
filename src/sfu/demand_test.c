#include "sfu/demand.h"

#include "check.h"
#include "sfu/inside.h"
#include "sfu/producer.h"
#include "stage.h"

/* A publisher of three encodings that stops what it is told, as a browser with an SDK does. */

enum { ENCODINGS = 3, SSRC_LAYER = 101 };

static struct stage s;
static unsigned frame, stood; /* pictures, and times of one in which none came */
static unsigned flowing;      /* encodings of the last frame */
static bool heavy;            /* the best takes three times as much */

/* What comes again begins with a key frame; one is never far. */
static void publish_one(unsigned l)
{
    static uint8_t payload[1200] = {0x10};
    bool key = frame % 5 == 0 || !(flowing & 1U << l);
    struct rtp r = stage_frame(SSRC_LAYER + l, (uint16_t)frame, key);
    payload[1] = !key;
    r.ts = 1800 * (frame + stood);
    r.marker = true;
    r.payload = (struct span){payload, (100U << l) * (heavy && l == 2 ? 3 : 1)};
    sim_send_rtp(s.pub, &r);
}

static void publish(unsigned encodings)
{
    for (unsigned l = 0; l < ENCODINGS; l++)
        if (encodings & 1U << l)
            publish_one(l);
    flowing = encodings;
    frame++;
}

/* Octets of the last frame that came. */
static size_t run(usec span, unsigned encodings)
{
    size_t from = s.sub->rtp_n;
    for (usec until = s.sim.now + span; s.sim.now < until;) {
        publish(encodings);
        sim_run(&s.sim, MSEC(20));
    }
    return s.sub->rtp_n > from ? sim_rtp(s.sub, s.sub->rtp_n - 1).payload.n : 0;
}

static void wish(const struct rtp_wish *w)
{
    struct mail m = sl_mail_wish(CONSUMER, w);
    sim_mail(&s.sim, s.sub->shard, &m);
    sim_settle(&s.sim);
}

static void open_stage(unsigned viewer)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    p.receive.obeys = true;
    for (unsigned l = 0; l < ENCODINGS; l++)
        p.receive.encodings[l].ssrc = SSRC_LAYER + l;
    frame = stood = flowing = 0;
    heavy = false;
    stage_open(&s, &p, &k, viewer, SRTP_GCM_128);
}

TEST(demand_follows_viewers)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        open_stage(viewer);
        CHECK_INT(run(SEC(4), 7), 400);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 7); /* not yet */
        CHECK_INT(run(SEC(3), 7), 400);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 4);
        wish(&(struct rtp_wish){.encoding = 1});
        CHECK_INT(run(MSEC(700), 7), 100);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg,
                  5); /* it may be wanted again in a moment */
        CHECK_INT(run(SEC(1), 7), 100);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 1);
        CHECK_INT(run(SEC(1), 1), 100); /* so nothing else is sent */
        wish(&(struct rtp_wish){0});
        CHECK_INT(s.sim.told[MAIL_WANTED].arg,
                  5); /* at once, and what there is goes on */
        CHECK_INT(run(MSEC(100), 1), 100);
        CHECK_INT(run(MSEC(100), 5), 400);
        wish(&(struct rtp_wish){.paused = true});
        CHECK_INT(run(SEC(2), 5), 0);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 0);
        stage_close(&s);
    }
}

/* How long the publisher took is known, of what had stopped; on the worker where it lands. */
TEST(demand_measures_how_long_it_takes)
{
    open_stage(1);
    const struct producer *p = sl_shard_producer(s.sim.shards[0], VIDEO);
    CHECK_INT(run(SEC(7), 7), 400);
    wish(&(struct rtp_wish){.encoding = 1});
    CHECK_INT(run(SEC(3), 7), 100);
    wish(&(struct rtp_wish){0});
    CHECK_INT(run(SEC(3), 7), 400);
    CHECK_INT(p->demand.took[2], 0); /* it had never stopped */
    wish(&(struct rtp_wish){.encoding = 1});
    CHECK_INT(run(SEC(2), 7), 100);
    CHECK_INT(run(SEC(2), 1), 100);
    wish(&(struct rtp_wish){0});
    CHECK_INT(run(MSEC(120), 1), 100);
    CHECK_INT(p->demand.took[2], 0); /* not yet */
    CHECK_INT(run(SEC(1), 5), 400);
    CHECK(p->demand.took[2] >= MSEC(120) && p->demand.took[2] < MSEC(145));
    CHECK_INT(p->demand.took[0], 0);
    CHECK_INT(p->demand.took[1], 0);
    stage_close(&s);
}

/* A sender begins with its least, and finds only by and by that its path carries more: nobody
 * can be given that before it came, and who told it to stop would never see it. */
TEST(demand_lets_all_begin)
{
    open_stage(0);
    CHECK_INT(run(SEC(20), 1), 100);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 7);
    run(SEC(2), 3);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 7);
    CHECK(run(SEC(12), 7) > 100);
    CHECK(!(s.sim.told[MAIL_WANTED].arg & 1)); /* which nobody is given any more */
    stage_close(&s);
}

/* What was to wake up, and does not, is not there; it is given when it comes after all. */
TEST(demand_gives_up)
{
    open_stage(0);
    CHECK_INT(run(SEC(7), 7), 400);
    wish(&(struct rtp_wish){.encoding = 2});
    CHECK_INT(run(SEC(2), 7), 200);
    CHECK_INT(run(SEC(2), 2), 200);
    wish(&(struct rtp_wish){0});
    CHECK_INT(run(SEC(1), 2), 200);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 6);
    CHECK_INT(run(SEC(8), 2), 200);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 6);
    CHECK_INT(run(SEC(3), 6), 400);
    CHECK_INT(run(SEC(1), 6), 400);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 4);
    stage_close(&s);
}

/* A sender that has to leave out its best for a while, and could send it again, is let. */
TEST(demand_does_not_forget_what_stopped)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        open_stage(viewer);
        CHECK_INT(run(SEC(7), 7), 400);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 4);
        CHECK_INT(run(SEC(8), 3), 200);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 6);
        wish(&(struct rtp_wish){.paused = true});
        CHECK_INT(run(SEC(2), 3), 0);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 0);
        wish(&(struct rtp_wish){.encoding = 1});
        CHECK_INT(run(SEC(2), 3), 100);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 5);
        CHECK_INT(run(SEC(7), 5), 100); /* nobody wants it just now */
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 1);
        wish(&(struct rtp_wish){0});
        CHECK_INT(run(SEC(2), 5), 400);
        stage_close(&s);
    }
}

static uint32_t remembered(uint8_t encoding)
{
    const struct producer *p = sl_shard_producer(s.sim.shards[0], VIDEO);
    uint32_t bps = 0;
    for (uint8_t i = 0; i < p->demand.seen.table.n; i++)
        if (p->demand.seen.table.layers[i].encoding == encoding)
            bps = p->demand.seen.table.layers[i].bps;
    return bps;
}

/* It slept after a moment in which it took more than it does: that is not what it is known by. */
TEST(demand_remembers_a_mean)
{
    open_stage(0);
    CHECK_INT(run(SEC(7), 7), 400);
    uint32_t usual = remembered(2);
    heavy = true;
    wish(&(struct rtp_wish){.encoding = 1});
    run(MSEC(1300), 7);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg & 4, 0);
    run(SEC(10), 1);
    CHECK(usual > 0 && remembered(2) > usual && remembered(2) < usual * 8 / 5);
    stage_close(&s);
}

static void tell_sizes(void)
{
    static const struct dd_size sizes[ENCODINGS] = {{320, 180}, {960, 540}, {1280, 720}};
    for (unsigned w = 0; w < 2; w++) {
        struct producer *p = sl_shard_producer(s.sim.shards[w], VIDEO);
        for (unsigned l = 0; p && l < ENCODINGS; l++)
            p->encodings[l].rates.sizes[0] = sizes[l];
    }
}

static void rest_and_resume(usec odd, unsigned steps)
{
    wish(&(struct rtp_wish){.width = 320, .height = 180});
    CHECK_INT(run(SEC(1) + MSEC(200), 7), 100);
    CHECK_INT(run(SEC(1) + odd, 1), 100);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 1);
    wish(&(struct rtp_wish){.width = 1280, .height = 720});
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 5);
    CHECK_INT(run(MSEC(140), 1), 100);
    CHECK_INT(run(MSEC(100), 5), 400);
    for (unsigned i = 0; i < steps; i++) {
        CHECK_INT(run(MSEC(200), 5), 400);
        CHECK(!(s.sim.told[MAIL_WANTED].arg & 2));
    }
}

/* Of its first and its last packets less was seen than a layer is. Who gets it keeps it, and who
 * wants it again is given it, whenever it is that it stops and comes. */
TEST(demand_knows_what_has_just_begun)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        for (unsigned i = 0; i < 24; i++) {
            open_stage(viewer);
            tell_sizes();
            CHECK_INT(run(SEC(7), 7), 400);
            for (unsigned k = 0; k < 4; k++)
                rest_and_resume(MSEC(20) * ((4 * i + k) * 7 % 24), 5 + (i + k) % 5);
            stage_close(&s);
        }
    }
}

static void rest(void)
{
    open_stage(0);
    tell_sizes();
    CHECK_INT(run(SEC(7), 7), 400);
    wish(&(struct rtp_wish){.width = 320, .height = 180});
    CHECK_INT(run(SEC(2), 7), 100);
    CHECK_INT(run(SEC(1), 3), 100);
    wish(&(struct rtp_wish){.width = 1280, .height = 720});
    CHECK_INT(run(MSEC(140), 3), 100);
}

/* What went to sleep while nothing came at all can be had on a worker that never saw it. */
TEST(demand_of_what_slept_while_it_was_muted)
{
    open_stage(0);
    CHECK_INT(run(SEC(7), 7), 400);
    wish(&(struct rtp_wish){.encoding = 1});
    CHECK_INT(run(MSEC(500), 7), 100);
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    p.receive.obeys = true;
    sim_carry(s.pub, &p, 1);
    sim_run(&s.sim, MSEC(1300));
    CHECK_INT(run(SEC(3), 1), 100);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 1);
    struct sim_client *late = sim_connected(&s.sim, 3, 1, SRTP_GCM_128);
    k.id++;
    sim_consume(late, &k, VIDEO);
    sim_ready(late);
    sim_settle(&s.sim);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 5);
    (void)run(SEC(1), 5);
    CHECK(late->rtp_n > 0);
    CHECK_INT(sim_rtp(late, late->rtp_n - 1).payload.n, 400);
    stage_close(&s);
}

/* Who waits for something else now does not need the key frame that was asked for. */
TEST(demand_asks_nothing_for_nobody)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        open_stage(viewer);
        CHECK_INT(run(SEC(7), 7), 400);
        CHECK_INT(run(SEC(2), 4), 400);
        wish(&(struct rtp_wish){.encoding = 2});
        CHECK_INT(run(MSEC(300), 4), 400);
        wish(&(struct rtp_wish){0});
        CHECK_INT(run(SEC(3), 4), 400);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 4);
        uint64_t sent = sim_stats(&s.sim, 0)->keyreqs_sent;
        CHECK_INT(run(SEC(4), 4), 400);
        CHECK_INT(sim_stats(&s.sim, 0)->keyreqs_sent, sent);
        stage_close(&s);
    }
}

/* Nor is it needed of what does not wake up. */
TEST(demand_asks_nothing_of_what_is_lost)
{
    open_stage(0);
    CHECK_INT(run(SEC(7), 7), 400);
    wish(&(struct rtp_wish){.encoding = 2});
    CHECK_INT(run(SEC(2), 7), 200);
    CHECK_INT(run(SEC(2), 2), 200);
    wish(&(struct rtp_wish){0});
    CHECK_INT(run(SEC(4), 2), 200);
    uint64_t sent = sim_stats(&s.sim, 0)->keyreqs_sent;
    CHECK_INT(run(SEC(4), 2), 200);
    CHECK_INT(sim_stats(&s.sim, 0)->keyreqs_sent, sent);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 6);
    CHECK_INT(run(SEC(4), 6), 400);
    stage_close(&s);
}

/* A sender that cannot send what it was told is all that is wanted is let send what it can. */
TEST(demand_of_what_stops_alone)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        open_stage(viewer);
        CHECK_INT(run(SEC(7), 7), 400);
        CHECK_INT(run(SEC(2), 4), 400);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 4);
        sim_run(&s.sim, MSEC(1800));
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 7);
        CHECK_INT(run(SEC(1), 3), 200);
        CHECK_INT(run(SEC(8), 3), 200);
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 6);
        CHECK_INT(run(SEC(3), 6), 400);
        stage_close(&s);
    }
}

/* A picture of a still screen comes in one encoding after the other, and none of them is silent
 * meanwhile: all is seen, what nobody watches stops, and nobody is given anything else. */
TEST(demand_of_a_still_screen)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        open_stage(viewer);
        tell_sizes();
        CHECK_INT(run(SEC(1), 7), 400);
        size_t plis = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
        for (unsigned i = 0; i < 24; i++) {
            unsigned sent = s.sim.told[MAIL_WANTED].arg & 7;
            for (unsigned l = 0; l < ENCODINGS; l++) {
                size_t from = s.sub->rtp_n;
                if (sent & 1U << l)
                    publish_one(l);
                sim_run(&s.sim, MSEC(60));
                CHECK_INT(s.sub->rtp_n - from, l == 2);
            }
            frame++;
            stood += 49;
            sim_run(&s.sim, MSEC(827));
        }
        CHECK_INT(s.sim.told[MAIL_WANTED].arg, 4);
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), plis);
        stage_close(&s);
    }
}

/* It is not taken for more than a while for what it was: it stops again, or is less now. */
TEST(demand_looks_again)
{
    rest();
    CHECK_INT(run(MSEC(300), 7), 400);
    CHECK_INT(run(SEC(1), 3), 200);
    stage_close(&s);
    rest();
    CHECK_INT(run(MSEC(100), 7), 400);
    for (int i = 0; i < 18; i++) { /* of it one picture in five */
        CHECK_INT(run(MSEC(20), 7), 400);
        (void)run(MSEC(80), 3);
    }
    CHECK_INT(run(SEC(1), 3), 200);
    stage_close(&s);
}

/* Whoever stops all of it, and not for long, has measured nothing meanwhile. */
TEST(demand_of_a_pause)
{
    for (unsigned i = 0; i < 24; i++) {
        open_stage(0);
        CHECK_INT(run(SEC(7), 7), 400);
        const struct demand *d = &sl_shard_producer(s.sim.shards[0], VIDEO)->demand;
        struct demand_seen was = d->seen;
        (void)run(SEC(1) + MSEC(20) * i, 0);
        (void)run(MSEC(900), 0);
        for (unsigned l = 0; l < ENCODINGS; l++)
            CHECK(d->seen.bps[l] > was.bps[l] * 3 / 4);
        stage_close(&s);
    }
}

/* One that its sender gave up before all were seen is no reason to send what nobody watches. */
TEST(demand_of_two_that_are_left)
{
    open_stage(0);
    tell_sizes();
    (void)run(MSEC(300), 7);
    CHECK_INT(run(SEC(10), 3), 200);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 6);
    stage_close(&s);
}

/* Of what has just begun, and of what goes on after a pause, too little was counted. */
TEST(demand_of_what_is_fresh)
{
    struct layer_table t;
    open_stage(0);
    tell_sizes();
    const struct producer *p = sl_shard_producer(s.sim.shards[0], VIDEO);
    const struct consumer *c = sl_shard_consumer(s.sim.shards[0], CONSUMER);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(run(MSEC(700), 7), 400);
        CHECK_INT(sl_demand_fresh(p, s.sim.now), 7);
        sl_demand_layers(c, &t, s.sim.now);
        for (uint8_t k = 0; k < t.n; k++)
            CHECK_INT(t.layers[k].fps, i == 0 ? 0 : 50);
        CHECK_INT(run(SEC(5), 7), 400);
        CHECK_INT(sl_demand_fresh(p, s.sim.now), 0);
        (void)run(MSEC(800), 0);
    }
    stage_close(&s);
}

/* What sleeps does not become less, though nothing else comes beside which it is silent. */
TEST(demand_of_what_sleeps_alone)
{
    struct layer_table t;
    open_stage(0);
    tell_sizes();
    CHECK_INT(run(SEC(7), 7), 400);
    wish(&(struct rtp_wish){.paused = true});
    CHECK_INT(run(SEC(3), 7), 0);
    (void)run(SEC(10), 0);
    sl_demand_layers(sl_shard_consumer(s.sim.shards[0], CONSUMER), &t, s.sim.now);
    CHECK_INT(t.n, ENCODINGS);
    for (uint8_t k = 0; k < t.n; k++)
        CHECK(t.layers[k].live && t.layers[k].bps > 50 * (100U << k) * 8);
    stage_close(&s);
}

/* One that left before the others were seen comes back, and all pause again and again: nobody knows
 * what it takes, until it has come for a while. */
TEST(demand_of_what_was_not_seen)
{
    open_stage(0);
    (void)run(MSEC(300), 7);
    CHECK_INT(run(SEC(10), 3), 200);
    wish(&(struct rtp_wish){.paused = true});
    CHECK_INT(run(SEC(2), 3), 0);
    for (int i = 0; i < 5; i++) {
        (void)run(MSEC(1500), 7);
        (void)run(MSEC(500), 0);
    }
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 0);
    wish(&(struct rtp_wish){.encoding = 1});
    CHECK_INT(run(SEC(1), 1), 100);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg & 5, 5);
    CHECK_INT(run(SEC(9), 7), 100);
    CHECK_INT(s.sim.told[MAIL_WANTED].arg, 1);
    stage_close(&s);
}
