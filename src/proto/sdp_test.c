#include "proto/sdp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/word.h"

#include "check.h"

/* How many lines of a kind a real description has, counted by other means. */
static const struct {
    const char *name;
    size_t sections, lines, candidates, rtpmaps, fbs, extmaps, ssrcs;
} vectors[] = {
    {"chromium-answer-ice-restart", 4, 268, 0, 54, 101, 15, 0},
    {"chromium-answer-recvonly", 3, 163, 1, 31, 51, 15, 0},
    {"chromium-av1", 2, 87, 4, 13, 6, 17, 6},
    {"chromium-datachannel", 1, 19, 2, 0, 0, 0, 0},
    {"chromium-h264", 2, 130, 4, 23, 31, 15, 6},
    {"chromium-offer-ice-restart", 4, 277, 0, 54, 101, 15, 6},
    {"chromium-offer-renegotiated", 4, 291, 3, 54, 101, 26, 6},
    {"chromium-recvonly-many", 12, 1449, 2, 304, 620, 104, 0},
    {"chromium-recvonly", 2, 205, 4, 42, 78, 15, 0},
    {"chromium-screen-audio", 2, 167, 4, 31, 51, 17, 6},
    {"chromium-sendonly-camera-and-screen", 5, 338, 10, 62, 102, 34, 8},
    {"chromium-sendonly-simulcast-trickle", 2, 162, 0, 31, 51, 17, 2},
    {"chromium-sendonly-simulcast", 2, 166, 4, 31, 51, 17, 2},
    {"chromium-sendonly-single", 2, 165, 4, 31, 51, 15, 6},
    {"chromium-sendrecv-datachannel", 3, 177, 6, 31, 51, 15, 6},
    {"chromium-svc-vp9", 2, 96, 4, 15, 11, 17, 6},
    {"firefox-answer-ice-restart", 4, 102, 0, 15, 29, 7, 2},
    {"firefox-answer-recvonly", 3, 102, 4, 14, 29, 7, 2},
    {"firefox-av1", 2, 106, 16, 10, 29, 9, 3},
    {"firefox-datachannel", 1, 23, 4, 0, 0, 0, 0},
    {"firefox-offer-ice-restart", 4, 108, 0, 15, 29, 9, 3},
    {"firefox-offer-renegotiated", 4, 113, 4, 15, 29, 9, 3},
    {"firefox-recvonly-many", 12, 578, 8, 92, 216, 56, 12},
    {"firefox-recvonly", 2, 110, 16, 14, 29, 9, 2},
    {"firefox-sendonly-camera-and-screen", 5, 231, 20, 28, 58, 24, 10},
    {"firefox-sendonly-simulcast-trickle", 2, 108, 0, 14, 29, 12, 7},
    {"firefox-sendonly-simulcast", 2, 127, 16, 14, 29, 12, 7},
    {"firefox-sendonly-single", 2, 114, 16, 14, 29, 9, 3},
    {"firefox-sendrecv-datachannel", 3, 128, 20, 14, 29, 9, 3},
    {"firefox-svc-vp9", 2, 107, 16, 10, 29, 9, 3},
    {"gstreamer-datachannel", 1, 23, 9, 0, 0, 0, 0},
    {"gstreamer-recvonly", 1, 28, 9, 1, 1, 0, 0},
    {"gstreamer-sendrecv-h264", 2, 51, 9, 2, 4, 0, 4},
    {"gstreamer-sendrecv-vp8", 2, 50, 9, 2, 4, 0, 4},
    {"libdatachannel-datachannel", 1, 19, 1, 0, 0, 0, 0},
    {"libdatachannel-whip-h264", 2, 40, 1, 2, 3, 0, 4},
    {"obs-whip-h264-handmade", 2, 35, 0, 2, 3, 0, 4},
    {"pion-datachannel", 1, 18, 2, 0, 0, 0, 0},
    {"pion-recvonly", 2, 97, 2, 21, 32, 0, 0},
    {"pion-sendonly", 2, 107, 2, 21, 32, 0, 8},
    {"pion-simulcast", 1, 105, 2, 17, 32, 3, 12},
    {"werift-datachannel", 1, 19, 1, 0, 0, 0, 0},
    {"werift-recvonly", 2, 46, 2, 3, 3, 5, 2},
    {"werift-sendonly", 2, 46, 2, 3, 3, 5, 2},
    {"wrtc-sendonly-simulcast", 2, 117, 8, 26, 21, 15, 2},
};

static struct sdp *parsed(struct span text)
{
    struct sdp *s = NULL;
    CHECK_INT(sl_sdp_new(text, SDP_DESCRIPTION, NULL, &s), E_OK);
    return s;
}

static struct span vector(const char *name)
{
    char path[96];
    (void)snprintf(path, sizeof path, "tests/sdp/%s.sdp", name);
    check_row(name);
    return check_file(path);
}

static size_t count(const struct sdp *s, enum sdp_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < s->sections_n; i++)
        sdp_each (l, &s->sections[i], kind)
            n++;
    return n;
}

static uint8_t written[SDP_TEXT_MAX], again[SDP_TEXT_MAX];

static struct span write_to(uint8_t *buf, const struct sdp *s)
{
    struct wr w = wr_of(buf, SDP_TEXT_MAX);
    sl_sdp_write(&w, s);
    CHECK(!w.bad);
    return wr_done(&w);
}

TEST(sdp_vectors_parse_in_full)
{
    for (size_t i = 0; i < LEN(vectors); i++) {
        struct sdp *s = parsed(vector(vectors[i].name));
        if (!s)
            continue;
        size_t lines = s->session.lines_n;
        for (size_t k = 0; k < s->sections_n; k++)
            lines += s->sections[k].lines_n;
        CHECK_INT(s->sections_n, vectors[i].sections);
        CHECK_INT(lines, vectors[i].lines);
        CHECK_INT(count(s, SDP_CANDIDATE), vectors[i].candidates);
        CHECK_INT(count(s, SDP_RTPMAP), vectors[i].rtpmaps);
        CHECK_INT(count(s, SDP_RTCP_FB), vectors[i].fbs);
        CHECK_INT(count(s, SDP_EXTMAP), vectors[i].extmaps);
        CHECK_INT(count(s, SDP_SSRC), vectors[i].ssrcs);
        sl_sdp_free(s);
    }
}

/* Two spellings that mean the same: a blank at the end, and one channel. */
static struct span plain(struct span line)
{
    line = word_trim(line);
    if (word_starts(line, "a=rtpmap:") && line.n > 2 &&
        memcmp(line.p + line.n - 2, "/1", 2) == 0)
        line.n -= 2;
    return line;
}

TEST(sdp_vectors_are_written_line_by_line_as_they_came)
{
    for (size_t i = 0; i < LEN(vectors); i++) {
        struct span text = vector(vectors[i].name);
        struct sdp *s = parsed(text);
        if (!s)
            continue;
        struct span out = write_to(written, s), rest = out;
        while (text.n > 0) {
            struct span want = word_cut(&text, '\r'), got = word_cut(&rest, '\r');
            if (!span_eq(plain(want), got))
                check_fail(__FILE__, __LINE__, "%.*s: became %.*s", (int)want.n,
                           (const char *)want.p, (int)got.n, (const char *)got.p);
            (void)word_cut(&text, '\n');
            (void)word_cut(&rest, '\n');
        }
        CHECK_INT(rest.n, 0);

        struct sdp *t = parsed(out);
        if (t)
            CHECK(span_eq(write_to(again, t), out));
        sl_sdp_free(s);
        sl_sdp_free(t);
    }
}

TEST(sdp_sections_tell_what_firefox_offers)
{
    struct sdp *s = parsed(vector("firefox-offer-renegotiated"));
    if (!s)
        return;
    const struct sdp_section *audio = &s->sections[0];
    CHECK(span_is(sl_sdp_bundle(s), "0 2 3"));
    CHECK_INT(audio->type, SDP_AUDIO);
    CHECK_INT(audio->m.port, 9);
    CHECK_INT(audio->pts_n, 5);
    CHECK_INT(audio->pts[0], 109);
    CHECK(span_is(audio->mid, "0"));
    CHECK(span_is(audio->ufrag, "1830a14b"));
    CHECK(span_is(audio->pwd, "21f25e733d222d14ae11e393135a9a7b"));
    CHECK_INT(audio->setup, SDP_SETUP_ACTPASS);
    CHECK_INT(audio->direction, SDP_SENDONLY);
    CHECK(audio->rtcp_mux && !audio->rtcp_rsize && audio->extmap_mixed);
    CHECK(audio->end_of_candidates && !s->sections[3].end_of_candidates);
    sl_sdp_free(s);
}

TEST(sdp_sections_that_are_stopped_or_carry_data)
{
    struct sdp *s = parsed(vector("firefox-offer-renegotiated"));
    if (!s)
        return;
    const struct sdp_section *data = &s->sections[2];
    CHECK_INT(s->sections[1].m.port, 0);
    CHECK_INT(s->sections[1].direction, SDP_INACTIVE);
    CHECK_INT(data->type, SDP_APPLICATION);
    CHECK_INT(data->pts_n, 0);
    CHECK_INT(sl_sdp_next(data, SDP_SCTP_PORT, NULL)->number, 5000);
    CHECK_INT(sl_sdp_next(data, SDP_MAX_MESSAGE_SIZE, NULL)->number, 1073741823);
    sl_sdp_free(s);
}

TEST(sdp_lines_are_found_by_kind_and_payload_type)
{
    struct sdp *s = parsed(vector("firefox-offer-renegotiated"));
    if (!s)
        return;
    const struct sdp_section *video = &s->sections[3];
    const struct sdp_line *e = NULL, *g = sl_sdp_next(video, SDP_SSRC_GROUP, NULL);
    for (int i = 0; i < 4; i++)
        e = sl_sdp_next(video, SDP_EXTMAP, e);
    CHECK(e && e->extmap.id == 6 && e->extmap.direction == SDP_RECVONLY);
    CHECK(span_is(sl_sdp_fmtp(video, 124), "apt=120"));
    CHECK(sl_sdp_fmtp(video, 96).n == 0);
    CHECK(span_is(sl_sdp_rtpmap(video, 121)->name, "VP9"));
    CHECK(!sl_sdp_rtpmap(video, 96));
    CHECK(g && g->ssrc_group.n == 2 && g->ssrc_group.ssrcs[1] == 2630893662U);
    sl_sdp_free(s);
}

TEST(sdp_sections_are_found_by_mid)
{
    struct sdp *s = parsed(vector("firefox-offer-renegotiated"));
    if (!s)
        return;
    CHECK(sl_sdp_by_mid(s, span_of("3")) == &s->sections[3]);
    CHECK(!sl_sdp_by_mid(s, span_of("4")));
    CHECK(!sl_sdp_by_mid(s, span_of("")));
    sl_sdp_free(s);
}

/* It stands at session level only, and holds for each section. */
TEST(sdp_fingerprint_of_firefox)
{
    struct sdp *s = parsed(vector("firefox-offer-renegotiated"));
    if (!s)
        return;
    const struct sdp_section *level = sl_sdp_level(s, &s->sections[3], SDP_FINGERPRINT);
    CHECK(level == &s->session);
    const struct sdp_line *f = sl_sdp_next(level, SDP_FINGERPRINT, NULL);
    CHECK(f && f->fingerprint.n == 32 && f->fingerprint.bytes[0] == 0xd5 &&
          f->fingerprint.bytes[31] == 0x09);
    sl_sdp_free(s);
}

TEST(sdp_sections_inherit_what_the_session_says)
{
    struct sdp *s = parsed(vector("obs-whip-h264-handmade"));
    if (!s)
        return;
    for (size_t i = 0; i < s->sections_n; i++) {
        CHECK(span_is(s->sections[i].ufrag, "mUyh"));
        CHECK(span_is(s->sections[i].pwd, "3SVsQ0UYcNY8CVqlxPzFyi"));
        CHECK_INT(s->sections[i].setup, SDP_SETUP_ACTPASS);
        CHECK_INT(s->sections[i].direction, SDP_SENDONLY);
    }
    sl_sdp_free(s);
}

#define HEAD  "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n"
#define SCTP  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
#define MID_0 "a=mid:0\r\n"

static const struct {
    const char *name;
    enum sdp_form form;
    const char *text;
    enum err want;
    size_t bad_line;
} texts[] = {
    {"no media", SDP_DESCRIPTION, HEAD, E_OK, 0},
    {"LF alone", SDP_DESCRIPTION, "v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\n", E_OK, 0},
    {"last line without an end", SDP_DESCRIPTION, HEAD "a=ice-lite", E_OK, 0},
    {"an empty line at the end", SDP_DESCRIPTION, HEAD AUDIO "\r\n", E_OK, 0},
    {"a session name of one blank", SDP_DESCRIPTION, "v=0\no=x\ns= \n", E_OK, 0},
    {"nothing", SDP_DESCRIPTION, "", E_SHORT, 0},
    {"ends after o=", SDP_DESCRIPTION, "v=0\no=x\n", E_SHORT, 2},
    {"begins with m=", SDP_DESCRIPTION, AUDIO, E_MALFORMED, 1},
    {"version 1", SDP_DESCRIPTION, "v=1\no=x\ns=-\n", E_MALFORMED, 1},
    {"o= and s= changed about", SDP_DESCRIPTION, "v=0\ns=-\no=x\n", E_MALFORMED, 2},
    {"HTML", SDP_DESCRIPTION, HEAD "<html>\r\n", E_MALFORMED, 5},
    {"a CR inside a line", SDP_DESCRIPTION, HEAD "a=mid:0\rx\r\n", E_MALFORMED, 5},
    {"two mids for one", SDP_DESCRIPTION, HEAD AUDIO "a=mid:0\na=mid:1\n", E_MALFORMED,
     7},
    {"one mid for two", SDP_DESCRIPTION, HEAD AUDIO MID_0 AUDIO MID_0, E_MALFORMED, 0},
    {"the same mid twice", SDP_DESCRIPTION, HEAD AUDIO MID_0 MID_0, E_OK, 0},
    {"two directions", SDP_DESCRIPTION, HEAD AUDIO "a=sendonly\na=recvonly\n",
     E_MALFORMED, 7},
    {"two roles", SDP_DESCRIPTION, HEAD "a=setup:active\na=setup:passive\n", E_MALFORMED,
     6},
    {"a role of its own", SDP_DESCRIPTION,
     HEAD "a=setup:active\n" AUDIO "a=setup:passive\n", E_OK, 0},
    {"payload type 128", SDP_DESCRIPTION, HEAD "m=audio 9 RTP/AVP 128\n", E_MALFORMED, 5},
    {"payload type twice", SDP_DESCRIPTION, HEAD "m=audio 9 RTP/AVP 96 0 96\n",
     E_MALFORMED, 5},
    {"a name for a payload type", SDP_DESCRIPTION, HEAD "m=audio 9 RTP/AVP opus\n",
     E_MALFORMED, 5},
    {"a format that is a name", SDP_DESCRIPTION, HEAD SCTP, E_OK, 0},
    {"two rtpmaps for one", SDP_DESCRIPTION,
     HEAD AUDIO "a=rtpmap:111 opus/48000/2\na=rtpmap:111 PCMU/8000\n", E_MALFORMED, 7},
    {"two fmtps for one", SDP_DESCRIPTION, HEAD AUDIO "a=fmtp:111 a\na=fmtp:111 b\n",
     E_MALFORMED, 7},
    {"sctp-port twice", SDP_DESCRIPTION, HEAD SCTP "a=sctp-port:1\na=sctp-port:1\n",
     E_MALFORMED, 7},
    {"a fragment for a description", SDP_DESCRIPTION, "a=ice-ufrag:abcd\n", E_MALFORMED,
     1},
    {"a description for a fragment", SDP_FRAGMENT, HEAD AUDIO, E_OK, 0},
    {"credentials alone", SDP_FRAGMENT,
     "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n", E_OK, 0},
    {"an empty fragment", SDP_FRAGMENT, "\r\n", E_SHORT, 0},
    {"a fragment with a bad candidate", SDP_FRAGMENT, "a=candidate:1 1 udp\n",
     E_MALFORMED, 1},
};

TEST(sdp_texts)
{
    for (size_t i = 0; i < LEN(texts); i++) {
        struct sdp *s = NULL;
        size_t bad = 99;
        check_row(texts[i].name);
        CHECK_INT(sl_sdp_new(span_of(texts[i].text), texts[i].form, &bad, &s),
                  texts[i].want);
        CHECK_INT(bad, texts[i].bad_line);
        CHECK((s != NULL) == (texts[i].want == E_OK));
        sl_sdp_free(s);
    }
}

TEST(sdp_fragment_tells_whose_candidates_come)
{
    /* RFC 9725 §4.3.1, with an address of the documentation. */
    struct sdp *s = NULL;
    CHECK_INT(
        sl_sdp_new(span_of("a=group:BUNDLE 0 1\r\n"
                           "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                           "a=mid:0\r\n"
                           "a=ice-ufrag:EsAw\r\n"
                           "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
                           "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 "
                           "typ host generation 0 ufrag EsAw network-id 1\r\n"
                           "a=end-of-candidates\r\n"),
                   SDP_FRAGMENT, NULL, &s),
        E_OK);
    if (!s)
        return;
    const struct sdp_line *c = sl_sdp_next(&s->sections[0], SDP_CANDIDATE, NULL);
    struct addr want = addr_v4(192, 0, 2, 1, 61764);
    CHECK(span_is(s->sections[0].mid, "0") && span_is(s->sections[0].ufrag, "EsAw"));
    CHECK(c && c->candidate.resolved && addr_eq(&c->candidate.addr, &want));
    CHECK(c && c->candidate.priority == 2122260223U && c->candidate.component == 1);
    CHECK(c && span_is(c->candidate.type, "host"));
    CHECK(s->sections[0].end_of_candidates);
    sl_sdp_free(s);
}

/* n times the unit behind HEAD. */
static enum err repeated(const char *head, const char *unit, size_t n)
{
    size_t cap = strlen(head) + n * strlen(unit);
    struct wr w = wr_of(malloc(cap), cap);
    wr_str(&w, head);
    for (size_t i = 0; i < n; i++)
        wr_str(&w, unit);
    CHECK(!w.bad);
    struct sdp *s = NULL;
    enum err e = sl_sdp_new(wr_done(&w), SDP_DESCRIPTION, NULL, &s);
    sl_sdp_free(s);
    free(w.p);
    return e;
}

TEST(sdp_limits_are_refused_cleanly)
{
    CHECK_INT(repeated(HEAD, AUDIO, SDP_SECTIONS_MAX), E_OK);
    CHECK_INT(repeated(HEAD, AUDIO, SDP_SECTIONS_MAX + 1), E_FULL);
    CHECK_INT(repeated(HEAD, AUDIO, 1000), E_FULL);
    CHECK_INT(repeated(HEAD, "a=x\n", SDP_LINES_MAX - 4), E_OK);
    CHECK_INT(repeated(HEAD, "a=x\n", SDP_LINES_MAX - 3), E_FULL);
    CHECK_INT(repeated(HEAD AUDIO, "a=rtcp-fb:0 nack\n", SDP_FB_MAX), E_OK);
    CHECK_INT(repeated(HEAD AUDIO, "a=rtcp-fb:0 nack\n", SDP_FB_MAX + 1), E_FULL);
    CHECK_INT(repeated(HEAD AUDIO, "a=ssrc:1 cname:x\n", SDP_LIST_MAX), E_OK);
    CHECK_INT(repeated(HEAD AUDIO, "a=ssrc:1 cname:x\n", SDP_LIST_MAX + 1), E_FULL);
    CHECK_INT(repeated(HEAD "a=", "x", SDP_TEXT_MAX - sizeof HEAD - 1), E_OK);
    CHECK_INT(repeated(HEAD "a=", "x", SDP_TEXT_MAX - sizeof HEAD), E_FULL);
    CHECK_INT(repeated(HEAD "a=", "x", 1 << 20), E_FULL);
}
