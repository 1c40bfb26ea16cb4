#include "sfu/feedback.h"

#include "check.h"
#include "stage.h"

static struct stage s;

/* A viewer waits for an encoding of which nothing was ever sent: nobody can be asked, and
 * the shard sleeps until its first packet tells the SSRC. */
TEST(feedback_asks_for_a_key_frame_once_the_ssrc_is_known)
{
    struct cmd_producer p = stage_simulcast();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    sim_run(&s.sim, MSEC(2030)); /* so that nothing else is due when it comes */
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 0);
    CHECK(s.sim.ticks < 40); /* feedback each 100 ms, reports, reviews */

    struct rtp r = stage_frame(1234, 1, false);
    uint8_t exts[600];
    const struct rtp_elem named[] = {stage_elem(MID_IN, "v"), stage_elem(RID_IN, "l")};
    stage_exts(&r, exts, named, LEN(named));
    sim_send_rtp(s.pub, &r);
    sim_run(&s.sim, MSEC(2));
    struct rtcp pli;
    struct rtcp_fb fb;
    CHECK_INT(sim_rtcp(s.pub, RTCP_PSFB, PSFB_PLI, &pli, 1), 1);
    CHECK(sl_rtcp_fb(&pli, &fb) == E_OK && fb.media == 1234);
    stage_close(&s);
}

/* Many viewers ask, by PLI and FIR: the publisher is asked once, and again only when half a
 * second has gone by without a key frame. */
TEST(feedback_merges_requests)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    struct sim_client *viewers[8] = {s.sub};
    for (unsigned i = 1; i < LEN(viewers); i++) {
        k.id++;
        viewers[i] = sim_connected(&s.sim, 2 + i, 0, SRTP_GCM_128);
        sim_consume(viewers[i], &k, VIDEO);
        sim_ready(viewers[i]);
    }
    sim_run(&s.sim, MSEC(10));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 1);
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_run(&s.sim, SEC(1));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 1);

    for (unsigned i = 0; i < LEN(viewers); i++) {
        uint8_t buf[64];
        struct wr w = wr_of(buf, sizeof buf);
        sl_rtcp_build_report(&w, 1, NULL, NULL, 0);
        sl_rtcp_build_fir(&w, 1, SSRC_OUT, (uint8_t)i);
        if (i % 2)
            sim_send_rtcp(viewers[i], wr_done(&w));
        else
            sim_send_pli(viewers[i], SSRC_OUT);
    }
    CHECK_INT(sim_stats(&s.sim, 0)->keyreqs_received, 8);
    sim_run(&s.sim, MSEC(490));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 2);
    sim_run(&s.sim, MSEC(20));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 3); /* it was lost */
    stage_send(s.pub, SSRC_IN, 2, true);
    sim_send_pli(s.sub, SSRC_OUT); /* it is answered by the time it comes */
    sim_run(&s.sim, MSEC(1));
    sim_send_pli(s.sub, SSRC_OUT); /* soon again */
    sim_run(&s.sim, MSEC(400));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 3);
    sim_run(&s.sim, MSEC(200));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), 4);
    CHECK_INT(sim_stats(&s.sim, 0)->keyreqs_sent, 4);
    sim_send_pli(s.sub, SSRC_OUT + 1); /* of nobody */
    stage_close(&s);
}

/* Resends are no flood: what is asked for at once comes as fast as the path takes it. */
TEST(feedback_resends_within_a_budget)
{
    static uint8_t payload[1000] = {0x10, 0x01};
    enum { PACKETS = 100, BURST = 17 }; /* the first is small */
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    uint16_t seqs[PACKETS];
    k.send.params.codecs[0].twcc = true;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    for (uint16_t i = 0; i < PACKETS; i++) {
        struct rtp r = stage_frame(SSRC_IN, i, i == 0);
        if (i > 0)
            r.payload = (struct span){payload, sizeof payload};
        sim_send_rtp(s.pub, &r);
        sim_run(&s.sim, MSEC(1));
        seqs[i] = sim_rtp(s.sub, i).seq;
    }
    sim_send_nack(s.sub, SSRC_OUT, seqs, PACKETS);
    sim_settle(&s.sim);
    CHECK_INT(sim_stats(&s.sim, 0)->retransmitted, BURST);
    sim_send_nack(s.sub, SSRC_OUT, seqs, PACKETS);
    sim_settle(&s.sim);
    CHECK_INT(sim_stats(&s.sim, 0)->retransmitted, BURST);
    /* A third of what it begins with, 600 kbit/s: 5 kB. */
    sim_run(&s.sim, MSEC(200));
    sim_send_nack(s.sub, SSRC_OUT, seqs + BURST, PACKETS - BURST);
    sim_settle(&s.sim);
    CHECK_INT(sim_stats(&s.sim, 0)->retransmitted, BURST + 4);
    stage_close(&s);
}

/* Few packets are remembered at first, and more as more is sent: that is noticed each second, and
 * when something is asked for. */
TEST(feedback_remembers_what_may_be_asked_for)
{
    static const struct {
        const char *name;
        bool asked; /* for the last, half way */
        int n;      /* packets, 4 ms apart */
        int back;   /* of the last: what is asked for then */
        bool resent;
    } rows[] = {
        {"a quarter of a second", false, 70, 60, true},
        {"three quarters, in the second second", false, 500, 190, true},
        {"half a second at once", false, 160, 150, false},
        {"half a second, once something was asked for", true, 160, 150, true},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        uint16_t seq = 0;
        check_row(rows[i].name);
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        for (int n = 0; n < rows[i].n; n++) {
            stage_send(s.pub, SSRC_IN, (uint16_t)n, n == 0);
            sim_run(&s.sim, MSEC(4));
            seq = sim_rtp(s.sub, s.sub->rtp_n - 1).seq;
            if (rows[i].asked && n == rows[i].n / 2)
                sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
        }
        uint64_t before = sim_stats(&s.sim, 0)->retransmitted;
        CHECK_INT(before, rows[i].asked);
        seq = (uint16_t)(seq - rows[i].back);
        sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
        sim_settle(&s.sim);
        CHECK_INT(sim_stats(&s.sim, 0)->retransmitted - before, rows[i].resent);
        stage_close(&s);
    }
}

/* What can be repaired no more is replaced by a key frame, unless one came since. */
static const struct {
    const char *name;
    unsigned asked;    /* before */
    usec after, every; /* then, and between those before */
    bool key;          /* another one came */
    size_t plis;
} late_rows[] = {
    {"it is resent", 0, MSEC(20), 0, false, 0},
    {"too old", 0, MSEC(1200), 0, false, 1},
    {"too old, and before a key frame", 0, MSEC(1200), 0, true, 0},
    {"too often", 10, MSEC(20), MSEC(20), false, 1},
    {"too often, but the last time just now", 10, MSEC(1), MSEC(20), false, 0},
    {"too often, and before a key frame", 10, MSEC(20), MSEC(20), true, 0},
};

TEST(feedback_asks_for_a_key_frame_when_it_is_too_late)
{
    for (size_t i = 0; i < LEN(late_rows); i++) {
        check_row(late_rows[i].name);
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        for (uint16_t n = 1; n <= 3; n++)
            stage_send(s.pub, SSRC_IN, n, n == 1);
        sim_run(&s.sim, MSEC(1));
        uint16_t seq = sim_rtp(s.sub, 1).seq;
        size_t before = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
        for (unsigned n = 0; n < late_rows[i].asked; n++) {
            sim_run(&s.sim, late_rows[i].every);
            sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
        }
        CHECK_INT(sim_stats(&s.sim, 0)->retransmitted, late_rows[i].asked);
        sim_run(&s.sim, late_rows[i].after);
        stage_send(s.pub, SSRC_IN, 4, late_rows[i].key);
        sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
        sim_run(&s.sim, MSEC(490)); /* requests have their distances */
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI) - before, late_rows[i].plis);
        stage_close(&s);
    }
}

/* How a key frame is asked for is what was negotiated. */
static const struct {
    const char *name;
    bool pli, fir;
    size_t plis, firs;
} ask_rows[] = {
    {"PLI", true, false, 1, 0},
    {"PLI rather than FIR", true, true, 1, 0},
    {"FIR", false, true, 0, 1},
    {"neither", false, false, 0, 0},
};

TEST(feedback_asks_as_negotiated)
{
    for (size_t i = 0; i < LEN(ask_rows); i++) {
        check_row(ask_rows[i].name);
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        p.receive.params.codecs[0].pli = ask_rows[i].pli;
        p.receive.params.codecs[0].fir = ask_rows[i].fir;
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        sim_run(&s.sim, MSEC(10));
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), ask_rows[i].plis);
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_FIR), ask_rows[i].firs);
        stage_close(&s);
    }
}

/* RFC 5104 §4.3.1.1: a request that is repeated has the number of the first. */
TEST(feedback_numbers_fir)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    p.receive.params.codecs[0].pli = false;
    p.receive.params.codecs[0].fir = true;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    sim_run(&s.sim, MSEC(700)); /* asked twice */
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_run(&s.sim, SEC(2));
    sim_send_pli(s.sub, SSRC_OUT);
    sim_run(&s.sim, MSEC(10));
    struct rtcp fir[4];
    uint8_t seq[3] = {0};
    CHECK_INT(sim_rtcp(s.pub, RTCP_PSFB, PSFB_FIR, fir, 4), 3);
    for (size_t i = 0; i < 3; i++) {
        struct rtcp_fb fb;
        uint32_t ssrc;
        CHECK(sl_rtcp_fb(&fir[i], &fb) == E_OK);
        CHECK(sl_rtcp_fir_next(&fb.fci, &ssrc, &seq[i]) && ssrc == SSRC_IN);
    }
    CHECK_INT(seq[1] - seq[0], 0);
    CHECK_INT(seq[2] - seq[0], 1);
    stage_close(&s);
}

/* ---- losses of the publisher ---- */

TEST(feedback_asks_for_what_was_lost)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    stage_send(s.pub, SSRC_IN, 1, true);
    stage_send(s.pub, SSRC_IN, 4, false);
    sim_run(&s.sim, MSEC(9));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_RTPFB, RTPFB_NACK), 0); /* it may be late */
    sim_run(&s.sim, MSEC(3));
    struct rtcp nack;
    struct rtcp_fb fb;
    uint16_t seq = 0;
    CHECK_INT(sim_rtcp(s.pub, RTCP_RTPFB, RTPFB_NACK, &nack, 1), 1);
    CHECK(sl_rtcp_fb(&nack, &fb) == E_OK && fb.media == SSRC_IN);
    struct rtcp_nacks it = rtcp_nacks_of(&fb);
    CHECK(sl_rtcp_nack_next(&it, &seq) && seq == 2);
    CHECK(sl_rtcp_nack_next(&it, &seq) && seq == 3);
    CHECK(!sl_rtcp_nack_next(&it, &seq));
    CHECK_INT(sim_stats(&s.sim, 0)->nacks_sent, 2);
    stage_send(s.pub, SSRC_IN, 2, false);
    sim_run(&s.sim, MSEC(150));
    CHECK_INT(sim_rtcp(s.pub, RTCP_RTPFB, RTPFB_NACK, &nack, 1), 2);
    CHECK(sl_rtcp_fb(&nack, &fb) == E_OK);
    it = rtcp_nacks_of(&fb);
    CHECK(sl_rtcp_nack_next(&it, &seq) && seq == 3 && !sl_rtcp_nack_next(&it, &seq));

    /* Too much to have again: a key frame is cheaper. */
    sim_run(&s.sim, SEC(2));
    size_t plis = sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI);
    stage_send(s.pub, SSRC_IN, 1000, false);
    sim_run(&s.sim, MSEC(10));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_PLI), plis + 1);
    stage_close(&s);
}

/* ---- reports ---- */

/* Numbers as RFC 3550 §6.4.1 defines them. */
TEST(feedback_reports_what_was_received)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    p.receive.params.codecs[0].nack = false;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcp_sender sr = {.ntp = UINT64_C(0x1122334455667788)};
    sl_rtcp_build_report(&w, SSRC_IN, &sr, NULL, 0);
    for (uint16_t i = 0; i < 20; i++) {
        struct rtp r = stage_frame(SSRC_IN, (uint16_t)(65530 + i), false);
        r.ts = 90U * 10 * i;
        if (i == 6)
            s.pub->index += 65536;
        if (i % 5 != 3) /* a fifth is lost */
            sim_send_rtp(s.pub, &r);
        if (i == 10)
            sim_send_rtcp(s.pub, wr_done(&w));
        sim_run(&s.sim, i % 2 ? MSEC(8) : MSEC(12)); /* jitter of 2 ms */
    }
    sim_run(&s.sim, SEC(1));
    struct rtcp rr;
    struct rtcp_report rep;
    struct rtcp_block b = {0};
    CHECK_INT(sim_rtcp(s.pub, RTCP_RR, 1, &rr, 1), 1);
    CHECK(sl_rtcp_report(&rr, &rep) == E_OK && sl_rtcp_block_next(&rep.blocks, &b));
    CHECK_INT(b.ssrc, SSRC_IN);
    CHECK_INT(b.lost, 4);
    CHECK_INT(b.fraction, 4 * 256 / 20);
    CHECK_INT(b.last_seq, 65536 + 13);
    CHECK(b.jitter > 60 && b.jitter < 180);
    CHECK_INT(b.lsr, 0x33445566);
    CHECK(b.dlsr > 65536 * 8 / 10 && b.dlsr < 65536);
    stage_close(&s);
}

/* ---- arrivals ---- */

static void send_numbered(uint16_t n)
{
    struct rtp r = stage_frame(SSRC_IN, n, n == 0);
    uint8_t buf[600], be[2] = {0, (uint8_t)n};
    struct rtp_elem e = {.id = TWCC_IN, .data = {be, 2}};
    stage_exts(&r, buf, &e, 1);
    sim_send_rtp(s.pub, &r);
}

/* Without transport-cc and with it: what the publisher is told of the path. */
static const struct {
    const char *name;
    bool remb, twcc;
    size_t rembs, twccs; /* in 2.05 s */
} path_rows[] = {
    {"neither", false, false, 0, 0},
    {"REMB", true, false, 3, 0},
    {"transport-cc", false, true, 0, 20},
    {"both", true, true, 0, 20},
};

TEST(feedback_tells_of_the_path)
{
    for (size_t i = 0; i < LEN(path_rows); i++) {
        check_row(path_rows[i].name);
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        p.receive.params.codecs[0].remb = path_rows[i].remb;
        p.receive.params.ext_id[EXT_TWCC] = path_rows[i].twcc ? TWCC_IN : 0;
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        for (uint16_t n = 0; n < 205; n++) {
            if (n != 5)
                send_numbered(n);
            sim_run(&s.sim, MSEC(10));
        }
        struct rtcp all[32];
        size_t twccs = sim_rtcp(s.pub, RTCP_RTPFB, RTPFB_TWCC, all, LEN(all));
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_REMB), path_rows[i].rembs);
        CHECK_INT(twccs, path_rows[i].twccs);
        unsigned next = 0;
        for (size_t f = 0; f < twccs && f < LEN(all); f++) {
            struct rtcp_fb fb;
            struct rtcp_twcc t;
            struct rtcp_arrival a;
            CHECK(sl_rtcp_fb(&all[f], &fb) == E_OK && sl_rtcp_twcc(&fb, &t) == E_OK);
            CHECK_INT(t.fb_count, f);
            while (sl_rtcp_twcc_next(&t, &a)) {
                CHECK_INT(a.seq, next);
                CHECK_INT(a.received, next != 5);
                if (a.received) /* the clock of the simulation, in steps of 250 us */
                    CHECK_INT(a.at, SEC(100) + MSEC(10) * next);
                next++;
            }
        }
        CHECK(!path_rows[i].twcc || next > 190);
        stage_close(&s);
    }
}

/* How often a shard has something to do in 10 s in which nothing comes. */
static unsigned wakes(unsigned shard)
{
    unsigned n = 0;
    for (usec end = s.sim.now + SEC(10); s.sim.now < end; s.sim.now += MSEC(1))
        if (sl_shard_deadline(s.sim.shards[shard]) <= s.sim.now) {
            sl_shard_tick(s.sim.shards[shard], s.sim.now);
            n++;
        }
    return n;
}

/* A viewer's transport has nothing to say in between its reports. */
TEST(feedback_of_a_viewer_sleeps)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 1, SRTP_GCM_128);
    sim_run(&s.sim, SEC(2));
    CHECK(wakes(1) <= 10 + 40); /* once a second, and each quarter for the encodings */
    stage_close(&s);
}

/* Nor has a publisher's that sends nothing; when it does, what arrives is told as soon as ever. */
TEST(feedback_of_a_silent_publisher_sleeps)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    p.receive.params.ext_id[EXT_TWCC] = TWCC_IN;
    stage_open(&s, &p, &k, 1, SRTP_GCM_128);
    for (uint16_t n = 0; n < 2; n++) {
        for (unsigned i = 0; i < 3; i++) {
            send_numbered((uint16_t)(n * 3 + i));
            sim_run(&s.sim, MSEC(10));
        }
        sim_run(&s.sim, FEEDBACK_INTERVAL);
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_RTPFB, RTPFB_TWCC), n + 1);
        sim_run(&s.sim, SEC(2));
        CHECK(wakes(0) <= 10 + 40 + 20); /* and its key frame is asked for again */
        CHECK_INT(sim_rtcp_count(s.pub, RTCP_RTPFB, RTPFB_TWCC), n + 1);
    }
    stage_close(&s);
}

/* One track has transport-cc, another REMB only: the transport has an estimate already. */
TEST(feedback_tells_no_limit_beside_transport_cc)
{
    struct cmd_producer p = stage_video(), q = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    q.id++;
    q.receive.params.ext_id[EXT_TWCC] = 0;
    q.receive.params.codecs[0].remb = true;
    q.receive.encodings[0].ssrc++;
    sim_produce(s.pub, &q);
    stage_send(s.pub, SSRC_IN, 1, true);
    stage_send(s.pub, SSRC_IN + 1, 1, true);
    sim_run(&s.sim, SEC(3));
    CHECK_INT(sim_rtcp_count(s.pub, RTCP_PSFB, PSFB_REMB), 0);
    stage_close(&s);
}
