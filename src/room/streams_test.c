#include "room/streams.h"

#include "base/word.h"

#include "check.h"
#include "offers.h"

#define RID_EXT   "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
#define THREE     "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\n"
#define SSRC(n)   "a=ssrc:" #n " cname:x\r\n"
#define FID(n, m) "a=ssrc-group:FID " #n " " #m "\r\n"

/* Lines behind a video section, its encodings, and the answer's lines about them. */
static const struct {
    const char *name;
    const char *lines;
    const char *want;
    const char *answer;
} rows[] = {
    {"nothing said", "", "| | ", ""},
    {"one SSRC", SSRC(7), "| | :7", ""},
    {"one SSRC with RTX", SSRC(7) SSRC(8) FID(7, 8), "| | :7+8", ""},
    {"RTX is named before what it repairs", SSRC(8) SSRC(7) FID(7, 8), "| | :7+8", ""},
    {"forward error correction is no stream",
     SSRC(8) SSRC(7) "a=ssrc-group:FEC-FR 7 8\r\n", "| | :7", ""},
    {"layers by SSRC",
     SSRC(1) SSRC(2) SSRC(3) "a=ssrc-group:SIM 1 2 3\r\n" FID(1, 4) FID(3, 6),
     "| | :1+4 :2 :3+6", ""},
    {"layers by SSRC, more than we take", "a=ssrc-group:SIM 1 2 3 4 5\r\n",
     "| | :1 :2 :3 :4", ""},
    {"an empty group of layers", "a=ssrc-group:SIM\r\n", "| | ", ""},

    {"simulcast", RID_EXT THREE "a=simulcast:send q;h;f\r\n", "| rid=10 | q h f",
     "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n"},
    {"simulcast in another order than the rids",
     RID_EXT THREE "a=simulcast:send f;q;h\r\n", "| rid=10 | f q h",
     "a=rid:f recv\r\na=rid:q recv\r\na=rid:h recv\r\na=simulcast:recv f;q;h\r\n"},
    {"simulcast with as many SSRCs, as Firefox says it",
     RID_EXT THREE "a=simulcast:send q;h;f\r\n" SSRC(1) SSRC(4) SSRC(2) SSRC(5) SSRC(3)
         SSRC(6) FID(1, 4) FID(2, 5) FID(3, 6),
     "| rid=10 | q:1+4 h:2+5 f:3+6",
     "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n"},
    {"simulcast with one SSRC, of nobody knows whom",
     RID_EXT THREE "a=simulcast:send q;h;f\r\n" SSRC(1), "| rid=10 | q h f",
     "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n"},
    {"simulcast with more SSRCs than layers",
     RID_EXT THREE "a=simulcast:send q;h;f\r\n" SSRC(1) SSRC(2) SSRC(3) SSRC(4),
     "| rid=10 | q h f",
     "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n"},
    {"simulcast by SSRC alone",
     THREE "a=simulcast:send q;h;f\r\n" SSRC(1) SSRC(2) SSRC(3), "| | q:1 h:2 f:3",
     "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n"},
    {"simulcast that nobody could tell apart", THREE "a=simulcast:send q;h;f\r\n", "| | ",
     ""},
    {"a layer that starts paused", RID_EXT THREE "a=simulcast:send q;~h;f\r\n",
     "| rid=10 | q h f",
     "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;~h;f\r\n"},
    {"of alternatives the first", RID_EXT THREE "a=simulcast:send q,h;f\r\n",
     "| rid=10 | q f", "a=rid:q recv\r\na=rid:f recv\r\na=simulcast:recv q;f\r\n"},
    {"a layer without a rid line", RID_EXT "a=rid:q send\r\na=simulcast:send q;h\r\n",
     "| rid=10 | q", "a=rid:q recv\r\na=simulcast:recv q\r\n"},
    {"a layer that is received",
     RID_EXT "a=rid:q send\r\na=rid:h recv\r\n"
             "a=simulcast:send q;h\r\n",
     "| rid=10 | q", "a=rid:q recv\r\na=simulcast:recv q\r\n"},
    {"a layer twice", RID_EXT THREE "a=simulcast:send q;q;f\r\n", "| rid=10 | q f",
     "a=rid:q recv\r\na=rid:f recv\r\na=simulcast:recv q;f\r\n"},
    {"five layers",
     RID_EXT THREE "a=rid:x send\r\na=rid:y send\r\n"
                   "a=simulcast:send q;h;f;x;y\r\n",
     "| rid=10 | q h f x",
     "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=rid:x recv\r\n"
     "a=simulcast:recv q;h;f;x\r\n"},
    {"a rid of 32 characters",
     RID_EXT "a=rid:01234567890123456789012345678901 send\r\n"
             "a=rid:q send\r\n"
             "a=simulcast:send 01234567890123456789012345678901;q\r\n",
     "| rid=10 | q", "a=rid:q recv\r\na=simulcast:recv q\r\n"},
    {"a rid without simulcast", RID_EXT "a=rid:q send\r\n" SSRC(5), "| rid=10 | q:5",
     "a=rid:q recv\r\n"},
    {"simulcast to be received", RID_EXT "a=rid:q recv\r\na=simulcast:recv q\r\n", "| | ",
     ""},
    {"restrictions are kept",
     RID_EXT "a=rid:q send pt=96;max-width=640\r\n"
             "a=simulcast:send q\r\n",
     "| rid=10 | q", "a=rid:q recv pt=96;max-width=640\r\na=simulcast:recv q\r\n"},
    {"of the payload types those agreed",
     RID_EXT "a=rid:q send max-fps=15;pt=50,96\r\n"
             "a=simulcast:send q\r\n",
     "| rid=10 | q", "a=rid:q recv max-fps=15;pt=96\r\na=simulcast:recv q\r\n"},
    {"no payload type of it was agreed",
     RID_EXT "a=rid:q send pt=50\r\na=rid:h send\r\n"
             "a=simulcast:send q;h\r\n",
     "| rid=10 | h", "a=rid:h recv\r\na=simulcast:recv h\r\n"},
};

/* All lines of the answer that begin with a=rid or a=simulcast. */
static struct span about_rids(struct span answer, struct wr *w)
{
    while (answer.n > 0) {
        struct span line = word_cut(&answer, '\n');
        if (word_starts(line, "a=rid:") || word_starts(line, "a=simulcast:")) {
            wr_span(w, line);
            wr_u8(w, '\n');
        }
    }
    return wr_done(w);
}

TEST(streams_of_one_section)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        static struct negotiated n;
        static uint8_t text[4096], answer[4096];
        char want[256];
        uint8_t said[256], rids[512];
        struct wr t = wr_of(text, sizeof text), a = wr_of(answer, sizeof answer);
        struct wr w = wr_of(said, sizeof said), r = wr_of(rids, sizeof rids);
        struct negotiate_conf conf = offers_conf(NEGOTIATE_PUBLISH);
        struct sdp *offer;
        check_row(rows[i].name);
        wr_str(&t, OFFER_HEAD OFFER_VIDEO);
        wr_str(&t, rows[i].lines);
        CHECK_INT(offers_negotiate(wr_done(&t), &conf, &n, &a, &offer), NEGOTIATE_OK);
        say_negotiated(&w, &n);
        (void)snprintf(want, sizeof want, "v recv: VP8=96+97n %s\n", rows[i].want);
        if (!span_is(wr_done(&w), want))
            check_fail(__FILE__, __LINE__, "got %.*s", (int)w.n, (const char *)said);
        if (!span_is(about_rids(wr_done(&a), &r), rows[i].answer))
            check_fail(__FILE__, __LINE__, "answered\n%.*s", (int)r.n,
                       (const char *)rids);
        sl_sdp_free(offer);
    }
}

static const struct {
    const char *lines, *stream, *track;
} msids[] = {
    {"a=msid:{a} {b}\r\n", "{a}", "{b}"},
    {"a=msid:- b\r\n", "-", "b"},
    {"a=msid:a\r\n", "a", ""},
    {"a=ssrc:1 cname:x\r\na=ssrc:1 msid:user@host track 0\r\n", "user@host", "track"},
    {"a=ssrc:1 msid:old old\r\na=msid:new new\r\n", "new", "new"},
    {"", "", ""},
};

TEST(streams_msid)
{
    for (size_t i = 0; i < LEN(msids); i++) {
        char text[1024];
        struct sdp *s = NULL;
        struct span stream, track;
        check_row(msids[i].lines);
        (void)snprintf(text, sizeof text, OFFER_HEAD OFFER_VIDEO "%s", msids[i].lines);
        CHECK_INT(sl_sdp_new(span_of(text), SDP_DESCRIPTION, NULL, &s), E_OK);
        if (!s)
            continue;
        sl_streams_msid(&s->sections[0], &stream, &track);
        CHECK(span_is(stream, msids[i].stream) && span_is(track, msids[i].track));
        sl_sdp_free(s);
    }
}
