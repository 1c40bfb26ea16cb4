#include "sfu/trace.h"

#include <stdlib.h>

#include "sfu/replay.h"
#include "stage.h"

/* What a transport says and hears is in the file as it was before and behind encryption. */

enum { MEMORY = 1 << 20, HEADERS = 28 /* of UDP and IPv4 */, PUB = 1, SUB = 2 };
#define WALL INT64_C(1767323045000000)

static struct stage s;
static uint8_t memory[MEMORY];
static const struct addr ours[] = {
    {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 2}, .port = 8443}};

static struct trace_conf conf(usec until)
{
    return (struct trace_conf){
        .about = "a test", .at = ours, .at_n = LEN(ours), .wall = WALL, .until = until};
}

/* A packet of the file. */
struct seen {
    bool sent;
    uint32_t interface;
    uint64_t at_ns;
    struct span ip, datagram;
};

/* The next, behind whatever else there is. False: no more. */
static bool next(struct rd *file, struct seen *ret)
{
    while (file->n > 0) {
        uint32_t type = rd_u32(file), n = rd_u32(file);
        struct rd block = rd_of(rd_span(file, n - 12));
        CHECK_INT(rd_u32(file), n);
        if (type != 6)
            continue;
        *ret = (struct seen){.interface = rd_u32(&block), .at_ns = rd_u64(&block)};
        size_t octets = rd_u32(&block);
        (void)rd_u32(&block);
        ret->ip = rd_span(&block, octets);
        ret->datagram = (struct span){ret->ip.p + HEADERS, octets - HEADERS};
        (void)rd_span(&block, (4 - octets % 4) % 4 + 4);
        ret->sent = rd_u32(&block) == 2;
        CHECK(!block.bad && !file->bad && octets > HEADERS);
        return true;
    }
    return false;
}

static bool is_rtcp(const struct seen *p)
{
    return rtp_is_rtcp(p->datagram.p);
}

/* Packets one way: of RTP and RTCP. */
struct found {
    size_t rtp, rtcp;
};
static struct found count(const struct trace *tr, bool sent)
{
    struct rd file = rd_of(wr_done(&tr->out));
    struct found n = {0, 0};
    for (struct seen p; next(&file, &p);)
        if (p.sent == sent)
            *(is_rtcp(&p) ? &n.rtcp : &n.rtp) += 1;
    return n;
}

/* Those that were sent are those that its client has decrypted. */
static void same_as_got(const struct trace *tr, const struct sim_client *c)
{
    struct rd file = rd_of(wr_done(&tr->out));
    size_t rtp = 0, rtcp = 0;
    for (struct seen p; next(&file, &p);) {
        if (!p.sent)
            continue;
        const struct sim_got *g = is_rtcp(&p) ? &c->rtcp[rtcp++] : &c->rtp[rtp++];
        CHECK(span_eq(p.datagram, (struct span){g->bytes, g->n}));
    }
    CHECK_INT(rtp, c->rtp_n);
    CHECK_INT(rtcp, c->rtcp_n);
    CHECK(rtp > 0 && rtcp > 0);
}

static void speak(uint16_t from, uint16_t to)
{
    for (uint16_t i = from; i < to; i++) {
        stage_send(s.pub, SSRC_IN, i, i == 0);
        sim_run(&s.sim, MSEC(10));
    }
}

/* The publisher's clock, so that viewers are told it. */
static void send_clock(void)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcp_sender sr = {.ntp = UINT64_C(5000) << 32};
    sl_rtcp_build_report(&w, SSRC_IN, &sr, NULL, 0);
    sim_send_rtcp(s.pub, wr_done(&w));
}

static void open_call(void)
{
    struct cmd_producer p = stage_video();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
}

static void begin(struct trace *tr, uint64_t transport, const struct trace_conf *c)
{
    sl_trace_init(tr, wr_of(memory, sizeof memory), c);
    CHECK(!tr->over);
    CHECK_INT(sl_shard_trace(s.sim.shards[0], transport, tr), E_OK);
}

TEST(trace_of_a_viewer)
{
    const struct trace_conf c = conf(USEC_NEVER);
    const uint16_t lost[] = {145, 146};
    struct trace tr;
    open_call();
    s.sub->rtp_n = s.sub->rtcp_n = 0;
    begin(&tr, SUB, &c);
    send_clock();
    speak(0, 150);
    struct rtp first = sim_rtp(s.sub, 0);
    uint16_t seqs[LEN(lost)];
    for (size_t i = 0; i < LEN(lost); i++)
        seqs[i] = (uint16_t)(first.seq + lost[i]);
    sim_send_nack(s.sub, SSRC_OUT, seqs, LEN(seqs));
    sim_send_pli(s.sub, SSRC_OUT);
    sim_settle(&s.sim);
    CHECK_INT(s.sub->rtp_n, 150 + LEN(lost)); /* and repairs, on their own SSRC */
    same_as_got(&tr, s.sub);
    struct found in = count(&tr, false);
    CHECK_INT(in.rtp, 0);
    CHECK_INT(in.rtcp, 2);
    stage_close(&s);
    CHECK(tr.over && !tr.of); /* its transport is closed */
}

TEST(trace_of_a_publisher)
{
    enum { N = 50 };
    const struct trace_conf c = conf(USEC_NEVER);
    struct trace tr;
    struct seen p = {0};
    open_call();
    s.pub->rtcp_n = 0;
    begin(&tr, PUB, &c);
    usec begun = s.sim.now;
    speak(0, N);
    struct found in = count(&tr, false), out = count(&tr, true);
    CHECK_INT(in.rtp, N);
    CHECK_INT(in.rtcp, 0);
    CHECK_INT(out.rtp, 0);
    CHECK_INT(out.rtcp, s.pub->rtcp_n);
    CHECK(out.rtcp > 0);
    struct rd file = rd_of(wr_done(&tr.out));
    while (next(&file, &p) && p.sent)
        ;
    struct rtp rtp;
    CHECK_INT(sl_rtp_parse(p.datagram, &rtp), E_OK);
    CHECK_INT(rtp.ssrc, SSRC_IN);
    CHECK_INT(rtp.seq, 0);
    CHECK(span_eq(rtp.payload, (struct span){stage_key, sizeof stage_key}));
    CHECK_INT(p.interface, 0);
    CHECK_INT(p.at_ns, (WALL + begun) * 1000);
    /* From the client's address to ours. */
    CHECK(span_eq((struct span){p.ip.p + 12, 4}, (struct span){s.pub->addr.ip + 12, 4}));
    CHECK(span_eq((struct span){p.ip.p + 16, 4}, (struct span){ours[0].ip + 12, 4}));
    CHECK_INT(rtp_be16(p.ip.p + 20), s.pub->addr.port);
    CHECK_INT(rtp_be16(p.ip.p + 22), ours[0].port);
    CHECK(sl_trace_end(&tr) > 0);
    size_t n = tr.out.n;
    speak(N, N + 10);
    CHECK_INT(tr.out.n, n);
    stage_close(&s);
}

/* A stream: the interface says so, and an address of the same family stands for our end. */
TEST(trace_by_tcp)
{
    const struct trace_conf c = conf(USEC_NEVER);
    struct trace tr;
    struct seen p = {0};
    open_call();
    s.pub->port = TX_STREAMS + 7;
    s.pub->addr.port++;
    sim_check(s.pub);
    sim_settle(&s.sim);
    begin(&tr, PUB, &c);
    speak(0, 1);
    struct rd file = rd_of(wr_done(&tr.out));
    while (next(&file, &p) && p.sent)
        ;
    CHECK(!p.sent);
    CHECK_INT(p.interface, 1);
    CHECK(span_eq((struct span){p.ip.p + 16, 4}, (struct span){ours[0].ip + 12, 4}));
    stage_close(&s);
}

TEST(trace_has_an_end)
{
    static const struct {
        const char *name;
        size_t octets;
        usec length;
        size_t most; /* packets */
    } rows[] = {
        {"its time is over", MEMORY, MSEC(55), 6},
        {"it is full", 1024, SEC(100), 8},
        {"not even its head fits", 100, SEC(100), 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct trace tr;
        check_row(rows[i].name);
        open_call();
        const struct trace_conf c = conf(s.sim.now + rows[i].length);
        sl_trace_init(&tr, wr_of(memory, rows[i].octets), &c);
        CHECK_INT(tr.over, rows[i].most == 0);
        CHECK_INT(sl_shard_trace(s.sim.shards[0], PUB, &tr), E_OK);
        speak(0, 40);
        CHECK(tr.over);
        struct found in = count(&tr, false);
        CHECK(in.rtp <= rows[i].most && (in.rtp > 0) == (rows[i].most > 0));
        CHECK(tr.out.n <= rows[i].octets && !tr.out.bad);
        CHECK_INT(sl_trace_end(&tr), tr.out.n);
        stage_close(&s);
    }
}

TEST(trace_of_whom)
{
    const struct trace_conf c = conf(USEC_NEVER);
    struct trace tr, again = {.over = false};
    open_call();
    begin(&tr, PUB, &c);
    CHECK_INT(sl_shard_trace(s.sim.shards[0], PUB, &again), E_EXISTS);
    CHECK_INT(sl_shard_trace(s.sim.shards[0], 99, &again), E_ABSENT);
    CHECK_INT(sl_shard_trace(s.sim.shards[1], PUB, &again), E_ABSENT); /* not the owner */
    CHECK(!again.of);
    (void)sl_trace_end(&tr);
    CHECK_INT(sl_shard_trace(s.sim.shards[0], PUB, &again), E_OK);
    stage_close(&s);
}

/* What is captured while somebody is traced is given again without. */
TEST(trace_changes_nothing)
{
    const struct trace_conf c = conf(USEC_NEVER);
    struct replay_report r;
    struct trace tr;
    enum { CAPTURE = 8 << 20 };
    sim_plain = (struct sim_conf){.captures_n = CAPTURE};
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        CHECK((sim_plain.captures[i] = calloc(1, CAPTURE)) != NULL);
    open_call();
    begin(&tr, SUB, &c);
    speak(0, 100);
    sim_send_pli(s.sub, SSRC_OUT);
    sim_run(&s.sim, SEC(1));
    const struct replay_conf rc = {.srtp = sl_srtp_backend_best()};
    CHECK_INT(sl_replay(sim_captured(&s.sim, 0), &rc, &r), E_OK);
    CHECK_STR(r.difference, "");
    CHECK(r.stats.forwarded >= 100 && count(&tr, true).rtp >= 100);
    stage_close(&s);
    for (unsigned i = 0; i < SIM_SHARDS; i++)
        free(sim_plain.captures[i]);
    sim_plain = (struct sim_conf){0};
}
