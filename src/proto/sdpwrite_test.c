#include "proto/sdpwrite.h"

#include "check.h"

/* Lines that nobody read, composed from values. What was read and written again is held
 * against its text in sdpline_test. */
TEST(sdpwrite_composes)
{
    const struct {
        struct sdp_line line;
        const char *want;
    } rows[] = {
        {{.kind = SDP_OTHER, .text = span_of("c=IN IP4 0.0.0.0")},
         "c=IN IP4 0.0.0.0\r\n"},
        {{.kind = SDP_MEDIA,
          .media = {span_of("audio"), 9, span_of("RTP/AVP"), span_of("0 8")}},
         "m=audio 9 RTP/AVP 0 8\r\n"},
        {{.kind = SDP_GROUP, .group = {span_of("BUNDLE"), span_of("")}},
         "a=group:BUNDLE\r\n"},
        {{.kind = SDP_UFRAG, .text = span_of("abcd")}, "a=ice-ufrag:abcd\r\n"},
        {{.kind = SDP_ICE_LITE}, "a=ice-lite\r\n"},
        {{.kind = SDP_CANDIDATE,
          .candidate = {.foundation = span_of("1"),
                        .component = 1,
                        .transport = span_of("udp"),
                        .priority = 5,
                        .addr = addr_v4(192, 0, 2, 1, 8443),
                        .type = span_of("host")}},
         "a=candidate:1 1 udp 5 192.0.2.1 8443 typ host\r\n"},
        {{.kind = SDP_FINGERPRINT,
          .fingerprint = {.hash = span_of("sha-x"), .n = 3, .bytes = {0xab, 0, 0x0f}}},
         "a=fingerprint:sha-x AB:00:0F\r\n"},
        {{.kind = SDP_SETUP, .setup = SDP_SETUP_PASSIVE}, "a=setup:passive\r\n"},
        {{.kind = SDP_DIRECTION, .direction = SDP_RECVONLY}, "a=recvonly\r\n"},
        {{.kind = SDP_EXTMAP, .extmap = {.id = 14, .uri = span_of("urn:x")}},
         "a=extmap:14 urn:x\r\n"},
        {{.kind = SDP_EXTMAP,
          .extmap = {3, true, SDP_SENDONLY, span_of("urn:x"), span_of("more")}},
         "a=extmap:3/sendonly urn:x more\r\n"},
        {{.kind = SDP_RTPMAP, .rtpmap = {111, span_of("opus"), 48000, 2}},
         "a=rtpmap:111 opus/48000/2\r\n"},
        {{.kind = SDP_RTPMAP, .rtpmap = {0, span_of("PCMU"), 8000, 1}},
         "a=rtpmap:0 PCMU/8000\r\n"},
        {{.kind = SDP_FMTP, .fmtp = {97, span_of("apt=96")}}, "a=fmtp:97 apt=96\r\n"},
        {{.kind = SDP_RTCP_FB, .rtcp_fb = {SDP_PT_ANY, span_of("nack")}},
         "a=rtcp-fb:* nack\r\n"},
        {{.kind = SDP_SSRC, .ssrc = {4294967295, span_of("cname"), span_of("x")}},
         "a=ssrc:4294967295 cname:x\r\n"},
        {{.kind = SDP_SSRC_GROUP, .ssrc_group = {span_of("FID"), 2, {1, 2}}},
         "a=ssrc-group:FID 1 2\r\n"},
        {{.kind = SDP_RID, .rid = {span_of("q"), true, span_of("pt=96")}},
         "a=rid:q recv pt=96\r\n"},
        {{.kind = SDP_SIMULCAST, .simulcast = {.recv = span_of("q;h")}},
         "a=simulcast:recv q;h\r\n"},
        {{.kind = SDP_MSID, .msid = {span_of("-"), span_of("t")}}, "a=msid:- t\r\n"},
        {{.kind = SDP_MAX_MESSAGE_SIZE, .number = UINT64_MAX},
         "a=max-message-size:18446744073709551615\r\n"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[128];
        struct wr w = wr_of(buf, sizeof buf);
        check_row(rows[i].want);
        sl_sdp_line_write(&w, &rows[i].line);
        CHECK(!w.bad && span_is(wr_done(&w), rows[i].want));
    }
}

TEST(sdpwrite_says_when_there_is_no_room)
{
    uint8_t buf[12];
    struct wr w = wr_of(buf, 11);
    struct sdp_line l = {.kind = SDP_ICE_LITE};
    sl_sdp_line_write(&w, &l);
    CHECK(w.bad);
    w = wr_of(buf, 12);
    sl_sdp_line_write(&w, &l);
    CHECK(!w.bad);
}
