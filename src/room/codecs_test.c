#include "room/codecs.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define RTP  " UDP/TLS/RTP/SAVPF "

static const enum codec few[] = {CODEC_OPUS, CODEC_VP8, CODEC_AV1};

static const struct {
    const char *name, *sections;
    const char *audio, *video; /* formats of an offer, after these were learnt */
    uint8_t level, mid;        /* ids of extensions */
} rows[] = {
    {"nothing was said", "", "111", "96 97 45 46", 1, 2},
    {"numbers like ours", "m=audio 9" RTP "111\r\na=rtpmap:111 opus/48000/2\r\n", "111",
     "96 97 45 46", 1, 2},
    {"other numbers are taken over",
     "m=audio 9" RTP "109\r\na=rtpmap:109 opus/48000/2\r\n"
     "m=video 9" RTP "120 124\r\na=rtpmap:120 VP8/90000\r\na=rtcp-fb:120 nack\r\n"
     "a=rtpmap:124 rtx/90000\r\na=fmtp:124 apt=120\r\n",
     "109", "120 124 45 46", 1, 2},
    {"ours give way to what is not even known",
     "m=video 9" RTP "96 45\r\na=rtpmap:96 H263/90000\r\na=rtpmap:45 H264/90000\r\n",
     "111", "98 97 99 46", 1, 2},
    {"the first number of a codec counts",
     "m=audio 9" RTP "100 101\r\na=rtpmap:100 opus/48000/2\r\n"
     "a=rtpmap:101 opus/48000/2\r\n",
     "100", "96 97 45 46", 1, 2},
    {"extensions as the peer has them, others elsewhere",
     "m=audio 9" RTP "111\r\na=rtpmap:111 opus/48000/2\r\n"
     "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
     "111", "96 97 45 46", 2, 1},
};

static void expect(const struct codecs *c, enum media_kind kind, const char *want)
{
    char buf[128];
    struct wr w = wr_of((uint8_t *)buf, sizeof buf - 1);
    sl_codecs_formats(c, kind, &w);
    buf[w.n] = '\0';
    if (strcmp(buf, want) != 0)
        check_fail(__FILE__, __LINE__, "got %s, want %s", buf, want);
}

TEST(codecs_learn)
{
    const struct negotiate_conf conf = {
        .job = NEGOTIATE_BOTH, .codecs = few, .codecs_n = LEN(few)};
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[2048];
        struct sdp *sdp = NULL;
        struct codecs c;
        (void)snprintf(text, sizeof text, "%s%s", HEAD, rows[i].sections);
        check_row(rows[i].name);
        CHECK_INT(sl_sdp_new(span_of(text), SDP_DESCRIPTION, NULL, &sdp), E_OK);
        sl_codecs_init(&c, few, LEN(few));
        sl_codecs_learn(&c, sdp, &conf);
        expect(&c, MEDIA_AUDIO, rows[i].audio);
        expect(&c, MEDIA_VIDEO, rows[i].video);
        CHECK_INT(c.of[MEDIA_AUDIO].ext_id[EXT_AUDIO_LEVEL], rows[i].level);
        CHECK_INT(c.of[MEDIA_AUDIO].ext_id[EXT_MID], rows[i].mid);
        CHECK_INT(c.of[MEDIA_VIDEO].ext_id[EXT_MID], rows[i].mid);
        CHECK(sl_codecs_rtx(&c, MEDIA_VIDEO) && !sl_codecs_rtx(&c, MEDIA_AUDIO));
        sl_sdp_free(sdp);
    }
}

/* Whatever is offered can be read again, and is what was meant. */
TEST(codecs_are_written_as_they_are_read)
{
    static char text[1 << 14];
    struct codecs c;
    struct sdp *sdp = NULL;
    const struct negotiate_conf conf = {.job = NEGOTIATE_BOTH};
    sl_codecs_init(&c, NULL, 0);
    struct wr w = wr_of((uint8_t *)text, sizeof text);
    wr_str(&w, HEAD "m=video 9" RTP);
    sl_codecs_formats(&c, MEDIA_VIDEO, &w);
    wr_str(&w, "\r\n");
    sl_codecs_write(&c, MEDIA_VIDEO, &w);
    CHECK_INT(sl_sdp_new(wr_done(&w), SDP_DESCRIPTION, NULL, &sdp), E_OK);
    struct codecs learnt;
    sl_codecs_init(&learnt, NULL, 0);
    sl_codecs_learn(&learnt, sdp, &conf);
    const struct rtp_params *a = &learnt.of[MEDIA_VIDEO], *b = &c.of[MEDIA_VIDEO];
    for (size_t i = 0; i < b->codecs_n; i++)
        CHECK(a->codecs[i].pt == b->codecs[i].pt &&
              a->codecs[i].rtx_pt == b->codecs[i].rtx_pt);
    for (int e = 0; e < EXTS; e++)
        CHECK_INT(a->ext_id[e], b->ext_id[e]);
    CHECK_INT(learnt.agreed[MEDIA_VIDEO], (1 << c.of[MEDIA_VIDEO].codecs_n) - 1);
    sl_sdp_free(sdp);
}
