#include "room/negotiate.h"

#include <stdio.h>
#include <string.h>

#include "base/word.h"

#include "check.h"
#include "offers.h"

#define BOTH       OFFER_HEAD OFFER_AUDIO OFFER_VIDEO
#define A_RECV     "a recv: opus=111 | | \n"
#define V_RECV     "v recv: VP8=96+97n | | \n"
#define A_SEND     "a send: opus=111 |\n"
#define V_SEND     "v send: VP8=96+97n |\n"
#define A_INACTIVE "a inactive: opus=111 |\n"
#define PUBLISH    NEGOTIATE_PUBLISH
#define WATCH      NEGOTIATE_WATCH

/* An offer of sound and picture both ways, with one place changed. */
static const struct {
    const char *name;
    enum negotiate_job job;
    const char *from, *to;
    enum negotiate_why why;
    const char *want; /* when something of it was taken */
} rows[] = {
    {"published as it is", PUBLISH, "", "", NEGOTIATE_OK, A_RECV V_RECV},
    {"watched as it is", WATCH, "", "", NEGOTIATE_OK, A_SEND V_SEND},
    {"one sends, one receives; published", PUBLISH, "a=mid:a", "a=mid:a\r\na=recvonly",
     NEGOTIATE_OK, A_INACTIVE V_RECV},
    {"one sends, one receives; watched", WATCH, "a=mid:a", "a=mid:a\r\na=sendonly",
     NEGOTIATE_OK, A_INACTIVE V_SEND},
    {"paused", PUBLISH, "a=mid:a", "a=mid:a\r\na=inactive", NEGOTIATE_OK,
     A_INACTIVE V_RECV},
    {"everything paused", PUBLISH, "a=setup", "a=inactive\r\na=setup", NEGOTIATE_NO_MEDIA,
     NULL},
    {"a viewer's offer to publish", PUBLISH, "a=setup", "a=recvonly\r\na=setup",
     NEGOTIATE_NO_MEDIA, NULL},
    {"a publisher's offer to watch", WATCH, "a=setup", "a=sendonly\r\na=setup",
     NEGOTIATE_NO_MEDIA, NULL},

    {"no BUNDLE", PUBLISH, "a=group:BUNDLE a v\r\n", "", NEGOTIATE_NO_BUNDLE, NULL},
    {"another group", PUBLISH, "group:BUNDLE", "group:LS", NEGOTIATE_NO_BUNDLE, NULL},
    {"one is not in the BUNDLE", PUBLISH, "BUNDLE a v", "BUNDLE v", NEGOTIATE_OK,
     "no-bundle\n" V_RECV},
    {"a second BUNDLE", PUBLISH, "BUNDLE a v", "BUNDLE v\r\na=group:BUNDLE a",
     NEGOTIATE_OK, "no-bundle\n" V_RECV},
    {"no mid", PUBLISH, "a=mid:a\r\n", "", NEGOTIATE_OK, "bad-mid\n" V_RECV},
    {"a mid of 32 characters", PUBLISH, "a=mid:a",
     "a=mid:01234567890123456789012345678901", NEGOTIATE_OK, "bad-mid\n" V_RECV},
    {"no rtcp-mux on one", PUBLISH, "a=rtcp-mux\r\n", "", NEGOTIATE_OK,
     "no-rtcp-mux\n" V_RECV},
    {"stopped", PUBLISH, "audio 9", "audio 0", NEGOTIATE_OK, "stopped\n" V_RECV},
    {"port 0 for now", PUBLISH, "audio 9 UDP/TLS/RTP/SAVPF 111",
     "audio 0 UDP/TLS/RTP/SAVPF 111\r\na=bundle-only", NEGOTIATE_OK, A_RECV V_RECV},
    {"a real port", PUBLISH, "audio 9", "audio 59716", NEGOTIATE_OK, A_RECV V_RECV},
    {"text", PUBLISH, "m=audio", "m=text", NEGOTIATE_OK, "bad-kind\n" V_RECV},
    {"RTP in the clear", PUBLISH, "UDP/TLS/RTP/SAVPF 111", "RTP/AVPF 111", NEGOTIATE_OK,
     "bad-protocol\n" V_RECV},
    {"an older name of the protocol", PUBLISH, "UDP/TLS/RTP/SAVPF 111", "RTP/SAVPF 111",
     NEGOTIATE_OK, A_RECV V_RECV},
    {"a codec of tomorrow", PUBLISH, "opus/", "lyra/", NEGOTIATE_OK,
     "no-common-codec\n" V_RECV},

    {"no user fragment", PUBLISH, "a=ice-ufrag:peer\r\n", "", NEGOTIATE_NO_ICE, NULL},
    {"no password", PUBLISH, "a=ice-pwd:0123456789012345678901\r\n", "", NEGOTIATE_NO_ICE,
     NULL},
    {"ICE-lite meets ICE-lite", PUBLISH, "a=setup", "a=ice-lite\r\na=setup",
     NEGOTIATE_BOTH_LITE, NULL},
    {"no fingerprint", PUBLISH,
     "a=fingerprint:", "a=x-fingerprint:", NEGOTIATE_NO_FINGERPRINT, NULL},
    {"only SHA-1", PUBLISH, "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:", "sha-1 ",
     NEGOTIATE_NO_FINGERPRINT, NULL},
    {"no role at all to answer", PUBLISH, "actpass", "holdconn", NEGOTIATE_BAD_SETUP,
     NULL},
};

TEST(negotiate_one_change_after_the_other)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[4096];
        struct negotiate_conf conf = offers_conf(rows[i].job);
        check_row(rows[i].name);
        struct span text = offers_edit(buf, sizeof buf, BOTH, rows[i].from, rows[i].to);
        CHECK_INT(offers_check(text, &conf, rows[i].want), rows[i].why);
    }
}

/* Only one section, so its reason is the offer's. */
static const struct {
    const char *from, *to;
    enum negotiate_why why;
} alone[] = {
    {"a=mid:a\r\n", "", NEGOTIATE_BAD_MID},
    {"a=rtcp-mux\r\n", "", NEGOTIATE_NO_RTCP_MUX},
    {"opus/", "lyra/", NEGOTIATE_NO_COMMON_CODEC},
    {"UDP/TLS/RTP/SAVPF", "RTP/AVP", NEGOTIATE_BAD_PROTOCOL},
    {"audio 9", "audio 0", NEGOTIATE_NO_MEDIA},
    {"m=audio", "m=text", NEGOTIATE_NO_MEDIA},
    {OFFER_AUDIO, "", NEGOTIATE_NO_MEDIA},
};

TEST(negotiate_refuses_the_offer_with_the_sections_reason)
{
    for (size_t i = 0; i < LEN(alone); i++) {
        uint8_t buf[4096];
        struct negotiate_conf conf = offers_conf(PUBLISH);
        check_row(alone[i].from);
        struct span text = offers_edit(buf, sizeof buf, OFFER_HEAD OFFER_AUDIO,
                                       alone[i].from, alone[i].to);
        CHECK_INT(offers_check(text, &conf, NULL), alone[i].why);
    }
}

TEST(negotiate_codes_are_words)
{
    for (int i = 0; i < NEGOTIATE_WHYS; i++) {
        struct span code = span_of(sl_negotiate_code((enum negotiate_why)i));
        CHECK(code.n > 0 && sl_negotiate_text((enum negotiate_why)i)[0]);
        for (size_t k = 0; k < code.n; k++)
            CHECK((code.p[k] >= 'a' && code.p[k] <= 'z') || code.p[k] == '-');
    }
}

/* ---- the DTLS role ---- */

static const struct {
    const char *name, *from, *to;
    bool wish, client;
    const char *answer;
} roles[] = {
    {"ours to choose", "", "", false, false, "a=setup:passive\r\n"},
    {"ours to choose, we begin", "", "", true, true, "a=setup:active\r\n"},
    {"they begin", "actpass", "active", true, false, "a=setup:passive\r\n"},
    {"they wait", "actpass", "passive", false, true, "a=setup:active\r\n"},
    {"not said", "a=setup:actpass\r\n", "", true, false, "a=setup:passive\r\n"},
};

TEST(negotiate_role)
{
    for (size_t i = 0; i < LEN(roles); i++) {
        static struct negotiated n;
        uint8_t buf[4096], answer[4096];
        struct wr w = wr_of(answer, sizeof answer);
        struct negotiate_conf conf = offers_conf(PUBLISH);
        struct sdp *offer;
        check_row(roles[i].name);
        conf.local.active = roles[i].wish;
        struct span text = offers_edit(buf, sizeof buf, OFFER_HEAD OFFER_AUDIO,
                                       roles[i].from, roles[i].to);
        CHECK_INT(offers_negotiate(text, &conf, &n, &w, &offer), NEGOTIATE_OK);
        CHECK_INT(n.dtls_client, roles[i].client);
        wr_u8(&w, 0);
        CHECK(!w.bad && strstr((const char *)answer, roles[i].answer));
        sl_sdp_free(offer);
    }
}

/* A full agent takes what a lite one does not, and does not say that it is lite. */
TEST(negotiate_full_agent)
{
    for (int full = 0; full <= 1; full++) {
        static struct negotiated n;
        uint8_t buf[4096], answer[4096];
        struct wr w = wr_of(answer, sizeof answer);
        struct negotiate_conf conf = offers_conf(PUBLISH);
        struct sdp *offer;
        conf.local.full = full;
        struct span text = offers_edit(buf, sizeof buf, OFFER_HEAD OFFER_AUDIO, "a=setup",
                                       "a=ice-lite\r\na=setup");
        CHECK_INT(offers_negotiate(text, &conf, &n, &w, &offer),
                  full ? NEGOTIATE_OK : NEGOTIATE_BOTH_LITE);
        wr_u8(&w, 0);
        CHECK(!strstr((const char *)answer, "a=ice-lite"));
        sl_sdp_free(offer);
    }
}

/* ---- the transport's facts ---- */

TEST(negotiate_takes_the_transport_of_the_tagged_section)
{
    /* The offerer's first is refused, so the next in the BUNDLE leads; its own words go
     * before the session's. */
    static struct negotiated n;
    uint8_t answer[4096];
    struct wr w = wr_of(answer, sizeof answer);
    struct negotiate_conf conf = offers_conf(PUBLISH);
    struct sdp *offer;
    struct span text =
        span_of(OFFER_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\n" OFFER_VIDEO
                           "a=ice-ufrag:video\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
                           "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:"
                           "0D:0E:0F:10:11:12:13\r\n"
                           "a=fingerprint:SHA-512 FF:01:02:03:04:05:06:07:08:09:0A:0B:"
                           "0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:"
                           "1F:20:21:22:23:24:25:26:27:28:29:2A:2B:2C:2D:2E:2F:30:31:"
                           "32:33:34:35:36:37:38:39:3A:3B:3C:3D:3E:3F\r\n");
    CHECK_INT(offers_negotiate(text, &conf, &n, &w, &offer), NEGOTIATE_OK);
    CHECK(span_is(n.ufrag, "video") && span_is(n.pwd, "abcdefghijklmnopqrstuv"));
    CHECK_INT(n.peer.hash, MEDIA_SHA512);
    CHECK_INT(n.peer.n, 64);
    CHECK_INT(n.peer.bytes[0], 0xff);
    wr_u8(&w, 0);
    CHECK(!w.bad && strstr((const char *)answer, "a=group:BUNDLE v\r\n"));
    sl_sdp_free(offer);
}

/* ---- limits and slots ---- */

TEST(negotiate_counts_only_what_is_active)
{
    uint8_t buf[4096];
    struct negotiate_conf conf = offers_conf(PUBLISH);
    conf.sections_max = 1;
    CHECK_INT(offers_check(span_of(BOTH), &conf, NULL), NEGOTIATE_TOO_MANY_SECTIONS);
    CHECK_INT(offers_check(
                  offers_edit(buf, sizeof buf, BOTH, "a=mid:a", "a=mid:a\r\na=inactive"),
                  &conf, NULL),
              NEGOTIATE_OK);
    conf.sections_max = 2;
    CHECK_INT(offers_check(span_of(BOTH), &conf, NULL), NEGOTIATE_OK);
}

TEST(negotiate_answer_that_does_not_fit)
{
    static struct negotiated n;
    uint8_t buf[200];
    struct wr w = wr_of(buf, sizeof buf);
    struct negotiate_conf conf = offers_conf(PUBLISH);
    struct sdp *offer;
    CHECK_INT(offers_negotiate(span_of(BOTH), &conf, &n, &w, &offer),
              NEGOTIATE_TOO_LARGE);
    sl_sdp_free(offer);
}

/* Of what the peer sends, in whichever section it also receives. */
TEST(negotiate_tells_a_ceiling_both_ways)
{
    static struct negotiated n;
    static uint8_t answer[8192];
    struct wr w = wr_of(answer, sizeof answer - 1);
    struct negotiate_conf conf = offers_conf(PUBLISH);
    struct sdp *offer;
    const struct negotiate_slot slot = {
        .kind = MEDIA_VIDEO, .mid = "v", .stream = "s", .track = "1", .ssrc = 10};
    conf.job = NEGOTIATE_BOTH;
    conf.max_bps = 500000;
    conf.slots = &slot;
    conf.slots_n = 1;
    CHECK_INT(offers_negotiate(span_of(BOTH), &conf, &n, &w, &offer), NEGOTIATE_OK);
    const char *text = (const char *)answer, *video = strstr(text, "m=video");
    const char *b = strstr(text, "b=AS:500\r\nb=TIAS:500000\r\n");
    CHECK(video && b && b > video && strstr(video, "a=sendrecv"));
    sl_sdp_free(offer);
}

#define VIDEO(mid)                                                                       \
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:" mid                                       \
    "\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"

TEST(negotiate_gives_slots_in_order_and_pinned_ones_to_their_mids)
{
    static struct negotiated n;
    uint8_t answer[8192];
    struct wr w = wr_of(answer, sizeof answer);
    const struct negotiate_slot slots[] = {
        {.kind = MEDIA_VIDEO, .stream = "s", .track = "1", .ssrc = 10, .rtx_ssrc = 20},
        {.kind = MEDIA_AUDIO, .stream = "s", .track = "2", .ssrc = 11},
        {.kind = MEDIA_VIDEO, .mid = "a", .stream = "s", .track = "3", .ssrc = 12},
        {.kind = MEDIA_VIDEO, .stream = "s", .track = "4", .ssrc = 13},
    };
    struct negotiate_conf conf = offers_conf(WATCH);
    struct sdp *offer;
    conf.slots = slots;
    conf.slots_n = LEN(slots);
    struct span text = span_of(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a v w x\r\n"
        "a=ice-ufrag:peer\r\na=ice-pwd:0123456789012345678901\r\n"
        "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
        "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=setup:actpass\r\n" VIDEO(
            "v") VIDEO("a") VIDEO("w") VIDEO("x"));
    CHECK_INT(offers_negotiate(text, &conf, &n, &w, &offer), NEGOTIATE_OK);
    CHECK_INT(n.sections[0].slot, 0);
    CHECK_INT(n.sections[0].send.ssrc, 10);
    CHECK_INT(n.sections[0].send.rtx_ssrc, 0); /* no codec has RTX */
    CHECK(span_is(span_of(n.sections[0].send.cname), "cname"));
    CHECK_INT(n.sections[1].slot, 2);
    CHECK_INT(n.sections[2].slot, 3);
    CHECK_INT(n.sections[3].why, NEGOTIATE_NO_SLOT);
    CHECK_INT(n.active_n, 3);
    sl_sdp_free(offer);
}

/* ---- fragments ---- */

static const struct {
    const char *name, *text;
    const char *ufrag; /* NULL: no credentials */
} fragments[] = {
    {"at the top", "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n", "EsAw"},
    {"at a section",
     "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=ice-ufrag:EsAw\r\n"
     "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
     "EsAw"},
    {"at the second section",
     "m=audio 9 RTP/AVP 0\r\na=mid:0\r\nm=video 9 RTP/AVP 96\r\na=mid:1\r\n"
     "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
     "EsAw"},
    {"half of them", "a=ice-ufrag:EsAw\r\n", NULL},
    {"candidates alone", "m=audio 9 RTP/AVP 0\r\na=end-of-candidates\r\n", NULL},
};

TEST(negotiate_credentials_of_fragments)
{
    for (size_t i = 0; i < LEN(fragments); i++) {
        struct sdp *s = NULL;
        struct span ufrag = {0}, pwd = {0};
        check_row(fragments[i].name);
        CHECK_INT(sl_sdp_new(span_of(fragments[i].text), SDP_FRAGMENT, NULL, &s), E_OK);
        if (!s)
            continue;
        CHECK_INT(sl_negotiate_credentials(s, &ufrag, &pwd), fragments[i].ufrag != NULL);
        CHECK(span_is(ufrag, fragments[i].ufrag ? fragments[i].ufrag : ""));
        CHECK_INT(pwd.n, fragments[i].ufrag ? 24 : 0);
        sl_sdp_free(s);
    }
}

/* The exchange of RFC 9725 §4.3.3. */
TEST(negotiate_restarts_ice_by_a_fragment)
{
    uint8_t buf[1024];
    struct wr w = wr_of(buf, sizeof buf);
    struct sdp *s = NULL;
    struct negotiate_candidate c = {addr_v4(198, 51, 100, 1, 39132), false};
    struct negotiate_local local = {
        .ufrag = "289b31b754eaa438",
        .pwd = "0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a",
        .candidates = &c,
        .candidates_n = 1};
    CHECK_INT(sl_sdp_new(span_of("a=ice-options:trickle ice2\r\n"
                                 "a=group:BUNDLE 0 1\r\n"
                                 "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                                 "a=mid:0\r\n"
                                 "a=ice-ufrag:ysXw\r\n"
                                 "a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n"),
                         SDP_FRAGMENT, NULL, &s),
              E_OK);
    if (!s)
        return;
    sl_negotiate_fragment(s, &local, &w);
    CHECK(span_is(wr_done(&w),
                  "a=ice-lite\r\n"
                  "a=ice-options:trickle ice2\r\n"
                  "a=group:BUNDLE 0 1\r\n"
                  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                  "a=mid:0\r\n"
                  "a=ice-ufrag:289b31b754eaa438\r\n"
                  "a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a\r\n"
                  "a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host\r\n"
                  "a=end-of-candidates\r\n"));
    sl_sdp_free(s);
}

#define DATA                                                                             \
    "m=application 9 UDP/DTLS/SCTP "                                                     \
    "webrtc-datachannel\r\na=mid:d\r\na=sctp-port:5001\r\n"                              \
    "a=max-message-size:262144\r\n"

/* Data channels: for who wants them, and alone if need be. */
TEST(negotiate_data)
{
    static const struct {
        const char *name, *offer, *from, *to;
        bool data;
        enum negotiate_why why, of_data; /* of the offer, of the section */
        uint32_t message;
    } rows_of_data[] = {
        {"not wanted", OFFER_HEAD OFFER_AUDIO DATA, "BUNDLE a v", "BUNDLE a d", false,
         NEGOTIATE_OK, NEGOTIATE_BAD_KIND, 0},
        {"wanted", OFFER_HEAD OFFER_AUDIO DATA, "BUNDLE a v", "BUNDLE a d", true,
         NEGOTIATE_OK, NEGOTIATE_OK, 262144},
        {"alone", OFFER_HEAD DATA, "BUNDLE a v", "BUNDLE d", true, NEGOTIATE_OK,
         NEGOTIATE_OK, 262144},
        {"twice",
         OFFER_HEAD DATA "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                         "a=mid:e\r\na=sctp-port:5000\r\n",
         "BUNDLE a v", "BUNDLE d e", true, NEGOTIATE_OK, NEGOTIATE_OK, 262144},
        {"not in the BUNDLE", OFFER_HEAD OFFER_AUDIO DATA, "BUNDLE a v", "BUNDLE a", true,
         NEGOTIATE_OK, NEGOTIATE_NO_BUNDLE, 0},
    };
    for (size_t i = 0; i < LEN(rows_of_data); i++) {
        static struct negotiated n;
        uint8_t buf[8192];
        struct wr w = wr_of(buf, sizeof buf);
        struct negotiate_conf conf = offers_conf(PUBLISH);
        struct sdp *offer = NULL;
        char text[4096];
        check_row(rows_of_data[i].name);
        const char *at = strstr(rows_of_data[i].offer, rows_of_data[i].from);
        CHECK(at != NULL);
        if (!at)
            continue;
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - rows_of_data[i].offer),
                       rows_of_data[i].offer, rows_of_data[i].to,
                       at + strlen(rows_of_data[i].from));
        CHECK_INT(sl_sdp_new(span_of(text), SDP_DESCRIPTION, NULL, &offer), E_OK);
        conf.data = rows_of_data[i].data;
        CHECK_INT(sl_negotiate(offer, &conf, &n, &w), rows_of_data[i].why);
        size_t nth = offer->sections[0].type == SDP_APPLICATION ? 0 : 1;
        CHECK_INT(n.sections[nth].why, rows_of_data[i].of_data);
        CHECK_INT(n.data.wanted, rows_of_data[i].of_data == NEGOTIATE_OK);
        CHECK_INT(n.data.message, rows_of_data[i].message);
        CHECK_INT(n.data.port, n.data.wanted ? 5001 : 0);
        wr_u8(&w, 0);
        CHECK((strstr((char *)buf, "a=sctp-port:5000\r\na=max-message-size:262144\r\n") !=
               NULL) == n.data.wanted);
        CHECK((strstr((char *)buf, "m=application 0 ") != NULL) ==
              (!n.data.wanted || n.sections_n > nth + 1));
        sl_sdp_free(offer);
    }
}
