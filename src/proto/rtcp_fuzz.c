#include "proto/rtcp.h"

#include "fuzz.h"
#include "proto/twcc.h"
#include "proto/xr.h"

enum { LIST = 1 << 16 };

static bool inside(struct span part, struct span whole)
{
    return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

/* Sequence numbers of a NACK come back in the same order when they are asked for again,
 * unless they were no ordered list. */
static void nack(const struct rtcp_fb *fb)
{
    static uint16_t seqs[LIST];
    static uint8_t buf[1 << 17];
    struct rtcp_nacks it = rtcp_nacks_of(fb);
    struct wr w = wr_of(buf, sizeof buf);
    struct rd r;
    struct rtcp p;
    struct rtcp_fb again;
    uint16_t seq;
    size_t n = 0, words = fb->fci.n / 4;
    for (; n < LIST && sl_rtcp_nack_next(&it, &seq); n++) {
        if (n > 0 && (uint16_t)(seq - seqs[n - 1] - 1) >= 0x7fff)
            return;
        seqs[n] = seq;
    }
    MUST(n <= 17 * words);
    if (n == 0)
        return;
    sl_rtcp_build_nack(&w, fb->sender, fb->media, seqs, n);
    MUST(!w.bad && sl_rtcp_parse(wr_done(&w), &r) == E_OK && sl_rtcp_next(&r, &p));
    MUST(sl_rtcp_fb(&p, &again) == E_OK && again.fci.n / 4 <= words);
    it = rtcp_nacks_of(&again);
    for (size_t i = 0; i < n; i++)
        MUST(sl_rtcp_nack_next(&it, &seq) && seq == seqs[i]);
    MUST(!sl_rtcp_nack_next(&it, &seq));
}

/* Feedback that is believed is walked to its end, and what it tells can be told again. */
static void twcc(const struct rtcp_fb *fb)
{
    static struct twcc t;
    struct rtcp_twcc f;
    struct rtcp_arrival a;
    uint8_t buf[TWCC_FB_OCTETS];
    size_t n = 0;
    if (sl_rtcp_twcc(fb, &f) != E_OK)
        return;
    MUST(f.count <= TWCC_COUNT_MAX);
    t = (struct twcc){0};
    while (sl_rtcp_twcc_next(&f, &a)) {
        MUST(a.seq == (uint16_t)(f.base_seq + n++));
        if (a.received)
            sl_twcc_add(&t, a.seq, a.at + SEC(100000));
    }
    MUST(n == f.count);
    for (n = 0; sl_twcc_pending(&t); n++) {
        struct wr w = wr_of(buf, sizeof buf);
        struct rd r;
        struct rtcp p;
        struct rtcp_fb again;
        MUST(n < TWCC_WINDOW && sl_twcc_build(&t, 1, 2, &w) && !w.bad);
        MUST(sl_rtcp_parse(wr_done(&w), &r) == E_OK && sl_rtcp_next(&r, &p));
        MUST(sl_rtcp_fb(&p, &again) == E_OK && sl_rtcp_twcc(&again, &f) == E_OK);
        while (sl_rtcp_twcc_next(&f, &a))
            MUST(!a.received || t.at[a.seq % TWCC_WINDOW] / TWCC_TICK_US % (1 << 30) ==
                                    a.at / TWCC_TICK_US % (1 << 30));
    }
}

static void feedback(const struct rtcp *p)
{
    struct rtcp_fb fb;
    struct rtcp_remb remb;
    uint32_t ssrc;
    uint8_t seq;
    if (sl_rtcp_fb(p, &fb) != E_OK)
        return;
    struct rd fci = fb.fci;
    while (sl_rtcp_fir_next(&fci, &ssrc, &seq))
        ;
    if (sl_rtcp_remb(&fb, &remb) == E_OK)
        MUST(remb.bps <= INT64_MAX && remb.ssrcs.n <= fb.fci.n);
    nack(&fb);
    twcc(&fb);
}

/* Reports that are believed can be written, and say the same. */
static void report(const struct rtcp *p)
{
    static uint8_t buf[1 << 12];
    struct rtcp_report rep, again;
    struct rtcp_block b[RTCP_COUNT_MAX], c;
    struct wr w = wr_of(buf, sizeof buf);
    struct rd r;
    struct rtcp q;
    size_t n = 0;
    if (sl_rtcp_report(p, &rep) != E_OK)
        return;
    while (sl_rtcp_block_next(&rep.blocks, &b[n]))
        n++;
    MUST(n == p->count);
    sl_rtcp_build_report(&w, rep.ssrc, p->type == RTCP_SR ? &rep.sender : NULL, b, n);
    MUST(!w.bad && sl_rtcp_parse(wr_done(&w), &r) == E_OK && sl_rtcp_next(&r, &q));
    MUST(sl_rtcp_report(&q, &again) == E_OK && q.type == p->type);
    MUST(again.ssrc == rep.ssrc && again.sender.ntp == rep.sender.ntp);
    for (size_t i = 0; i < n; i++)
        MUST(sl_rtcp_block_next(&again.blocks, &c) && c.lost == b[i].lost &&
             c.fraction == b[i].fraction && c.dlsr == b[i].dlsr);
}

/* Ends, and tells no more than there is. */
static void extended(const struct rtcp *p)
{
    struct xr_walk it = sl_xr_walk_of(p);
    struct xr_dlrr d;
    size_t n = 0;
    while (sl_xr_dlrr_next(&it, &d))
        n++;
    MUST(n * sizeof d <= p->body.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span in = {p, n};
    struct rd r;
    struct rtcp pkt;
    if (sl_rtcp_parse(in, &r) != E_OK)
        return 0;
    while (r.n > 0) {
        MUST(sl_rtcp_next(&r, &pkt)); /* believed whole or not at all */
        MUST(inside(pkt.body, in));
        struct rd list = rd_of(pkt.body);
        uint32_t ssrc;
        struct span cname;
        while (sl_rtcp_cname_next(&list, &ssrc, &cname))
            MUST(inside(cname, pkt.body));
        if (sl_rtcp_bye(&pkt, &list) == E_OK)
            MUST(list.n == sizeof(uint32_t) * pkt.count);
        if (pkt.type == RTCP_SR || pkt.type == RTCP_RR)
            report(&pkt);
        extended(&pkt);
        feedback(&pkt);
    }
    return 0;
}
