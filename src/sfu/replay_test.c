#include "sfu/replay.h"

#include <stdlib.h>

#include "sfu/capture.h"
#include "viewing.h"

enum { MEMORY = 24 << 20 };

static struct stage s;
static uint8_t *memory[SIM_SHARDS];

static void captured(void)
{
    sim_plain = (struct sim_conf){.captures_n = MEMORY};
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        CHECK((sim_plain.captures[i] = memory[i] = calloc(1, MEMORY)) != NULL);
}

static void forget(void)
{
    sim_plain = (struct sim_conf){0};
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        free(memory[i]);
}

static enum err play(struct span file, struct replay_report *ret)
{
    return sl_replay(file, &(struct replay_conf){.srtp = sl_srtp_backend_best()}, ret);
}

/* What a shard gave is given again, and its books say the same. */
static void same(unsigned shard, struct replay_report *ret)
{
    struct span file = sim_captured(&s.sim, shard);
    CHECK(file.n < MEMORY); /* all of it */
    CHECK_INT(play(file, ret), E_OK);
    CHECK_STR(ret->difference, "");
    CHECK(!ret->cut);
    CHECK_INT(ret->at, file.n);
    CHECK_INT(memcmp(&ret->stats, sim_stats(&s.sim, shard), sizeof ret->stats), 0);
}

TEST(replay_of_a_viewer_on_a_bad_path)
{
    struct replay_report r;
    const struct impair_conf path = {
        .rate_bps = 700e3, .queue = MSEC(200), .delay = MSEC(40), .loss = 0.03};
    captured();
    viewing_open(&s, &path, 1);
    viewing_run(&s, SEC(6));
    same(0, &r);
    CHECK(r.stats.retransmitted > 0 && r.stats.padding > 0 && r.stats.forwarded > 500);
    CHECK(r.sent > r.stats.forwarded && r.span > SEC(7));
    viewing_close(&s);
    forget();
}

static void speak(uint16_t from, uint16_t to)
{
    for (uint16_t seq = from; seq < to; seq++) {
        struct rtp rtp = {.pt = PT_VP8, .seq = seq, .ts = seq * 3000U, .ssrc = SSRC_IN};
        rtp.payload = seq % 30 ? (struct span){stage_delta, sizeof stage_delta}
                               : (struct span){stage_key, sizeof stage_key};
        sim_send_rtp(s.pub, &rtp);
        sim_run(&s.sim, MSEC(10));
    }
}

/* Packets, clocks and wishes go from worker to worker, and packets come back. */
static void on_two_workers(void)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(PT_NONE);
    stage_open(&s, &p, &k, 1, SRTP_CM_SHA1_80);
    speak(0, 90);
    sim_send_pli(s.sub, SSRC_OUT);
    s.pub->addr.port++; /* a path that lands with the other worker, which hands over */
    s.pub->shard = 1;
    sim_check(s.pub);
    sim_settle(&s.sim);
    speak(90, 180);
    s.sim.full_for_media[1] = true;
    speak(180, 190);
    s.sim.full_for_media[1] = false;
    speak(190, 200);
}

TEST(replay_of_two_workers)
{
    struct replay_report r;
    captured();
    on_two_workers();
    same(0, &r);
    CHECK(r.stats.piped > 150 && r.stats.mail_full > 0 && r.datagrams > 80);
    same(1, &r);
    CHECK(r.stats.piped_in > 150 && r.stats.forwarded > 150 && r.stats.handed_over > 80);
    same(2, &r);
    stage_close(&s);
    forget();
}

/* The record with this number among those of its type; NULL: there is none. */
static uint8_t *record(unsigned shard, enum capture_record type, size_t number)
{
    struct capture_head head;
    struct rd r = rd_of(sim_captured(&s.sim, shard)), rec;
    CHECK_INT(sl_capture_head_get(&r, &head), E_OK);
    for (enum capture_record is; (is = sl_capture_next(&r, &rec)) != CAPTURE_END;)
        if (is == type && number-- == 0)
            return memory[shard] + (rec.p - memory[shard]);
    return NULL;
}

enum { BEFORE = 12, RUN = 18 + 2 + 2 + 4, DONE = 8 };

static const struct {
    const char *name;
    enum capture_record type;
    size_t number, at; /* the octet of this record that is another */
    enum err want;
    const char *difference; /* begins so; "": whatever */
} others[] = {
    {"an octet of a datagram", CAPTURE_DATAGRAMS, 30, BEFORE + 1 + 18 + 2 + 8 + 2 + 14,
     E_STATE, ""},
    {"the digest of a datagram", CAPTURE_SENT, 5, 2 + RUN, E_STATE,
     "run 0, datagram 0 to 10.0.0."},
    {"who was sent to", CAPTURE_SENT, 5, 2 + 15, E_STATE, "run 0: now "},
    {"how many runs", CAPTURE_SENT, 5, 1, E_STATE, "now 1 runs are sent, then "},
    {"to whom a mail went", CAPTURE_POSTED, 3, 0, E_STATE, "a mail of type "},
    {"what it said", CAPTURE_POSTED, 3, 6, E_STATE, "a mail of type "},
    {"which packet it lent: no such", CAPTURE_POSTED, 151, 2, E_MALFORMED, ""},
    {"a time that is over", CAPTURE_TICK, 2, 0, E_MALFORMED, ""},
    {"more buffers than there are", CAPTURE_FLUSH, 20, 8, E_MALFORMED, ""},
    {"a mail of nobody", CAPTURE_MAIL, 2, BEFORE, E_MALFORMED, ""},
    {"a mail that is none", CAPTURE_MAIL, 2, BEFORE + 1, E_UNSUPPORTED, ""},
};

TEST(replay_says_what_differs)
{
    captured();
    on_two_workers();
    struct span file = sim_captured(&s.sim, 1);
    for (size_t i = 0; i < LEN(others); i++) {
        struct replay_report r;
        check_row(others[i].name);
        uint8_t *rec = record(1, others[i].type, others[i].number);
        CHECK(rec != NULL);
        if (!rec)
            continue;
        rec[others[i].at] ^= 0xc1;
        CHECK_INT(play(file, &r), others[i].want);
        CHECK_INT(
            strncmp(r.difference, others[i].difference, strlen(others[i].difference)), 0);
        CHECK_INT(r.difference[0] != '\0', others[i].want == E_STATE);
        if (others[i].type >= CAPTURE_SENT) /* by the call that led to it */
            CHECK(r.at < (size_t)(rec - file.p));
        rec[others[i].at] ^= 0xc1;
    }
    stage_close(&s);
    forget();
}

/* Of a process that died there is no more than it wrote. */
TEST(replay_of_a_part)
{
    captured();
    on_two_workers();
    struct span file = sim_captured(&s.sim, 1);
    const uint8_t *sent = record(1, CAPTURE_SENT, 50);
    static const struct {
        const char *name;
        int octets; /* behind the length of that record */
        bool cut;
    } rows[] = {{"before what was sent", -5, true},
                {"in the midst of what was sent", 3, true},
                {"no octet but the head", -(1 << 30), false}};
    CHECK(sent != NULL);
    for (size_t i = 0; sent && i < LEN(rows); i++) {
        struct replay_report r;
        long n = (long)(sent - file.p) + rows[i].octets;
        check_row(rows[i].name);
        struct span part = {file.p, n < CAPTURE_HEAD ? (size_t)CAPTURE_HEAD : (size_t)n};
        CHECK_INT(play(part, &r), E_OK);
        CHECK_INT(r.cut, rows[i].cut);
        CHECK_INT(r.records > 0, rows[i].cut);
    }
    stage_close(&s);
    forget();
}

TEST(replay_of_what_is_no_capture)
{
    static const struct {
        const char *name;
        size_t at; /* of the head, another octet */
        size_t n;
        enum err want;
    } rows[] = {{"another file", 0, CAPTURE_HEAD, E_UNSUPPORTED},
                {"of another version", 15, CAPTURE_HEAD, E_UNSUPPORTED},
                {"of a worker that cannot be", 17, CAPTURE_HEAD, E_MALFORMED},
                {"with more packets than memory", 18, CAPTURE_HEAD, E_MALFORMED},
                {"an octet too few", 60, CAPTURE_HEAD - 1, E_SHORT}};
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t head[CAPTURE_HEAD];
        struct capture c;
        struct replay_report r;
        struct pkt_pool *pool = sl_pkt_pool_new(1, 1, 0);
        check_row(rows[i].name);
        sl_capture_init(&c, wr_of(head, sizeof head),
                        &(struct capture_head){.packets = 1}, pool, USEC_NEVER);
        CHECK_INT(sl_capture_end(&c), CAPTURE_HEAD);
        head[rows[i].at] ^= 0x40;
        CHECK_INT(play((struct span){head, rows[i].n}, &r), rows[i].want);
        sl_pkt_pool_free(pool);
    }
}

/* To count what a shard costs, nothing is compared, and the same is done. */
TEST(replay_blind)
{
    struct replay_report r;
    captured();
    on_two_workers();
    struct span file = sim_captured(&s.sim, 1);
    const struct replay_conf conf = {.srtp = sl_srtp_backend_best(), .blind = true};
    CHECK_INT(sl_replay(file, &conf, &r), E_OK);
    CHECK_INT(memcmp(&r.stats, sim_stats(&s.sim, 1), sizeof r.stats), 0);
    stage_close(&s);
    forget();
}
