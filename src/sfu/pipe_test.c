#include "sfu/pipe.h"

#include "check.h"
#include "stage.h"

static struct stage s;

/* One publisher, viewers on all three workers: each packet crosses once to each worker. */
static void three_workers(struct sim_client *viewers[3])
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 1, SRTP_GCM_128);
    viewers[0] = s.sub;
    sim_carry(s.pub, &p, 2);
    for (unsigned i = 1; i < 3; i++) {
        k.id++;
        viewers[i] = sim_connected(&s.sim, 2 + i, 2, SRTP_GCM_128);
        sim_consume(viewers[i], &k, VIDEO);
        sim_ready(viewers[i]);
    }
    sim_settle(&s.sim);
}

TEST(pipe_carries_each_packet_once_to_each_worker)
{
    struct sim_client *viewers[3];
    three_workers(viewers);
    for (uint16_t i = 1; i <= 100; i++) {
        stage_send(s.pub, SSRC_IN, i, i == 1);
        sim_run(&s.sim, MSEC(5));
    }
    for (int i = 0; i < 3; i++)
        CHECK_INT(viewers[i]->rtp_n, 100);
    CHECK_INT(sim_stats(&s.sim, 0)->piped, 200);
    CHECK_INT(sim_stats(&s.sim, 1)->piped_in, 100);
    CHECK_INT(sim_stats(&s.sim, 2)->piped_in, 100);

    /* After a second the histories of all three let go, in whatever order. */
    sim_run(&s.sim, SEC(3));
    CHECK_INT(sim_packets(&s.sim), 0);
    sim_tell(&s.sim, 0, MAIL_UNPIPE, VIDEO, 2);
    stage_send(s.pub, SSRC_IN, 101, false);
    sim_run(&s.sim, MSEC(2));
    CHECK_INT(viewers[0]->rtp_n, 101);
    CHECK_INT(viewers[1]->rtp_n, 100);
    stage_close(&s);
}

/* Requests of viewers on other workers become one, where the publisher is. */
TEST(pipe_carries_key_frame_requests_upward)
{
    struct sim_client *viewers[3];
    three_workers(viewers);
    sim_run(&s.sim, MSEC(10));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 1);
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_run(&s.sim, SEC(1));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 1);
    for (int i = 0; i < 3; i++)
        sim_send_pli(viewers[i], SSRC_OUT);
    sim_run(&s.sim, MSEC(10));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 2);
    CHECK_INT(sim_stats(&s.sim, 1)->keyreqs_received, 1);
    CHECK_INT(sim_stats(&s.sim, 2)->keyreqs_received, 2);
    stage_close(&s);
}

/* Soon after a key frame another is asked for: it is not forgotten between the workers. */
TEST(pipe_carries_a_request_soon_after_another)
{
    struct sim_client *viewers[3];
    three_workers(viewers);
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_run(&s.sim, SEC(1));
    int before = (int)sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
    sim_send_pli(viewers[1], SSRC_OUT);
    sim_run(&s.sim, MSEC(10));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), before + 1);
    stage_send(s.pub, SSRC_IN, 2, true);
    sim_run(&s.sim, MSEC(100));
    for (int i = 0; i < 10; i++)
        sim_send_pli(viewers[1], SSRC_OUT);
    sim_run(&s.sim, MSEC(300));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), before + 1); /* not yet */
    sim_run(&s.sim, MSEC(200));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), before + 2);
    stage_close(&s);
}

/* A mailbox without room costs packets, which are counted; nothing stays behind. */
TEST(pipe_drops_what_finds_no_room)
{
    struct sim_client *viewers[3];
    three_workers(viewers);
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_run(&s.sim, MSEC(2));
    s.sim.full_for_media[1] = true;
    for (uint16_t i = 2; i <= 6; i++) {
        stage_send(s.pub, SSRC_IN, i, false);
        sim_run(&s.sim, MSEC(2));
    }
    CHECK_INT(viewers[0]->rtp_n, 1);
    CHECK_INT(viewers[1]->rtp_n, 6); /* the other worker notices nothing */
    CHECK_INT(sim_stats(&s.sim, 0)->mail_full, 5);
    CHECK_INT(sim_stats(&s.sim, 0)->piped, 2 + 5);
    s.sim.full_for_media[1] = false;
    stage_send(s.pub, SSRC_IN, 7, false);
    sim_run(&s.sim, MSEC(2));
    CHECK_INT(viewers[0]->rtp_n, 2);
    CHECK_INT((uint16_t)(sim_rtp(viewers[0], 1).seq - sim_rtp(viewers[0], 0).seq), 6);

    /* Nor does one without room for what goes back: that waits. */
    s.sim.full[0] = true;
    sim_run(&s.sim, SEC(3));
    CHECK(sl_pkt_pool_used(s.sim.pools[0]) > 0);
    CHECK_INT(sl_pkt_pool_used(s.sim.pools[1]), 0);
    s.sim.full[0] = false;
    sim_run(&s.sim, SEC(1));
    CHECK_INT(sim_packets(&s.sim), 0);
    stage_close(&s);
}

/* A worker without places for leases gives packets back unseen. */
TEST(pipe_drops_without_leases)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    sim_init_with(&s.sim, &(struct sim_conf){.leases = 4});
    struct sim_client *pub = sim_connected(&s.sim, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = sim_connected(&s.sim, 2, 1, SRTP_GCM_128);
    sim_produce(pub, &p);
    sim_ready(pub);
    sim_carry(pub, &p, 1);
    sim_consume(sub, &k, VIDEO);
    sim_ready(sub);
    for (uint16_t i = 1; i <= 10; i++)
        stage_send(pub, SSRC_IN, i, i == 1);
    sim_run(&s.sim, MSEC(2));
    CHECK_INT(sub->rtp_n, 4);
    CHECK_INT(sim_stats(&s.sim, 1)->pool_empty, 6);
    sim_run(&s.sim, SEC(2));
    CHECK_INT(sim_packets(&s.sim), 0);
    stage_send(pub, SSRC_IN, 11, false);
    sim_run(&s.sim, MSEC(2));
    CHECK_INT(sub->rtp_n, 5);
    stage_close(&s);
}

/* RTP of a producer that is not, or not any more, is given back. */
TEST(pipe_ends_before_its_last_packets)
{
    struct sim_client *viewers[3];
    three_workers(viewers);
    stage_send(s.pub, SSRC_IN, 1, true);
    sl_shard_flush(s.sim.shards[0], s.sim.now); /* on its way */
    sim_tell(&s.sim, 1, MAIL_PRODUCER_CLOSE, VIDEO, 0);
    sim_settle(&s.sim);
    CHECK_INT(viewers[0]->rtp_n, 0);
    CHECK_INT(sim_stats(&s.sim, 1)->piped_in, 0);
    CHECK_INT(viewers[1]->rtp_n, 1);
    stage_close(&s);
}
