#include "sfu/share.h"

#include "check.h"
#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "stage.h"

/* A publisher of three encodings, and a viewer who says what it wants of them. */

enum { ENCODINGS = 3, SSRC_LAYER = 101 };

static struct stage s;
static unsigned frame;

static void publish(unsigned encodings)
{
    static uint8_t payload[1000] = {0x10, 0x00};
    size_t plis = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
    static size_t answered;
    bool key = plis != answered || frame == 0;
    answered = plis;
    for (unsigned l = 0; l < ENCODINGS; l++) {
        struct rtp r = stage_frame(SSRC_LAYER + l, (uint16_t)frame, key);
        payload[1] = key ? 0 : 1;
        r.ts = 1800 * frame;
        r.marker = true;
        r.payload = (struct span){payload, 100U << l};
        if (encodings & 1U << l)
            sim_send_rtp(s.pub, &r);
    }
    frame++;
}

/* What came in the last fifth of a second: the encoding, ENCODINGS for none, -1 for several. */
static int run(usec span, unsigned encodings)
{
    size_t from = 0;
    for (usec until = s.sim.now + span; s.sim.now < until;) {
        if (until - s.sim.now == MSEC(200))
            from = s.sub->rtp_n;
        publish(encodings);
        sim_run(&s.sim, MSEC(20));
    }
    int got = ENCODINGS;
    for (size_t i = from; i < s.sub->rtp_n; i++) {
        int l = sim_rtp(s.sub, i).payload.n == 100   ? 0
                : sim_rtp(s.sub, i).payload.n == 200 ? 1
                                                     : 2;
        got = got == ENCODINGS || got == l ? l : -1;
    }
    return got;
}

static void wish(const struct rtp_wish *w)
{
    struct mail m = sl_mail_wish(CONSUMER, w);
    sim_mail(&s.sim, s.sub->shard, &m);
}

static void open_stage(unsigned viewer)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    for (unsigned l = 0; l < ENCODINGS; l++)
        p.receive.encodings[l].ssrc = SSRC_LAYER + l;
    frame = 0;
    stage_open(&s, &p, &k, viewer, SRTP_GCM_128);
}

TEST(share_what_is_wanted)
{
    static const struct {
        const char *name;
        struct rtp_wish wish;
        int want;
    } rows[] = {
        {"anything", {0}, 2},
        {"the middle one", {.encoding = 2}, 1},
        {"nothing", {.paused = true}, ENCODINGS},
        {"the lowest, after a pause", {.encoding = 1}, 0},
        {"a size, where none is known", {.width = 1}, 2},
    };
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        open_stage(viewer);
        run(SEC(2), 7);
        for (size_t i = 0; i < LEN(rows); i++) {
            check_row(rows[i].name);
            wish(&rows[i].wish);
            CHECK_INT(run(MSEC(400), 7), rows[i].want);
        }
        CHECK_INT(s.sub->bad_n, 0);
        for (size_t i = 1; i < s.sub->rtp_n && s.sub->rtp_n < SIM_GOT; i++)
            CHECK_INT((uint16_t)(sim_rtp(s.sub, i).seq - sim_rtp(s.sub, i - 1).seq), 1);
        stage_close(&s);
    }
}

/* Each consumer with a source counts once, under what keeps it from more. */
static void count_causes(enum allocate_cause want)
{
    const uint64_t *causes = sim_stats(&s.sim, s.sub->shard)->causes;
    for (size_t i = 0; i < ALLOCATE_CAUSES; i++)
        CHECK_INT(causes[i], i == want);
}

TEST(share_counts_causes)
{
    static const struct {
        const char *name;
        struct rtp_wish wish;
        unsigned encodings; /* that come */
        enum allocate_cause want;
    } rows[] = {
        {"the best", {0}, 7, ALLOCATE_NONE},
        {"a layer that was named", {.encoding = 2}, 7, ALLOCATE_LAYER},
        {"paused", {.paused = true}, 7, ALLOCATE_VIEWER},
        {"the best again", {0}, 7, ALLOCATE_NONE},
        {"the publisher stopped the largest", {0}, 3, ALLOCATE_PUBLISHER},
    };
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        open_stage(viewer);
        run(SEC(2), 7);
        for (size_t i = 0; i < LEN(rows); i++) {
            check_row(rows[i].name);
            wish(&rows[i].wish);
            run(SEC(3), rows[i].encodings);
            count_causes(rows[i].want);
        }
        check_row("no source");
        sim_source(s.sub, CONSUMER, 0);
        run(MSEC(400), 7);
        count_causes(ALLOCATE_CAUSES);
        stage_close(&s);
    }
}

/* What is wanted stays wanted, whatever plays in the slot. */
TEST(share_remembers_a_wish)
{
    open_stage(0);
    wish(&(struct rtp_wish){.encoding = 1});
    CHECK_INT(run(SEC(2), 7), 0);
    sim_source(s.sub, CONSUMER, 0);
    CHECK_INT(run(MSEC(400), 7), ENCODINGS);
    sim_source(s.sub, CONSUMER, VIDEO);
    CHECK_INT(run(MSEC(400), 7), 0);
    stage_close(&s);
}

/* What is given up for a wish was not too much for the path. */
TEST(share_forgives_for_a_wish)
{
    open_stage(0);
    CHECK_INT(run(SEC(3), 7), 2);
    struct consumer *c = sl_shard_consumer(s.sim.shards[s.sub->shard], CONSUMER);
    CHECK(c->share.raised_at != 0);
    c->share.strikes = 3;
    wish(&(struct rtp_wish){0}); /* as it was */
    sim_settle(&s.sim);
    CHECK(c->share.raised_at != 0);
    CHECK_INT(c->share.strikes, 3);
    wish(&(struct rtp_wish){.priority = 50});
    sim_settle(&s.sim);
    CHECK_INT(c->share.raised_at, 0);
    CHECK_INT(c->share.strikes, 0);
    stage_close(&s);
}

/* A layer that stops is replaced in less than a second. */
TEST(share_replaces_what_stops)
{
    open_stage(0);
    CHECK_INT(run(SEC(3), 7), 2);
    CHECK_INT(run(SEC(1), 3), 1);
    CHECK_INT(run(SEC(2), 7), 2);
    stage_close(&s);
}

/* About a slot that is gone, or never was. */
TEST(share_of_nobody)
{
    struct mail m = sl_mail_wish(9999, &(struct rtp_wish){0});
    open_stage(0);
    sim_mail(&s.sim, 0, &m);
    CHECK_INT(run(SEC(1), 7), 2);
    stage_close(&s);
}

/* Round trips and losses are never twice the same: control hears of what means something. */
TEST(share_tells_what_is_news)
{
    static const struct {
        const char *name;
        usec rtt;
        uint8_t lost;
        bool want;
    } rows[] = {
        {"a few milliseconds", MSEC(9), 0, false},
        {"a distant viewer", MSEC(90), 0, true},
        {"a little more distant", MSEC(100), 0, false},
        {"a lost packet", MSEC(100), 1, false},
        {"a bad path", MSEC(100), 20, true},
        {"a worse one", MSEC(100), 60, true},
    };
    open_stage(0);
    run(SEC(4), 7);
    struct consumer *c = sl_shard_consumer(s.sim.shards[0], CONSUMER);
    for (size_t i = 0; i < LEN(rows); i++) {
        uint64_t before = s.sim.to_control[MAIL_SHARE];
        check_row(rows[i].name);
        c->rtt = rows[i].rtt;
        c->lost = rows[i].lost;
        run(MSEC(2500), 7);
        CHECK_INT(s.sim.to_control[MAIL_SHARE] - before, rows[i].want);
    }
    stage_close(&s);
}
