#include "room/answer.h"

#include <stdlib.h>

#include "base/word.h"

#include "check.h"
#include "negotiated.h"

#define CHROMIUM_H264                                                                    \
    "H264/14200=102+103npftr H264/4200=104+107npftr H264/14240=108+109npftr "            \
    "H264/4240=114+115npftr H264/14d00=116+117npftr H264/4d00=39+40npftr"
#define CHROMIUM_AUDIO "opus=111t red/6f=63 G722=9 PCMU=0 PCMA=8 | mid=4 twcc=3 level=1"
#define CHROMIUM_SENT                                                                    \
    "VP8=96+97npftr " CHROMIUM_H264 " AV1=45+46npftr VP9=98+99npftr VP9/2=100+101npftr " \
    "|"
#define CHROMIUM_SEEN                                                                    \
    "VP8=96+97npftr VP9=98+99npftr VP9/2=100+101npftr VP9/1=35+36npftr "                 \
    "VP9/3=37+38npftr " CHROMIUM_H264                                                    \
    " H264/1f400=41+42npftr H264/f400=43+44npftr AV1=45+46npftr AV1/1=47+48npftr |"
#define CHROMIUM_EXTS " orientation=13 delay=5 content=6 color=8"
#define FIREFOX_AUDIO "opus=109t G722=9t PCMU=0t PCMA=8t | mid=3 twcc=7 level=1"
#define FIREFOX_VIDEO "VP8=120+124npftr VP9=121+125npftr AV1=99+100npftr | mid=3"
#define PION_AUDIO    "opus=111 G722=9 PCMU=0 PCMA=8 |"
#define PION_VIDEO                                                                       \
    "VP8=96+97npfr VP9=98+99npfr VP9/1=100+101npfr H264/14200=102+121npfr "              \
    "H264/4200=127+120npfr H264/14240=125+107npfr H264/4240=108+109npfr "                \
    "H264/16400=123+118npfr |"

#define OK       NEGOTIATE_OK
#define NO_MEDIA NEGOTIATE_NO_MEDIA
#define PUBLISH  NEGOTIATE_PUBLISH
#define WATCH    NEGOTIATE_WATCH

/* Real offers, for both jobs, and what a right answer takes of them. Those that only receive
 * cannot publish, and the other way round. */
static const struct {
    const char *name;
    enum negotiate_job job;
    enum negotiate_why why;
    const char *want;
} rows[] = {
    {"chromium-av1", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :1305629232\n"
     "1 recv: AV1=45+46npftr | mid=4 twcc=3" CHROMIUM_EXTS
     " dd=12 vla=9 | :1306129478+1325595479\n"},
    {"chromium-av1", WATCH, NO_MEDIA, NULL},
    {"chromium-datachannel", PUBLISH, NO_MEDIA, NULL},
    {"chromium-datachannel", WATCH, NO_MEDIA, NULL},
    {"chromium-h264", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :4291752585\n"
     "1 recv: " CHROMIUM_H264 " | mid=4 twcc=3" CHROMIUM_EXTS
     " | :2661556928+1883078201\n"},
    {"chromium-h264", WATCH, NO_MEDIA, NULL},
    {"chromium-offer-ice-restart", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :1757427026\n"
     "stopped\n"
     "bad-kind\n"
     "3 recv: " CHROMIUM_SENT " mid=4 twcc=3" CHROMIUM_EXTS " | :1356414954+979531503\n"},
    {"chromium-offer-ice-restart", WATCH, NO_MEDIA, NULL},
    {"chromium-offer-renegotiated", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :1757427026\n"
     "stopped\n"
     "bad-kind\n"
     "3 recv: " CHROMIUM_SENT " mid=4 twcc=3" CHROMIUM_EXTS " | :1356414954+979531503\n"},
    {"chromium-offer-renegotiated", WATCH, NO_MEDIA, NULL},
    {"chromium-recvonly-many", PUBLISH, NO_MEDIA, NULL},
    {"chromium-recvonly-many", WATCH, OK,
     "0 send: " CHROMIUM_AUDIO "\n"
     "1 send: " CHROMIUM_AUDIO "\n"
     "2 send: " CHROMIUM_AUDIO "\n"
     "3 send: " CHROMIUM_AUDIO "\n"
     "4 send: " CHROMIUM_SEEN " mid=4 twcc=3" CHROMIUM_EXTS "\n"
     "5 send: " CHROMIUM_SEEN " mid=4 twcc=3" CHROMIUM_EXTS "\n"
     "6 send: " CHROMIUM_SEEN " mid=4 twcc=3" CHROMIUM_EXTS "\n"
     "7 send: " CHROMIUM_SEEN " mid=4 twcc=3" CHROMIUM_EXTS "\n"
     "8 send: " CHROMIUM_SEEN " mid=4 twcc=3" CHROMIUM_EXTS "\n"
     "9 send: " CHROMIUM_SEEN " mid=4 twcc=3" CHROMIUM_EXTS "\n"
     "10 send: " CHROMIUM_SEEN " mid=4 twcc=3" CHROMIUM_EXTS "\n"
     "11 send: " CHROMIUM_SEEN " mid=4 twcc=3" CHROMIUM_EXTS "\n"},
    {"chromium-recvonly", PUBLISH, NO_MEDIA, NULL},
    {"chromium-recvonly", WATCH, OK,
     "0 send: " CHROMIUM_AUDIO "\n"
     "1 send: " CHROMIUM_SEEN " mid=4 twcc=3" CHROMIUM_EXTS "\n"},
    {"chromium-screen-audio", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :2296130830\n"
     "1 recv: " CHROMIUM_SENT " mid=4 twcc=3" CHROMIUM_EXTS
     " dd=12 vla=9 | :895553308+3040622878\n"},
    {"chromium-screen-audio", WATCH, NO_MEDIA, NULL},
    {"chromium-sendonly-camera-and-screen", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :1989355024\n"
     "1 recv: " CHROMIUM_SENT " mid=4 rid=10 rrid=11 twcc=3" CHROMIUM_EXTS
     " dd=12 vla=9 | q h f\n"
     "2 recv: " CHROMIUM_SENT " mid=4 twcc=3" CHROMIUM_EXTS
     " dd=12 vla=9 | :2092209189+646192742\n"
     "3 recv: " CHROMIUM_AUDIO " | :2439424546\n"
     "bad-kind\n"},
    {"chromium-sendonly-camera-and-screen", WATCH, NO_MEDIA, NULL},
    {"chromium-sendonly-simulcast-trickle", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :1375870851\n"
     "1 recv: " CHROMIUM_SENT " mid=4 rid=10 rrid=11 twcc=3" CHROMIUM_EXTS
     " dd=12 vla=9 | q h f\n"},
    {"chromium-sendonly-simulcast-trickle", WATCH, NO_MEDIA, NULL},
    {"chromium-sendonly-simulcast", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :2612207988\n"
     "1 recv: " CHROMIUM_SENT " mid=4 rid=10 rrid=11 twcc=3" CHROMIUM_EXTS
     " dd=12 vla=9 | q h f\n"},
    {"chromium-sendonly-simulcast", WATCH, NO_MEDIA, NULL},
    {"chromium-sendonly-single", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :1028699932\n"
     "1 recv: " CHROMIUM_SENT " mid=4 twcc=3" CHROMIUM_EXTS
     " | :3144863438+1211170778\n"},
    {"chromium-sendonly-single", WATCH, NO_MEDIA, NULL},
    {"chromium-sendrecv-datachannel", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :675117580\n"
     "1 recv: " CHROMIUM_SENT " mid=4 twcc=3" CHROMIUM_EXTS " | :858799908+2693077225\n"
     "bad-kind\n"},
    {"chromium-sendrecv-datachannel", WATCH, OK,
     "0 send: " CHROMIUM_AUDIO "\n"
     "1 send: " CHROMIUM_SENT " mid=4 twcc=3" CHROMIUM_EXTS "\n"
     "bad-kind\n"},
    {"chromium-svc-vp9", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :2964601781\n"
     "1 recv: VP9=98+99npftr VP9/2=100+101npftr | mid=4 twcc=3" CHROMIUM_EXTS
     " dd=12 vla=9 | :1739733443+1512910743\n"},
    {"chromium-svc-vp9", WATCH, NO_MEDIA, NULL},
    {"firefox-av1", PUBLISH, OK,
     "0 recv: " FIREFOX_AUDIO " | :1370699100\n"
     "1 recv: AV1=99+100npftr | mid=3 twcc=7 | :3359676344+280086524\n"},
    {"firefox-av1", WATCH, NO_MEDIA, NULL},
    {"firefox-datachannel", PUBLISH, NO_MEDIA, NULL},
    {"firefox-datachannel", WATCH, NO_MEDIA, NULL},
    {"firefox-offer-ice-restart", PUBLISH, OK,
     "0 recv: " FIREFOX_AUDIO " | :482250814\n"
     "stopped\n"
     "bad-kind\n"
     "3 recv: " FIREFOX_VIDEO " twcc=7 | :754782659+2630893662\n"},
    {"firefox-offer-ice-restart", WATCH, NO_MEDIA, NULL},
    {"firefox-offer-renegotiated", PUBLISH, OK,
     "0 recv: " FIREFOX_AUDIO " | :482250814\n"
     "stopped\n"
     "bad-kind\n"
     "3 recv: " FIREFOX_VIDEO " twcc=7 | :754782659+2630893662\n"},
    {"firefox-offer-renegotiated", WATCH, NO_MEDIA, NULL},
    {"firefox-recvonly-many", PUBLISH, NO_MEDIA, NULL},
    {"firefox-recvonly-many", WATCH, OK,
     "0 send: " FIREFOX_AUDIO "\n"
     "1 send: " FIREFOX_AUDIO "\n"
     "2 send: " FIREFOX_AUDIO "\n"
     "3 send: " FIREFOX_AUDIO "\n"
     "4 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"
     "5 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"
     "6 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"
     "7 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"
     "8 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"
     "9 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"
     "10 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"
     "11 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"},
    {"firefox-recvonly", PUBLISH, NO_MEDIA, NULL},
    {"firefox-recvonly", WATCH, OK,
     "0 send: " FIREFOX_AUDIO "\n"
     "1 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"},
    {"firefox-sendonly-camera-and-screen", PUBLISH, OK,
     "0 recv: " FIREFOX_AUDIO " | :1229131369\n"
     "1 recv: " FIREFOX_VIDEO " rid=9 rrid=10 twcc=7 dd=8 | q:1959222998+2600638699 "
     "h:237167523+3041709629 f:470170998+897196362\n"
     "2 recv: " FIREFOX_VIDEO " twcc=7 dd=8 | :1577518332+2010083938\n"
     "3 recv: " FIREFOX_AUDIO " | :930950702\n"
     "bad-kind\n"},
    {"firefox-sendonly-camera-and-screen", WATCH, NO_MEDIA, NULL},
    {"firefox-sendonly-simulcast-trickle", PUBLISH, OK,
     "0 recv: " FIREFOX_AUDIO " | :21371422\n"
     "1 recv: " FIREFOX_VIDEO " rid=9 rrid=10 twcc=7 dd=8 | q:3197764287+673564865 "
     "h:3826980605+1001200258 f:1576575445+1338726827\n"},
    {"firefox-sendonly-simulcast-trickle", WATCH, NO_MEDIA, NULL},
    {"firefox-sendonly-simulcast", PUBLISH, OK,
     "0 recv: " FIREFOX_AUDIO " | :989646589\n"
     "1 recv: " FIREFOX_VIDEO " rid=9 rrid=10 twcc=7 dd=8 | q:2161886550+2339931256 "
     "h:1360603958+4119014638 f:2145192335+1660573369\n"},
    {"firefox-sendonly-simulcast", WATCH, NO_MEDIA, NULL},
    {"firefox-sendonly-single", PUBLISH, OK,
     "0 recv: " FIREFOX_AUDIO " | :3230598294\n"
     "1 recv: " FIREFOX_VIDEO " twcc=7 | :1848787527+1773170034\n"},
    {"firefox-sendonly-single", WATCH, NO_MEDIA, NULL},
    {"firefox-sendrecv-datachannel", PUBLISH, OK,
     "0 recv: " FIREFOX_AUDIO " | :1312973081\n"
     "1 recv: " FIREFOX_VIDEO " twcc=7 | :976851304+1669687954\n"
     "bad-kind\n"},
    {"firefox-sendrecv-datachannel", WATCH, OK,
     "0 send: " FIREFOX_AUDIO "\n"
     "1 send: " FIREFOX_VIDEO " twcc=7 delay=6\n"
     "bad-kind\n"},
    {"firefox-svc-vp9", PUBLISH, OK,
     "0 recv: " FIREFOX_AUDIO " | :3861622348\n"
     "1 recv: VP9=121+125npftr | mid=3 twcc=7 | :4071182457+1310457\n"},
    {"firefox-svc-vp9", WATCH, NO_MEDIA, NULL},
    {"gstreamer-datachannel", PUBLISH, NO_MEDIA, NULL},
    {"gstreamer-datachannel", WATCH, NO_MEDIA, NULL},
    {"gstreamer-recvonly", PUBLISH, NO_MEDIA, NULL},
    {"gstreamer-recvonly", WATCH, OK, "audio0 send: opus=111 |\n"},
    {"gstreamer-sendrecv-h264", PUBLISH, OK,
     "video0 recv: H264/14240=96pf | | :865438967\n"
     "audio1 recv: opus=111 | | :3082995015\n"},
    {"gstreamer-sendrecv-h264", WATCH, OK,
     "video0 send: H264/14240=96pf |\n"
     "audio1 send: opus=111 |\n"},
    {"gstreamer-sendrecv-vp8", PUBLISH, OK,
     "video0 recv: VP8=96pf | | :2219398218\n"
     "audio1 recv: opus=111 | | :2902817443\n"},
    {"gstreamer-sendrecv-vp8", WATCH, OK,
     "video0 send: VP8=96pf |\n"
     "audio1 send: opus=111 |\n"},
    {"libdatachannel-datachannel", PUBLISH, NO_MEDIA, NULL},
    {"libdatachannel-datachannel", WATCH, NO_MEDIA, NULL},
    {"libdatachannel-whip-h264", PUBLISH, OK,
     "0 recv: opus=111 | | :1111\n"
     "1 recv: H264/14240=96npr | | :2222\n"},
    {"libdatachannel-whip-h264", WATCH, NO_MEDIA, NULL},
    {"obs-whip-h264-handmade", PUBLISH, OK,
     "0 recv: opus=111 | | :1893727301\n"
     "1 recv: H264/14240=96npr | | :1893727302\n"},
    {"obs-whip-h264-handmade", WATCH, NO_MEDIA, NULL},
    {"pion-datachannel", PUBLISH, NO_MEDIA, NULL},
    {"pion-datachannel", WATCH, NO_MEDIA, NULL},
    {"pion-recvonly", PUBLISH, NO_MEDIA, NULL},
    {"pion-recvonly", WATCH, OK,
     "0 send: " PION_AUDIO "\n"
     "1 send: " PION_VIDEO "\n"},
    {"pion-sendonly", PUBLISH, OK,
     "0 recv: " PION_AUDIO " | :2944389760\n"
     "1 recv: " PION_VIDEO " | :3370144549\n"},
    {"pion-sendonly", WATCH, NO_MEDIA, NULL},
    {"pion-simulcast", PUBLISH, OK,
     "0 recv: " PION_VIDEO
     " mid=1 rid=2 rrid=3 | q:1443908870 h:3863010876 f:371964967\n"},
    {"pion-simulcast", WATCH, OK, "0 send: " PION_VIDEO " mid=1\n"},
    {"werift-datachannel", PUBLISH, NO_MEDIA, NULL},
    {"werift-datachannel", WATCH, NO_MEDIA, NULL},
    {"werift-recvonly", PUBLISH, NO_MEDIA, NULL},
    {"werift-recvonly", WATCH, OK,
     "0 send: opus=96 PCMU=0 | mid=1\n"
     "1 send: VP8=98npr | mid=2 time=4\n"},
    {"werift-sendonly", PUBLISH, OK,
     "0 recv: opus=96 PCMU=0 | mid=1 | :3500320172\n"
     "1 recv: VP8=98npr | mid=2 time=4 | :3666141178\n"},
    {"werift-sendonly", WATCH, NO_MEDIA, NULL},
    {"wrtc-sendonly-simulcast", PUBLISH, OK,
     "0 recv: " CHROMIUM_AUDIO " | :1549967742\n"
     "1 recv: VP8=96+97npftr AV1=39+40npftr VP9=98+99npftr VP9/2=100+101npftr | mid=4 "
     "rid=10 rrid=11 twcc=3" CHROMIUM_EXTS " | q h f\n"},
    {"wrtc-sendonly-simulcast", WATCH, NO_MEDIA, NULL},
};

#define FINGERPRINT                                                                      \
    "a=fingerprint:sha-256 AB:CD:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"             \
    "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\r\n"

enum { SLOTS = 8 }; /* of each kind */

static const uint8_t sha256[32] = {0xab, 0xcd};
static const char *const pwd = "0123456789012345678901";
static uint8_t text[NEGOTIATE_ANSWER_MAX];
static struct negotiated result;

static enum negotiate_why answer(const struct sdp *offer, enum negotiate_job job,
                                 struct span *ret)
{
    struct negotiate_slot slots[2 * SLOTS];
    struct negotiate_candidate candidates[] = {{addr_v4(192, 0, 2, 1, 8443), false},
                                               {addr_v4(192, 0, 2, 1, 8443), true}};
    for (size_t i = 0; i < LEN(slots); i++)
        slots[i] = (struct negotiate_slot){
            .kind = i % 2 ? MEDIA_AUDIO : MEDIA_VIDEO,
            .stream = "camera",
            .track = i % 2 ? "sound" : "picture",
            .ssrc = 1000 + (uint32_t)i,
            .rtx_ssrc = 2000 + (uint32_t)i,
        };
    struct negotiate_conf conf = {
        .job = job,
        .local = {"abcdefgh", pwd, sha256, false, candidates, LEN(candidates)},
        .session = 77,
        .version = 3,
        .slots = slots,
        .slots_n = LEN(slots),
        .cname = "sluice",
    };
    struct wr w = wr_of(text, sizeof text);
    enum negotiate_why why = sl_negotiate(offer, &conf, &result, &w);
    *ret = wr_done(&w);
    return why;
}

/* ---- what holds for any answer ---- */

static bool has_pt(const struct sdp_section *s, uint8_t pt)
{
    for (size_t i = 0; i < s->pts_n; i++)
        if (s->pts[i] == pt)
            return true;
    return false;
}

static bool bundled(const struct sdp *s, struct span mid)
{
    struct span mids = sl_sdp_bundle(s);
    for (struct span m = word_next(&mids); m.n > 0; m = word_next(&mids))
        if (span_eq(m, mid))
            return true;
    return false;
}

static bool has_extmap(const struct sdp_section *s, const struct sdp_extmap *e)
{
    sdp_each (l, s, SDP_EXTMAP)
        if (l->extmap.id == e->id && span_eq(l->extmap.uri, e->uri) &&
            l->extmap.directed == e->directed)
            return true;
    return false;
}

static void check_streams(const struct sdp_section *a, enum negotiate_job job)
{
    const struct sdp_line *msid = sl_sdp_next(a, SDP_MSID, NULL);
    const struct sdp_line *ssrc = sl_sdp_next(a, SDP_SSRC, NULL);
    CHECK(!msid == (job == PUBLISH || a->direction == SDP_INACTIVE));
    CHECK(!ssrc == !msid);
    sdp_each (l, a, SDP_RID)
        CHECK(l->rid.recv);
}

/* RFC 3264 §6.1, RFC 8285 §6: an answer stays within its offer. */
static void check_lines(const struct sdp_section *o, const struct sdp_section *a)
{
    for (size_t k = 0; k < a->pts_n; k++)
        CHECK(has_pt(o, a->pts[k]));
    sdp_each (l, a, SDP_EXTMAP)
        CHECK(has_extmap(o, &l->extmap));
    sdp_each (l, a, SDP_RTPMAP)
        CHECK(has_pt(a, l->rtpmap.pt));
}

static void check_accepted(const struct sdp *ans, const struct sdp_section *a,
                           enum negotiate_job job)
{
    const struct sdp_line *f = sl_sdp_next(a, SDP_FINGERPRINT, NULL);
    struct span mids = sl_sdp_bundle(ans), tagged = word_next(&mids);
    CHECK(f && memcmp(f->fingerprint.bytes, sha256, 32) == 0);
    CHECK(span_is(a->ufrag, "abcdefgh") && span_is(a->pwd, pwd));
    CHECK_INT(a->setup, SDP_SETUP_PASSIVE);
    CHECK_INT(a->end_of_candidates, span_eq(a->mid, tagged));
    CHECK(a->rtcp_mux);
    CHECK(a->direction == SDP_INACTIVE ||
          a->direction == (job == PUBLISH ? SDP_RECVONLY : SDP_SENDONLY));
    check_streams(a, job);
}

static void check_section(const struct sdp *offer, const struct sdp *ans, size_t i,
                          enum negotiate_job job)
{
    const struct sdp_section *o = &offer->sections[i], *a = &ans->sections[i];
    bool accepted = result.sections[i].why == NEGOTIATE_OK;
    CHECK(span_eq(a->m.media, o->m.media) && span_eq(a->m.proto, o->m.proto));
    CHECK(span_eq(a->mid, o->mid));
    CHECK_INT(a->m.port, accepted ? 9 : 0);
    CHECK_INT(bundled(ans, a->mid), accepted);
    CHECK(!a->rtcp_rsize || o->rtcp_rsize);
    check_lines(o, a);
    if (accepted)
        check_accepted(ans, a, job);
}

static void check_answer(const struct sdp *offer, struct span got, enum negotiate_job job)
{
    struct sdp *ans = NULL;
    CHECK_INT(sl_sdp_new(got, SDP_DESCRIPTION, NULL, &ans), E_OK);
    if (!ans)
        return;
    CHECK(ans->session.ice_lite);
    CHECK_INT(ans->sections_n, offer->sections_n);
    for (size_t i = 0; i < ans->sections_n && i < offer->sections_n; i++)
        check_section(offer, ans, i, job);
    sl_sdp_free(ans);
}

static struct sdp *offer_of(const char *name)
{
    char path[96];
    struct sdp *offer = NULL;
    (void)snprintf(path, sizeof path, "tests/sdp/%s.sdp", name);
    CHECK_INT(sl_sdp_new(check_file(path), SDP_DESCRIPTION, NULL, &offer), E_OK);
    return offer;
}

TEST(answer_to_real_offers)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        char row[96];
        uint8_t said[8192];
        struct wr w = wr_of(said, sizeof said);
        struct span got;
        (void)snprintf(row, sizeof row, "%s, %s", rows[i].name,
                       rows[i].job == PUBLISH ? "publish" : "watch");
        check_row(row);
        struct sdp *offer = offer_of(rows[i].name);
        if (!offer)
            continue;
        CHECK_INT(answer(offer, rows[i].job, &got), rows[i].why);
        if (rows[i].want) {
            say_negotiated(&w, &result);
            if (!span_is(wr_done(&w), rows[i].want))
                check_fail(__FILE__, __LINE__, "got\n%.*s", (int)w.n, (const char *)said);
            CHECK_INT(result.peer.hash, MEDIA_SHA256);
            CHECK(!result.dtls_client);
            check_answer(offer, got, rows[i].job);
        }
        sl_sdp_free(offer);
    }
}

/* One whole answer of each job, to be read: what webrtcbin gets, and what Firefox gets. */

TEST(answer_to_a_gstreamer_publisher)
{
    struct span got;
    struct sdp *offer = offer_of("gstreamer-sendrecv-h264");
    if (!offer)
        return;
    CHECK_INT(answer(offer, PUBLISH, &got), NEGOTIATE_OK);
    CHECK(span_is(got,
                  "v=0\r\n"
                  "o=- 77 3 IN IP4 127.0.0.1\r\n"
                  "s=-\r\n"
                  "t=0 0\r\n"
                  "a=group:BUNDLE video0 audio1\r\n"
                  "a=ice-lite\r\n"
                  "a=ice-options:trickle ice2\r\n"
                  "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
                  "c=IN IP4 0.0.0.0\r\n"
                  "a=mid:video0\r\n"
                  "a=ice-ufrag:abcdefgh\r\n"
                  "a=ice-pwd:0123456789012345678901\r\n" FINGERPRINT "a=setup:passive\r\n"
                  "a=candidate:1 1 udp 2130706431 192.0.2.1 8443 typ host\r\n"
                  "a=candidate:2 1 tcp 1520434943 192.0.2.1 8443 typ host tcptype "
                  "passive\r\n"
                  "a=end-of-candidates\r\n"
                  "a=recvonly\r\n"
                  "a=rtcp-mux\r\n"
                  "a=rtcp-mux-only\r\n"
                  "a=rtcp-rsize\r\n"
                  "a=rtpmap:96 H264/90000\r\n"
                  "a=rtcp-fb:96 ccm fir\r\n"
                  "a=rtcp-fb:96 nack pli\r\n"
                  "a=fmtp:96 packetization-mode=1;profile-level-id=42c01e;"
                  "level-asymmetry-allowed=1\r\n"
                  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                  "c=IN IP4 0.0.0.0\r\n"
                  "a=mid:audio1\r\n"
                  "a=ice-ufrag:abcdefgh\r\n"
                  "a=ice-pwd:0123456789012345678901\r\n" FINGERPRINT "a=setup:passive\r\n"
                  "a=recvonly\r\n"
                  "a=rtcp-mux\r\n"
                  "a=rtcp-mux-only\r\n"
                  "a=rtcp-rsize\r\n"
                  "a=rtpmap:111 OPUS/48000/2\r\n"));
    sl_sdp_free(offer);
}

/* The last section that takes part, and the one that does not. */
TEST(answer_to_a_firefox_viewer)
{
    struct span got;
    struct sdp *offer = offer_of("firefox-sendrecv-datachannel");
    if (!offer)
        return;
    CHECK_INT(answer(offer, WATCH, &got), NEGOTIATE_OK);
    const char *tail = "a=rtpmap:100 rtx/90000\r\n"
                       "a=fmtp:100 apt=99\r\n"
                       "a=msid:camera picture\r\n"
                       "a=ssrc-group:FID 1000 2000\r\n"
                       "a=ssrc:1000 cname:sluice\r\n"
                       "a=ssrc:2000 cname:sluice\r\n"
                       "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                       "c=IN IP4 0.0.0.0\r\n"
                       "a=mid:2\r\n"
                       "a=inactive\r\n";
    CHECK(got.n > strlen(tail) &&
          memcmp(got.p + got.n - strlen(tail), tail, strlen(tail)) == 0);
    sl_sdp_free(offer);
}
