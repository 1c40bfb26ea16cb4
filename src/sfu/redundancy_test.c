#include "sfu/redundancy.h"

#include "check.h"
#include "sfu/consumer.h"
#include "stage.h"

static struct stage s;

enum { RED_OUT = 64 };

/* The listener knows RED, or not, of this Opus. */
static void open_stage(uint8_t red, uint8_t inner, unsigned shard)
{
    struct cmd_producer p = stage_audio();
    struct cmd_consumer k = stage_listener();
    if (red != PT_NONE) {
        k.send.params.codecs[1] = stage_codec(CODEC_RED, red, PT_NONE);
        k.send.params.codecs[1].profile = inner;
        k.send.params.codecs_n = 2;
    }
    stage_open(&s, &p, &k, shard, SRTP_GCM_128);
}

static void report(unsigned percent)
{
    uint8_t buf[100];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcp_block b = {.ssrc = SSRC_OUT + 10,
                           .fraction = (uint8_t)(percent * 256 / 100)};
    sl_rtcp_build_report(&w, 1, NULL, &b, 1);
    sim_send_rtcp(s.sub, wr_done(&w));
    sim_settle(&s.sim);
}

/* Packet seq, whose payload is its number three times. */
static void send(uint16_t seq, uint8_t pt)
{
    uint8_t payload[] = {(uint8_t)seq, (uint8_t)seq, (uint8_t)seq};
    sim_send_rtp(s.pub, &(struct rtp){.pt = pt,
                                      .seq = seq,
                                      .ts = 960U * seq,
                                      .ssrc = AUDIO_IN,
                                      .payload = {payload, sizeof payload}});
    sim_settle(&s.sim);
    sim_run(&s.sim, MSEC(20));
}

static void expect(uint8_t pt, const char *hex)
{
    struct rtp r = sim_rtp(s.sub, s.sub->rtp_n - 1);
    CHECK_INT(r.pt, pt);
    CHECK(span_eq(r.payload, check_hex(hex)));
}

/* Percent lost in each report, and how many blocks packets have then. */
static const struct {
    const char *name;
    uint8_t red, inner;
    size_t reports;
    unsigned lost[6];
    unsigned blocks;
} rows[] = {
    {"nothing is lost", RED_OUT, OPUS_OUT, 1, {0}, 0},
    {"one percent", RED_OUT, OPUS_OUT, 6, {1, 1, 1, 1, 1, 1}, 0},
    {"three percent", RED_OUT, OPUS_OUT, 3, {3, 3, 3}, 1},
    {"fifteen percent", RED_OUT, OPUS_OUT, 3, {15, 15, 15}, 2},
    {"a burst, long ago", RED_OUT, OPUS_OUT, 6, {30, 0, 0, 0, 0, 0}, 0},
    {"less than before, but still some", RED_OUT, OPUS_OUT, 6, {15, 15, 15, 4, 4, 4}, 1},
    {"RED was not negotiated", PT_NONE, 0, 3, {15, 15, 15}, 0},
    {"RED of another codec", RED_OUT, 5, 3, {15, 15, 15}, 0},
};

TEST(redundancy_follows_the_loss)
{
    static const char *const want[] = {"030303", "ed 0f0003 6d 020202 030303",
                                       "ed 1e0003 ed 0f0003 6d 010101 020202 030303"};
    for (unsigned shard = 0; shard < 2; shard++)
        for (size_t i = 0; i < LEN(rows); i++) {
            check_row(rows[i].name);
            open_stage(rows[i].red, rows[i].inner, shard);
            for (size_t k = 0; k < rows[i].reports; k++)
                report(rows[i].lost[k]);
            for (uint16_t seq = 1; seq <= 3; seq++)
                send(seq, PT_OPUS);
            expect(rows[i].blocks ? RED_OUT : OPUS_OUT, want[rows[i].blocks]);
            CHECK_INT(s.sub->bad_n, 0);
            stage_close(&s);
        }
}

/* A path has room for it or has not, whatever is lost. */
TEST(redundancy_in_the_room_there_is)
{
    static const struct {
        const char *name;
        uint8_t pt, wanted;
        uint32_t bps;
        uint64_t path_bps;
        uint8_t blocks;
        uint32_t takes;
    } paths[] = {
        {"no limit", RED_OUT, 2, 60000, UINT64_MAX, 2, 68800},
        {"room for both", RED_OUT, 2, 60000, 600000, 2, 68800},
        {"room for one", RED_OUT, 2, 60000, 300000, 1, 34400},
        {"room for both, as so much is lost", RED_OUT, 2, 60000, 350000, 2, 68800},
        {"room for one, for the same reason", RED_OUT, 2, 60000, 180000, 1, 34400},
        {"hardly any", RED_OUT, 2, 60000, 170000, 0, 0},
        {"less is lost", RED_OUT, 1, 60000, 270000, 0, 0},
        {"a slower sound", RED_OUT, 2, 30000, 270000, 2, 30000},
        {"nothing is lost", RED_OUT, 0, 60000, 600000, 0, 0},
        {"a little is", RED_OUT, 1, 60000, 600000, 1, 34400},
        {"RED was not negotiated", PT_NONE, 0, 60000, 600000, 0, 0},
    };
    for (size_t i = 0; i < LEN(paths); i++) {
        struct consumer c = {.red = {.pt = paths[i].pt, .wanted = paths[i].wanted}};
        check_row(paths[i].name);
        CHECK_INT(sl_redundancy_room(&c, paths[i].bps, paths[i].path_bps),
                  paths[i].takes);
        CHECK_INT(c.red.blocks, paths[i].blocks);
        sl_redundancy_report(&c, 255); /* that does not make more room */
        CHECK(c.red.blocks <= c.red.most);
    }
}

/* What was lost on its way to us is not there to be added; what comes late is. */
TEST(redundancy_of_what_there_is)
{
    open_stage(RED_OUT, OPUS_OUT, 0);
    report(30);
    report(30);
    send(1, PT_OPUS);
    expect(OPUS_OUT, "010101");
    send(3, PT_OPUS);
    expect(RED_OUT, "ed 1e0003 6d 010101 030303");
    send(2, PT_OPUS);
    expect(RED_OUT, "ed 0f0003 6d 010101 020202");
    send(4, PT_OPUS);
    expect(RED_OUT, "ed 1e0003 ed 0f0003 6d 020202 030303 040404");
    for (int i = 0; i < 120; i++) /* too long ago */
        sim_run(&s.sim, MSEC(20));
    send(5, PT_OPUS);
    expect(OPUS_OUT, "050505");
    stage_close(&s);
}

/* Nothing from before the source was this one: the receiver heard another then. */
TEST(redundancy_does_not_mix_voices)
{
    open_stage(RED_OUT, OPUS_OUT, 0);
    report(30);
    report(30);
    sim_source(s.sub, CONSUMER + 1, 0);
    sim_settle(&s.sim);
    send(1, PT_OPUS);
    CHECK_INT(s.sub->rtp_n, 0);
    sim_source(s.sub, CONSUMER + 1, AUDIO);
    sim_settle(&s.sim);
    send(2, PT_OPUS);
    expect(OPUS_OUT, "020202");
    send(3, PT_OPUS);
    expect(RED_OUT, "ed 0f0003 6d 020202 030303");
    stage_close(&s);
}

/* Large packets, and more of them than a chunk of the batch: each stays below a datagram. */
TEST(redundancy_is_bounded)
{
    static const struct {
        size_t octets, blocks;
    } sizes[] = {{390, 2}, {500, 1}, {1023, 0}, {1100, 0}};
    static uint8_t sound[1100];
    for (size_t k = 0; k < LEN(sizes); k++) {
        open_stage(RED_OUT, OPUS_OUT, 0);
        report(30);
        report(30);
        for (uint16_t seq = 0; seq < 200; seq++) {
            sim_send_rtp(s.pub, &(struct rtp){.pt = PT_OPUS,
                                              .seq = seq,
                                              .ts = 960U * seq,
                                              .ssrc = AUDIO_IN,
                                              .payload = {sound, sizes[k].octets}});
            if (seq % 4 == 0)
                sim_settle(&s.sim);
        }
        sim_settle(&s.sim);
        CHECK_INT(s.sub->rtp_n, 200);
        CHECK_INT(s.sub->bad_n, 0);
        size_t want = sizes[k].octets * (sizes[k].blocks + 1) +
                      (sizes[k].blocks ? 4 * sizes[k].blocks + 1 : 0);
        CHECK_INT(sim_rtp(s.sub, 50).payload.n, want);
        stage_close(&s);
    }
}
