#include "room/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/word.h"

#include "proto/fmtp.h"
#include "proto/sdpwrite.h"
#include "room/match.h"
#include "room/streams.h"

enum {
    PARAMS_TEXT_MAX = 1024
}; /* of one a=fmtp, one rid's restrictions, one a=simulcast */

static void put(struct wr *w, struct sdp_line line)
{
    sl_sdp_line_write(w, &line);
}

static void put_flag(struct wr *w, bool said, enum sdp_kind kind)
{
    if (said)
        put(w, (struct sdp_line){.kind = kind});
}

void sl_answer_text(struct wr *w, enum sdp_kind kind, struct span text)
{
    put(w, (struct sdp_line){.kind = kind, .text = text});
}

/* ---- session ---- */

static void put_bundle(struct wr *w, const struct sdp *offer, const struct negotiated *n)
{
    struct span mids = sl_sdp_bundle(offer);
    wr_str(w, "a=group:BUNDLE");
    for (struct span mid = word_next(&mids); mid.n > 0; mid = word_next(&mids)) {
        const struct sdp_section *s = sl_sdp_by_mid(offer, mid);
        if (s && n->sections[s - offer->sections].why == NEGOTIATE_OK) {
            wr_u8(w, ' ');
            wr_span(w, mid);
        }
    }
    wr_str(w, "\r\n");
}

void sl_answer_session(struct wr *w, const struct sdp *offer,
                       const struct negotiate_conf *conf, const struct negotiated *n)
{
    char origin[96];
    (void)snprintf(origin, sizeof origin,
                   "o=- %" PRIu64 " %" PRIu64 " IN IP4 127.0.0.1\r\n", conf->session,
                   conf->version);
    wr_str(w, "v=0\r\n");
    wr_str(w, origin);
    wr_str(w, "s=-\r\nt=0 0\r\n");
    put_bundle(w, offer, n);
    put_flag(w, !conf->local.full, SDP_ICE_LITE);
    sl_answer_text(w, SDP_ICE_OPTIONS, span_of("trickle ice2"));
}

/* ---- transport ---- */

/* RFC 8445 §5.1.2.1, for a host candidate of component 1; over TCP and passive, RFC 6544
 * §4.2. Earlier in the list is better. */
static uint32_t priority(size_t i, bool tcp)
{
    uint32_t type = tcp ? 90 : 126;
    uint32_t local = tcp ? (4U << 13) + 8191 - (uint32_t)i : 65535 - (uint32_t)i;
    return type << 24 | local << 8 | 255;
}

void sl_answer_candidates(struct wr *w, const struct negotiate_local *local)
{
    for (size_t i = 0; i < local->candidates_n; i++) {
        const struct negotiate_candidate *c = &local->candidates[i];
        char foundation[24];
        (void)snprintf(foundation, sizeof foundation, "%zu", i + 1);
        put(w, (struct sdp_line){
                   .kind = SDP_CANDIDATE,
                   .candidate = {.foundation = span_of(foundation),
                                 .component = 1,
                                 .transport = span_of(c->tcp ? "tcp" : "udp"),
                                 .priority = priority(i, c->tcp),
                                 .addr = c->addr,
                                 .type = span_of("host"),
                                 .rest = span_of(c->tcp ? "tcptype passive" : "")}});
    }
    put(w, (struct sdp_line){.kind = SDP_END_OF_CANDIDATES});
}

void sl_answer_transport(struct wr *w, const struct negotiate_local *local,
                         enum sdp_setup setup)
{
    struct sdp_line f = {.kind = SDP_FINGERPRINT,
                         .fingerprint = {.hash = span_of("sha-256"), .n = 32}};
    memcpy(f.fingerprint.bytes, local->sha256, 32);
    sl_answer_text(w, SDP_UFRAG, span_of(local->ufrag));
    sl_answer_text(w, SDP_PWD, span_of(local->pwd));
    put(w, f);
    put(w, (struct sdp_line){.kind = SDP_SETUP, .setup = setup});
}

/* ---- codecs ---- */

static void put_fb(struct wr *w, bool agreed, uint8_t pt, const char *what)
{
    if (agreed)
        put(w, (struct sdp_line){.kind = SDP_RTCP_FB,
                                 .rtcp_fb = {.pt = pt, .what = span_of(what)}});
}

/* The map is given back in the offerer's own spelling. */
static void put_codec(struct wr *w, const struct sdp_section *s,
                      const struct rtp_codec *c)
{
    uint8_t buf[PARAMS_TEXT_MAX];
    struct wr params = wr_of(buf, sizeof buf);
    struct sdp_line map = {.kind = SDP_RTPMAP};
    if (sl_match_rtpmap(s, c->pt, &map.rtpmap))
        put(w, map);
    put_fb(w, c->remb, c->pt, "goog-remb");
    put_fb(w, c->twcc, c->pt, "transport-cc");
    put_fb(w, c->fir, c->pt, "ccm fir");
    put_fb(w, c->nack, c->pt, "nack");
    put_fb(w, c->pli, c->pt, "nack pli");
    sl_fmtp_answer(&params, c->codec, sl_sdp_fmtp(s, c->pt));
    if (params.n > 0 && !params.bad)
        put(w, (struct sdp_line){.kind = SDP_FMTP,
                                 .fmtp = {.pt = c->pt, .params = wr_done(&params)}});
    if (c->rtx_pt == PT_NONE)
        return;
    if (sl_match_rtpmap(s, c->rtx_pt, &map.rtpmap))
        put(w, map);
    (void)snprintf((char *)buf, sizeof buf, "apt=%u", c->pt);
    put(w, (struct sdp_line){
               .kind = SDP_FMTP,
               .fmtp = {.pt = c->rtx_pt, .params = span_of((const char *)buf)}});
}

void sl_answer_ceiling(struct wr *w, enum media_kind kind, uint32_t bps)
{
    char lines[64];
    if (bps == 0 || kind != MEDIA_VIDEO)
        return;
    (void)snprintf(lines, sizeof lines, "b=AS:%" PRIu32 "\r\nb=TIAS:%" PRIu32 "\r\n",
                   bps / 1000, bps);
    wr_str(w, lines);
}

static void put_media(struct wr *w, const struct sdp_section *s,
                      const struct rtp_params *p, uint32_t max_bps)
{
    char formats[PARAMS_CODECS_MAX * 8 + 1] = "";
    size_t n = 0;
    for (size_t i = 0; i < p->codecs_n; i++) {
        const struct rtp_codec *c = &p->codecs[i];
        n += (size_t)snprintf(formats + n, sizeof formats - n, n > 0 ? " %u" : "%u",
                              c->pt);
        if (c->rtx_pt != PT_NONE)
            n += (size_t)snprintf(formats + n, sizeof formats - n, " %u", c->rtx_pt);
    }
    put(w, (struct sdp_line){.kind = SDP_MEDIA,
                             .media = {.media = s->m.media,
                                       .port = 9, /* with trickle, RFC 8840 §4.1.1 */
                                       .proto = s->m.proto,
                                       .formats = span_of(formats)}});
    wr_str(w, "c=IN IP4 0.0.0.0\r\n");
    sl_answer_ceiling(w, p->kind, max_bps);
}

/* ---- extensions ---- */

/* The suffix, where the offer has one, is given back the other way round. */
static enum sdp_direction other_way(enum sdp_direction d, enum negotiate_job job)
{
    static const enum sdp_direction others[] = {[SDP_INACTIVE] = SDP_INACTIVE,
                                                [SDP_SENDONLY] = SDP_RECVONLY,
                                                [SDP_RECVONLY] = SDP_SENDONLY,
                                                [SDP_SENDRECV] = SDP_SENDRECV};
    if (job == NEGOTIATE_BOTH)
        return others[d];
    return job == NEGOTIATE_PUBLISH ? SDP_RECVONLY : SDP_SENDONLY;
}

static void put_extensions(struct wr *w, const struct sdp_section *s,
                           const struct rtp_params *p, enum negotiate_job job)
{
    sdp_each (l, s, SDP_EXTMAP) {
        enum rtp_ext e = sl_ext_of(l->extmap.uri);
        if (e == EXT_NONE || p->ext_id[e] == 0 || p->ext_id[e] != l->extmap.id)
            continue;
        struct sdp_line answer = *l;
        answer.extmap.attributes = (struct span){0};
        answer.extmap.direction = other_way(l->extmap.direction, job);
        put(w, answer);
    }
}

/* ---- streams ---- */

static bool starts_paused(const struct sdp_section *s, struct span rid)
{
    const struct sdp_line *l = sl_sdp_next(s, SDP_SIMULCAST, NULL);
    struct span list = l ? l->simulcast.send : (struct span){0};
    struct sdp_simulcast_stream stream;
    while (sl_sdp_simulcast_next(&list, &stream))
        if (span_eq(stream.rid, rid))
            return stream.paused;
    return false;
}

/* RFC 8853 §5.3.2: the streams that we take, in the offer's order. */
static void put_rids(struct wr *w, const struct sdp_section *s,
                     const struct rtp_receive *r)
{
    uint8_t buf[PARAMS_TEXT_MAX], list[PARAMS_TEXT_MAX];
    struct wr sim = wr_of(list, sizeof list);
    for (size_t i = 0; i < r->encodings_n; i++) {
        struct span id = span_of(r->encodings[i].rid);
        const struct sdp_rid *rid = id.n > 0 ? sl_streams_rid(s, id) : NULL;
        struct wr params = wr_of(buf, sizeof buf);
        if (!rid || !sl_streams_restrictions(rid, &r->params, &params))
            continue;
        put(w, (struct sdp_line){
                   .kind = SDP_RID,
                   .rid = {.id = id, .recv = true, .params = wr_done(&params)}});
        wr_str(&sim, sim.n > 0 ? ";" : "");
        wr_str(&sim, starts_paused(s, id) ? "~" : "");
        wr_span(&sim, id);
    }
    if (sim.n > 0 && sl_sdp_next(s, SDP_SIMULCAST, NULL))
        put(w, (struct sdp_line){.kind = SDP_SIMULCAST,
                                 .simulcast = {.recv = wr_done(&sim)}});
}

void sl_answer_streams(struct wr *w, const struct negotiate_slot *slot, uint32_t rtx_ssrc,
                       const char *cname)
{
    uint32_t ssrcs[2] = {slot->ssrc, rtx_ssrc};
    size_t n = rtx_ssrc != 0 ? 2 : 1;
    put(w, (struct sdp_line){
               .kind = SDP_MSID,
               .msid = {.stream = span_of(slot->stream), .track = span_of(slot->track)}});
    if (n == 2)
        put(w, (struct sdp_line){.kind = SDP_SSRC_GROUP,
                                 .ssrc_group = {.semantics = span_of("FID"),
                                                .n = 2,
                                                .ssrcs = {ssrcs[0], ssrcs[1]}}});
    for (size_t i = 0; i < n; i++)
        put(w, (struct sdp_line){.kind = SDP_SSRC,
                                 .ssrc = {.ssrc = ssrcs[i],
                                          .name = span_of("cname"),
                                          .value = span_of(cname)}});
}

/* ---- data channels ---- */

/* RFC 8841 §5. */
static void put_data(struct wr *w, const struct sdp_section *s,
                     const struct negotiate_conf *conf, const struct negotiated *n,
                     bool tagged)
{
    struct sdp_media m = s->m;
    m.port = 9; /* with trickle, RFC 8840 §4.1.1 */
    put(w, (struct sdp_line){.kind = SDP_MEDIA, .media = m});
    wr_str(w, "c=IN IP4 0.0.0.0\r\n");
    sl_answer_text(w, SDP_MID, s->mid);
    sl_answer_transport(w, &conf->local,
                        n->dtls_client ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE);
    if (tagged)
        sl_answer_candidates(w, &conf->local);
    put(w, (struct sdp_line){.kind = SDP_SCTP_PORT, .number = MEDIA_DATA_PORT});
    put(w, (struct sdp_line){.kind = SDP_MAX_MESSAGE_SIZE, .number = MEDIA_DATA_LONGEST});
}

/* ---- sections ---- */

/* RFC 3264 §6: port 0, and at least one of the formats. */
static void put_rejected(struct wr *w, const struct sdp_section *s)
{
    struct sdp_media m = s->m;
    m.port = 0;
    m.formats = word_next(&m.formats);
    put(w, (struct sdp_line){.kind = SDP_MEDIA, .media = m});
    wr_str(w, "c=IN IP4 0.0.0.0\r\n");
    if (s->mid.n > 0)
        sl_answer_text(w, SDP_MID, s->mid);
    put(w, (struct sdp_line){.kind = SDP_DIRECTION, .direction = SDP_INACTIVE});
}

void sl_answer_section(struct wr *w, const struct sdp *offer,
                       const struct negotiate_conf *conf, const struct negotiated *n,
                       size_t nth, bool tagged)
{
    const struct sdp_section *s = &offer->sections[nth];
    const struct negotiated_section *ns = &n->sections[nth];
    if (ns->why != NEGOTIATE_OK) {
        put_rejected(w, s);
        return;
    }
    if (ns->data) {
        put_data(w, s, conf, n, tagged);
        return;
    }
    put_media(w, s, &ns->params, ns->direction & SDP_RECVONLY ? conf->max_bps : 0);
    sl_answer_text(w, SDP_MID, s->mid);
    sl_answer_transport(w, &conf->local,
                        n->dtls_client ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE);
    if (tagged)
        sl_answer_candidates(w, &conf->local);
    put(w, (struct sdp_line){.kind = SDP_DIRECTION, .direction = ns->direction});
    put_flag(w, true, SDP_RTCP_MUX);
    /* RFC 9725 §4.4.1 wants it in answers too, where RFC 8858 §4.2 does not. */
    wr_str(w, "a=rtcp-mux-only\r\n");
    put_flag(w, s->rtcp_rsize, SDP_RTCP_RSIZE);
    put_flag(w, s->extmap_mixed, SDP_EXTMAP_MIXED);
    put_extensions(w, s, &ns->params, conf->job);
    for (size_t i = 0; i < ns->params.codecs_n; i++)
        put_codec(w, s, &ns->params.codecs[i]);
    if (ns->direction & SDP_RECVONLY)
        put_rids(w, s, &ns->receive);
    if (ns->direction & SDP_SENDONLY)
        sl_answer_streams(w, &conf->slots[ns->slot], ns->send.rtx_ssrc, ns->send.cname);
}
