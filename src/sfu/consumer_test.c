#include "sfu/consumer.h"

#include <string.h>

#include "check.h"
#include "sfu/inside.h"
#include "stage.h"

static struct stage s;

/* ---- header extensions ---- */

#define LONG "0123456789abcdefghijklmnopqrstuvwxyz" /* above 16 octets */

/* ids: of the viewer; 0: not negotiated. The packet carries a level "L", and as dependency
 * descriptor whatever dd says. */
static const struct {
    const char *name;
    uint8_t mid_id, twcc_id, ast_id, level_id, dd_id;
    const char *mid, *dd;
    uint16_t form;    /* 0: no extensions */
    const char *want; /* ids in their order, as octets */
} ext_rows[] = {
    {"none", 0, 0, 0, 0, 0, "0", NULL, 0, ""},
    {"what was not negotiated is left out", 0, 0, 0, 5, 0, "0", LONG, RTP_ONE_BYTE, "\5"},
    {"all of ours", 1, 2, 0, 3, 4, "0", "dd", RTP_ONE_BYTE, "\2\1\3\4"},
    {"send time where there is no transport-cc", 0, 0, 7, 0, 0, "0", NULL, RTP_ONE_BYTE,
     "\7"},
    {"transport-cc instead of send time", 0, 2, 7, 0, 0, "0", NULL, RTP_ONE_BYTE, "\2"},
    {"a long descriptor", 1, 2, 0, 3, 4, "0", LONG, RTP_TWO_BYTE, "\2\1\3\4"},
    {"a high id of a forwarded one", 1, 2, 0, 200, 0, "0", NULL, RTP_TWO_BYTE,
     "\2\1\310"},
    {"a high id of transport-cc", 1, 20, 0, 0, 0, "0", NULL, RTP_TWO_BYTE, "\24\1"},
    {"a high id of send time", 0, 0, 15, 0, 0, "0", NULL, RTP_TWO_BYTE, "\17"},
    {"a high id of mid", 33, 2, 0, 0, 0, "0", NULL, RTP_TWO_BYTE, "\2\41"},
    {"a long mid", 1, 2, 0, 0, 0, "abcdefghijklmnopq", NULL, RTP_TWO_BYTE, "\2\1"},
    {"a mid that just fits", 1, 2, 0, 0, 0, "abcdefghijklmnop", NULL, RTP_ONE_BYTE,
     "\2\1"},
};

static void expect_exts(size_t i)
{
    struct rtp r = sim_rtp(s.sub, 0);
    struct rtp_elems it = sl_rtp_elems(&r);
    struct rtp_elem e;
    CHECK_INT(r.ext_profile, ext_rows[i].form);
    for (const char *want = ext_rows[i].want; *want; want++) {
        CHECK(sl_rtp_elems_next(&it, &e));
        CHECK_INT(e.id, (uint8_t)*want);
        if (e.id == ext_rows[i].mid_id)
            CHECK(span_is(e.data, ext_rows[i].mid));
        else if (e.id == ext_rows[i].level_id)
            CHECK(span_is(e.data, "L"));
        else if (e.id == ext_rows[i].dd_id)
            CHECK(span_is(e.data, ext_rows[i].dd));
        else
            CHECK_INT(e.data.n, e.id == ext_rows[i].twcc_id ? 2 : 3);
    }
    CHECK(!sl_rtp_elems_next(&it, &e));
    CHECK(span_eq(r.payload, (struct span){stage_key, sizeof stage_key}));
}

TEST(consumer_maps_extensions)
{
    for (size_t i = 0; i < LEN(ext_rows); i++) {
        check_row(ext_rows[i].name);
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        p.receive.params.ext_id[EXT_AUDIO_LEVEL] = LEVEL_IN;
        p.receive.params.ext_id[EXT_DEPENDENCY] = DD_IN;
        k.send.params.ext_id[EXT_MID] = ext_rows[i].mid_id;
        k.send.params.ext_id[EXT_TWCC] = ext_rows[i].twcc_id;
        k.send.params.ext_id[EXT_ABS_SEND_TIME] = ext_rows[i].ast_id;
        k.send.params.ext_id[EXT_AUDIO_LEVEL] = ext_rows[i].level_id;
        k.send.params.ext_id[EXT_DEPENDENCY] = ext_rows[i].dd_id;
        memcpy(k.send.params.mid, ext_rows[i].mid, strlen(ext_rows[i].mid) + 1);
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        struct rtp r = stage_frame(SSRC_IN, 1, true);
        struct rtp_elem e[2] = {stage_elem(LEVEL_IN, "L")};
        uint8_t buf[600];
        if (ext_rows[i].dd)
            e[1] = stage_elem(DD_IN, ext_rows[i].dd);
        stage_exts(&r, buf, e, ext_rows[i].dd ? 2 : 1);
        sim_send_rtp(s.pub, &r);
        sim_run(&s.sim, MSEC(1));
        CHECK_INT(s.sub->rtp_n, 1);
        expect_exts(i);
        stage_close(&s);
    }
}

/* A packet of nothing but extensions, as large as a datagram may be. */
TEST(consumer_writes_large_extensions)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    uint8_t big[255], ids[] = {20, 21, 22, 23, 24};
    memset(big, 'x', sizeof big);
    struct rtp_elem e[LEN(ids)];
    for (size_t i = 0; i < LEN(ids); i++) {
        p.receive.params.ext_id[EXT_ORIENTATION + i] = ids[i];
        k.send.params.ext_id[EXT_ORIENTATION + i] = (uint8_t)(ids[i] + 100);
        e[i] = (struct rtp_elem){.id = ids[i], .data = {big, sizeof big}};
    }
    stage_open(&s, &p, &k, 0, SRTP_CM_SHA1_80);
    uint8_t buf[1500];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtp r = stage_frame(SSRC_IN, 1, true);
    sl_rtp_elems_write(&w, e, LEN(e));
    r.ext_profile = RTP_TWO_BYTE;
    r.ext = (struct span){buf + 4, w.n - 4};
    for (uint16_t i = 0; i < 200; i++) { /* more than a chunk */
        r.seq = i;
        sim_send_rtp(s.pub, &r);
    }
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 200);
    CHECK_INT(s.sub->bad_n, 0);
    for (size_t i = 0; i < LEN(ids); i++)
        CHECK(span_eq(sim_ext(s.sub, 199, (uint8_t)(ids[i] + 100)), e[i].data));
    stage_close(&s);
}

/* The receiver reports on the SSRC, so it knows whose it is: the mid is left out from then. */
TEST(consumer_tells_its_mid_until_it_is_known)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    stage_send(s.pub, SSRC_IN, 1, true);
    stage_send(s.pub, SSRC_IN, 2, false);
    sim_run(&s.sim, MSEC(1));
    CHECK(span_is(sim_ext(s.sub, 0, MID_OUT), "0"));
    CHECK(span_is(sim_ext(s.sub, 1, MID_OUT), "0"));

    uint8_t buf[100];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcp_block b = {.ssrc = SSRC_OUT + 5};
    sl_rtcp_build_report(&w, 1, NULL, &b, 1); /* of another */
    sim_send_rtcp(s.sub, wr_done(&w));
    stage_send(s.pub, SSRC_IN, 3, false);
    sim_run(&s.sim, MSEC(1));
    CHECK(span_is(sim_ext(s.sub, 2, MID_OUT), "0"));
    w = wr_of(buf, sizeof buf);
    b.ssrc = SSRC_OUT;
    sl_rtcp_build_report(&w, 1, NULL, &b, 1);
    sim_send_rtcp(s.sub, wr_done(&w));
    stage_send(s.pub, SSRC_IN, 4, false);
    sim_run(&s.sim, MSEC(1));
    CHECK(sim_ext(s.sub, 3, MID_OUT).p == NULL);
    CHECK_INT(sim_ext(s.sub, 3, TWCC_OUT).n, 2);
    stage_close(&s);
}

/* One count for all that a transport sends, in the order in which it leaves. */
TEST(consumer_counts_for_transport_cc)
{
    struct cmd_producer p = stage_video(), a = stage_audio();
    struct cmd_consumer k = stage_viewer(RTX_OUT), l = stage_listener();
    l.send.params.ext_id[EXT_TWCC] = TWCC_OUT;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    sim_produce(s.pub, &a);
    sim_consume(s.sub, &l, AUDIO);
    for (uint16_t i = 1; i <= 5; i++) {
        struct rtp r = {.pt = PT_OPUS, .seq = i, .ssrc = AUDIO_IN};
        r.payload = span_of("opus");
        stage_send(s.pub, SSRC_IN, i, i == 1);
        stage_send(s.pub, SSRC_IN, (uint16_t)(i + 20), false);
        sim_send_rtp(s.pub, &r);
        if (i % 2)
            sim_run(&s.sim, MSEC(1));
    }
    uint16_t seq = sim_rtp(s.sub, 0).seq;
    sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
    sim_run(&s.sim, MSEC(1));
    CHECK_INT(s.sub->rtp_n, 16);
    CHECK_INT(sim_rtp(s.sub, 15).ssrc, SSRC_RTX);
    for (size_t i = 0; i < s.sub->rtp_n; i++)
        CHECK_INT(rtp_be16(sim_ext(s.sub, i, TWCC_OUT).p), i + 1);
    stage_close(&s);
}

TEST(consumer_stamps_the_send_time)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    k.send.params.ext_id[EXT_TWCC] = 0;
    k.send.params.ext_id[EXT_ABS_SEND_TIME] = AST_OUT;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    s.sim.now += MSEC(1500); /* 101.5 s, modulo 64 s */
    stage_send(s.pub, SSRC_IN, 1, true);
    sim_settle(&s.sim);
    struct span t = sim_ext(s.sub, 0, AST_OUT);
    CHECK_INT(t.n, 3);
    CHECK_INT(t.p[0] << 16 | t.p[1] << 8 | t.p[2], (int)(37.5 * (1 << 18)));
    stage_close(&s);
}

/* ---- payload types ---- */

static struct rtp audio(uint8_t pt, uint16_t seq, struct span payload)
{
    return (struct rtp){
        .pt = pt, .seq = seq, .ts = 960U * seq, .ssrc = AUDIO_IN, .payload = payload};
}

/* RED of Opus: whole for who has it under any payload type, opened for who has not. */
static const struct {
    const char *name;
    uint8_t red, inner; /* of the listener; PT_NONE: no RED, no Opus */
    uint8_t opus;
    const char *in,
        *out; /* payload of the packet, and as it arrives; NULL: it does not */
    uint8_t pt;
} red_rows[] = {
    {"opened", PT_NONE, PT_NONE, 109, "ef0000 02 6f aabb 0102 03", "0102 03", 109},
    {"opened, with nothing redundant", PT_NONE, PT_NONE, 109, "6f 0102", "0102", 109},
    {"whole", 63, PT_OPUS, PT_OPUS, "6f 0102", "6f 0102", 63},
    {"its Opus is called differently inside", 63, 109, 109, "6f 0102", "0102", 109},
    {"neither RED nor Opus", PT_NONE, PT_NONE, PT_NONE, "6f 0102", NULL, 0},
};

TEST(consumer_opens_red)
{
    for (size_t i = 0; i < LEN(red_rows); i++) {
        check_row(red_rows[i].name);
        struct cmd_producer p = stage_audio();
        struct cmd_consumer k = stage_listener();
        struct rtp_params *have = &k.send.params;
        p.receive.params.codecs_n = 2;
        p.receive.params.codecs[1] = stage_codec(CODEC_RED, PT_RED, PT_NONE);
        have->codecs[0] = stage_codec(CODEC_PCMU, 0, PT_NONE);
        have->codecs_n = 1;
        if (red_rows[i].opus != PT_NONE)
            have->codecs[have->codecs_n++] =
                stage_codec(CODEC_OPUS, red_rows[i].opus, PT_NONE);
        if (red_rows[i].red != PT_NONE) {
            have->codecs[have->codecs_n] =
                stage_codec(CODEC_RED, red_rows[i].red, PT_NONE);
            have->codecs[have->codecs_n++].profile = red_rows[i].inner;
        }
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        struct rtp r = audio(PT_RED, 1, check_hex(red_rows[i].in));
        sim_send_rtp(s.pub, &r);
        sim_settle(&s.sim);
        CHECK_INT(s.sub->rtp_n, red_rows[i].out != NULL);
        if (red_rows[i].out) {
            CHECK_INT(sim_rtp(s.sub, 0).pt, red_rows[i].pt);
            CHECK(span_eq(sim_rtp(s.sub, 0).payload, check_hex(red_rows[i].out)));
        }
        stage_close(&s);
    }
}

/* Audio needs no key frame: whoever comes hears the next packet. What its payload type is
 * called differs on both sides; telephone events, which nobody has, leave no gap. */
TEST(consumer_begins_with_any_audio)
{
    struct cmd_producer p = stage_audio();
    struct cmd_consumer k = stage_listener();
    stage_open(&s, &p, &k, 1, SRTP_GCM_128);
    static const uint8_t pts[] = {PT_OPUS, PT_OPUS, 126, PT_OPUS};
    for (uint16_t i = 0; i < 4; i++) {
        struct rtp r = audio(pts[i], (uint16_t)(i + 65534), span_of("opus"));
        if (i == 2)
            s.pub->index += 65536; /* the numbers roll over */
        sim_send_rtp(s.pub, &r);
        sim_run(&s.sim, MSEC(20));
    }
    CHECK_INT(s.sub->rtp_n, 3);
    CHECK_INT((uint16_t)(sim_rtp(s.sub, 2).seq - sim_rtp(s.sub, 0).seq), 2);
    CHECK_INT(sim_rtp(s.sub, 2).pt, OPUS_OUT);
    sim_run(&s.sim, SEC(2));
    CHECK_INT(s.sim.to_shards[MAIL_KEYFRAME], 0);
    stage_close(&s);
}

/* ---- resends ---- */

/* Without RTX: the wire sees the same octets twice. With it: the first payload, behind its
 * number, on another SSRC. */
TEST(consumer_resends)
{
    for (int rtx = 0; rtx < 2; rtx++)
        for (int cm = 0; cm < 2; cm++) {
            struct cmd_producer p = stage_video();
            struct cmd_consumer k = stage_viewer(rtx ? RTX_OUT : PT_NONE);
            p.receive.params.ext_id[EXT_AUDIO_LEVEL] = LEVEL_IN;
            k.send.params.ext_id[EXT_AUDIO_LEVEL] = LEVEL_OUT;
            k.send.params.ext_id[EXT_ABS_SEND_TIME] = AST_OUT;
            stage_open(&s, &p, &k, 0, cm ? SRTP_CM_SHA1_80 : SRTP_GCM_128);
            for (uint16_t i = 1; i <= 4; i++) {
                struct rtp r = stage_frame(SSRC_IN, i, i == 1);
                struct rtp_elem level = stage_elem(LEVEL_IN, "L");
                uint8_t buf[600];
                stage_exts(&r, buf, &level, 1);
                sim_send_rtp(s.pub, &r);
                sim_run(&s.sim, MSEC(30));
            }
            struct sim_got first = s.sub->wire[1];
            struct rtp plain = sim_rtp(s.sub, 1);
            size_t before = s.sub->wire_n, passed = s.sub->rtp_n;
            sim_send_nack(s.sub, SSRC_OUT, &plain.seq, 1);
            sim_settle(&s.sim);
            const struct sim_got *again = &s.sub->wire[before];
            CHECK_INT(s.sub->wire_n, before + 1);
            CHECK_INT(sim_stats(&s.sim, 0)->srtp_refused, 0);
            if (!rtx) {
                CHECK_INT(again->n, first.n);
                CHECK(memcmp(again->bytes, first.bytes, first.n) == 0);
                CHECK_INT(s.sub->bad_n, 1); /* for the receiver, a replay */
            } else {
                struct rtp r = sim_rtp(s.sub, passed);
                CHECK_INT(again->n, first.n + 2);
                CHECK(r.ssrc == SSRC_RTX && r.pt == RTX_OUT && r.ts == plain.ts);
                CHECK(r.marker && rtp_be16(r.payload.p) == plain.seq);
                CHECK_INT(r.payload.n, plain.payload.n + 2);
                CHECK(memcmp(r.payload.p + 2, plain.payload.p, plain.payload.n) == 0);
                CHECK(span_is(sim_ext(s.sub, passed, LEVEL_OUT), "L"));
                CHECK(span_is(sim_ext(s.sub, passed, MID_OUT), "0"));
            }
            stage_close(&s);
        }
}

/* What is asked for: by its distance from the last packet sent, and when. */
static const struct {
    const char *name;
    int back;   /* 0: the last packet */
    usec after; /* the last packet */
    int times;  /* that it is asked for, each so much later */
    usec apart;
    uint64_t answers;
} nack_rows[] = {
    {"the last", 0, 0, 1, 0, 1},
    {"the first", 9, 0, 1, 0, 1},
    {"before the first", 10, 0, 1, 0, 0},
    {"not sent yet", -1, 0, 1, 0, 0},
    {"far ahead", -20000, 0, 1, 0, 0},
    {"a number of the source's that was lost", 3, 0, 1, 0, 0},
    {"twice at once", 0, 0, 2, 0, 1},
    {"twice within 10 ms", 0, 0, 2, MSEC(5), 1},
    {"twice", 0, 0, 2, MSEC(15), 2},
    {"too often", 0, 0, 14, MSEC(15), 10},
    {"just not too old", 0, MSEC(900), 1, 0, 1},
    {"too old", 0, MSEC(1200), 1, 0, 0},
};

TEST(consumer_answers_nacks)
{
    for (size_t i = 0; i < LEN(nack_rows); i++) {
        check_row(nack_rows[i].name);
        struct cmd_producer p = stage_video();
        struct cmd_consumer k = stage_viewer(RTX_OUT);
        stage_open(&s, &p, &k, 0, SRTP_GCM_128);
        for (uint16_t n = 1; n <= 10; n++)
            if (n != 7)
                stage_send(s.pub, SSRC_IN, n, n == 1);
        sim_settle(&s.sim);
        CHECK_INT(s.sub->rtp_n, 9);
        sim_run(&s.sim, nack_rows[i].after);
        uint16_t seq = (uint16_t)(sim_rtp(s.sub, 8).seq - nack_rows[i].back);
        for (int t = 0; t < nack_rows[i].times; t++) {
            sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
            sim_run(&s.sim, nack_rows[i].apart);
        }
        sim_settle(&s.sim);
        CHECK_INT(sim_stats(&s.sim, 0)->nacks_received, nack_rows[i].times);
        CHECK_INT(sim_stats(&s.sim, 0)->retransmitted, nack_rows[i].answers);
        CHECK_INT(s.sub->rtp_n, 9 + nack_rows[i].answers);
        stage_close(&s);
    }
}

/* What is asked for twice within three quarters of a round trip is on its way. */
TEST(consumer_resends_once_in_a_round_trip)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcp_build_report(&w, SSRC_IN, &(struct rtcp_sender){.ntp = 1ULL << 40}, NULL, 0);
    sim_send_rtcp(s.pub, wr_done(&w));
    for (uint16_t i = 1; sim_rtcp_count(s.sub, RTCP_SR, 0) < CONSUMER_CLOCKED; i++) {
        stage_send(s.pub, SSRC_IN, i, i == 1);
        sim_run(&s.sim, MSEC(10));
    }
    struct rtcp sr[CONSUMER_CLOCKED];
    struct rtcp_report rep;
    CHECK_INT(sim_rtcp(s.sub, RTCP_SR, 0, sr, LEN(sr)), LEN(sr));
    CHECK_INT(sl_rtcp_report(&sr[LEN(sr) - 1], &rep), E_OK);
    sim_run(&s.sim, MSEC(290)); /* 300 since it was sent; 200 of them on the way */
    struct rtcp_block b = {.ssrc = SSRC_OUT, .dlsr = 65536 / 10};
    b.lsr = (uint32_t)(rep.sender.ntp >> 16);
    w = wr_of(buf, sizeof buf);
    sl_rtcp_build_report(&w, 1, NULL, &b, 1);
    sim_send_rtcp(s.sub, wr_done(&w));
    uint16_t seq = sim_rtp(s.sub, s.sub->rtp_n - 1).seq;
    static const struct {
        usec after;
        uint64_t answers;
    } asked[] = {{0, 1}, {MSEC(130), 1}, {MSEC(40), 2}};
    for (size_t i = 0; i < LEN(asked); i++) {
        sim_run(&s.sim, asked[i].after);
        sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
        CHECK_INT(sim_stats(&s.sim, 0)->retransmitted, asked[i].answers);
    }
    stage_close(&s);
}

/* ---- sources ---- */

/* Another track in the same slot: numbers go on, and time as much as has passed. */
TEST(consumer_changes_its_source)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    p.id++;
    p.receive.encodings[0].ssrc = SSRC_IN + 100;
    sim_produce(s.pub, &p);
    stage_send(s.pub, SSRC_IN, 1, true);
    stage_send(s.pub, SSRC_IN, 2, false);
    sim_run(&s.sim, MSEC(200));
    sim_source(s.sub, CONSUMER, p.id);
    stage_send(s.pub, SSRC_IN, 3, false);
    stage_send(s.pub, SSRC_IN + 100, 900, false);
    sim_run(&s.sim, MSEC(10));
    CHECK_INT(s.sub->rtp_n, 2); /* until the other begins */
    stage_send(s.pub, SSRC_IN + 100, 901, true);
    sim_run(&s.sim, MSEC(1));
    CHECK_INT(s.sub->rtp_n, 3);
    CHECK_INT((uint16_t)(sim_rtp(s.sub, 2).seq - sim_rtp(s.sub, 1).seq), 1);
    CHECK_INT(sim_rtp(s.sub, 2).ts - sim_rtp(s.sub, 1).ts, 90 * 210);

    uint16_t seq = sim_rtp(s.sub, 1).seq; /* of a source that it has not any more */
    sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
    sim_source(s.sub, CONSUMER, 0);
    stage_send(s.pub, SSRC_IN + 100, 902, true);
    sim_run(&s.sim, MSEC(1));
    CHECK_INT(s.sub->rtp_n, 3);
    sim_tell(&s.sim, 0, MAIL_PRODUCER_CLOSE, p.id, 0);
    sim_source(s.sub, CONSUMER, VIDEO);
    stage_send(s.pub, SSRC_IN, 4, true);
    sim_run(&s.sim, MSEC(1));
    CHECK_INT(s.sub->rtp_n, 4);
    stage_close(&s);
}

/* What the next source calls by the same payload type is something else. */
TEST(consumer_names_payloads_by_source)
{
    struct cmd_producer p = stage_audio();
    struct cmd_consumer k = stage_listener();
    struct rtp r = audio(PT_OPUS, 1, span_of("opus"));
    k.send.params.codecs[k.send.params.codecs_n++] = stage_codec(CODEC_PCMU, 0, PT_NONE);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    p.id++;
    p.receive.encodings[0].ssrc = AUDIO_IN + 100;
    p.receive.params.codecs[0] = stage_codec(CODEC_PCMU, PT_OPUS, PT_NONE);
    sim_produce(s.pub, &p);
    sim_send_rtp(s.pub, &r);
    sim_settle(&s.sim);
    sim_source(s.sub, k.id, p.id);
    r.ssrc += 100;
    sim_send_rtp(s.pub, &r);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 2);
    CHECK_INT(sim_rtp(s.sub, 0).pt, OPUS_OUT);
    CHECK_INT(sim_rtp(s.sub, 1).pt, 0);
    stage_close(&s);
}

/* ---- names of pictures ---- */

static const uint8_t dd_head[] = {0xc0};

/* A frame with picture id, TL0PICIDX and dependency descriptor, whose numbers are all n. */
static void send_picture(uint32_t ssrc, uint16_t seq, uint16_t n, bool key)
{
    uint8_t body[10] = {
        0x90, 0xe0, (uint8_t)(0x80 | n >> 8), (uint8_t)n, (uint8_t)n, 0, !key, 1, 2, 3};
    uint8_t dd[3] = {dd_head[0], (uint8_t)(n >> 8), (uint8_t)n}, buf[600];
    struct rtp_elem e = {.id = DD_IN, .data = {dd, sizeof dd}};
    struct rtp r = stage_frame(ssrc, seq, key);
    r.payload = (struct span){body, sizeof body};
    stage_exts(&r, buf, &e, 1);
    sim_send_rtp(s.pub, &r);
    sim_run(&s.sim, MSEC(1));
}

static void expect_picture(size_t i, uint16_t n, bool rtx)
{
    struct rtp r = sim_rtp(s.sub, i);
    const uint8_t *p = r.payload.p + (rtx ? 2 : 0);
    struct span dd = sim_ext(s.sub, i, DD_OUT);
    CHECK_INT(r.payload.n, rtx ? 12 : 10);
    CHECK_INT(rtp_be16(p + 2), 0x8000 | (n & 0x7fff));
    CHECK_INT(p[4], n & 0xff);
    CHECK(p[7] == 1 && p[8] == 2 && p[9] == 3);
    CHECK(dd.n == 3 && dd.p[0] == dd_head[0]);
    CHECK_INT(rtp_be16(dd.p + 1), n);
}

/* They go on over sources as if there had been one, here and on another worker; also what is
 * resent of a source before. */
static void name_pictures(unsigned viewer_shard, uint8_t rtx)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(rtx);
    p.receive.params.ext_id[EXT_DEPENDENCY] = DD_IN;
    k.send.params.ext_id[EXT_DEPENDENCY] = DD_OUT;
    stage_open(&s, &p, &k, viewer_shard, SRTP_GCM_128);
    struct cmd_producer q = p;
    q.id++;
    q.receive.encodings[0].ssrc++;
    sim_produce(s.pub, &q);
    if (viewer_shard != 0)
        sim_carry(s.pub, &q, viewer_shard);
    uint16_t n = 300, other = 5000;
    for (uint16_t i = 0; i < 4; i++)
        send_picture(SSRC_IN, i, n++, i == 0);
    for (uint16_t i = 0; i < 4; i++)
        expect_picture(i, (uint16_t)(300 + i), false); /* the first source's own */
    sim_source(s.sub, CONSUMER, q.id);
    for (uint16_t i = 0; i < 4; i++)
        send_picture(SSRC_IN + 1, i, other++, i == 0);
    sim_source(s.sub, CONSUMER, VIDEO);
    n += 1000;
    for (uint16_t i = 4; i < 8; i++)
        send_picture(SSRC_IN, i, n++, i == 4);
    CHECK_INT(s.sub->rtp_n, 12);
    for (size_t i = 0; i < s.sub->rtp_n; i++)
        expect_picture(i, (uint16_t)(300 + i), false);
    for (size_t i = 1; i < 12; i++) /* all of one size */
        CHECK_INT(s.sub->wire[i].n, s.sub->wire[0].n);

    uint16_t seq = sim_rtp(s.sub, 9).seq;
    struct sim_got first = s.sub->wire[9];
    size_t wire = s.sub->wire_n;
    sim_send_nack(s.sub, SSRC_OUT, &seq, 1);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->wire_n, wire + 1);
    if (rtx != PT_NONE) {
        expect_picture(12, 309, true);
    } else {
        CHECK_INT(s.sub->wire[wire].n, first.n);
        CHECK(memcmp(s.sub->wire[wire].bytes, first.bytes, first.n) == 0);
    }
    stage_close(&s);
}

TEST(consumer_names_pictures)
{
    for (unsigned shard = 0; shard < 2; shard++) {
        name_pictures(shard, RTX_OUT);
        name_pictures(shard, PT_NONE);
    }
}

/* The path is lost for a while: names do not go back, and what was missed is missing. */
TEST(consumer_names_pictures_after_a_pause)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    p.receive.params.ext_id[EXT_DEPENDENCY] = DD_IN;
    k.send.params.ext_id[EXT_DEPENDENCY] = DD_OUT;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    send_picture(SSRC_IN, 1, 40, true);
    sim_run(&s.sim, ICE_CONSENT + SEC(1));
    sim_check(s.pub);
    send_picture(SSRC_IN, 2, 41, true);
    sim_check(s.sub);
    send_picture(SSRC_IN, 3, 42, true);
    CHECK_INT(s.sub->rtp_n, 2);
    expect_picture(1, 42, false);
    stage_close(&s);
}

/* A path is probed with what was sent lately, from the newest back; slowly, with padding. */
TEST(consumer_probes_with_what_was_sent)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    struct job job;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    struct consumer *c = sl_shard_consumer(s.sim.shards[0], CONSUMER);
    CHECK_INT(sl_consumer_pad(c, 400, s.sim.now, &job), E_OK);
    CHECK_INT(job.kind, JOB_PADDING); /* nothing was sent yet */
    sl_pkt_unref(job.pkt);
    sim_run(&s.sim, MSEC(100));
    for (uint16_t n = 1; n <= 3; n++)
        stage_send(s.pub, SSRC_IN, n, n == 1);
    sim_settle(&s.sim);
    uint16_t last = sim_rtp(s.sub, 2).seq;
    const uint32_t told[] = {0, last + 1U, last - 3U, 1U << 16 | (last - 1U)};
    for (size_t i = 0; i < LEN(told); i++) {
        sl_consumer_report(c, &(struct rtcp_block){.last_seq = told[i]}, s.sim.now);
        CHECK_INT(c->heard, i == 3); /* the others are numbers of none that it was sent */
        if (i < 3) {
            CHECK_INT(sl_consumer_pad(c, 400, s.sim.now, &job), E_OK);
            CHECK_INT(job.kind, JOB_PADDING);
            sl_pkt_unref(job.pkt);
        }
    }
    for (uint16_t n = 0; n < 3; n++) {
        CHECK_INT(sl_consumer_pad(c, 400, s.sim.now, &job), E_OK);
        CHECK_INT(job.kind, JOB_REPAIR);
        CHECK_INT(job.osn, (uint16_t)(last - n));
        sl_pkt_unref(job.pkt);
    }
    CHECK_INT(sl_consumer_pad(c, 400, s.sim.now, &job), E_OK);
    CHECK_INT(job.kind, JOB_PADDING); /* all were */
    sl_pkt_unref(job.pkt);
    sim_run(&s.sim, MSEC(600));
    stage_send(s.pub, SSRC_IN, 4, false);
    sim_settle(&s.sim);
    CHECK_INT(sl_consumer_pad(c, 100, s.sim.now, &job), E_OK);
    CHECK_INT(job.kind, JOB_PADDING); /* a whole packet is more than is due */
    sl_pkt_unref(job.pkt);
    stage_close(&s);
}
