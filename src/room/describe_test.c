#include "room/describe.h"

#include <string.h>

#include "check.h"

static const uint8_t sha256[32];

/* One section of each kind, and all that an offer says of it. */
TEST(describe_text)
{
    static const enum codec opus[] = {CODEC_OPUS};
    static const struct negotiate_slot voice = {
        .stream = "s", .track = "voice_s_1", .ssrc = 7};
    static const struct describe_section sections[] = {
        {.type = SDP_APPLICATION, .mid = "0"},
        {.type = SDP_VIDEO, .mid = "1", .stopped = true},
        {.type = SDP_AUDIO,
         .mid = "s0",
         .direction = SDP_SENDONLY,
         .slot = &voice,
         .simulcast = ""},
    };
    static const char want[] =
        "v=0\r\n"
        "o=- 5 2 IN IP4 127.0.0.1\r\n"
        "s=-\r\nt=0 0\r\n"
        "a=group:BUNDLE 0 s0\r\n"
        "a=ice-lite\r\n"
        "a=ice-options:trickle ice2\r\n"
        "a=extmap-allow-mixed\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
        "c=IN IP4 0.0.0.0\r\n"
        "a=mid:0\r\n"
        "a=ice-ufrag:u\r\na=ice-pwd:p\r\nFINGERPRINT\r\na=setup:actpass\r\n"
        "a=end-of-candidates\r\n"
        "a=sctp-port:5000\r\na=max-message-size:262144\r\n"
        "m=video 0 UDP/TLS/RTP/SAVPF 0\r\n"
        "c=IN IP4 0.0.0.0\r\n"
        "a=mid:1\r\n"
        "a=inactive\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
        "c=IN IP4 0.0.0.0\r\n"
        "a=mid:s0\r\n"
        "a=ice-ufrag:u\r\na=ice-pwd:p\r\nFINGERPRINT\r\na=setup:actpass\r\n"
        "a=sendonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
        "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
        "a=extmap:5 http://www.ietf.org/id/"
        "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
        "a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n"
        "a=rtpmap:111 opus/48000/2\r\n"
        "a=rtcp-fb:111 transport-cc\r\n"
        "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
        "a=msid:s voice_s_1\r\n"
        "a=ssrc:7 cname:c\r\n";
    static char text[4096];
    struct codecs codecs;
    sl_codecs_init(&codecs, opus, 1);
    const struct negotiate_local local = {.ufrag = "u", .pwd = "p", .sha256 = sha256};
    const struct describe d = {.local = &local,
                               .codecs = &codecs,
                               .cname = "c",
                               .session = 5,
                               .version = 2,
                               .sections = sections,
                               .sections_n = LEN(sections)};
    struct wr w = wr_of((uint8_t *)text, sizeof text - 1);
    sl_describe(&w, &d);
    text[w.n] = '\0';
    /* The fingerprint's 32 octets are not spelt out above. */
    for (char *f; (f = strstr(text, "a=fingerprint:")) != NULL;) {
        char *end = strstr(f, "\r\n");
        memcpy(f, "FINGERPRINT", strlen("FINGERPRINT"));
        memmove(f + strlen("FINGERPRINT"), end, strlen(end) + 1);
    }
    if (strcmp(text, want) != 0)
        check_fail(__FILE__, __LINE__, "got\n%s", text);
}

/* The layers that are received stay said, or the peer would send one (RFC 8853 §5.3.2). */
TEST(describe_simulcast)
{
    static const struct describe_section section = {
        .type = SDP_VIDEO, .mid = "1", .direction = SDP_RECVONLY, .simulcast = "l;h"};
    static char text[8192];
    struct codecs codecs;
    sl_codecs_init(&codecs, NULL, 0);
    const struct negotiate_local local = {.ufrag = "u", .pwd = "p", .sha256 = sha256};
    const struct describe d = {
        .local = &local, .codecs = &codecs, .sections = &section, .sections_n = 1};
    struct wr w = wr_of((uint8_t *)text, sizeof text - 1);
    sl_describe(&w, &d);
    text[w.n] = '\0';
    CHECK(strstr(text, "a=rid:l recv\r\na=rid:h recv\r\na=simulcast:recv l;h\r\n") !=
          NULL);
}

/* A peer that gave its section no mid has it back like that. */
TEST(describe_refused_without_mid)
{
    static const struct describe_section section = {
        .type = SDP_VIDEO, .mid = "", .stopped = true};
    char text[2048];
    struct codecs codecs;
    sl_codecs_init(&codecs, NULL, 0);
    const struct negotiate_local local = {.ufrag = "u", .pwd = "p", .sha256 = sha256};
    const struct describe d = {
        .local = &local, .codecs = &codecs, .sections = &section, .sections_n = 1};
    struct wr w = wr_of((uint8_t *)text, sizeof text - 1);
    sl_describe(&w, &d);
    text[w.n] = '\0';
    CHECK(strstr(text,
                 "m=video 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n"));
    CHECK(!strstr(text, "a=mid"));
}

/* What is not said again would not hold any more; and it is said of pictures that we receive. */
TEST(describe_ceiling)
{
    static const struct {
        const char *name;
        enum sdp_type type;
        enum sdp_direction direction;
        bool stopped, want;
    } rows[] = {
        {"a picture that comes", SDP_VIDEO, SDP_RECVONLY, false, true},
        {"one each way", SDP_VIDEO, SDP_SENDRECV, false, true},
        {"one that goes", SDP_VIDEO, SDP_SENDONLY, false, false},
        {"one that has ended", SDP_VIDEO, SDP_RECVONLY, true, false},
        {"a sound", SDP_AUDIO, SDP_RECVONLY, false, false},
    };
    static const struct negotiate_slot slot = {.stream = "s", .track = "1", .ssrc = 7};
    static char text[8192];
    struct codecs codecs;
    sl_codecs_init(&codecs, NULL, 0);
    const struct negotiate_local local = {.ufrag = "u", .pwd = "p", .sha256 = sha256};
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct describe_section section = {.type = rows[i].type,
                                                 .mid = "1",
                                                 .direction = rows[i].direction,
                                                 .stopped = rows[i].stopped,
                                                 .slot = &slot,
                                                 .simulcast = ""};
        const struct describe d = {.local = &local,
                                   .codecs = &codecs,
                                   .cname = "c",
                                   .max_bps = 500000,
                                   .sections = &section,
                                   .sections_n = 1};
        struct wr w = wr_of((uint8_t *)text, sizeof text - 1);
        sl_describe(&w, &d);
        text[w.n] = '\0';
        check_row(rows[i].name);
        CHECK((strstr(text, "b=AS:500\r\nb=TIAS:500000\r\na=mid:1\r\n") != NULL) ==
              rows[i].want);
        CHECK((strstr(text, "b=") != NULL) == rows[i].want);
    }
}
