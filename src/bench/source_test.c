#include "bench/source.h"

#include "check.h"
#include "media/vp8.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"

static const struct srtp_master master = {.profile = SRTP_GCM_128,
                                          .key = {1},
                                          .salt = {2}};

static struct rtp opened(struct srtp_in *in, uint8_t *p, size_t n)
{
    struct rtp r = {0};
    uint64_t index;
    CHECK_INT(sl_srtp_unprotect(in, p, &n, &index), E_OK);
    CHECK_INT(sl_rtp_parse((struct span){p, n}, &r), E_OK);
    return r;
}

TEST(source_sends_frames_of_marked_packets)
{
    static struct source s;
    static uint8_t at[4 * SOURCE_STRIDE];
    uint16_t twcc = 65534;
    struct srtp_out *out = sl_srtp_out_new(sl_srtp_backend("openssl"), &master);
    struct srtp_in *in = sl_srtp_in_new(sl_srtp_backend("openssl"), &master, 4);
    sl_source_init(&s, 9, true, 77, 3, &twcc);
    for (unsigned frame = 0; frame < 2; frame++) {
        uint32_t ts = s.ts;
        size_t n = sl_source_burst(&s, out, 4, 1100, 30, MSEC(frame), at);
        CHECK_INT(n, 12 + 8 + 1100 + 16);
        CHECK_INT(s.ts - ts, 3000);
        for (unsigned i = 0; i < 4; i++) {
            struct rtp r = opened(in, at + i * SOURCE_STRIDE, n);
            struct source_mark mark = {0};
            struct payload vp8 = {0};
            struct rtp_elem e = {0};
            struct rtp_elems it = sl_rtp_elems(&r);
            CHECK(r.ssrc == 77 && r.ts == ts && r.marker == (i == 3));
            CHECK_INT(r.payload.n, 1100);
            CHECK(sl_rtp_elems_next(&it, &e) && e.id == 3 && e.data.n == 2);
            CHECK_INT(rtp_be16(e.data.p), (uint16_t)(65534 + frame * 4 + i));
            CHECK(sl_source_mark(r.payload, &mark));
            CHECK(mark.source == 9 && mark.number == frame * 4 + i);
            CHECK_INT(sl_vp8_read(r.payload, r.marker, &vp8), E_OK);
            CHECK_INT(vp8.key, i == 0);
            CHECK_INT(s.sent[mark.number], MSEC(frame));
        }
    }
    sl_srtp_out_free(out);
    sl_srtp_in_free(in);
}

TEST(source_of_sound_has_one_packet_for_each_20_ms)
{
    static struct source s;
    static uint8_t at[2 * SOURCE_STRIDE];
    struct srtp_out *out = sl_srtp_out_new(sl_srtp_backend("openssl"), &master);
    struct srtp_in *in = sl_srtp_in_new(sl_srtp_backend("openssl"), &master, 4);
    sl_source_init(&s, 1, false, 78, 0, NULL);
    size_t n = sl_source_burst(&s, out, 2, 100, 50, 0, at);
    CHECK_INT(n, 12 + 100 + 16);
    struct rtp a = opened(in, at, n), b = opened(in, at + SOURCE_STRIDE, n);
    CHECK_INT(b.ts - a.ts, 960);
    CHECK_INT((uint16_t)(b.seq - a.seq), 1);
    CHECK(a.seq < 0x8000);
    sl_srtp_out_free(out);
    sl_srtp_in_free(in);
}

TEST(source_refuses_what_does_not_fit)
{
    static struct source s;
    static uint8_t at[SOURCE_STRIDE];
    struct srtp_out *out = sl_srtp_out_new(sl_srtp_backend("openssl"), &master);
    sl_source_init(&s, 1, true, 1, 0, NULL);
    CHECK_INT(sl_source_burst(&s, out, SOURCE_BURST_MAX + 1, 100, 30, 0, at), 0);
    CHECK_INT(sl_source_burst(&s, out, 1, SOURCE_SIZE_MIN - 1, 30, 0, at), 0);
    CHECK_INT(sl_source_burst(&s, out, 1, SOURCE_SIZE_MAX + 1, 30, 0, at), 0);
    CHECK_INT(s.next, 0);
    CHECK(
        !sl_source_mark(span_of("no mark of ours, and short"), &(struct source_mark){0}));
    sl_srtp_out_free(out);
}

TEST(source_reports_what_it_sent)
{
    static struct source s;
    static uint8_t at[3 * SOURCE_STRIDE];
    struct rd compound;
    struct rtcp r;
    struct rtcp_report report = {0};
    struct srtp_out *out = sl_srtp_out_new(sl_srtp_backend("openssl"), &master);
    struct srtp_in *in = sl_srtp_in_new(sl_srtp_backend("openssl"), &master, 4);
    sl_source_init(&s, 1, true, 5, 0, NULL);
    CHECK(sl_source_burst(&s, out, 3, 50, 30, 0, at) > 0);
    size_t n = sl_source_report(&s, out, SEC(1), at);
    CHECK_INT(sl_srtp_unprotect_rtcp(in, at, &n), E_OK);
    CHECK_INT(sl_rtcp_parse((struct span){at, n}, &compound), E_OK);
    CHECK(sl_rtcp_next(&compound, &r) && r.type == RTCP_SR);
    CHECK_INT(sl_rtcp_report(&r, &report), E_OK);
    CHECK(report.ssrc == 5 && report.sender.packets == 3 && report.sender.octets == 150);
    CHECK_INT(report.sender.ntp >> 32, 2208988801);
    sl_srtp_out_free(out);
    sl_srtp_in_free(in);
}
