#include "sfu/shard.h"

#include <string.h>

#include "check.h"
#include "sfu/transport.h"
#include "stage.h"

static void add_video(struct sim_client *c)
{
    struct cmd_producer p = stage_video();
    sim_produce(c, &p);
}

static void add_viewer(struct sim_client *c, uint8_t rtx)
{
    struct cmd_consumer k = stage_viewer(rtx);
    sim_consume(c, &k, VIDEO);
}

/* Keys come from one thread and what hangs on a transport from another: in any order. */
TEST(shard_takes_media_whichever_came_first)
{
    for (int ready_first = 0; ready_first < 2; ready_first++) {
        static struct sim s;
        sim_init(&s);
        struct sim_client *pub = sim_client_new(&s, 1, 0, SRTP_GCM_128);
        sim_check(pub);
        sim_settle(&s);
        if (!ready_first)
            sim_keys(pub);
        add_video(pub);
        sim_ready(pub);
        if (ready_first)
            sim_keys(pub);
        stage_send(pub, SSRC_IN, 1, true);
        sim_settle(&s);
        CHECK_INT(sim_stats(&s, 0)->rtp, 1);
        sim_fini(&s);
    }
}

static void forwarding(enum srtp_profile profile, unsigned viewer_shard)
{
    static struct sim s;
    struct cmd_producer video = stage_video();
    sim_init(&s);
    struct sim_client *pub = sim_connected(&s, 1, 0, profile);
    struct sim_client *sub = sim_connected(&s, 2, viewer_shard, profile);
    add_video(pub);
    sim_ready(pub);
    if (viewer_shard != 0)
        sim_carry(pub, &video, viewer_shard);
    add_viewer(sub, RTX_OUT);
    sim_ready(sub);

    stage_send(pub, SSRC_IN, 65534, false);
    sim_run(&s, MSEC(20));
    CHECK_INT(sub->rtp_n, 0); /* a viewer begins with a key frame */
    CHECK_INT(sim_rtcp_count(pub, RTCP_PSFB, PSFB_PLI), 1);

    stage_send(pub, SSRC_IN, 65535, true);
    pub->index += 65536; /* the numbers roll over */
    stage_send(pub, SSRC_IN, 0, false);
    stage_send(pub, SSRC_IN, 2, false); /* 1 is lost on its way to us */
    sim_run(&s, MSEC(20));
    CHECK_INT(sub->rtp_n, 3);
    CHECK_INT(sub->bad_n + pub->bad_n, 0);
    struct rtp a = sim_rtp(sub, 0), b = sim_rtp(sub, 1), c = sim_rtp(sub, 2);
    CHECK(a.ssrc == SSRC_OUT && a.pt == PT_OUT && a.marker && a.seq < 0x8000);
    CHECK_INT((uint16_t)(b.seq - a.seq), 1);
    CHECK_INT((uint16_t)(c.seq - a.seq), 3); /* a loss stays a loss */
    CHECK_INT(b.ts - a.ts, (uint32_t)(0 - 65535U * 3000U));
    CHECK(a.payload.n == sizeof stage_key &&
          memcmp(a.payload.p, stage_key, a.payload.n) == 0);
    CHECK(a.ext_profile == RTP_ONE_BYTE);
    CHECK_INT(sim_rtcp_count(pub, RTCP_RTPFB, RTPFB_NACK) > 0, true);

    /* It comes after all, and fills its place. */
    stage_send(pub, SSRC_IN, 1, false);
    sim_run(&s, MSEC(5));
    CHECK_INT(sub->rtp_n, 4);
    CHECK_INT((uint16_t)(sim_rtp(sub, 3).seq - a.seq), 2);
    CHECK_INT(sim_stats(&s, 0)->piped, viewer_shard != 0 ? 5 : 0);

    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    uint16_t seq = b.seq;
    sl_rtcp_build_report(&w, 1, NULL, NULL, 0);
    sl_rtcp_build_nack(&w, 1, SSRC_OUT, &seq, 1);
    sim_send_rtcp(sub, wr_done(&w));
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 5);
    struct rtp x = sim_rtp(sub, 4);
    CHECK(x.ssrc == SSRC_RTX && x.pt == RTX_OUT && x.ts == b.ts);
    CHECK(x.payload.n == b.payload.n + 2 && rtp_be16(x.payload.p) == b.seq);
    CHECK(memcmp(x.payload.p + 2, b.payload.p, b.payload.n) == 0);

    sim_mail(&s, 0, &(struct mail){.type = MAIL_CLOSE, .id = 1});
    sim_mail(&s, 1, &(struct mail){.type = MAIL_CLOSE, .id = 1});
    sim_mail(&s, viewer_shard, &(struct mail){.type = MAIL_CLOSE, .id = 2});
    if (viewer_shard != 0)
        sim_mail(&s, viewer_shard,
                 &(struct mail){.type = MAIL_PRODUCER_CLOSE, .id = VIDEO});
    sim_settle(&s);
    CHECK_INT(sl_pkt_pool_used(s.pools[0]) + sl_pkt_pool_used(s.pools[1]), 0);
    sim_fini(&s);
}

TEST(shard_forwards_on_one_worker)
{
    forwarding(SRTP_GCM_128, 0);
    forwarding(SRTP_CM_SHA1_80, 0);
}

TEST(shard_forwards_to_another_worker)
{
    forwarding(SRTP_GCM_128, 1);
}

/* Without RTX a resend is the first packet again, octet for octet. */
TEST(shard_resends_the_same_without_rtx)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = sim_connected(&s, 1, 0, SRTP_CM_SHA1_80);
    struct sim_client *sub = sim_connected(&s, 2, 0, SRTP_CM_SHA1_80);
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    add_video(pub);
    sim_ready(pub);
    add_viewer(sub, PT_NONE);
    sim_ready(sub);
    stage_send(pub, SSRC_IN, 1, true);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 1);
    uint16_t seq = sim_rtp(sub, 0).seq;
    sl_rtcp_build_report(&w, 1, NULL, NULL, 0);
    sl_rtcp_build_nack(&w, 1, SSRC_OUT, &seq, 1);
    sim_send_rtcp(sub, wr_done(&w));
    sim_run(&s, MSEC(2));
    /* The client's replay window takes it for the same packet, as it should. */
    CHECK_INT(sub->rtp_n, 1);
    CHECK_INT(sub->bad_n, 1);
    CHECK_INT(sim_stats(&s, 0)->retransmitted, 1);
    CHECK_INT(sim_stats(&s, 0)->srtp_refused, 0);
    sim_fini(&s);
}

/* What lands with another worker than the transport's is handed over, checks too. */
TEST(shard_hands_over_to_the_owner)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = sim_connected(&s, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = sim_connected(&s, 2, 0, SRTP_GCM_128);
    add_video(pub);
    sim_ready(pub);
    add_viewer(sub, RTX_OUT);
    sim_ready(sub);
    pub->shard = 1;
    pub->addr.port++; /* another network: another address, another worker */
    sim_check(pub);
    sim_settle(&s);
    CHECK_INT(pub->stun_n, 2);
    stage_send(pub, SSRC_IN, 1, true);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 1);
    CHECK_INT(sim_stats(&s, 1)->handed_over, 2);
    CHECK_INT(sim_stats(&s, 1)->stray, 0);
    sim_fini(&s);
}

/* Whoever has the stream is told whose it is, by each valid check; not by any other. */
TEST(shard_tells_that_a_stream_has_proved_itself)
{
    static const struct {
        const char *name;
        unsigned shard, port;
        bool valid, owned;
        unsigned proved, owner;
    } rows[] = {
        {"by a socket", 0, 3, true, true, 0, 0},
        {"before anybody owns it", 1, TX_STREAMS, true, false, 1, TP_NOBODY},
        {"not valid", 0, TX_STREAMS, false, true, 0, 0},
        {"where it lives", 0, TX_STREAMS, true, true, 1, 0},
        {"elsewhere, and then there", 1, UINT16_MAX, true, true, 2, 0},
        {"elsewhere, and not valid", 1, UINT16_MAX, false, true, 0, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        static struct sim s;
        check_row(rows[i].name);
        sim_init(&s);
        struct sim_client *c = rows[i].owned ? sim_connected(&s, 1, 0, SRTP_GCM_128)
                                             : sim_client_new(&s, 1, 0, SRTP_GCM_128);
        c->addr.port++;
        c->shard = rows[i].shard;
        c->port = (uint16_t)rows[i].port;
        if (!rows[i].valid)
            c->creds.pwd[0] ^= 1;
        sim_check(c);
        sim_settle(&s);
        CHECK_INT(s.proved.n, rows[i].proved);
        if (s.proved.n > 0) {
            CHECK_INT(s.proved.shard, rows[i].owned ? 0 : rows[i].shard);
            CHECK_INT(s.proved.port, rows[i].port);
            CHECK_INT(s.proved.owner, rows[i].owner);
        }
        sim_fini(&s);
    }
}

TEST(shard_holds_what_comes_before_it_is_ready)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = sim_connected(&s, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = sim_connected(&s, 2, 0, SRTP_GCM_128);
    add_viewer(sub, RTX_OUT);
    sim_ready(sub);
    stage_send(pub, SSRC_IN, 1, true);
    for (uint16_t i = 2; i < 50; i++)
        stage_send(pub, SSRC_IN, i, false);
    add_video(pub);
    sim_mail(&s, 0, &(struct mail){.type = MAIL_SOURCE, .id = CONSUMER, .id2 = VIDEO});
    sim_ready(pub);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 32);
    CHECK_INT(sim_stats(&s, 0)->srtp_early, 49 - 32);
    sim_fini(&s);
}

TEST(shard_stops_sending_without_consent)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = sim_connected(&s, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = sim_connected(&s, 2, 0, SRTP_GCM_128);
    add_video(pub);
    sim_ready(pub);
    add_viewer(sub, RTX_OUT);
    sim_ready(sub);
    stage_send(pub, SSRC_IN, 1, true);
    sim_run(&s, ICE_CONSENT - MSEC(100));
    stage_send(pub, SSRC_IN, 2, false);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, 2);
    sim_run(&s, SEC(2));
    size_t before = sub->rtp_n;
    CHECK_INT(s.to_control[MAIL_STALE], 2);
    sim_check(pub);
    stage_send(pub, SSRC_IN, 3, false);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, before);
    sim_check(sub); /* it is back, and begins with a key frame */
    stage_send(pub, SSRC_IN, 4, false);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, before);
    stage_send(pub, SSRC_IN, 5, true);
    sim_run(&s, MSEC(2));
    CHECK_INT(sub->rtp_n, before + 1);
    CHECK_INT(s.to_control[MAIL_LOST], 0);
    sim_run(&s, ICE_CONSENT + SEC(14));
    CHECK_INT(s.to_control[MAIL_LOST], 0);
    sim_run(&s, SEC(3));
    CHECK_INT(s.to_control[MAIL_LOST], 2);
    sim_fini(&s);
}

/* Histories hold a second of packets; a pool that is smaller than that stays usable. */
TEST(shard_gives_up_history_before_it_drops_what_comes)
{
    static struct sim s;
    sim_init(&s);
    struct sim_client *pub = sim_connected(&s, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = sim_connected(&s, 2, 0, SRTP_GCM_128);
    struct pkt *taken[SIM_PACKETS - 400];
    add_video(pub);
    sim_ready(pub);
    add_viewer(sub, RTX_OUT);
    sim_ready(sub);
    for (size_t i = 0; i < LEN(taken); i++)
        taken[i] = sl_pkt_new(s.pools[0]);
    for (uint16_t i = 0; i < 1000; i++) {
        stage_send(pub, SSRC_IN, i, i == 0);
        sim_run(&s, MSEC(1));
    }
    CHECK_INT(sub->rtp_n, 1000);
    CHECK_INT(sl_pkt_pool_empty(s.pools[0]), 0);
    CHECK(sim_stats(&s, 0)->squeezed > 0);
    for (size_t i = 0; i < LEN(taken); i++)
        sl_pkt_unref(taken[i]);
    sim_fini(&s);
}

/* Everything is closed while packets are held, queued, on their way to another worker and
 * back: none is lost to its pool. */
TEST(shard_closes_with_packets_in_flight)
{
    for (int step = 0; step < 4; step++) {
        static struct stage s;
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        stage_open(&s, &p, &k, 1, SRTP_GCM_128);
        k.id++;
        struct sim_client *here = sim_connected(&s.sim, 3, 0, SRTP_GCM_128);
        sim_consume(here, &k, VIDEO);
        sim_ready(here);
        struct sim_client *early = sim_connected(&s.sim, 4, 0, SRTP_GCM_128);
        stage_send(s.pub, SSRC_IN, 1, true);
        stage_send(s.pub, SSRC_IN, 2, false);
        stage_send(early, SSRC_IN, 1, true); /* held: nobody is ready for it */
        for (int i = 0; i < step; i++)
            sl_shard_flush(s.sim.shards[i % 2], s.sim.now);
        CHECK(sim_packets(&s.sim) >= 3);
        stage_close(&s);
    }
}

/* Without buffers what comes is dropped by whoever receives; with the first that is free it
 * goes on. */
TEST(shard_recovers_from_an_empty_pool)
{
    static struct sim s;
    struct pkt *taken[60];
    sim_init_with(&s, &(struct sim_conf){.packets = LEN(taken)});
    struct sim_client *pub = sim_connected(&s, 1, 0, SRTP_GCM_128);
    struct sim_client *sub = sim_connected(&s, 2, 0, SRTP_GCM_128);
    add_video(pub);
    sim_ready(pub);
    add_viewer(sub, RTX_OUT);
    sim_ready(sub);
    size_t n = 0;
    while ((taken[n] = sl_pkt_new(s.pools[0])) && n + 1 < LEN(taken))
        n++;
    n += taken[n] != NULL;
    uint64_t empty = sl_pkt_pool_empty(s.pools[0]);
    stage_send(pub, SSRC_IN, 1, true);
    sim_run(&s, MSEC(1));
    CHECK_INT(sl_pkt_pool_empty(s.pools[0]), empty + 1);
    CHECK_INT(sub->rtp_n, 0);
    for (size_t i = 0; i < n; i++)
        sl_pkt_unref(taken[i]);
    stage_send(pub, SSRC_IN, 2, true);
    sim_run(&s, MSEC(1));
    CHECK_INT(sub->rtp_n, 1);
    sim_close_all(&s);
    CHECK_INT(sim_packets(&s), 0);
    sim_fini(&s);
}
