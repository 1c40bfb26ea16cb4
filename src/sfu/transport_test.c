#include "sfu/transport.h"

#include <string.h>

#include "check.h"
#include "sfu/consumer.h"
#include "stage.h"

static struct stage s;

static void open_unnamed(void)
{
    struct cmd_producer p = stage_unnamed();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
}

static void open_simulcast(void)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
}

/* ---- SSRCs ---- */

struct learn_packet {
    uint32_t ssrc;
    uint8_t pt;
    const char *mid, *rid, *rrid;
};

static void send_named(const struct learn_packet *l, uint16_t seq)
{
    static const uint8_t rtx[] = {0, 1, 0x10, 0, 1, 2, 3};
    struct rtp r = stage_frame(l->ssrc, seq, true);
    struct rtp_elem e[3];
    uint8_t buf[600];
    size_t n = 0;
    r.pt = l->pt;
    if (l->pt == PT_RTX)
        r.payload = (struct span){rtx, sizeof rtx};
    if (l->mid)
        e[n++] = stage_elem(MID_IN, l->mid);
    if (l->rid)
        e[n++] = stage_elem(RID_IN, l->rid);
    if (l->rrid)
        e[n++] = stage_elem(RRID_IN, l->rrid);
    if (n > 0)
        stage_exts(&r, buf, e, n);
    sim_send_rtp(s.pub, &r);
    sim_run(&s.sim, MSEC(1));
}

/* Each row: packets, one after the other, and how many have no place. Of a second producer
 * on the transport, with mid "a", only the payload type is PT_VP8 + 2. */
static const struct {
    const char *name;
    bool simulcast;
    struct learn_packet in[4];
    uint64_t unknown;
} learn_rows[] = {
    {"by mid", false, {{100, PT_VP8, "v", NULL, NULL}}, 0},
    {"by mid of nobody", false, {{100, PT_VP8, "x", NULL, NULL}}, 1},
    {"by mid, a payload type that it has not", false, {{100, 35, "v", NULL, NULL}}, 1},
    {"by mid, the payload type of another", false, {{1, PT_VP8 + 2, "v", NULL, NULL}}, 1},
    {"by payload type", false, {{100, PT_VP8, NULL, NULL, NULL}}, 0},
    {"by a payload type of nobody", false, {{100, 35, NULL, NULL, NULL}}, 1},
    {"repaired by payload type",
     false,
     {{100, PT_VP8, NULL, NULL, NULL}, {101, PT_RTX, NULL, NULL, NULL}},
     0},
    {"a second SSRC while the first flows",
     false,
     {{100, PT_VP8, "v", NULL, NULL}, {101, PT_VP8, "v", NULL, NULL}},
     1},
    {"three rids",
     true,
     {{100, PT_VP8, "v", "l", NULL},
      {101, PT_VP8, "v", "m", NULL},
      {102, PT_VP8, "v", "h", NULL}},
     0},
    {"a rid without a mid", true, {{100, PT_VP8, NULL, "m", NULL}}, 0},
    {"a rid of nobody", true, {{100, PT_VP8, "v", "x", NULL}}, 1},
    {"no rid", true, {{100, PT_VP8, "v", NULL, NULL}}, 1},
    {"repaired rid",
     true,
     {{100, PT_VP8, "v", "m", NULL}, {101, PT_RTX, "v", NULL, "m"}},
     0},
    {"a named one goes on without names",
     true,
     {{100, PT_VP8, "v", "m", NULL}, {100, PT_VP8, NULL, NULL, NULL}},
     0},
};

TEST(transport_learns_ssrcs)
{
    for (size_t i = 0; i < LEN(learn_rows); i++) {
        check_row(learn_rows[i].name);
        learn_rows[i].simulcast ? open_simulcast() : open_unnamed();
        struct cmd_producer other = stage_audio();
        other.receive.params.codecs[0].pt = PT_VP8 + 2;
        other.receive.encodings[0].ssrc = 0;
        sim_produce(s.pub, &other);
        for (uint16_t k = 0; k < 4 && learn_rows[i].in[k].pt != 0; k++)
            send_named(&learn_rows[i].in[k], (uint16_t)(k + 1));
        CHECK_INT(sim_stats(&s.sim, 0)->unknown_ssrc, learn_rows[i].unknown);
        stage_close(&s);
    }
}

TEST(transport_does_not_guess_between_two_tracks)
{
    open_unnamed();
    struct cmd_producer p = stage_unnamed();
    p.id++;
    p.receive.params.mid[0] = 'w';
    sim_produce(s.pub, &p);
    send_named(&(struct learn_packet){100, PT_VP8, NULL, NULL, NULL}, 1);
    CHECK_INT(sim_stats(&s.sim, 0)->unknown_ssrc, 1);
    send_named(&(struct learn_packet){100, PT_VP8, "v", NULL, NULL}, 2);
    send_named(&(struct learn_packet){101, PT_VP8, "w", NULL, NULL}, 1);
    CHECK_INT(sim_stats(&s.sim, 0)->unknown_ssrc, 1);
    CHECK_INT(s.sub->rtp_n, 1);
    stage_close(&s);
}

/* What RTX carries is of the encoding that its repaired-rid names. */
TEST(transport_restores_what_a_repaired_rid_names)
{
    open_simulcast();
    send_named(&(struct learn_packet){101, PT_VP8, "v", "m", NULL}, 1);
    send_named(&(struct learn_packet){102, PT_VP8, "v", "h", NULL}, 1);
    send_named(&(struct learn_packet){102, PT_VP8, NULL, NULL, NULL}, 3);
    static const uint8_t rtx[] = {0, 2, 0x10, 1, 42};
    struct rtp r = stage_frame(202, 9, false);
    uint8_t buf[600];
    struct rtp_elem e[] = {stage_elem(MID_IN, "v"), stage_elem(RRID_IN, "h")};
    stage_exts(&r, buf, e, LEN(e));
    r.pt = PT_RTX;
    r.payload = (struct span){rtx, sizeof rtx};
    sim_send_rtp(s.pub, &r);
    sim_run(&s.sim, MSEC(2));
    CHECK_INT(sim_stats(&s.sim, 0)->recovered, 1);
    CHECK_INT(sim_stats(&s.sim, 0)->unknown_ssrc, 0);
    stage_close(&s);
}

/* Its sender begins anew: other SSRC, numbers that begin lower, another clock. Viewers go on
 * where they were, with a key frame; here and on another worker. */
static void change_ssrc(unsigned viewer_shard)
{
    struct cmd_producer p = stage_unnamed();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, viewer_shard, SRTP_GCM_128);
    for (uint16_t i = 500; i < 510; i++)
        send_named(&(struct learn_packet){100, PT_VP8, "v", NULL, NULL}, i);
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcp_build_report(&w, 100, &(struct rtcp_sender){.ntp = 1ULL << 40}, NULL, 0);
    sim_send_rtcp(s.pub, wr_done(&w));
    CHECK_INT(s.sub->rtp_n, 10);
    uint16_t last = sim_rtp(s.sub, 9).seq;

    struct rtp r = stage_frame(101, 3, false);
    sim_send_rtp(s.pub, &r); /* too early to be the same sender's */
    CHECK_INT(sim_stats(&s.sim, 0)->unknown_ssrc, 1);
    sim_run(&s.sim, MSEC(500));
    size_t asked = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
    stage_send(s.pub, 101, 4, false);
    sim_run(&s.sim, MSEC(10));
    CHECK_INT(s.sub->rtp_n, 10); /* not a key frame */
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), asked + 1);
    stage_send(s.pub, 101, 5, true);
    stage_send(s.pub, 101, 6, false);
    sim_run(&s.sim, MSEC(10));
    CHECK_INT(s.sub->rtp_n, 12);
    CHECK_INT((uint16_t)(sim_rtp(s.sub, 10).seq - last), 1);
    CHECK_INT((uint16_t)(sim_rtp(s.sub, 11).seq - last), 2);
    CHECK_INT(s.sub->bad_n, 0);

    /* What is asked for again of the time before is not mistaken for what came since. */
    uint16_t old = (uint16_t)(last - 4);
    sim_send_nack(s.sub, SSRC_OUT, &old, 1);
    sim_run(&s.sim, MSEC(2));
    CHECK_INT(s.sub->rtp_n, 13);
    CHECK_INT(rtp_be16(sim_rtp(s.sub, 12).payload.p), old);
    CHECK_INT(sim_rtp(s.sub, 12).ts, sim_rtp(s.sub, 5).ts);

    /* The publisher's own losses are told of the new stream only. */
    sim_run(&s.sim, SEC(1));
    struct rtcp rr;
    struct rtcp_report rep;
    struct rtcp_block b;
    CHECK(sim_rtcp(s.pub, RTCP_RR, 1, &rr, 1) > 0);
    CHECK(sl_rtcp_report(&rr, &rep) == E_OK && sl_rtcp_block_next(&rep.blocks, &b));
    CHECK_INT(b.ssrc, 101);
    CHECK_INT(b.lost, 0);

    /* Nor is its time known from the old. */
    size_t reports = sim_rtcp_count(s.sub, RTCP_SR, 0);
    stage_send(s.pub, 101, 7, false);
    sim_run(&s.sim, MSEC(1100));
    CHECK_INT(sim_rtcp_count(s.sub, RTCP_SR, 0), reports);
    w = wr_of(buf, sizeof buf);
    sl_rtcp_build_report(&w, 101, &(struct rtcp_sender){.ntp = 1ULL << 41}, NULL, 0);
    sim_send_rtcp(s.pub, wr_done(&w));
    stage_send(s.pub, 101, 8, false);
    sim_run(&s.sim, MSEC(1100));
    CHECK_INT(sim_rtcp_count(s.sub, RTCP_SR, 0), reports + 1);

    /* A worker that gets the track only now learns what is true now. */
    sim_carry(s.pub, &p, 2);
    struct sim_client *late = sim_connected(&s.sim, 3, 2, SRTP_GCM_128);
    k.id++;
    sim_consume(late, &k, VIDEO);
    sim_ready(late);
    stage_send(s.pub, 101, 9, true);
    sim_run(&s.sim, MSEC(1100));
    CHECK_INT(late->rtp_n, 1);
    CHECK_INT(sim_rtcp_count(late, RTCP_SR, 0), CONSUMER_CLOCKED);
    stage_close(&s);
}

TEST(transport_follows_a_sender_that_changes_its_ssrc)
{
    change_ssrc(0);
    change_ssrc(1);
}

TEST(transport_takes_64_streams)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    p.receive.encodings_n = 4;
    for (uint32_t i = 0; i < 17; i++) {
        p.id = 100 + i;
        for (uint32_t e = 0; e < 4; e++)
            p.receive.encodings[e].ssrc = 1000 + 4 * i + e;
        sim_produce(s.pub, &p);
    }
    for (uint32_t i = 0; i < 68; i++)
        stage_send(s.pub, 1000 + i, 1, true);
    CHECK_INT(sim_stats(&s.sim, 0)->unknown_ssrc, 4);
    sim_run(&s.sim, SEC(2)); /* all are reported */
    struct rtcp rr[2];
    CHECK_INT(sim_rtcp(s.pub, RTCP_RR, 31, rr, 2), 2);
    CHECK_INT(sim_rtcp(s.pub, RTCP_RR, 2, rr, 2), 1);
    stage_close(&s);
}

/* ---- RTX of the publisher ---- */

static const struct {
    const char *name;
    const char *payload; /* hex */
    uint8_t pt, padding;
    bool ext;
    uint64_t recovered;
} rtx_rows[] = {
    {"as it is", "0002 10 01 aa", PT_RTX, 0, false, 1},
    {"with padding", "0002 10 01 aa", PT_RTX, 7, false, 1},
    {"with extensions", "0002 10 01 aa", PT_RTX, 3, true, 1},
    {"nothing but padding", "", PT_RTX, 200, false, 0},
    {"a probe of one octet", "00", PT_RTX, 0, false, 0},
    {"a probe of two octets", "0002", PT_RTX, 0, false, 0},
    {"one that is there already", "0001 10 01 aa", PT_RTX, 0, false, 0},
    {"from before the first", "ff00 10 01 aa", PT_RTX, 0, false, 0},
    {"a media payload type", "0002 10 01 aa", PT_VP8, 0, false, 0},
    {"a payload type of nobody", "0002 10 01 aa", 35, 0, false, 0},
};

TEST(transport_restores_rtx)
{
    for (size_t i = 0; i < LEN(rtx_rows); i++) {
        check_row(rtx_rows[i].name);
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        p.receive.params.codecs[0].rtx_pt = PT_RTX;
        p.receive.params.ext_id[EXT_AUDIO_LEVEL] = LEVEL_IN;
        p.receive.encodings[0].rtx_ssrc = RTX_IN;
        k.send.params.ext_id[EXT_AUDIO_LEVEL] = LEVEL_OUT;
        stage_open(&s, &p, &k, 0, SRTP_CM_SHA1_80);
        stage_send(s.pub, SSRC_IN, 1, true);
        stage_send(s.pub, SSRC_IN, 3, false);
        sim_run(&s.sim, MSEC(2));

        struct rtp r = {.pt = rtx_rows[i].pt,
                        .seq = 700,
                        .ts = 6000,
                        .ssrc = RTX_IN,
                        .marker = true,
                        .payload = check_hex(rtx_rows[i].payload)};
        struct rtp_elem level = stage_elem(LEVEL_IN, "L");
        uint8_t buf[600];
        if (rtx_rows[i].ext)
            stage_exts(&r, buf, &level, 1);
        sim_send_padded(s.pub, &r, rtx_rows[i].padding);
        sim_run(&s.sim, MSEC(2));
        CHECK_INT(sim_stats(&s.sim, 0)->recovered, rtx_rows[i].recovered);
        CHECK_INT(s.sub->rtp_n, 2 + rtx_rows[i].recovered);
        if (rtx_rows[i].recovered) {
            struct rtp got = sim_rtp(s.sub, 2);
            CHECK_INT((uint16_t)(got.seq - sim_rtp(s.sub, 0).seq), 1);
            CHECK(got.marker && got.pt == PT_OUT && got.ssrc == SSRC_OUT);
            CHECK_INT(got.ts - sim_rtp(s.sub, 0).ts, 3000);
            CHECK(span_eq(got.payload, check_hex("10 01 aa")));
            CHECK_INT(sim_ext(s.sub, 2, LEVEL_OUT).n, rtx_rows[i].ext);
        }
        stage_send(s.pub, SSRC_IN, 4, false); /* and it goes on */
        sim_run(&s.sim, MSEC(2));
        CHECK_INT(s.sub->rtp_n, 3 + rtx_rows[i].recovered);
        stage_close(&s);
    }
}

/* An RTX packet before anything that it could repair. */
TEST(transport_drops_rtx_of_an_unknown_stream)
{
    struct cmd_producer p = stage_unnamed();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    send_named(&(struct learn_packet){101, PT_RTX, "v", NULL, NULL}, 1);
    CHECK_INT(sim_stats(&s.sim, 0)->recovered, 0);
    send_named(&(struct learn_packet){100, PT_VP8, "v", NULL, NULL}, 1);
    CHECK_INT(s.sub->rtp_n, 1);
    stage_close(&s);
}

/* ---- paths ---- */

/* Two addresses: what is sent follows the nomination, and both are listened to. */
TEST(transport_follows_nomination)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    struct addr first = s.sub->addr;
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_run(&s.sim, MSEC(1));
    s.sub->addr.port++;
    sim_check_only(s.sub); /* a path, not the path */
    sim_settle(&s.sim);
    CHECK_INT(s.sub->stun_n, 2);
    stage_send(s.pub, SSRC_IN, 2, false);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 1);
    CHECK_INT(s.sim.lost, 1); /* to the first address, where nobody is now */
    CHECK(addr_eq(&s.sim.runs[(s.sim.runs_n - 1) % SIM_RUNS].to, &first));
    sim_check(s.sub);
    stage_send(s.pub, SSRC_IN, 3, false);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 2);
    s.sub->addr = first;
    sim_send_pli(s.sub, SSRC_OUT); /* heard though it is not the path */
    CHECK_INT(sim_stats(&s.sim, 0)->keyreqs_received, 1);
    CHECK_INT(sim_stats(&s.sim, 0)->stray, 0);
    stage_close(&s);
}

/* Restarted: the old credentials serve until the new are used, then not any more. Media does
 * not pause, nor does a restart that nobody used take the name in use away. */
static void restart(unsigned lands_on)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_settle(&s.sim);
    s.sub->shard = lands_on;
    s.sub->addr.port++;
    size_t answers = s.sub->stun_n;
    struct ice_creds old = sim_restart(s.sub);
    for (int i = 0; i < 4; i++)
        (void)sim_restart(s.sub);
    struct ice_creds fresh = s.sub->creds;
    s.sub->creds = old;
    sim_check(s.sub);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->stun_n, answers + 1);
    stage_send(s.pub, SSRC_IN, 2, false);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 2);
    s.sub->creds = fresh;
    sim_check(s.sub);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->stun_n, answers + 2);
    s.sub->creds = old;
    sim_check(s.sub);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->stun_n, answers + 2);
    CHECK_INT(sim_stats(&s.sim, lands_on)->stun_unknown, 1);
    stage_send(s.pub, SSRC_IN, 3, false);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 3);
    CHECK_INT(s.sim.lost, 0);
    stage_close(&s);
}

TEST(transport_restarts_ice)
{
    restart(0);
    restart(2);
}

/* ---- other workers ---- */

/* What came before anybody knew whose the transport would be. */
TEST(transport_hands_over_what_it_held)
{
    sim_init(&s.sim);
    struct cmd_producer p = stage_video();
    struct sim_client *pub = sim_client_new(&s.sim, 1, 0, SRTP_GCM_128);
    sim_check(pub);
    sim_settle(&s.sim);
    sim_keys(pub);
    sim_settle(&s.sim);

    /* The same on another worker, which knows only that the transport is expected. */
    struct sim_client *other = sim_client_new(&s.sim, 2, 0, SRTP_GCM_128);
    other->shard = 1;
    sim_check(other);
    struct cmd_keys k = {.transport = 2};
    k.in.profile = k.out.profile = SRTP_GCM_128;
    other->out = sl_srtp_out_new(sl_srtp_backend("openssl"), &k.in);
    other->in = sl_srtp_in_new(sl_srtp_backend("openssl"), &k.out, 64);
    for (uint16_t i = 1; i <= 3; i++)
        stage_send(other, SSRC_IN, i, i == 1);
    CHECK_INT(sl_pkt_pool_used(s.sim.pools[1]), 3);
    sl_shard_mail(s.sim.shards[0], SHARD_TO_ASSOC,
                  &(struct mail){.type = MAIL_KEYS, .p = sim_copy(&k, sizeof k)},
                  s.sim.now);
    other->shard = 0;
    p.id++;
    sim_produce(other, &p);
    sim_ready(other);
    sim_tell(&s.sim, 1, MAIL_OWNER, 2, 0);
    sim_settle(&s.sim);
    CHECK_INT(sim_stats(&s.sim, 0)->rtp, 3);
    CHECK_INT(s.sim.to_control[MAIL_STARTED], 1);
    sim_run(&s.sim, SEC(3));
    CHECK_INT(sim_packets(&s.sim), 0);
    stage_close(&s);
}

/* Checks with a wrong password do not cross to the owner. */
TEST(transport_hands_over_no_forged_checks)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    s.sub->shard = 2;
    s.sub->creds.pwd[0] ^= 1;
    sim_check(s.sub);
    sim_settle(&s.sim);
    CHECK_INT(sim_stats(&s.sim, 2)->handed_over, 0);
    CHECK_INT(sim_stats(&s.sim, 2)->stun_refused, 1);
    stage_close(&s);
}

/* Control hears of a track's first packet, even when its mailbox was full at first. */
TEST(transport_tells_that_a_track_started)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    s.sim.full_for_media[SHARD_TO_CONTROL] = true;
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_settle(&s.sim);
    CHECK_INT(s.sim.to_control[MAIL_STARTED], 0);
    s.sim.full_for_media[SHARD_TO_CONTROL] = false;
    stage_send(s.pub, SSRC_IN, 2, true);
    stage_send(s.pub, SSRC_IN, 3, true);
    sim_settle(&s.sim);
    CHECK_INT(s.sim.to_control[MAIL_STARTED], 1);
    stage_close(&s);
}

/* The association thread learns once of each end that it is up, not of each packet; and not by
 * what is not authentic. */
TEST(transport_tells_that_the_peer_was_heard)
{
    static const uint8_t forged[60] = {0x80, PT_VP8, 0, 1};
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    uint64_t before = s.sim.to_assoc;
    sim_send_raw(s.pub, forged, sizeof forged);
    sim_run(&s.sim, MSEC(1));
    CHECK_INT(s.sim.to_assoc, before);
    for (uint16_t seq = 1; seq < 4; seq++) {
        stage_send(s.pub, SSRC_IN, seq, true);
        sim_run(&s.sim, MSEC(1));
        CHECK_INT(s.sim.to_assoc, before + 1);
    }
    sim_send_pli(s.sub, 1);
    sim_send_pli(s.sub, 1);
    sim_run(&s.sim, MSEC(1));
    CHECK_INT(s.sim.to_assoc, before + 2);
    stage_close(&s);
}

/* A transport that nobody can address is none, however often it is asked for. */
TEST(transport_has_a_name)
{
    static struct sim sim;
    sim_init(&sim);
    for (uint64_t id = 1; id <= 2; id++) {
        struct cmd_expect e = {.transport = id, .creds = {.pwd = "password"}};
        sim_mail(&sim, 0,
                 &(struct mail){.type = MAIL_EXPECT, .p = sim_copy(&e, sizeof e)});
        CHECK_INT(sim_stats(&sim, 0)->expected, 0);
    }
    sim_fini(&sim);
}
