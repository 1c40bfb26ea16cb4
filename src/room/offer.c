#include "room/offer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/word.h"

#include "proto/sdpwrite.h"
#include "room/answer.h"
#include "room/bundle.h"
#include "room/match.h"
#include "room/streams.h"

/* ---- writing ---- */

static void put(struct wr *w, struct sdp_line line)
{
    sl_sdp_line_write(w, &line);
}

static void put_codec(struct wr *w, uint8_t pt, enum codec c, uint8_t channels,
                      const char *params)
{
    uint32_t clock = c == CODEC_RTX ? sl_codec_clock_hz(CODEC_VP8) : sl_codec_clock_hz(c);
    put(w, (struct sdp_line){.kind = SDP_RTPMAP,
                             .rtpmap = {.pt = pt,
                                        .name = span_of(sl_codec_name(c)),
                                        .clock_hz = clock,
                                        .channels = channels}});
    if (params[0])
        put(w, (struct sdp_line){.kind = SDP_FMTP,
                                 .fmtp = {.pt = pt, .params = span_of(params)}});
}

static void put_feedback(struct wr *w, uint8_t pt, const char *const *what, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(w, (struct sdp_line){.kind = SDP_RTCP_FB,
                                 .rtcp_fb = {.pt = pt, .what = span_of(what[i])}});
}

/* Each extension has one id in all sections (RFC 9143 §8). */
static void put_extensions(struct wr *w, const enum rtp_ext *exts, size_t n, bool plain)
{
    for (size_t i = 0; i < n; i++)
        if (!plain || exts[i] != EXT_TWCC)
            put(w, (struct sdp_line){.kind = SDP_EXTMAP,
                                     .extmap = {.id = (uint16_t)exts[i],
                                                .uri = span_of(sl_ext_uri(exts[i]))}});
}

/* What tells of the path stands first: it is left out of a plain offer. */
static void put_audio(struct wr *w, bool plain)
{
    static const enum rtp_ext exts[] = {EXT_MID, EXT_TWCC, EXT_AUDIO_LEVEL};
    static const char *const feedback[] = {"transport-cc"};
    put_extensions(w, exts, sizeof exts / sizeof exts[0], plain);
    put_codec(w, OFFER_PT_OPUS, CODEC_OPUS, 2, "minptime=10;useinbandfec=1");
    put_feedback(w, OFFER_PT_OPUS, feedback, plain ? 0 : 1);
}

static void put_video(struct wr *w, bool plain)
{
    static const enum rtp_ext exts[] = {EXT_MID, EXT_TWCC, EXT_ABS_SEND_TIME};
    static const char *const feedback[] = {"goog-remb", "transport-cc", "ccm fir", "nack",
                                           "nack pli"};
    size_t from = plain ? 2 : 0;
    char apt[16];
    (void)snprintf(apt, sizeof apt, "apt=%d", OFFER_PT_VP8);
    put_extensions(w, exts, sizeof exts / sizeof exts[0], plain);
    put_codec(w, OFFER_PT_VP8, CODEC_VP8, 1, "");
    put_feedback(w, OFFER_PT_VP8, feedback + from,
                 sizeof feedback / sizeof feedback[0] - from);
    put_codec(w, OFFER_PT_RTX, CODEC_RTX, 1, apt);
}

static void put_ssrc(struct wr *w, uint32_t ssrc, const char *cname)
{
    put(w,
        (struct sdp_line){
            .kind = SDP_SSRC,
            .ssrc = {.ssrc = ssrc, .name = span_of("cname"), .value = span_of(cname)}});
}

static void put_streams(struct wr *w, const struct offer_section *s, const char *cname,
                        const char *track)
{
    put(w,
        (struct sdp_line){.kind = SDP_MSID,
                          .msid = {.stream = span_of(cname), .track = span_of(track)}});
    if (s->rtx_ssrc != 0)
        put(w, (struct sdp_line){.kind = SDP_SSRC_GROUP,
                                 .ssrc_group = {.semantics = span_of("FID"),
                                                .n = 2,
                                                .ssrcs = {s->ssrc, s->rtx_ssrc}}});
    put_ssrc(w, s->ssrc, cname);
    if (s->rtx_ssrc != 0)
        put_ssrc(w, s->rtx_ssrc, cname);
}

static void put_section(struct wr *w, const struct offer_conf *conf, size_t nth)
{
    const struct offer_section *s = &conf->sections[nth];
    bool audio = s->kind == MEDIA_AUDIO, publish = conf->job == NEGOTIATE_PUBLISH;
    char line[96];
    (void)snprintf(line, sizeof line, "m=%s 9 UDP/TLS/RTP/SAVPF ",
                   audio ? "audio" : "video");
    wr_str(w, line);
    if (audio)
        (void)snprintf(line, sizeof line, "%d\r\n", OFFER_PT_OPUS);
    else
        (void)snprintf(line, sizeof line, "%d %d\r\n", OFFER_PT_VP8, OFFER_PT_RTX);
    wr_str(w, line);
    (void)snprintf(line, sizeof line, "%zu", nth);
    wr_str(w, "c=IN IP4 0.0.0.0\r\n");
    sl_answer_text(w, SDP_MID, span_of(line));
    sl_answer_transport(w, &conf->local, SDP_SETUP_ACTPASS);
    if (nth == 0 && conf->local.candidates_n > 0)
        sl_answer_candidates(w, &conf->local);
    put(w, (struct sdp_line){.kind = SDP_DIRECTION,
                             .direction = publish ? SDP_SENDONLY : SDP_RECVONLY});
    put(w, (struct sdp_line){.kind = SDP_RTCP_MUX});
    put(w, (struct sdp_line){.kind = SDP_RTCP_RSIZE});
    if (audio)
        put_audio(w, conf->plain);
    else
        put_video(w, conf->plain);
    if (publish)
        put_streams(w, s, conf->cname, line);
}

void sl_offer_write(struct wr *w, const struct offer_conf *conf)
{
    char line[64];
    (void)snprintf(line, sizeof line, "v=0\r\no=- %" PRIu64 " 1 IN IP4 127.0.0.1\r\n",
                   conf->session);
    wr_str(w, line);
    wr_str(w, "s=-\r\nt=0 0\r\na=group:BUNDLE");
    for (size_t i = 0; i < conf->sections_n; i++) {
        (void)snprintf(line, sizeof line, " %zu", i);
        wr_str(w, line);
    }
    wr_str(w, "\r\n");
    for (size_t i = 0; i < conf->sections_n; i++)
        put_section(w, conf, i);
}

/* ---- reading ---- */

/* The answer's side of the section is that of an offerer with the other job: who takes what
 * we publish is a viewer to us. */
static enum negotiate_why read_section(const struct sdp_section *s,
                                       const struct offer_conf *conf, size_t nth,
                                       struct negotiated_section *ns)
{
    bool publish = conf->job == NEGOTIATE_PUBLISH;
    struct negotiate_conf other = {.job = publish ? NEGOTIATE_WATCH : NEGOTIATE_PUBLISH};
    const struct offer_section *own = &conf->sections[nth];
    if (s->m.port == 0)
        return NEGOTIATE_STOPPED;
    sl_match(s, &other, &ns->params);
    if (ns->params.codecs_n == 0)
        return NEGOTIATE_NO_COMMON_CODEC;
    (void)snprintf(ns->params.mid, sizeof ns->params.mid, "%zu", nth);
    if (!(s->direction & (publish ? SDP_RECVONLY : SDP_SENDONLY)))
        return NEGOTIATE_OK;
    ns->direction = publish ? SDP_SENDONLY : SDP_RECVONLY;
    if (!publish) {
        sl_streams(s, &ns->receive);
        sl_streams_msid(s, &ns->stream, &ns->track);
        return NEGOTIATE_OK;
    }
    ns->send.params = ns->params;
    ns->send.ssrc = own->ssrc;
    ns->send.rtx_ssrc = ns->params.codecs[0].rtx_pt != PT_NONE ? own->rtx_ssrc : 0;
    (void)snprintf(ns->send.cname, sizeof ns->send.cname, "%s", conf->cname);
    return NEGOTIATE_OK;
}

enum negotiate_why sl_offer_read(const struct sdp *answer, const struct offer_conf *conf,
                                 struct negotiated *ret)
{
    const struct sdp_section *from;
    *ret = (struct negotiated){.sections_n = answer->sections_n};
    if (answer->sections_n != conf->sections_n)
        return NEGOTIATE_NO_MEDIA;
    for (size_t i = 0; i < conf->sections_n; i++) {
        struct negotiated_section *ns = &ret->sections[i];
        ns->why = read_section(&answer->sections[i], conf, i, ns);
        ret->active_n += ns->why == NEGOTIATE_OK && ns->direction != SDP_INACTIVE;
    }
    if (ret->active_n == 0)
        return NEGOTIATE_NO_MEDIA;
    enum negotiate_why why = sl_bundle_transport(answer, ret, &from);
    if (why != NEGOTIATE_OK)
        return why;
    if (from->setup != SDP_SETUP_ACTIVE && from->setup != SDP_SETUP_PASSIVE)
        return NEGOTIATE_BAD_SETUP;
    ret->dtls_client = from->setup == SDP_SETUP_PASSIVE;
    return NEGOTIATE_OK;
}

size_t sl_offer_candidates(const struct sdp *answer, struct addr *ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < answer->sections_n; i++)
        sdp_each (l, &answer->sections[i], SDP_CANDIDATE)
            if (n < max && l->candidate.resolved && l->candidate.component == 1 &&
                word_same(l->candidate.transport, "udp"))
                ret[n++] = l->candidate.addr;
    return n;
}
