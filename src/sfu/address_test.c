#include "sfu/address.h"

#include "check.h"
#include "stage.h"

static struct stage s;

/* An address that another transport proves to be its own, and then the first again. */
TEST(address_that_was_taken_comes_back)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    struct addr own = s.sub->addr;
    s.sub->addr = s.pub->addr;
    sim_check(s.sub); /* a NAT gave it the publisher's */
    s.sub->addr = own;
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_settle(&s.sim);
    CHECK_INT(sim_stats(&s.sim, 0)->srtp_auth, 1);
    sim_check(s.pub);
    stage_send(s.pub, SSRC_IN, 2, true);
    sim_settle(&s.sim);
    CHECK_INT(sim_stats(&s.sim, 0)->srtp_auth, 1);
    CHECK_INT(sim_stats(&s.sim, 0)->rtp, 1);
    stage_close(&s);
}

/* Of many addresses, the last are listened to, and that of the path. */
TEST(address_of_16_are_kept)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    struct addr first = s.pub->addr;
    for (int i = 0; i < 40; i++) {
        s.pub->addr.port++;
        sim_run(&s.sim, MSEC(1));
        sim_check_only(s.pub);
    }
    for (uint16_t i = 0; i < 15; i++) {
        stage_send(s.pub, SSRC_IN, (uint16_t)(i + 1), true);
        s.pub->addr.port--;
    }
    struct addr forgotten = s.pub->addr;
    s.pub->addr = first;
    stage_send(s.pub, SSRC_IN, 98, true);
    CHECK_INT(sim_stats(&s.sim, 0)->rtp, 16);
    CHECK_INT(sim_stats(&s.sim, 0)->stray, 0);
    s.pub->addr = forgotten;
    stage_send(s.pub, SSRC_IN, 99, true);
    CHECK_INT(sim_stats(&s.sim, 0)->stray, 1);
    stage_close(&s);
}

/* ---- streams that close ---- */

enum { STREAM = TX_STREAMS + 3 };

/* The viewer nominates a stream; there was a path by datagrams before, or there was none. */
static void view_by_stream(bool alone)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    struct addr own = s.sub->addr;
    uint16_t socket = s.sub->port;
    sim_run(&s.sim, MSEC(1));
    s.sub->addr.port++;
    s.sub->port = STREAM;
    sim_check(s.sub);
    if (alone)
        sl_shard_closed(s.sim.shards[0], &own, socket, s.sim.now);
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 1);
    CHECK_INT(s.sim.runs[(s.sim.runs_n - 1) % SIM_RUNS].port, STREAM);
}

TEST(address_of_a_closed_stream_is_a_path_no_more)
{
    view_by_stream(false);
    struct addr closed = s.sub->addr;
    sl_shard_closed(s.sim.shards[0], &closed, STREAM, s.sim.now);
    s.sub->addr.port--;
    s.sub->port = 0;
    stage_send(s.pub, SSRC_IN, 2, false);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 2); /* by datagrams, at once */
    CHECK_INT(s.sim.lost, 0);
    CHECK_INT(s.sim.to_control[MAIL_STALE], 0);
    CHECK(address_find(s.sim.shards[0], &closed, STREAM) == NULL);
    sl_shard_closed(s.sim.shards[0], &closed, STREAM, s.sim.now); /* of nobody */
    stage_close(&s);
}

/* Nothing is sent to where nobody is; 15 s are left to come back, and they suffice. */
TEST(address_of_the_only_path_is_closed)
{
    view_by_stream(true);
    sl_shard_closed(s.sim.shards[0], &s.sub->addr, STREAM, s.sim.now);
    sim_settle(&s.sim);
    CHECK_INT(s.sim.to_control[MAIL_STALE], 1);
    stage_send(s.pub, SSRC_IN, 2, false);
    sim_run(&s.sim, SEC(14));
    CHECK_INT(s.sub->rtp_n, 1);
    CHECK_INT(s.sim.to_control[MAIL_LOST], 0);
    s.sub->addr.port++;
    sim_check(s.sub);
    stage_send(s.pub, SSRC_IN, 3, true);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 2);
    sl_shard_closed(s.sim.shards[0], &s.sub->addr, STREAM, s.sim.now);
    sim_settle(&s.sim);
    CHECK_INT(s.sim.to_control[MAIL_STALE], 2);
    sim_run(&s.sim, SEC(16));
    CHECK(s.sim.to_control[MAIL_LOST] > 0);
    stage_close(&s);
}
