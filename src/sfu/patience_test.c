#include "sfu/patience.h"

#include "check.h"
#include "sfu/consumer.h"
#include "sfu/inside.h"
#include "stage.h"

enum { WAIT_IN = 7, WAIT_OUT = 9 };

static struct stage s;

static struct consumer *open_stage(uint8_t rtx)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(rtx);
    p.receive.params.ext_id[EXT_PLAYOUT_DELAY] = WAIT_IN;
    k.send.params.ext_id[EXT_PLAYOUT_DELAY] = WAIT_OUT;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    return sl_shard_consumer(s.sim.shards[0], CONSUMER);
}

static void report(unsigned times, uint8_t lost)
{
    for (unsigned i = 0; i < times; i++) {
        uint8_t buf[100];
        struct wr w = wr_of(buf, sizeof buf);
        struct rtcp_block b = {.ssrc = SSRC_OUT, .fraction = lost};
        sl_rtcp_build_report(&w, 1, NULL, &b, 1);
        sim_send_rtcp(s.sub, wr_done(&w));
        sim_run(&s.sim, MSEC(1));
    }
}

/* What the next packet says, in ms; -1: nothing. */
static int said(uint16_t seq)
{
    stage_send(s.pub, SSRC_IN, seq, seq == 1);
    sim_run(&s.sim, MSEC(1));
    struct span got = sim_ext(s.sub, s.sub->rtp_n - 1, WAIT_OUT);
    if (!got.p)
        return -1;
    CHECK_INT(got.n, PATIENCE_OCTETS);
    CHECK_INT((got.p[1] & 15) << 8 | got.p[2], 1000); /* ten seconds at the most */
    return (got.p[0] << 4 | got.p[1] >> 4) * 10;
}

TEST(patience_follows_losses)
{
    static const struct {
        const char *name;
        uint8_t lost;
        usec rtt;
        int ms;
    } rows[] = {
        {"nothing is lost", 0, MSEC(60), -1},
        {"hardly anything", 2, MSEC(60), -1},
        {"a little: a round trip", 5, MSEC(60), 110},
        {"the same, far away", 5, MSEC(250), 300},
        {"the same, not measured", 5, 0, 150},
        {"much: two of them", 26, MSEC(60), 210},
        {"the same, far away", 26, MSEC(200), 450},
        {"nobody waits for longer", 26, MSEC(300), 500},
        {"nor where a round trip is absurd", 255, SEC(9), 500},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        struct consumer *c = open_stage(RTX_OUT);
        CHECK_INT(said(1), -1);
        c->rtt = rows[i].rtt;
        report(8, rows[i].lost);
        CHECK_INT(said(2), rows[i].ms);
        stage_close(&s);
    }
}

/* It is taken back when no more is lost; what moves a little is not told anew. */
TEST(patience_ends)
{
    struct consumer *c = open_stage(RTX_OUT);
    CHECK_INT(said(1), -1);
    c->rtt = MSEC(100);
    report(8, 5);
    CHECK_INT(said(2), 150);
    c->rtt = MSEC(120);
    report(1, 5);
    CHECK_INT(said(3), 150);
    c->rtt = MSEC(200);
    report(1, 5);
    CHECK_INT(said(4), 250);
    report(1, 0);
    CHECK_INT(said(5), 250);
    report(4, 0);
    CHECK_INT(said(6), 0);
    stage_close(&s);
}

/* What is resent as it was says what it said. */
TEST(patience_of_a_resend)
{
    struct consumer *c = open_stage(PT_NONE);
    c->rtt = MSEC(60);
    report(8, 5);
    CHECK_INT(said(1), 110);
    uint16_t seq = sim_rtp(s.sub, 0).seq;
    report(8, 0);
    CHECK_INT(said(2), 0);
    sim_run(&s.sim, MSEC(200));
    sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
    sim_run(&s.sim, MSEC(1));
    CHECK_INT(s.sub->rtp_n + s.sub->bad_n, 3);
    CHECK_INT(sim_stats(&s.sim, 0)->retransmitted, 1);
    stage_close(&s);
}

/* A publisher's own word passes; who did not negotiate it is told nothing. */
TEST(patience_of_others)
{
    struct consumer *c = open_stage(RTX_OUT);
    c->rtt = MSEC(60);
    report(8, 26);
    uint8_t buf[600];
    struct rtp_elem e = stage_elem(WAIT_IN, "abc");
    struct rtp r = stage_frame(SSRC_IN, 1, true);
    stage_exts(&r, buf, &e, 1);
    sim_send_rtp(s.pub, &r);
    sim_run(&s.sim, MSEC(1));
    CHECK(span_is(sim_ext(s.sub, 0, WAIT_OUT), "abc"));
    struct rtp got = sim_rtp(s.sub, 0);
    struct rtp_elems it = sl_rtp_elems(&got);
    unsigned n = 0;
    while (sl_rtp_elems_next(&it, &e))
        n += e.id == WAIT_OUT;
    CHECK_INT(n, 1);
    CHECK_INT(said(2), 210);
    stage_close(&s);

    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    report(8, 26);
    CHECK_INT(said(1), -1);
    CHECK_INT(sl_shard_consumer(s.sim.shards[0], CONSUMER)->wait, 0);
    stage_close(&s);
}
