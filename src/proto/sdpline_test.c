#include "proto/sdpline.h"

#include "base/word.h"

#include "check.h"
#include "proto/sdpwrite.h"

/* A line, and what it is written as after it was read; NULL: refused. */
static const struct {
    const char *line;
    const char *want;
} lines[] = {
    {"c=IN IP4 0.0.0.0", "c=IN IP4 0.0.0.0"},
    {"s= ", "s= "},
    {"a=x-anything:  as it  was ", "a=x-anything:  as it  was "},
    {"a=framerate:30", "a=framerate:30"},
    {"", NULL},
    {"a", NULL},
    {"a:x", NULL},
    {"A=x", NULL},
    {"a=", NULL},
    {"a=:x", NULL},
    {"a=two words:x", NULL},

    {"m=audio 9 UDP/TLS/RTP/SAVPF 111  0 ", "m=audio 9 UDP/TLS/RTP/SAVPF 111  0"},
    {"m=audio 65535 RTP/AVP 0", "m=audio 65535 RTP/AVP 0"},
    {"m=audio 65536 RTP/AVP 0", NULL},
    {"m=audio -1 RTP/AVP 0", NULL},
    {"m=audio 9/2 RTP/AVP 0", NULL},
    {"m=audio 9 RTP/AVP", NULL},
    {"m=audio", NULL},

    {"a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1"},
    {"a=group:BUNDLE", "a=group:BUNDLE"},
    {"a=group", NULL},
    {"a=mid:video0", "a=mid:video0"},
    {"a=mid:", NULL},
    {"a=mid:a b", NULL},
    {"a=mid:<script>", NULL},

    {"a=ice-lite", "a=ice-lite"},
    {"a=ice-lite:yes", NULL},
    {"a=ice-ufrag:Ab+/", "a=ice-ufrag:Ab+/"},
    {"a=ice-ufrag:abc", NULL},
    {"a=ice-ufrag:ab:cd", NULL},
    {"a=ice-pwd:0123456789012345678901", "a=ice-pwd:0123456789012345678901"},
    {"a=ice-pwd:012345678901234567890", NULL},
    {"a=ice-options:ice2,trickle", "a=ice-options:ice2,trickle"},
    {"a=end-of-candidates", "a=end-of-candidates"},

    {"a=candidate:1 1 UDP 2015363327 127.0.0.1 35060 typ host",
     "a=candidate:1 1 UDP 2015363327 127.0.0.1 35060 typ host"},
    {"a=candidate:4 1 UDP 1 ::1 9 typ host tcptype active",
     "a=candidate:4 1 UDP 1 ::1 9 typ host tcptype active"},
    {"a=candidate:0 2 udp 4294967295 x.local 0 typ srflx raddr 0.0.0.0 rport 0",
     "a=candidate:0 2 udp 4294967295 x.local 0 typ srflx raddr 0.0.0.0 rport 0"},
    {"a=candidate:0 1 udp 4294967296 x.local 0 typ host", NULL},
    {"a=candidate:0 1 udp 1 x.local 65536 typ host", NULL},
    {"a=candidate:0 0 udp 1 x.local 1 typ host", NULL},
    {"a=candidate:0 257 udp 1 x.local 1 typ host", NULL},
    {"a=candidate:0 1 udp 1 x.local 1 type host", NULL},
    {"a=candidate:0 1 udp 1 x.local 1 typ", NULL},
    {"a=candidate:", NULL},

    {"a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:aa",
     "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:AA"},
    {"a=fingerprint:sha-1 00:01", NULL},
    {"a=fingerprint:sha-256 00:01", NULL},
    {"a=fingerprint:sha3-16 00:01", "a=fingerprint:sha3-16 00:01"},
    {"a=fingerprint:sha3-16 00-01", NULL},
    {"a=fingerprint:sha3-16 0g:01", NULL},
    {"a=fingerprint:sha3-16 00:01:", NULL},
    {"a=fingerprint:sha3-16", NULL},
    {"a=fingerprint:x 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:"
     "16:17:18:19:1A:1B:1C:1D:1E:1F:20:21:22:23:24:25:26:27:28:29:2A:2B:2C:2D:2E:2F:30:"
     "31:32:33:34:35:36:37:38:39:3A:3B:3C:3D:3E:3F:40",
     NULL},
    {"a=setup:actpass", "a=setup:actpass"},
    {"a=setup:holdconn", "a=setup:holdconn"},
    {"a=setup:", NULL},
    {"a=setup:both", NULL},
    {"a=sendrecv", "a=sendrecv"},
    {"a=inactive", "a=inactive"},
    {"a=sendonly:x", NULL},
    {"a=rtcp-mux", "a=rtcp-mux"},
    {"a=rtcp-mux-only", "a=rtcp-mux-only"},

    {"a=extmap:3 urn:x", "a=extmap:3 urn:x"},
    {"a=extmap:8/sendonly urn:x and more", "a=extmap:8/sendonly urn:x and more"},
    {"a=extmap:255 urn:x", "a=extmap:255 urn:x"},
    {"a=extmap:4096 urn:x", "a=extmap:4096 urn:x"},
    {"a=extmap:0 urn:x", NULL},
    {"a=extmap:256 urn:x", NULL},
    {"a=extmap:4352 urn:x", NULL},
    {"a=extmap:1/both urn:x", NULL},
    {"a=extmap:1", NULL},
    {"a=extmap-allow-mixed", "a=extmap-allow-mixed"},

    {"a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus/48000/2"},
    {"a=rtpmap:9 G722/8000/1", "a=rtpmap:9 G722/8000"},
    {"a=rtpmap:128 opus/48000/2", NULL},
    {"a=rtpmap:-1 opus/48000/2", NULL},
    {"a=rtpmap:1 opus", NULL},
    {"a=rtpmap:1 opus/0", NULL},
    {"a=rtpmap:1 opus/4294967296", NULL},
    {"a=rtpmap:1 opus/48000/256", NULL},
    {"a=rtpmap:1 opus/48000/0", NULL},
    {"a=fmtp:96 apt=97", "a=fmtp:96 apt=97"},
    {"a=fmtp:96", "a=fmtp:96"},
    {"a=fmtp:x apt=97", NULL},
    {"a=rtcp-fb:96 nack ", "a=rtcp-fb:96 nack"},
    {"a=rtcp-fb:* ccm fir", "a=rtcp-fb:* ccm fir"},
    {"a=rtcp-fb:255 nack", NULL},
    {"a=rtcp-fb:96", NULL},

    {"a=ssrc:4294967295 cname:{a b}", "a=ssrc:4294967295 cname:{a b}"},
    {"a=ssrc:1 msid:- x:y", "a=ssrc:1 msid:- x:y"},
    {"a=ssrc:1 flag", "a=ssrc:1 flag"},
    {"a=ssrc:4294967296 cname:x", NULL},
    {"a=ssrc:1", NULL},
    {"a=ssrc-group:FID 1 2", "a=ssrc-group:FID 1 2"},
    {"a=ssrc-group:SIM 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
     "a=ssrc-group:SIM 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"},
    {"a=ssrc-group:SIM 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", NULL},
    {"a=ssrc-group:FID 1 x", NULL},

    {"a=rid:q send", "a=rid:q send"},
    {"a=rid:q recv pt=96,97;max-width=1280", "a=rid:q recv pt=96,97;max-width=1280"},
    {"a=rid:q", NULL},
    {"a=rid:q both", NULL},
    {"a=rid:q;h send", NULL},
    {"a=simulcast:send q;h;f", "a=simulcast:send q;h;f"},
    {"a=simulcast:recv a,~b;c  send ~d", "a=simulcast:send ~d recv a,~b;c"},
    {"a=simulcast:send", NULL},
    {"a=simulcast:send a send b", NULL},
    {"a=simulcast:send a;;b", NULL},
    {"a=simulcast:send a,,b", NULL},
    {"a=simulcast:send ~~a", NULL},
    {"a=simulcast: send rid=a", NULL},
    {"a=msid:- track", "a=msid:- track"},
    {"a=msid:{a} {b}", "a=msid:{a} {b}"},
    {"a=msid:stream", "a=msid:stream"},
    {"a=msid:", NULL},
    {"a=msid:a b c", NULL},

    {"a=sctp-port:5000", "a=sctp-port:5000"},
    {"a=sctp-port:65536", NULL},
    {"a=max-message-size:18446744073709551615",
     "a=max-message-size:18446744073709551615"},
    {"a=max-message-size:18446744073709551616", NULL},
};

TEST(sdpline_is_written_as_it_was_read)
{
    for (size_t i = 0; i < LEN(lines); i++) {
        struct sdp_line l;
        uint8_t buf[512];
        struct wr w = wr_of(buf, sizeof buf);
        check_row(lines[i].line);
        CHECK_INT(sl_sdp_line_parse(span_of(lines[i].line), &l),
                  lines[i].want ? E_OK : E_MALFORMED);
        if (!lines[i].want)
            continue;
        sl_sdp_line_write(&w, &l);
        struct span got = wr_done(&w);
        CHECK(!w.bad && got.n > 2 && memcmp(got.p + got.n - 2, "\r\n", 2) == 0);
        got.n -= 2;
        if (!span_is(got, lines[i].want))
            check_fail(__FILE__, __LINE__, "became %.*s", (int)got.n,
                       (const char *)got.p);
    }
}

TEST(sdpline_refuses_ends_of_lines_and_of_strings_inside)
{
    struct sdp_line l;
    CHECK_INT(sl_sdp_line_parse((struct span){(const uint8_t *)"s=a\0b", 5}, &l),
              E_MALFORMED);
    CHECK_INT(sl_sdp_line_parse(span_of("s=a\rb"), &l), E_MALFORMED);
    CHECK_INT(sl_sdp_line_parse(span_of("s=a\nb"), &l), E_MALFORMED);
}

TEST(sdpline_candidate_addresses)
{
    struct sdp_line l;
    struct addr want = addr_v4(127, 0, 0, 1, 35060);
    CHECK_INT(
        sl_sdp_line_parse(span_of("a=candidate:1 1 UDP 7 127.0.0.1 35060 typ host"), &l),
        E_OK);
    CHECK(l.candidate.resolved && addr_eq(&l.candidate.addr, &want));
    CHECK_INT(
        sl_sdp_line_parse(span_of("a=candidate:1 1 UDP 7 a-b.local 1 typ host"), &l),
        E_OK);
    CHECK(!l.candidate.resolved && span_is(l.candidate.host, "a-b.local"));
}

static const struct {
    const char *list;
    const char *want; /* one word for each stream, ~ if paused, and +others */
} simulcasts[] = {
    {"q;h;f", "q h f "},
    {"~q;h,~g", "~q h+~g "},
    {"one", "one "},
    {"", ""},
};

TEST(sdpline_simulcast_streams_in_order)
{
    for (size_t i = 0; i < LEN(simulcasts); i++) {
        uint8_t buf[64];
        struct wr w = wr_of(buf, sizeof buf);
        struct span list = span_of(simulcasts[i].list);
        struct sdp_simulcast_stream s;
        check_row(simulcasts[i].list);
        while (sl_sdp_simulcast_next(&list, &s)) {
            wr_str(&w, s.paused ? "~" : "");
            wr_span(&w, s.rid);
            wr_str(&w, s.others.n > 0 ? "+" : "");
            wr_span(&w, s.others);
            wr_str(&w, " ");
        }
        CHECK(span_is(wr_done(&w), simulcasts[i].want));
    }
}

/* head, and n times the unit. */
static enum err repeated(const char *head, const char *unit, size_t n)
{
    uint8_t buf[1024];
    struct wr w = wr_of(buf, sizeof buf);
    struct sdp_line l;
    wr_str(&w, head);
    for (size_t i = 0; i < n; i++)
        wr_str(&w, unit);
    CHECK(!w.bad);
    return sl_sdp_line_parse(wr_done(&w), &l);
}

TEST(sdpline_lists_have_limits)
{
    CHECK_INT(repeated("a=group:BUNDLE", " 1", SDP_GROUP_MIDS_MAX), E_OK);
    CHECK_INT(repeated("a=group:BUNDLE", " 1", SDP_GROUP_MIDS_MAX + 1), E_MALFORMED);
    CHECK_INT(repeated("a=simulcast:send a", ";a", SDP_SIMULCAST_MAX - 1), E_OK);
    CHECK_INT(repeated("a=simulcast:send a", ",a", SDP_SIMULCAST_MAX), E_MALFORMED);
    CHECK_INT(repeated("a=ssrc-group:SIM", " 1", SDP_GROUP_SSRCS_MAX), E_OK);
    CHECK_INT(repeated("a=ssrc-group:SIM", " 1", SDP_GROUP_SSRCS_MAX + 1), E_MALFORMED);
}
