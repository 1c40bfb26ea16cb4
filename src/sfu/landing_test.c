#include "sfu/landing.h"

#include "check.h"
#include "stage.h"

enum { SOME = 11 /* more than are looked up together */ };

static struct stage s;

static uint16_t send_some(uint16_t seq)
{
    for (int i = 0; i < SOME; i++)
        stage_send(s.pub, SSRC_IN, seq++, false);
    return seq;
}

/* Read together or one by one: whose a datagram is, is decided by the checks before it. */
TEST(landing_goes_by_the_checks_before)
{
    for (int together = 0; together < 2; together++) {
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        check_row(together ? "together" : "one by one");
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        struct addr own = s.sub->addr;
        s.sim.gathers = together;
        uint16_t seq = send_some(1);
        s.sub->addr = s.pub->addr;
        sim_check(s.sub); /* a NAT gave it the publisher's */
        s.sub->addr = own;
        seq = send_some(seq);
        sim_check(s.pub);
        (void)send_some(seq);
        sim_deliver(&s.sim, 0);
        sim_settle(&s.sim);
        CHECK_INT(sim_stats(&s.sim, 0)->rtp, 2 * SOME);
        CHECK_INT(sim_stats(&s.sim, 0)->srtp_auth, SOME);
        stage_close(&s);
    }
}

/* Feedback of one and media of another, in turn: each has its effect. */
TEST(landing_takes_feedback_among_media)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_settle(&s.sim);
    s.sim.gathers = true;
    for (int i = 0; i < SOME; i++) {
        stage_send(s.pub, SSRC_IN, (uint16_t)(2 + i), false);
        sim_send_pli(s.sub, SSRC_OUT);
    }
    sim_deliver(&s.sim, 0);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 1 + SOME);
    CHECK_INT(sim_stats(&s.sim, 0)->keyreqs_received, SOME);
    stage_close(&s);
}

TEST(landing_drops_strangers)
{
    sim_init(&s.sim);
    struct sim_client *c = sim_client_new(&s.sim, 1, 0, SRTP_GCM_128);
    static const uint8_t dtls[20] = {22, 0xfe, 0xfd}, rtp[20] = {0x80, 96},
                         junk[20] = {9};
    sim_send_raw(c, dtls, sizeof dtls);
    sim_send_raw(c, rtp, sizeof rtp);
    sim_send_raw(c, junk, sizeof junk);
    c->creds.pwd[0] ^= 1; /* a check with the wrong password gets no answer */
    sim_check(c);
    sim_settle(&s.sim);
    const struct shard_stats *st = sim_stats(&s.sim, 0);
    CHECK_INT(st->dtls_stray, 1);
    CHECK_INT(st->stray, 1);
    CHECK_INT(st->malformed, 1);
    CHECK_INT(st->stun_refused, 1);
    CHECK_INT(c->stun_n, 0);
    CHECK_INT(s.sim.to_assoc, 0);
    CHECK_INT(sl_pkt_pool_used(s.sim.pools[0]), 0);
    sim_fini(&s.sim);
}

/* A second peer with the same credentials is answered nowhere, and what it sends is a stranger's;
 * the first comes by any path, and by any worker. */
TEST(landing_lets_one_peer_alone_use_what_is_for_one)
{
    sim_init(&s.sim);
    s.sim.single = true;
    struct sim_client *first = sim_connected(&s.sim, 1, 0, SRTP_GCM_128);
    struct sim_client *second = sim_client_new(&s.sim, 2, 0, SRTP_GCM_128);
    static const uint8_t dtls[20] = {22, 0xfe, 0xfd};
    second->creds = first->creds;
    for (unsigned shard = 0; shard < 2; shard++) {
        second->shard = shard;
        sim_check(second);
        sim_settle(&s.sim);
        CHECK_INT(second->stun_n, 0);
        CHECK_INT(sim_stats(&s.sim, 0)->stun_taken, shard + 1);
        CHECK_INT(sim_stats(&s.sim, 0)->stun_refused, 0);
    }
    second->shard = 0;
    sim_send_raw(second, dtls, sizeof dtls);
    sim_settle(&s.sim);
    CHECK_INT(sim_stats(&s.sim, 0)->dtls_stray, 1);
    first->addr.port++;
    for (unsigned shard = 0; shard < 3; shard++) {
        first->shard = shard;
        first->stun_n = 0;
        sim_check(first);
        sim_settle(&s.sim);
        CHECK_INT(first->stun_n, 1);
    }
    sim_fini(&s.sim);
}
