#include "room/match.h"

#include "check.h"
#include "offers.h"

#define RTP "UDP/TLS/RTP/SAVPF"

/* One section of a kind, its payload types and its lines, and what comes of it. */
static const struct {
    const char *name;
    enum negotiate_job job;
    const char *media, *lines, *want;
} rows[] = {
    {"payload types that need no rtpmap", NEGOTIATE_PUBLISH, "audio 9 " RTP " 0 8 9 13",
     "", "v recv: PCMU=0 PCMA=8 G722=9 | | \n"},
    {"a fixed payload type with a map of its own", NEGOTIATE_PUBLISH, "audio 9 " RTP " 0",
     "a=rtpmap:0 opus/48000/2\r\n", "v recv: opus=0 | | \n"},
    {"Opus of one channel is no Opus", NEGOTIATE_PUBLISH, "audio 9 " RTP " 111 0",
     "a=rtpmap:111 opus/48000\r\n", "v recv: PCMU=0 | | \n"},
    {"a clock that is not the codec's", NEGOTIATE_PUBLISH, "audio 9 " RTP " 111 0",
     "a=rtpmap:111 opus/44100/2\r\n", "v recv: PCMU=0 | | \n"},
    {"video in an audio section", NEGOTIATE_PUBLISH, "audio 9 " RTP " 96 0",
     "a=rtpmap:96 VP8/90000\r\n", "v recv: PCMU=0 | | \n"},
    {"RED before its Opus", NEGOTIATE_PUBLISH, "audio 9 " RTP " 63 111",
     "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:111 opus/48000/2\r\n",
     "v recv: red/6f=63 opus=111 | | \n"},
    {"RED of a payload type that is not there", NEGOTIATE_PUBLISH,
     "audio 9 " RTP " 63 111",
     "a=rtpmap:63 red/48000/2\r\na=fmtp:63 112/112\r\na=rtpmap:111 opus/48000/2\r\n",
     "v recv: opus=111 | | \n"},
    {"RED of video is not ours", NEGOTIATE_PUBLISH, "video 9 " RTP " 96 118",
     "a=rtpmap:96 VP8/90000\r\na=rtpmap:118 red/90000\r\n", "v recv: VP8=96 | | \n"},

    {"RTX without NACK has nothing to do", NEGOTIATE_PUBLISH, "video 9 " RTP " 96 97",
     "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n",
     "v recv: VP8=96 | | \n"},
    {"RTX of what we do not know", NEGOTIATE_PUBLISH, "video 9 " RTP " 96 97 98",
     "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\n"
     "a=fmtp:97 apt=98\r\na=rtpmap:98 H266/90000\r\n",
     "v recv: VP8=96n | | \n"},
    {"two RTX for one", NEGOTIATE_PUBLISH, "video 9 " RTP " 96 97 98",
     "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\n"
     "a=fmtp:97 apt=96\r\na=rtpmap:98 rtx/90000\r\na=fmtp:98 apt=96\r\n",
     "v recv: VP8=96+97n | | \n"},
    {"RTX without apt", NEGOTIATE_PUBLISH, "video 9 " RTP " 96 97",
     "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\n",
     "v recv: VP8=96n | | \n"},

    {"feedback for all payload types", NEGOTIATE_WATCH, "video 9 " RTP " 96 98",
     "a=rtpmap:96 VP8/90000\r\na=rtpmap:98 VP9/90000\r\na=rtcp-fb:* nack pli\r\n"
     "a=rtcp-fb:98 ccm fir\r\na=rtcp-fb:* nack sli\r\na=rtcp-fb:* ack rpsi\r\n",
     "v send: VP8=96p VP9=98pf |\n"},
    {"key frames of sound", NEGOTIATE_PUBLISH, "audio 9 " RTP " 0",
     "a=rtcp-fb:0 nack pli\r\na=rtcp-fb:0 ccm fir\r\na=rtcp-fb:0 nack\r\n",
     "v recv: PCMU=0n | | \n"},
    {"transport-cc without its extension", NEGOTIATE_PUBLISH, "audio 9 " RTP " 0",
     "a=rtcp-fb:0 transport-cc\r\n", "v recv: PCMU=0 | | \n"},
    {"the extension without transport-cc", NEGOTIATE_PUBLISH, "audio 9 " RTP " 0",
     "a=extmap:3 "
     "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
     "v recv: PCMU=0 | | \n"},
    {"REMB by send time", NEGOTIATE_PUBLISH, "video 9 " RTP " 96",
     "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\n"
     "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n",
     "v recv: VP8=96r | time=2 | \n"},

    {"send time of no use to anyone", NEGOTIATE_PUBLISH, "video 9 " RTP " 96",
     "a=rtpmap:96 VP8/90000\r\n"
     "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n",
     "v recv: VP8=96 | | \n"},

    {"an extension only from the offerer, published", NEGOTIATE_PUBLISH,
     "audio 9 " RTP " 0",
     "a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
     "v recv: PCMU=0 | level=1 | \n"},
    {"an extension only from the offerer, watching", NEGOTIATE_WATCH, "audio 9 " RTP " 0",
     "a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
     "v send: PCMU=0 |\n"},
    {"an extension only to the offerer, watching", NEGOTIATE_WATCH, "audio 9 " RTP " 0",
     "a=extmap:1/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
     "v send: PCMU=0 | level=1\n"},
    {"an inactive extension", NEGOTIATE_PUBLISH, "audio 9 " RTP " 0",
     "a=extmap:1/inactive urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
     "v recv: PCMU=0 | | \n"},
    {"ids that only the two-byte form has", NEGOTIATE_PUBLISH, "audio 9 " RTP " 0",
     "a=extmap:15 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
     "a=extmap:14 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
     "v recv: PCMU=0 | mid=14 | \n"},
    {"one id for two extensions", NEGOTIATE_PUBLISH, "audio 9 " RTP " 0",
     "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
     "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
     "v recv: PCMU=0 | level=1 | \n"},
    {"two ids for one extension", NEGOTIATE_PUBLISH, "audio 9 " RTP " 0",
     "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
     "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
     "v recv: PCMU=0 | mid=1 | \n"},
    {"pictures have no loudness", NEGOTIATE_PUBLISH, "video 9 " RTP " 96",
     "a=rtpmap:96 VP8/90000\r\na=extmap:1 "
     "urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
     "v recv: VP8=96 | | \n"},
};

TEST(match_of_one_section)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[2048];
        struct negotiate_conf conf = offers_conf(rows[i].job);
        check_row(rows[i].name);
        (void)snprintf(text, sizeof text,
                       OFFER_HEAD "m=%s\r\na=mid:v\r\na=rtcp-mux\r\n%s", rows[i].media,
                       rows[i].lines);
        CHECK_INT(offers_check(span_of(text), &conf, rows[i].want), NEGOTIATE_OK);
    }
}

static const struct {
    const char *name;
    enum codec codecs[3];
    size_t n;
    const char *want;
} preferences[] = {
    {"the offer's order", {0}, 0, "v recv: VP8=96 VP9/2=98 VP9=100 AV1=45 | | \n"},
    {"one alone", {CODEC_AV1}, 1, "v recv: AV1=45 | | \n"},
    {"ours before theirs, equals as offered",
     {CODEC_AV1, CODEC_VP9, CODEC_VP8},
     3,
     "v recv: AV1=45 VP9/2=98 VP9=100 VP8=96 | | \n"},
    {"none in common", {CODEC_H264}, 1, "no-common-codec\n"},
};

TEST(match_prefers_what_the_caller_prefers)
{
    for (size_t i = 0; i < LEN(preferences); i++) {
        struct negotiate_conf conf = offers_conf(NEGOTIATE_PUBLISH);
        conf.codecs = preferences[i].codecs;
        conf.codecs_n = preferences[i].n;
        check_row(preferences[i].name);
        (void)offers_check(span_of(OFFER_HEAD
                                   "m=video 9 " RTP
                                   " 96 98 100 45\r\na=mid:v\r\na=rtcp-mux\r\n"
                                   "a=rtpmap:96 VP8/90000\r\na=rtpmap:98 VP9/90000\r\n"
                                   "a=rtpmap:100 VP9/90000\r\na=rtpmap:45 AV1/90000\r\n"
                                   "a=fmtp:98 profile-id=2\r\n"),
                           &conf, preferences[i].want);
    }
}

/* 40 payload types of one codec, of which we take what there is room for. */
TEST(match_takes_no_more_codecs_than_fit)
{
    static char text[8192];
    struct negotiate_conf conf = offers_conf(NEGOTIATE_WATCH);
    struct wr w = wr_of((uint8_t *)text, sizeof text), a = wr_of((uint8_t[1]){0}, 0);
    static struct negotiated n;
    struct sdp *offer;
    wr_str(&w, OFFER_HEAD "m=video 9 " RTP);
    for (unsigned pt = 80; pt < 120; pt++)
        say(&w, " %u", pt);
    say(&w, "\r\na=mid:v\r\na=rtcp-mux\r\n");
    for (unsigned pt = 80; pt < 120; pt++)
        say(&w, "a=rtpmap:%u VP8/90000\r\n", pt);
    CHECK_INT(offers_negotiate(wr_done(&w), &conf, &n, &a, &offer), NEGOTIATE_TOO_LARGE);
    CHECK_INT(n.sections[0].params.codecs_n, PARAMS_CODECS_MAX);
    CHECK_INT(n.sections[0].params.codecs[PARAMS_CODECS_MAX - 1].pt,
              80 + PARAMS_CODECS_MAX - 1);
    sl_sdp_free(offer);
}
