#include "room/streams.h"

#include <string.h>

#include "base/word.h"

#include "room/match.h"

enum {
    SSRCS_MAX = 16,         /* streams of one section that are told apart by SSRC */
    RESTRICTIONS_MAX = 512, /* octets of one rid's restrictions */
};

/* Streams by SSRC, in the offer's order. */
struct ssrcs {
    size_t n;
    struct {
        uint32_t ssrc, rtx;
    } of[SSRCS_MAX];
};

static bool holds(const struct ssrcs *s, uint32_t ssrc)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->of[i].ssrc == ssrc || s->of[i].rtx == ssrc)
            return true;
    return false;
}

static void add(struct ssrcs *s, uint32_t ssrc, uint32_t rtx)
{
    if (s->n < SSRCS_MAX && !holds(s, ssrc)) {
        s->of[s->n].ssrc = ssrc;
        s->of[s->n++].rtx = rtx;
    }
}

/* The second SSRC of the FID group that ssrc leads (RFC 5576 §4.2, RFC 4588 §8). */
static uint32_t rtx_of(const struct sdp_section *s, uint32_t ssrc)
{
    sdp_each (l, s, SDP_SSRC_GROUP)
        if (span_is(l->ssrc_group.semantics, "FID") && l->ssrc_group.n == 2 &&
            l->ssrc_group.ssrcs[0] == ssrc)
            return l->ssrc_group.ssrcs[1];
    return 0;
}

/* It repairs another: the later SSRC of any group but a simulcast one. */
static bool repairs(const struct sdp_section *s, uint32_t ssrc)
{
    sdp_each (l, s, SDP_SSRC_GROUP)
        if (!span_is(l->ssrc_group.semantics, "SIM"))
            for (size_t i = 1; i < l->ssrc_group.n; i++)
                if (l->ssrc_group.ssrcs[i] == ssrc)
                    return true;
    return false;
}

/* Returns whether they are layers of one picture. */
static bool read_ssrcs(const struct sdp_section *s, struct ssrcs *ret)
{
    *ret = (struct ssrcs){0};
    sdp_each (l, s, SDP_SSRC_GROUP)
        if (span_is(l->ssrc_group.semantics, "SIM")) {
            for (size_t i = 0; i < l->ssrc_group.n; i++)
                add(ret, l->ssrc_group.ssrcs[i], rtx_of(s, l->ssrc_group.ssrcs[i]));
            return true;
        }
    sdp_each (l, s, SDP_SSRC)
        if (!repairs(s, l->ssrc.ssrc))
            add(ret, l->ssrc.ssrc, rtx_of(s, l->ssrc.ssrc));
    return false;
}

const struct sdp_rid *sl_streams_rid(const struct sdp_section *s, struct span id)
{
    sdp_each (l, s, SDP_RID)
        if (!l->rid.recv && span_eq(l->rid.id, id))
            return &l->rid;
    return NULL;
}

/* Appends the payload types of "96,97" that were agreed; how many there are. */
static size_t agreed_pts(struct span list, const struct rtp_params *params, struct wr *w)
{
    size_t n = 0;
    while (list.n > 0) {
        struct span text = word_trim(word_cut(&list, ','));
        uint64_t pt;
        if (!word_number(text, 127, &pt) || sl_match_pt(params, (uint8_t)pt) < 0)
            continue;
        wr_str(w, n++ > 0 ? "," : "");
        wr_span(w, text);
    }
    return n;
}

bool sl_streams_restrictions(const struct sdp_rid *rid, const struct rtp_params *params,
                             struct wr *w)
{
    struct span rest = rid->params;
    size_t begin = w->n;
    while (rest.n > 0) {
        struct span param = word_trim(word_cut(&rest, ';'));
        wr_str(w, w->n > begin ? ";" : "");
        if (!word_starts(param, "pt=")) {
            wr_span(w, param);
            continue;
        }
        (void)word_cut(&param, '=');
        wr_str(w, "pt=");
        if (agreed_pts(param, params, w) == 0)
            return false;
    }
    return !w->bad;
}

static bool usable(const struct sdp_rid *rid, const struct rtp_receive *r)
{
    uint8_t buf[RESTRICTIONS_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    if (!rid || rid->id.n >= PARAMS_NAME_MAX ||
        !sl_streams_restrictions(rid, &r->params, &w))
        return false;
    for (size_t i = 0; i < r->encodings_n; i++)
        if (span_is(rid->id, r->encodings[i].rid))
            return false;
    return true;
}

/* nth of how many streams that the offer lists; SSRCs belong to them if there are as many. */
static void add_rid(const struct sdp_rid *rid, const struct ssrcs *ssrcs, size_t nth,
                    size_t of, struct rtp_receive *r)
{
    if (r->encodings_n == PARAMS_ENCODINGS_MAX || !usable(rid, r))
        return;
    struct rtp_encoding *e = &r->encodings[r->encodings_n++];
    *e = (struct rtp_encoding){0};
    memcpy(e->rid, rid->id.p, rid->id.n);
    if (ssrcs->n == of) {
        e->ssrc = ssrcs->of[nth].ssrc;
        e->rtx_ssrc = ssrcs->of[nth].rtx;
    }
}

static void read_rids(const struct sdp_section *s, const struct ssrcs *ssrcs,
                      struct rtp_receive *r)
{
    const struct sdp_line *sim = sl_sdp_next(s, SDP_SIMULCAST, NULL);
    struct span list = sim ? sim->simulcast.send : (struct span){0};
    struct span all = list;
    struct sdp_simulcast_stream stream;
    size_t of = 0, nth = 0;
    while (sl_sdp_simulcast_next(&all, &stream))
        of++;
    /* Without an extension or SSRCs nobody could tell the streams apart. */
    if (r->params.ext_id[EXT_RID] == 0 && ssrcs->n != of)
        return;
    while (sl_sdp_simulcast_next(&list, &stream))
        add_rid(sl_streams_rid(s, stream.rid), ssrcs, nth++, of, r);
    if (of == 0 && r->params.ext_id[EXT_RID] != 0)
        sdp_each (l, s, SDP_RID)
            if (!l->rid.recv && r->encodings_n == 0)
                add_rid(&l->rid, ssrcs, 0, 1, r);
}

void sl_streams(const struct sdp_section *s, struct rtp_receive *r)
{
    struct ssrcs ssrcs;
    bool layers = read_ssrcs(s, &ssrcs);
    r->encodings_n = 0;
    if (r->params.kind == MEDIA_VIDEO)
        read_rids(s, &ssrcs, r);
    if (r->encodings_n > 0)
        return;

    size_t n = layers && ssrcs.n > 0 ? ssrcs.n : 1;
    for (size_t i = 0; i < n && i < PARAMS_ENCODINGS_MAX; i++) {
        r->encodings[r->encodings_n++] = (struct rtp_encoding){
            .ssrc = i < ssrcs.n ? ssrcs.of[i].ssrc : 0,
            .rtx_ssrc = i < ssrcs.n ? ssrcs.of[i].rtx : 0,
        };
    }
    r->params.ext_id[EXT_RID] = 0;
    r->params.ext_id[EXT_REPAIRED_RID] = 0;
}

void sl_streams_msid(const struct sdp_section *s, struct span *stream, struct span *track)
{
    const struct sdp_line *l = sl_sdp_next(s, SDP_MSID, NULL);
    *stream = *track = (struct span){0};
    if (l) {
        *stream = l->msid.stream;
        *track = l->msid.track;
        return;
    }
    sdp_each (old, s, SDP_SSRC)
        if (span_is(old->ssrc.name, "msid")) {
            struct span value = old->ssrc.value;
            *stream = word_next(&value);
            *track = word_next(&value);
            return;
        }
}
