#include "proto/sdpwrite.h"

#include <inttypes.h>
#include <stdio.h>

static void put_number(struct wr *w, uint64_t v)
{
    char buf[24];
    (void)snprintf(buf, sizeof buf, "%" PRIu64, v);
    wr_str(w, buf);
}

/* A blank and s, if there is any. */
static void put_word(struct wr *w, struct span s)
{
    if (s.n > 0) {
        wr_u8(w, ' ');
        wr_span(w, s);
    }
}

static void text_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->text);
}

static void group_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->group.semantics);
    put_word(w, l->group.mids);
}

static void candidate_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_candidate *c = &l->candidate;
    char ip[ADDR_TEXT_MAX];
    wr_span(w, c->foundation);
    wr_u8(w, ' ');
    put_number(w, c->component);
    put_word(w, c->transport);
    wr_u8(w, ' ');
    put_number(w, c->priority);
    put_word(w, c->host.n > 0 ? c->host : span_of(sl_addr_ip_text(&c->addr, ip)));
    wr_u8(w, ' ');
    put_number(w, c->host.n > 0 ? c->port : c->addr.port);
    wr_str(w, " typ");
    put_word(w, c->type);
    put_word(w, c->rest);
}

static void fingerprint_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_fingerprint *f = &l->fingerprint;
    wr_span(w, f->hash);
    for (size_t i = 0; i < f->n; i++) {
        char buf[4];
        (void)snprintf(buf, sizeof buf, "%c%02X", i == 0 ? ' ' : ':', f->bytes[i]);
        wr_str(w, buf);
    }
}

static void setup_write(struct wr *w, const struct sdp_line *l)
{
    wr_str(w, sl_sdp_setup_name(l->setup));
}

static void extmap_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_extmap *e = &l->extmap;
    put_number(w, e->id);
    if (e->directed) {
        wr_u8(w, '/');
        wr_str(w, sl_sdp_direction_name(e->direction));
    }
    put_word(w, e->uri);
    put_word(w, e->attributes);
}

static void rtpmap_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_rtpmap *m = &l->rtpmap;
    put_number(w, m->pt);
    put_word(w, m->name);
    wr_u8(w, '/');
    put_number(w, m->clock_hz);
    if (m->channels != 1) {
        wr_u8(w, '/');
        put_number(w, m->channels);
    }
}

static void fmtp_write(struct wr *w, const struct sdp_line *l)
{
    put_number(w, l->fmtp.pt);
    put_word(w, l->fmtp.params);
}

static void rtcp_fb_write(struct wr *w, const struct sdp_line *l)
{
    if (l->rtcp_fb.pt == SDP_PT_ANY)
        wr_u8(w, '*');
    else
        put_number(w, l->rtcp_fb.pt);
    put_word(w, l->rtcp_fb.what);
}

static void ssrc_write(struct wr *w, const struct sdp_line *l)
{
    put_number(w, l->ssrc.ssrc);
    put_word(w, l->ssrc.name);
    if (l->ssrc.value.n > 0) {
        wr_u8(w, ':');
        wr_span(w, l->ssrc.value);
    }
}

static void ssrc_group_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->ssrc_group.semantics);
    for (size_t i = 0; i < l->ssrc_group.n; i++) {
        wr_u8(w, ' ');
        put_number(w, l->ssrc_group.ssrcs[i]);
    }
}

static void rid_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->rid.id);
    wr_str(w, l->rid.recv ? " recv" : " send");
    put_word(w, l->rid.params);
}

static void simulcast_write(struct wr *w, const struct sdp_line *l)
{
    const struct sdp_simulcast *s = &l->simulcast;
    if (s->send.n > 0) {
        wr_str(w, "send");
        put_word(w, s->send);
    }
    if (s->recv.n > 0) {
        wr_str(w, s->send.n > 0 ? " recv" : "recv");
        put_word(w, s->recv);
    }
}

static void msid_write(struct wr *w, const struct sdp_line *l)
{
    wr_span(w, l->msid.stream);
    put_word(w, l->msid.track);
}

static void number_write(struct wr *w, const struct sdp_line *l)
{
    put_number(w, l->number);
}

static void media_write(struct wr *w, const struct sdp_media *m)
{
    wr_str(w, "m=");
    wr_span(w, m->media);
    wr_u8(w, ' ');
    put_number(w, m->port);
    put_word(w, m->proto);
    put_word(w, m->formats);
}

/* What stands behind the colon; a flag has no colon. */
static void (*const writers[SDP_KINDS])(struct wr *w, const struct sdp_line *l) = {
    [SDP_GROUP] = group_write,
    [SDP_MID] = text_write,
    [SDP_UFRAG] = text_write,
    [SDP_PWD] = text_write,
    [SDP_ICE_OPTIONS] = text_write,
    [SDP_CANDIDATE] = candidate_write,
    [SDP_FINGERPRINT] = fingerprint_write,
    [SDP_SETUP] = setup_write,
    [SDP_EXTMAP] = extmap_write,
    [SDP_RTPMAP] = rtpmap_write,
    [SDP_FMTP] = fmtp_write,
    [SDP_RTCP_FB] = rtcp_fb_write,
    [SDP_SSRC] = ssrc_write,
    [SDP_SSRC_GROUP] = ssrc_group_write,
    [SDP_RID] = rid_write,
    [SDP_SIMULCAST] = simulcast_write,
    [SDP_MSID] = msid_write,
    [SDP_SCTP_PORT] = number_write,
    [SDP_MAX_MESSAGE_SIZE] = number_write,
};

static void attribute_write(struct wr *w, const struct sdp_line *l)
{
    wr_str(w, "a=");
    if (l->kind == SDP_DIRECTION)
        wr_str(w, sl_sdp_direction_name(l->direction));
    else
        wr_str(w, sl_sdp_attribute_name(l->kind));
    if (writers[l->kind]) {
        wr_u8(w, ':');
        writers[l->kind](w, l);
    }
}

void sl_sdp_line_write(struct wr *w, const struct sdp_line *l)
{
    if (l->kind == SDP_OTHER)
        wr_span(w, l->text);
    else if (l->kind == SDP_MEDIA)
        media_write(w, &l->media);
    else
        attribute_write(w, l);
    wr_str(w, "\r\n");
}
