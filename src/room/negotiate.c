#include "room/negotiate.h"

#include <stdio.h>
#include <string.h>

#include "base/word.h"

#include "proto/sdpwrite.h"
#include "room/answer.h"
#include "room/bundle.h"
#include "room/match.h"
#include "room/streams.h"

#define CODE(name, code, text) code,
#define TEXT(name, code, text) text,

const char *sl_negotiate_code(enum negotiate_why why)
{
    static const char *const codes[] = {NEGOTIATE_LIST(CODE)};
    return codes[why];
}

const char *sl_negotiate_text(enum negotiate_why why)
{
    static const char *const texts[] = {NEGOTIATE_LIST(TEXT)};
    return texts[why];
}

/* ---- one section ---- */

/* RFC 9429 §5.1.2: these must be understood, and all mean the first. */
static bool protocol_ok(struct span proto)
{
    static const char *const known[] = {
        "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF",
        "TCP/DTLS/RTP/SAVP", "RTP/SAVPF",        "RTP/SAVP",
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (span_is(proto, known[i]))
            return true;
    return false;
}

/* RFC 8841 §4.1: both mean the first. */
static bool data_ok(const struct sdp_section *s)
{
    return (span_is(s->m.proto, "UDP/DTLS/SCTP") ||
            span_is(s->m.proto, "TCP/DTLS/SCTP")) &&
           span_is(s->m.formats, "webrtc-datachannel");
}

/* What does not depend on codecs. */
static enum negotiate_why acceptable(const struct sdp *offer, const struct sdp_section *s)
{
    bool data = s->type == SDP_APPLICATION;
    if (s->type != SDP_AUDIO && s->type != SDP_VIDEO && !data)
        return NEGOTIATE_BAD_KIND;
    if (s->m.port == 0 && !s->bundle_only)
        return NEGOTIATE_STOPPED;
    if (data ? !data_ok(s) : !protocol_ok(s->m.proto))
        return NEGOTIATE_BAD_PROTOCOL;
    if (s->mid.n == 0 || s->mid.n >= PARAMS_NAME_MAX)
        return NEGOTIATE_BAD_MID;
    if (!sl_bundle_has(offer, s->mid))
        return NEGOTIATE_NO_BUNDLE;
    return s->rtcp_mux || data ? NEGOTIATE_OK : NEGOTIATE_NO_RTCP_MUX;
}

/* A slot of this mid; or else the first of its kind that has no mid and is not taken. */
static size_t find_slot(const struct negotiate_conf *conf, const struct negotiated *n,
                        enum media_kind kind, struct span mid)
{
    size_t found = conf->slots_n;
    for (size_t i = conf->slots_n; i-- > 0;) {
        const struct negotiate_slot *slot = &conf->slots[i];
        bool taken = slot->kind != kind;
        if (slot->mid && span_is(mid, slot->mid) && !taken)
            return i;
        for (size_t k = 0; k < n->sections_n && !taken; k++)
            taken = n->sections[k].why == NEGOTIATE_OK &&
                    (n->sections[k].direction & SDP_SENDONLY) && n->sections[k].slot == i;
        if (!slot->mid && !taken)
            found = i;
    }
    return found;
}

static enum negotiate_why settle_send(const struct negotiate_conf *conf,
                                      const struct negotiated *n, struct span mid,
                                      struct negotiated_section *ns)
{
    bool rtx = false;
    ns->slot = find_slot(conf, n, ns->params.kind, mid);
    if (ns->slot == conf->slots_n)
        return NEGOTIATE_NO_SLOT;
    for (size_t i = 0; i < ns->params.codecs_n; i++)
        rtx |= ns->params.codecs[i].rtx_pt != PT_NONE;
    ns->send.params = ns->params;
    ns->send.params.ext_id[EXT_RID] = 0;
    ns->send.params.ext_id[EXT_REPAIRED_RID] = 0;
    ns->send.params.ext_id[EXT_LAYERS_ALLOCATION] = 0;
    ns->send.ssrc = conf->slots[ns->slot].ssrc;
    ns->send.rtx_ssrc = rtx ? conf->slots[ns->slot].rtx_ssrc : 0;
    (void)snprintf(ns->send.cname, sizeof ns->send.cname, "%s", conf->cname);
    return NEGOTIATE_OK;
}

/* Without a=max-message-size it is 64 kB (RFC 8841 §6.1). */
static enum negotiate_why settle_data(const struct sdp *offer,
                                      const struct sdp_section *s,
                                      const struct negotiate_conf *conf,
                                      const struct negotiated *n,
                                      struct negotiated_section *ns)
{
    enum negotiate_why why = conf->data ? acceptable(offer, s) : NEGOTIATE_BAD_KIND;
    if (why != NEGOTIATE_OK)
        return why;
    const struct sdp_line *port = sl_sdp_next(s, SDP_SCTP_PORT, NULL);
    if (!port || port->number == 0 || n->data.wanted)
        return NEGOTIATE_NO_SCTP;
    ns->data = true;
    memcpy(ns->params.mid, s->mid.p, s->mid.n);
    return NEGOTIATE_OK;
}

static struct media_data data_of(const struct sdp_section *s)
{
    const struct sdp_line *port = sl_sdp_next(s, SDP_SCTP_PORT, NULL);
    const struct sdp_line *max = sl_sdp_next(s, SDP_MAX_MESSAGE_SIZE, NULL);
    return (struct media_data){.wanted = true,
                               .port = (uint16_t)port->number,
                               .message = max ? (uint32_t)max->number : 64 * 1024};
}

static enum negotiate_why settle(const struct sdp *offer, const struct sdp_section *s,
                                 const struct negotiate_conf *conf,
                                 const struct negotiated *n,
                                 struct negotiated_section *ns)
{
    bool receives = conf->job != NEGOTIATE_WATCH && (s->direction & SDP_SENDONLY);
    bool sends = conf->job != NEGOTIATE_PUBLISH && (s->direction & SDP_RECVONLY);
    if (s->type == SDP_APPLICATION)
        return settle_data(offer, s, conf, n, ns);
    enum negotiate_why why = acceptable(offer, s);
    if (why != NEGOTIATE_OK)
        return why;
    sl_match(s, conf, &ns->params);
    if (ns->params.codecs_n == 0)
        return NEGOTIATE_NO_COMMON_CODEC;
    memcpy(ns->params.mid, s->mid.p, s->mid.n);
    unsigned direction = SDP_INACTIVE;
    if (sends)
        why = settle_send(conf, n, s->mid, ns);
    if (sends && why == NEGOTIATE_OK)
        direction |= SDP_SENDONLY;
    if (why == NEGOTIATE_NO_SLOT && conf->job == NEGOTIATE_BOTH)
        why = NEGOTIATE_OK;
    if (receives) {
        sl_streams(s, &ns->receive);
        sl_streams_msid(s, &ns->stream, &ns->track);
        direction |= SDP_RECVONLY;
    }
    ns->direction = (enum sdp_direction)direction;
    return why;
}

/* ---- the transport ---- */

/* RFC 8842 §5.3. Without a=setup the offerer is active (RFC 4145 §4). */
static bool settle_role(enum sdp_setup offered, bool wish, bool *dtls_client)
{
    switch (offered) {
    case SDP_SETUP_ACTPASS: *dtls_client = wish; return true;
    case SDP_SETUP_NONE:
    case SDP_SETUP_ACTIVE: *dtls_client = false; return true;
    case SDP_SETUP_PASSIVE: *dtls_client = true; return true;
    case SDP_SETUP_HOLDCONN: break;
    }
    return false;
}

static enum negotiate_why settle_transport(const struct sdp *offer,
                                           const struct negotiate_conf *conf,
                                           struct negotiated *n)
{
    const struct sdp_section *from;
    enum negotiate_why why = sl_bundle_transport(offer, n, &from);
    if (why != NEGOTIATE_OK)
        return why;
    if (from->ice_lite && !conf->local.full)
        return NEGOTIATE_BOTH_LITE;
    return settle_role(from->setup, conf->local.active, &n->dtls_client)
               ? NEGOTIATE_OK
               : NEGOTIATE_BAD_SETUP;
}

/* ---- the whole ---- */

/* Why nothing is active: the first section that was meant for us and failed tells. */
static enum negotiate_why first_fault(const struct negotiated *n)
{
    for (size_t i = 0; i < n->sections_n; i++) {
        enum negotiate_why why = n->sections[i].why;
        if (why != NEGOTIATE_OK && why != NEGOTIATE_BAD_KIND && why != NEGOTIATE_STOPPED)
            return why;
    }
    return NEGOTIATE_NO_MEDIA;
}

enum negotiate_why sl_negotiate(const struct sdp *offer,
                                const struct negotiate_conf *conf, struct negotiated *ret,
                                struct wr *w)
{
    *ret = (struct negotiated){0};
    for (size_t i = 0; i < offer->sections_n; i++) {
        struct negotiated_section *ns = &ret->sections[i];
        ns->why = settle(offer, &offer->sections[i], conf, ret, ns);
        ret->sections_n = i + 1;
        if (ns->data)
            ret->data = data_of(&offer->sections[i]);
        ret->active_n +=
            ns->why == NEGOTIATE_OK &&
            (ns->data || conf->job == NEGOTIATE_BOTH || ns->direction != SDP_INACTIVE);
    }
    if (ret->active_n == 0)
        return first_fault(ret);
    if (conf->sections_max > 0 && ret->active_n > conf->sections_max)
        return NEGOTIATE_TOO_MANY_SECTIONS;
    enum negotiate_why why = settle_transport(offer, conf, ret);
    if (why != NEGOTIATE_OK)
        return why;

    const struct sdp_section *tagged = sl_bundle_tagged(offer, ret);
    sl_answer_session(w, offer, conf, ret);
    for (size_t i = 0; i < offer->sections_n; i++)
        sl_answer_section(w, offer, conf, ret, i, &offer->sections[i] == tagged);
    return w->bad ? NEGOTIATE_TOO_LARGE : NEGOTIATE_OK;
}

/* ---- fragments ---- */

bool sl_negotiate_credentials(const struct sdp *s, struct span *ufrag, struct span *pwd)
{
    const struct sdp_section *from = &s->session;
    for (size_t i = 0; i < s->sections_n && (from->ufrag.n == 0 || from->pwd.n == 0); i++)
        from = &s->sections[i];
    if (from->ufrag.n == 0 || from->pwd.n == 0)
        return false;
    *ufrag = from->ufrag;
    *pwd = from->pwd;
    return true;
}

void sl_negotiate_fragment(const struct sdp *fragment,
                           const struct negotiate_local *local, struct wr *w)
{
    struct sdp_line group = {.kind = SDP_GROUP,
                             .group = {span_of("BUNDLE"), sl_sdp_bundle(fragment)}};
    struct sdp_line ice_lite = {.kind = SDP_ICE_LITE};
    sl_sdp_line_write(w, &ice_lite);
    sl_answer_text(w, SDP_ICE_OPTIONS, span_of("trickle ice2"));
    if (group.group.mids.n > 0)
        sl_sdp_line_write(w, &group);
    if (fragment->sections_n > 0) {
        const struct sdp_section *s = &fragment->sections[0];
        sl_sdp_line_write(w, &s->lines[0]);
        if (s->mid.n > 0)
            sl_answer_text(w, SDP_MID, s->mid);
    }
    sl_answer_text(w, SDP_UFRAG, span_of(local->ufrag));
    sl_answer_text(w, SDP_PWD, span_of(local->pwd));
    sl_answer_candidates(w, local);
}
