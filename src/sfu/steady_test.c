/* Nothing on the way of a packet of a known stream allocates: a publisher, a viewer on its
 * worker and one on another, with losses on all ways, after they have run for a while. */

#include <stdio.h>

#include "check.h"
#include "proto/twcc.h"
#include "stage.h"

/* Of ASan and TSan; absent without them. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
extern int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *,
                                                              size_t),
                                                     void (*)(const volatile void *))
    __attribute__((weak));

enum { VIEWERS = 2, LOST_IN = 50, LOST_OUT = 97 };

static struct stage s;
static size_t taken_n;

static struct {
    uint16_t twcc, rtx; /* the next numbers */
    uint8_t body[2 + sizeof stage_delta];
} pub;

static struct viewer {
    struct sim_client *c;
    size_t seen, resent;
    struct twcc twcc;
} viewers[VIEWERS];

static void taken(const volatile void *p, size_t n)
{
    (void)p, (void)n;
    taken_n += s.sim.inside;
}

static void freed(const volatile void *p)
{
    (void)p;
}

static void join(unsigned i, struct sim_client *c)
{
    struct cmd_consumer l = stage_listener();
    l.id += i * UINT64_C(10);
    viewers[i].c = c;
    sim_consume(c, &l, AUDIO);
    sim_ready(c);
}

static void open_all(void)
{
    struct cmd_producer p = stage_video(), a = stage_audio();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    memset(viewers, 0, sizeof viewers);
    p.receive.params.codecs[0].rtx_pt = PT_RTX;
    p.receive.params.codecs[0].twcc = true;
    p.receive.encodings[0].rtx_ssrc = RTX_IN;
    k.send.params.codecs[0].twcc = true;
    stage_open(&s, &p, &k, 0, SRTP_GCM_128);
    sim_produce(s.pub, &a);
    sim_carry(s.pub, &p, 1);
    sim_carry(s.pub, &a, 1);
    join(0, s.sub);
    k.id += 20;
    struct sim_client *other = sim_connected(&s.sim, 3, 1, SRTP_GCM_128);
    sim_consume(other, &k, VIDEO);
    join(1, other);
    sim_settle(&s.sim);
}

static void send_video(unsigned i, bool again)
{
    uint8_t number[2], exts[600];
    struct rtp r = stage_frame(SSRC_IN, (uint16_t)i, i == 0);
    r.ts = 90 * i;
    if (again) { /* RFC 4588 §4 */
        struct wr w = wr_of(pub.body, sizeof pub.body);
        wr_u16(&w, r.seq);
        wr_span(&w, r.payload);
        r.payload = wr_done(&w);
        r.ssrc = RTX_IN;
        r.pt = PT_RTX;
        r.seq = pub.rtx++;
    }
    struct wr w = wr_of(number, sizeof number);
    wr_u16(&w, pub.twcc++);
    struct rtp_elem e = {.id = TWCC_IN, .data = {number, sizeof number}};
    stage_exts(&r, exts, &e, 1);
    sim_send_rtp(s.pub, &r);
}

static void publish(unsigned i)
{
    if (i % LOST_IN != LOST_IN - 1)
        send_video(i, false);
    if (i >= LOST_IN && i % LOST_IN == 20)
        send_video(i - 21, true); /* it was asked for, as is checked by the count */
    if (i % 20 == 0) {
        struct rtp r = {.pt = PT_OPUS,
                        .seq = (uint16_t)(i / 20),
                        .ts = 48 * i,
                        .ssrc = AUDIO_IN,
                        .payload = span_of("opus")};
        sim_send_rtp(s.pub, &r);
    }
    for (unsigned k = 0; k < 2 && i % 1000 == 500; k++) {
        uint8_t buf[100];
        struct wr w = wr_of(buf, sizeof buf);
        struct rtcp_sender sr = {.ntp = ((UINT64_C(5000000) + i) << 32) / 1000,
                                 .rtp_ts = (k ? 48 : 90) * i};
        sl_rtcp_build_report(&w, k ? AUDIO_IN : SSRC_IN, &sr, NULL, 0);
        sim_send_rtcp(s.pub, wr_done(&w));
    }
}

/* Some of what came is asked for again, as if it had not; all of it is told of. */
static void view(struct viewer *v, unsigned i)
{
    for (; v->seen < v->c->rtp_n; v->seen++) {
        struct rtp r = sim_rtp(v->c, v->seen);
        struct span number = sim_ext(v->c, v->seen, TWCC_OUT);
        if (number.n == 2)
            sl_twcc_add(&v->twcc, rtp_be16(number.p), s.sim.now);
        v->resent += r.ssrc == SSRC_RTX && r.payload.n > 2;
        if (r.ssrc == SSRC_OUT && r.seq % LOST_OUT == 0)
            sim_send_nack(v->c, SSRC_OUT, &r.seq, 1);
    }
    uint8_t buf[TWCC_FB_OCTETS];
    struct wr w = wr_of(buf, sizeof buf);
    if (i % 50 == 0 && sl_twcc_build(&v->twcc, 1, SSRC_OUT, &w))
        sim_send_rtcp(v->c, wr_done(&w));
    if (i % 1000 == 700) {
        struct rtcp_block b = {.ssrc = SSRC_OUT};
        w = wr_of(buf, sizeof buf);
        sl_rtcp_build_report(&w, 1, NULL, &b, 1);
        sim_send_rtcp(v->c, wr_done(&w));
    }
}

static void run(unsigned from, unsigned until)
{
    for (unsigned i = from; i < until; i++) { /* a millisecond */
        publish(i);
        sim_run(&s.sim, MSEC(1));
        for (unsigned v = 0; v < VIEWERS; v++)
            view(&viewers[v], i);
        if (i % 2000 == 0) { /* consent */
            sim_check(s.pub);
            for (unsigned v = 0; v < VIEWERS; v++)
                sim_check(viewers[v].c);
        }
    }
}

/* All of it happened. */
static void check_viewer(unsigned i, const struct shard_stats *before, size_t resent)
{
    const struct shard_stats *now = sim_stats(&s.sim, i);
    CHECK(now->forwarded - before->forwarded >= 4000);
    CHECK(now->retransmitted - before->retransmitted >= 40);
    CHECK(now->nacks_received - before->nacks_received >= 40);
    CHECK(now->reports_sent > before->reports_sent);
    CHECK_INT(now->estimated, 1);
    CHECK(resent >= 40);
}

static void check_recovery(const struct shard_stats *here,
                           const struct shard_stats *there)
{
    const struct shard_stats *now = sim_stats(&s.sim, 0);
    CHECK(now->recovered - here->recovered >= 70);
    CHECK(now->nacks_sent - here->nacks_sent >= 70);
    CHECK(now->feedback_sent - here->feedback_sent >= 30);
    CHECK(sim_stats(&s.sim, 1)->piped_in - there->piped_in >= 4000);
}

TEST(steady_forwarding_allocates_nothing)
{
    bool counts = __sanitizer_install_malloc_and_free_hooks;
    if (counts)
        CHECK(__sanitizer_install_malloc_and_free_hooks(taken, freed) > 0);
#ifdef __SANITIZE_ADDRESS__
    CHECK(counts); /* where nothing could be counted, nothing was shown */
#endif
    if (!counts)
        printf("# allocations are not counted: built without a sanitizer\n");
    taken_n = 0;
    open_all();
    run(0, 4000);
    CHECK(!counts || taken_n > 0); /* tracks and paths take memory: they are counted */

    const struct shard_stats before[] = {*sim_stats(&s.sim, 0), *sim_stats(&s.sim, 1)};
    const size_t resent[] = {viewers[0].resent, viewers[1].resent};
    uint64_t clocks = s.sim.to_shards[MAIL_CLOCK];
    taken_n = 0;
    run(4000, 8000);
    /* A publisher's report, not a packet, goes to another worker as a letter of its own. */
    clocks = s.sim.to_shards[MAIL_CLOCK] - clocks;
    CHECK_INT(clocks, 8);
    CHECK_INT(taken_n, counts ? clocks : 0);

    for (unsigned i = 0; i < VIEWERS; i++)
        check_viewer(i, &before[i], viewers[i].resent - resent[i]);
    check_recovery(&before[0], &before[1]);
    stage_close(&s);
}
