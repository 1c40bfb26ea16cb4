#include "room/match.h"

#include <string.h>

#include "base/word.h"

#include "proto/fmtp.h"

enum { EXT_ID_MAX = 14 }; /* we write the one-byte form (RFC 8285 §4.2) */

bool sl_match_rtpmap(const struct sdp_section *s, uint8_t pt, struct sdp_rtpmap *ret)
{
    static const struct {
        uint8_t pt;
        const char *name;
    } fixed[] = {{0, "PCMU"}, {8, "PCMA"}, {9, "G722"}}; /* RFC 3551 §6 */
    const struct sdp_rtpmap *map = sl_sdp_rtpmap(s, pt);
    if (map) {
        *ret = *map;
        return true;
    }
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (fixed[i].pt == pt) {
            *ret = (struct sdp_rtpmap){pt, span_of(fixed[i].name), 8000, 1};
            return true;
        }
    return false;
}

int sl_match_pt(const struct rtp_params *params, uint8_t pt)
{
    for (int i = 0; i < params->codecs_n; i++)
        if (params->codecs[i].pt == pt)
            return i;
    return -1;
}

/* ---- codecs ---- */

/* Opus has two channels in SDP whatever it carries (RFC 7587 §7), and so has its RED. */
static uint8_t channels_of(enum codec c)
{
    return c == CODEC_OPUS || c == CODEC_RED ? 2 : 1;
}

static bool read_codec(const struct sdp_section *s, uint8_t pt, enum media_kind kind,
                       struct rtp_codec *ret)
{
    struct sdp_rtpmap map;
    if (!sl_match_rtpmap(s, pt, &map))
        return false;
    enum codec c = sl_codec_of(map.name);
    *ret = (struct rtp_codec){
        .codec = c, .pt = pt, .rtx_pt = PT_NONE, .channels = map.channels};
    return c != CODEC_NONE && c != CODEC_RTX && sl_codec_kind(c) == kind &&
           map.clock_hz == sl_codec_clock_hz(c) && map.channels == channels_of(c) &&
           sl_fmtp_profile(c, sl_sdp_fmtp(s, pt), &ret->profile);
}

/* The codec's place among those that are allowed: 0 is the best. */
static size_t rank(const struct negotiate_conf *conf, enum codec c)
{
    size_t i = 0;
    while (i < conf->codecs_n && conf->codecs[i] != c)
        i++;
    return i;
}

/* Behind all that are at least as good, so that equals keep the offer's order. */
static void insert(struct rtp_params *p, const struct negotiate_conf *conf,
                   const struct rtp_codec *c)
{
    size_t r = rank(conf, c->codec), i = p->codecs_n;
    if ((conf->codecs_n > 0 && r == conf->codecs_n) || i == PARAMS_CODECS_MAX)
        return;
    for (; i > 0 && rank(conf, p->codecs[i - 1].codec) > r; i--)
        p->codecs[i] = p->codecs[i - 1];
    p->codecs[i] = *c;
    p->codecs_n++;
}

/* RED is of use only with the Opus inside, whose payload type its packets name. */
static void drop_hollow_red(struct rtp_params *p)
{
    uint8_t n = 0;
    for (uint8_t i = 0; i < p->codecs_n; i++) {
        const struct rtp_codec *c = &p->codecs[i];
        int inside = c->codec == CODEC_RED ? sl_match_pt(p, (uint8_t)c->profile) : i;
        if (inside >= 0 &&
            (c->codec != CODEC_RED || p->codecs[inside].codec == CODEC_OPUS))
            p->codecs[n++] = *c;
    }
    p->codecs_n = n;
}

static void match_rtx(const struct sdp_section *s, struct rtp_params *p)
{
    for (size_t i = 0; i < s->pts_n; i++) {
        const struct sdp_rtpmap *map = sl_sdp_rtpmap(s, s->pts[i]);
        struct span text;
        uint64_t apt;
        if (!map || sl_codec_of(map->name) != CODEC_RTX ||
            !sl_fmtp_find(sl_sdp_fmtp(s, s->pts[i]), "apt", &text) ||
            !word_number(text, 127, &apt))
            continue;
        int of = sl_match_pt(p, (uint8_t)apt);
        if (of >= 0 && p->codecs[of].rtx_pt == PT_NONE && p->codecs[of].nack &&
            map->clock_hz == sl_codec_clock_hz(p->codecs[of].codec))
            p->codecs[of].rtx_pt = s->pts[i];
    }
}

static void add_feedback(struct rtp_codec *c, enum media_kind kind, struct span what)
{
    bool video = kind == MEDIA_VIDEO;
    c->nack |= span_is(what, "nack");
    c->pli |= video && span_is(what, "nack pli");
    c->fir |= video && span_is(what, "ccm fir");
    c->remb |= video && span_is(what, "goog-remb");
    c->twcc |= span_is(what, "transport-cc");
}

static void match_feedback(const struct sdp_section *s, struct rtp_params *p)
{
    sdp_each (l, s, SDP_RTCP_FB)
        for (size_t i = 0; i < p->codecs_n; i++)
            if (l->rtcp_fb.pt == SDP_PT_ANY || l->rtcp_fb.pt == p->codecs[i].pt)
                add_feedback(&p->codecs[i], p->kind, l->rtcp_fb.what);
}

/* ---- header extensions ---- */

/* Of a stream of this kind, in the direction of the job. Stream ids are only for what a peer
 * sends: to a viewer we send one stream a section. */
static bool ext_wanted(enum rtp_ext e, enum media_kind kind, enum negotiate_job job)
{
    switch (e) {
    case EXT_MID:
    case EXT_TWCC:
    case EXT_ABS_CAPTURE_TIME: return true;
    case EXT_AUDIO_LEVEL: return kind == MEDIA_AUDIO;
    case EXT_RID:
    case EXT_REPAIRED_RID:
    case EXT_LAYERS_ALLOCATION: return kind == MEDIA_VIDEO && job != NEGOTIATE_WATCH;
    case EXT_ABS_SEND_TIME:
    case EXT_ORIENTATION:
    case EXT_PLAYOUT_DELAY:
    case EXT_CONTENT_TYPE:
    case EXT_COLOR_SPACE:
    case EXT_DEPENDENCY: return kind == MEDIA_VIDEO;
    case EXT_NONE:
    case EXTS: break;
    }
    return false;
}

static void match_extensions(const struct sdp_section *s, enum negotiate_job job,
                             struct rtp_params *p)
{
    static const enum sdp_direction needs[] = {[NEGOTIATE_PUBLISH] = SDP_SENDONLY,
                                               [NEGOTIATE_WATCH] = SDP_RECVONLY,
                                               [NEGOTIATE_BOTH] = SDP_SENDRECV};
    bool taken[EXT_ID_MAX + 1] = {false};
    sdp_each (l, s, SDP_EXTMAP) {
        enum rtp_ext e = sl_ext_of(l->extmap.uri);
        uint16_t id = l->extmap.id;
        if (!ext_wanted(e, p->kind, job) || !(l->extmap.direction & needs[job]) ||
            id > EXT_ID_MAX || taken[id] || p->ext_id[e] != 0)
            continue;
        taken[id] = true;
        p->ext_id[e] = (uint8_t)id;
    }
}

/* Transport-wide feedback takes both its extension and its a=rtcp-fb; where it is agreed,
 * nobody needs the send time that REMB is computed from. */
static void settle_congestion_control(struct rtp_params *p)
{
    bool twcc = false, remb = false;
    for (size_t i = 0; i < p->codecs_n; i++) {
        p->codecs[i].twcc &= p->ext_id[EXT_TWCC] != 0;
        twcc |= p->codecs[i].twcc;
        remb |= p->codecs[i].remb;
    }
    if (!twcc)
        p->ext_id[EXT_TWCC] = 0;
    if (twcc || !remb)
        p->ext_id[EXT_ABS_SEND_TIME] = 0;
}

void sl_match(const struct sdp_section *s, const struct negotiate_conf *conf,
              struct rtp_params *ret)
{
    *ret = (struct rtp_params){.kind = s->type == SDP_AUDIO ? MEDIA_AUDIO : MEDIA_VIDEO};
    for (size_t i = 0; i < s->pts_n; i++) {
        struct rtp_codec c;
        if (read_codec(s, s->pts[i], ret->kind, &c))
            insert(ret, conf, &c);
    }
    drop_hollow_red(ret);
    match_feedback(s, ret);
    match_rtx(s, ret);
    match_extensions(s, conf->job, ret);
    settle_congestion_control(ret);
}
