#pragma once

/*
 * Offers made up for a test: a head, one line of which may be exchanged for others, and
 * sections. And the negotiation of such a text.
 */

#include "negotiated.h"

#define OFFER_HEAD                                                                       \
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a v\r\n"            \
    "a=ice-ufrag:peer\r\na=ice-pwd:0123456789012345678901\r\n"                           \
    "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"             \
    "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=setup:actpass\r\n"
#define OFFER_AUDIO                                                                      \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=rtcp-mux\r\n"                       \
    "a=rtpmap:111 opus/48000/2\r\n"
#define OFFER_VIDEO                                                                      \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:v\r\na=rtcp-mux\r\n"                     \
    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"                                     \
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"

static const uint8_t offers_sha256[32] = {1, 2, 3};

/* Two slots of each kind, and no candidate. */
static const struct negotiate_slot offers_slots[] = {
    {.kind = MEDIA_AUDIO, .stream = "s", .track = "a1", .ssrc = 1},
    {.kind = MEDIA_VIDEO, .stream = "s", .track = "v1", .ssrc = 2, .rtx_ssrc = 3},
    {.kind = MEDIA_AUDIO, .stream = "s", .track = "a2", .ssrc = 4},
    {.kind = MEDIA_VIDEO, .stream = "s", .track = "v2", .ssrc = 5, .rtx_ssrc = 6},
};

static inline struct negotiate_conf offers_conf(enum negotiate_job job)
{
    return (struct negotiate_conf){
        .job = job,
        .local = {.ufrag = "sluice",
                  .pwd = "abcdefghijabcdefghijab",
                  .sha256 = offers_sha256},
        .slots = offers_slots,
        .slots_n = LEN(offers_slots),
        .cname = "cname",
    };
}

/* text with the first `from` exchanged for `to`; from must be in it. */
static inline struct span offers_edit(uint8_t *buf, size_t cap, const char *text,
                                      const char *from, const char *to)
{
    struct wr w = wr_of(buf, cap);
    const char *at = strstr(text, from);
    CHECK(at);
    if (at) {
        wr_span(&w, (struct span){(const uint8_t *)text, (size_t)(at - text)});
        wr_str(&w, to);
        wr_str(&w, at + strlen(from));
    }
    CHECK(!w.bad);
    return wr_done(&w);
}

/* *offer is to be freed, also on an error; spans of *ret point into text. */
static inline enum negotiate_why offers_negotiate(struct span text,
                                                  const struct negotiate_conf *conf,
                                                  struct negotiated *ret,
                                                  struct wr *answer, struct sdp **offer)
{
    *offer = NULL;
    CHECK_INT(sl_sdp_new(text, SDP_DESCRIPTION, NULL, offer), E_OK);
    return *offer ? sl_negotiate(*offer, conf, ret, answer) : NEGOTIATE_NO_MEDIA;
}

/* Negotiates, and holds what came of it against want, NULL for nothing to hold. */
static inline enum negotiate_why
offers_check(struct span text, const struct negotiate_conf *conf, const char *want)
{
    static struct negotiated n;
    static uint8_t answer[1 << 16];
    uint8_t said[4096];
    struct wr a = wr_of(answer, sizeof answer), w = wr_of(said, sizeof said);
    struct sdp *offer;
    enum negotiate_why why = offers_negotiate(text, conf, &n, &a, &offer);
    if (want) {
        say_negotiated(&w, &n);
        if (!span_is(wr_done(&w), want))
            check_fail(__FILE__, __LINE__, "got\n%.*s", (int)w.n, (const char *)said);
    }
    sl_sdp_free(offer);
    return why;
}
