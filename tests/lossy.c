#include "lossy.h"

#include <stdlib.h>

#include "base/rng.h"

#include "check.h"
#include "media/ntp.h"
#include "media/unwrap.h"
#include "stage.h"

enum { FLIGHTS = 8192, PACKETS = 1 << 17, FIRST = 1000, FRAMES = 8192 };

#define ASK_AGAIN MSEC(100) /* browsers that only receive know no round trip */

enum leg { TO_SHARD, TO_PUBLISHER, TO_VIEWER, FROM_VIEWER, REPORT };

/* What is on its way. */
struct flight {
    usec at;
    enum leg leg;
    uint16_t seq; /* media, or asked for */
    bool again, marker;
    uint32_t lsr; /* of a report */
};

static struct run {
    const struct lossy_conf *conf;
    struct stage s;
    struct rng rng;
    struct flight flights[FLIGHTS];
    size_t flights_n;
    uint16_t next, next_rtx; /* of the publisher */
    size_t rtp_seen, rtcp_seen, reports_n;
    uint64_t highest, playing, first_out;
    bool begun;
    usec ask_at[PACKETS]; /* for what is missing */
    uint8_t got[PACKETS]; /* 1: came, 2: and ends a frame; by number less first_out */
    size_t came, again, twice;
    usec shown[FRAMES], sent[FRAMES];
    size_t shown_n, sent_n;
} r;

static void fly(enum leg leg, const struct flight *what)
{
    const struct lossy_net *net =
        leg == TO_SHARD || leg == TO_PUBLISHER ? &r.conf->publisher : &r.conf->viewer;
    if (rng_u32(&r.rng) < net->loss * UINT32_MAX)
        return;
    CHECK(r.flights_n < FLIGHTS);
    struct flight *f = &r.flights[r.flights_n++];
    *f = *what;
    f->leg = leg;
    f->at = r.s.sim.now + net->rtt / 2;
}

/* ---- the publisher ---- */

static void send_packet(uint16_t seq, bool again)
{
    unsigned n = r.conf->packets, at = (uint16_t)(seq - FIRST) % n;
    uint8_t payload[16] = {(uint8_t)(seq >> 8), (uint8_t)seq, at == 0 ? 0x10 : 0x00,
                           (uint16_t)(seq - FIRST) < n ? 0 : 1};
    struct rtp_elem mid = stage_elem(MID_IN, "v");
    uint8_t exts[600];
    struct rtp p = {
        .pt = again ? PT_RTX : PT_VP8,
        .seq = again ? r.next_rtx++ : seq,
        .ts = 90000 / r.conf->fps * ((uint16_t)(seq - FIRST) / n),
        .ssrc = again ? RTX_IN : SSRC_IN,
        .marker = at == n - 1,
        .payload = {again ? payload : payload + 2, again ? sizeof payload : 14},
    };
    stage_exts(&p, exts, &mid, 1);
    sim_send_rtp(r.s.pub, &p);
}

static void send_frame(void)
{
    for (unsigned i = 0; i < r.conf->packets; i++)
        fly(TO_SHARD, &(struct flight){.seq = r.next++});
    r.sent[r.sent_n++] = r.s.sim.now;
}

/* Its clock, so that the shard may report to the viewer. */
static void send_report(void)
{
    uint8_t buf[100];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcp_sender sr = {.ntp = ntp_of_span(r.s.sim.now),
                             .rtp_ts = (uint32_t)(r.s.sim.now * 90 / 1000)};
    sl_rtcp_build_report(&w, SSRC_IN, &sr, NULL, 0);
    sim_send_rtcp(r.s.pub, wr_done(&w));
}

/* Requests that the shard sent since the last look. */
static void look_at_requests(void)
{
    for (; r.rtcp_seen < r.s.pub->rtcp_n; r.rtcp_seen++) {
        const struct sim_got *g = &r.s.pub->rtcp[r.rtcp_seen % SIM_GOT];
        struct rd compound;
        struct rtcp c;
        struct rtcp_fb fb;
        CHECK_INT(sl_rtcp_parse((struct span){g->bytes, g->n}, &compound), E_OK);
        while (sl_rtcp_next(&compound, &c)) {
            if (c.type != RTCP_RTPFB || c.count != RTPFB_NACK ||
                sl_rtcp_fb(&c, &fb) != E_OK)
                continue;
            struct rtcp_nacks it = rtcp_nacks_of(&fb);
            uint16_t seq;
            while (sl_rtcp_nack_next(&it, &seq))
                fly(TO_PUBLISHER, &(struct flight){.seq = seq});
        }
    }
}

/* ---- the viewer ---- */

static void look_at_media(void)
{
    for (; r.rtp_seen < r.s.sub->rtp_n; r.rtp_seen++) {
        struct rtp p = sim_rtp(r.s.sub, r.rtp_seen);
        struct flight f = {.seq = p.seq, .marker = p.marker, .again = p.ssrc == SSRC_RTX};
        if (f.again && p.payload.n <= 2)
            continue; /* padding */
        if (f.again)
            f.seq = rtp_be16(p.payload.p);
        r.came += !f.again;
        r.again += f.again;
        fly(TO_VIEWER, &f);
    }
}

/* A report on the last one of ours comes back at once, and is not lost. */
static void look_at_reports(void)
{
    struct rtcp sr[1];
    struct rtcp_report rep;
    size_t n = sim_rtcp(r.s.sub, RTCP_SR, 0, sr, 1);
    if (n == r.reports_n || sl_rtcp_report(sr, &rep) != E_OK)
        return;
    r.reports_n = n;
    struct flight f = {.at = r.s.sim.now + r.conf->viewer.rtt,
                       .leg = REPORT,
                       .lsr = (uint32_t)(rep.sender.ntp >> 16)};
    r.flights[r.flights_n++] = f;
}

static void report(const struct flight *f)
{
    uint8_t buf[100];
    struct wr w = wr_of(buf, sizeof buf);
    struct rtcp_block b = {.ssrc = SSRC_OUT, .lsr = f->lsr};
    sl_rtcp_build_report(&w, 1, NULL, &b, 1);
    sim_send_rtcp(r.s.sub, wr_done(&w));
}

static void take_media(const struct flight *f)
{
    if (!r.begun) {
        r.begun = true;
        r.highest = r.playing = r.first_out = SEQ_FIRST + f->seq;
    }
    uint64_t seq = unwrap_seq(r.highest, f->seq);
    if (seq < r.first_out || seq - r.first_out >= PACKETS)
        return;
    r.highest = seq > r.highest ? seq : r.highest;
    uint8_t *at = &r.got[seq - r.first_out];
    r.twice += *at != 0;
    *at = f->marker ? 2 : 1;
    for (uint8_t got; (got = r.got[r.playing - r.first_out]) != 0; r.playing++)
        if (got == 2)
            r.shown[r.shown_n++] = r.s.sim.now;
}

static void ask_again(void)
{
    for (uint64_t seq = r.playing; seq < r.highest; seq++) {
        uint64_t i = seq - r.first_out;
        if (r.got[i] || r.s.sim.now < r.ask_at[i])
            continue;
        r.ask_at[i] = r.s.sim.now + ASK_AGAIN;
        fly(FROM_VIEWER, &(struct flight){.seq = (uint16_t)seq});
    }
}

/* ---- both ---- */

static void land(const struct flight *f)
{
    switch (f->leg) {
    case TO_SHARD: send_packet(f->seq, f->again); break;
    case TO_PUBLISHER:
        fly(TO_SHARD, &(struct flight){.seq = f->seq, .again = true});
        break;
    case TO_VIEWER: take_media(f); break;
    case FROM_VIEWER: sim_send_nack(r.s.sub, SSRC_OUT, &f->seq, 1); break;
    case REPORT: report(f); break;
    }
}

static void step(void)
{
    size_t kept = 0, n = r.flights_n;
    for (size_t i = 0; i < n; i++) {
        struct flight f = r.flights[i];
        if (f.at <= r.s.sim.now)
            land(&f);
        else
            r.flights[kept++] = f;
    }
    for (size_t i = n; i < r.flights_n; i++)
        r.flights[kept++] = r.flights[i];
    r.flights_n = kept;
    sim_settle(&r.s.sim);
    look_at_requests();
    look_at_media();
    look_at_reports();
    ask_again();
    sim_run(&r.s.sim, MSEC(1));
}

static int by_size(const void *a, const void *b)
{
    usec x = *(const usec *)a, y = *(const usec *)b;
    return (x > y) - (x < y);
}

static struct lossy_result sum_up(void)
{
    static usec late[FRAMES];
    static const unsigned shares[] = {50, 95, 99};
    struct lossy_result ret = {
        .frames = r.sent_n, .shown = r.shown_n, .least = UINT32_MAX};
    usec transit = (r.conf->publisher.rtt + r.conf->viewer.rtt) / 2;
    for (size_t i = 0, k = 0; i < r.shown_n; i++) {
        late[i] = r.shown[i] - r.sent[i] - transit;
        if (late[i] < LOSSY_BUFFER)
            r.shown[i] = r.sent[i] + transit + LOSSY_BUFFER;
        if (i > 0 && r.shown[i] - r.shown[i - 1] > ret.longest)
            ret.longest = r.shown[i] - r.shown[i - 1];
        while (r.shown[i] - r.shown[k] >= SEC(1))
            k++;
        if (r.shown[i] - r.shown[0] >= SEC(1) && i - k + 1 < ret.least)
            ret.least = (unsigned)(i - k + 1);
    }
    qsort(late, r.shown_n, sizeof late[0], by_size);
    for (size_t i = 0; i < LEN(shares) && r.shown_n > 0; i++)
        ret.late[i] = late[r.shown_n * shares[i] / 100];
    ret.resent = (double)r.again / (double)r.came;
    ret.twice = (double)r.twice / (double)r.came;
    return ret;
}

struct lossy_result lossy_run(const struct lossy_conf *conf)
{
    struct cmd_producer p = stage_unnamed();
    struct cmd_consumer k = stage_viewer(RTX_OUT);
    memset(&r, 0, sizeof r);
    r.conf = conf;
    r.rng = sl_rng_of(conf->seed);
    r.next = FIRST;
    r.next_rtx = 1;
    p.receive.encodings[0].ssrc = SSRC_IN;
    p.receive.encodings[0].rtx_ssrc = RTX_IN;
    stage_open(&r.s, &p, &k, 0, SRTP_GCM_128);
    send_packet(FIRST,
                false); /* the key frame begins, or there would be nothing to count */
    usec begin = r.s.sim.now, frame = SEC(1) / conf->fps;
    for (usec due = begin; r.s.sim.now < begin + conf->span; step()) {
        if (r.s.sim.now < due)
            continue;
        send_frame();
        due += frame;
        if (r.sent_n % conf->fps == 1)
            send_report();
        sim_check(r.s.pub);
        sim_check(r.s.sub);
    }
    struct lossy_result ret = sum_up();
    stage_close(&r.s);
    return ret;
}
