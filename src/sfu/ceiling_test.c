#include "sfu/ceiling.h"

#include "check.h"
#include "media/allocate.h"
#include "stage.h"

/* A publisher that heeds nothing, and its viewer, here and on another worker. */

enum {
    SSRC_LAYER = 101,
    ENCODINGS = 3,
    STEP = 20,    /* ms */
    HEADERS = 68, /* that are counted with each packet */
    VOICE_KBPS = 40,
    PASSED_MIN = 40 /* frames in a second */
};

static struct stage s;
static unsigned frame;
static uint64_t seqs[ENCODINGS + 1];

static void send(uint64_t *seq, struct rtp r, unsigned kbps)
{
    static uint8_t payload[1200] = {0x10, 0x00};
    r.seq = (uint16_t)*seq;
    r.payload = (struct span){payload, (size_t)kbps * STEP / 8 - HEADERS};
    s.pub->index = (*seq)++;
    sim_send_rtp(s.pub, &r);
}

/* So many kbit/s of each encoding: packets that are key frames. Returns how many of them, and of
 * sounds, the viewer got in the last second. */
static size_t run(usec span, const unsigned kbps[ENCODINGS])
{
    size_t from = s.sub->rtp_n;
    for (usec until = s.sim.now + span; s.sim.now < until; frame++) {
        if (s.sim.now <= until - SEC(1))
            from = s.sub->rtp_n;
        for (unsigned l = 0; l < ENCODINGS; l++) {
            struct rtp r = stage_frame(SSRC_LAYER + l, 0, true);
            r.ts = 1800 * frame;
            if (kbps[l] > 0)
                send(&seqs[l], r, kbps[l]);
        }
        sim_run(&s.sim, MSEC(STEP));
    }
    return s.sub->rtp_n - from;
}

static size_t run_one(usec span, unsigned kbps)
{
    return run(span, (const unsigned[ENCODINGS]){kbps});
}

static void ceiling(uint32_t bps)
{
    sim_mail(&s.sim, 0,
             &(struct mail){.type = MAIL_CEILING, .id = s.pub->id, .id2 = bps});
}

static unsigned cause(void)
{
    return sl_mail_shared(&s.sim.told[MAIL_SHARE]).cause;
}

static void open_stage(struct cmd_producer *p, unsigned viewer, uint32_t bps)
{
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    for (unsigned l = 0; l < p->receive.encodings_n; l++)
        p->receive.encodings[l].ssrc = SSRC_LAYER + l;
    p->receive.params.codecs[0].rtx_pt = PT_NONE;
    k.send.params.ext_id[EXT_TWCC] = 0;
    frame = 0;
    for (unsigned l = 0; l < LEN(seqs); l++)
        seqs[l] = 0xff00 + 10 * l;
    stage_open(&s, p, &k, viewer, SRTP_GCM_128);
    ceiling(bps);
}

/* Not passed on after some time, and again once it is less: without a gap, from a key frame on
 * that is asked for then, and not before. */
TEST(ceiling_of_one_picture)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        struct cmd_producer p = stage_video();
        open_stage(&p, viewer, 200000);
        CHECK(run_one(CEILING_GRACE - MSEC(100), 450) > PASSED_MIN);
        CHECK_INT(s.sim.to_control[MAIL_EXCESS], 0);
        CHECK_INT(run_one(SEC(2), 450), 0);
        CHECK_INT(s.sim.told[MAIL_EXCESS].arg, 1);
        CHECK_INT(s.sim.told[MAIL_EXCESS].id, VIDEO);
        CHECK_INT(cause(), ALLOCATE_EXCESS);
        size_t plis = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
        uint64_t dropped = sim_stats(&s.sim, 0)->excess;
        sim_send_pli(s.sub, SSRC_OUT);
        CHECK_INT(run_one(SEC(5), 450), 0);
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), plis);
        CHECK_INT(sim_stats(&s.sim, 0)->excess - dropped, 250);

        size_t last = s.sub->rtp_n - 1;
        CHECK_INT(run_one(CEILING_BACK, 150), 0);
        CHECK(run_one(SEC(2), 150) > PASSED_MIN);
        CHECK(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI) > plis);
        CHECK_INT(s.sim.told[MAIL_EXCESS].arg, 0);
        CHECK_INT(cause(), ALLOCATE_NONE);
        for (; last + 1 < s.sub->rtp_n; last++)
            CHECK_INT((uint16_t)(sim_rtp(s.sub, last + 1).seq - sim_rtp(s.sub, last).seq),
                      1);
        stage_close(&s);
    }
}

/* What may be, passes: with some to spare, for a moment, and without a ceiling. */
TEST(ceiling_lets_be)
{
    static const struct {
        const char *name;
        uint32_t bps;
        unsigned kbps;
        usec span;
        bool passes;
    } rows[] = {
        {"less", 400000, 380, SEC(12), true},
        {"with headers and resends", 200000, 300, SEC(12), true},
        {"more", 200000, 400, SEC(12), false},
        {"more, for a moment", 200000, 450, CEILING_GRACE - MSEC(500), true},
        {"without a ceiling", 0, 450, SEC(12), true},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct cmd_producer p = stage_video();
        open_stage(&p, 0, rows[i].bps);
        check_row(rows[i].name);
        run_one(SEC(2), 100);
        CHECK((run_one(rows[i].span, rows[i].kbps) > PASSED_MIN) == rows[i].passes);
        CHECK(run_one(CEILING_BACK + SEC(2), 100) > PASSED_MIN);
        CHECK_INT(s.sim.to_control[MAIL_EXCESS] > 0, !rows[i].passes);
        stage_close(&s);
    }
}

/* Whoever raises it lets pass what did not. */
TEST(ceiling_is_raised)
{
    for (unsigned viewer = 0; viewer < 2; viewer++) {
        struct cmd_producer p = stage_video();
        open_stage(&p, viewer, 200000);
        CHECK_INT(run_one(CEILING_GRACE + SEC(2), 450), 0);
        ceiling(viewer ? 0 : 900000);
        CHECK(run_one(CEILING_BACK + SEC(2), 450) > PASSED_MIN);
        CHECK_INT(s.sim.told[MAIL_EXCESS].arg, 0);
        stage_close(&s);
    }
}

/* Who comes later, on another worker, is told the same. */
TEST(ceiling_is_carried)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    open_stage(&p, 0, 200000);
    CHECK_INT(run_one(CEILING_GRACE + SEC(2), 450), 0);
    struct sim_client *late = sim_connected(&s.sim, 3, 1, SRTP_GCM_128);
    sim_carry(s.pub, &p, 1);
    k.id = CONSUMER + 7;
    sim_consume(late, &k, VIDEO);
    sim_ready(late);
    run_one(SEC(2), 450);
    CHECK_INT(s.sim.told[MAIL_SHARE].id, k.id);
    CHECK_INT(cause(), ALLOCATE_EXCESS);
    CHECK_INT(late->rtp_n, 0);
    run_one(CEILING_BACK + SEC(2), 150);
    CHECK(late->rtp_n > PASSED_MIN);
    stage_close(&s);
}

/* The largest go first; who watched them is shown the next. */
TEST(ceiling_of_encodings)
{
    static const struct {
        uint32_t bps;
        unsigned excess, kbps;
    } rows[] = {{700000, 0, 400}, {400000, 4, 200}, {100000, 6, 100}};
    for (unsigned viewer = 0; viewer < 2; viewer++)
        for (size_t i = 0; i < LEN(rows); i++) {
            struct cmd_producer p = stage_simulcast();
            open_stage(&p, viewer, rows[i].bps);
            run(CEILING_GRACE + SEC(3), (const unsigned[]){100, 200, 400});
            CHECK_INT(s.sim.to_control[MAIL_EXCESS] > 0 ? s.sim.told[MAIL_EXCESS].arg : 0,
                      rows[i].excess);
            CHECK_INT(sim_rtp(s.sub, s.sub->rtp_n - 1).payload.n,
                      rows[i].kbps * STEP / 8 - HEADERS);
            CHECK(run(SEC(2), (const unsigned[]){100, 200, 400}) > PASSED_MIN);
            CHECK_INT(cause(), rows[i].excess ? ALLOCATE_EXCESS : ALLOCATE_NONE);
            stage_close(&s);
        }
}

/* A sound goes on while its picture does not. */
TEST(ceiling_leaves_the_sound)
{
    struct cmd_producer p = stage_video(), a = stage_audio();
    struct cmd_consumer k = stage_listener();
    open_stage(&p, 0, 200000);
    sim_produce(s.pub, &a);
    sim_consume(s.sub, &k, AUDIO);
    for (int i = 0; i < 400; i++) {
        struct rtp r = {.pt = PT_OPUS, .ssrc = AUDIO_IN, .ts = 960U * (unsigned)i};
        send(&seqs[ENCODINGS], r, VOICE_KBPS);
        run_one(MSEC(STEP), 450);
    }
    size_t n = s.sub->rtp_n;
    CHECK_INT(s.sim.told[MAIL_EXCESS].id, VIDEO);
    CHECK_INT(s.sim.told[MAIL_EXCESS].arg, 1);
    for (size_t i = n - PASSED_MIN; i < n; i++)
        CHECK_INT(sim_rtp(s.sub, i).ssrc, SSRC_OUT + 10);
    stage_close(&s);
}
