#include "room/codecs.h"

#include <stdio.h>

#include "base/word.h"

#include "proto/fmtp.h"
#include "proto/sdpwrite.h"
#include "room/match.h"

/* Numbers that most browsers use, too, so that few have to move. */
static const struct {
    enum codec codec;
    uint8_t pt, rtx, channels;
    uint32_t profile;
} ours[] = {
    {CODEC_OPUS, 111, PT_NONE, 2, 0},
    {CODEC_G722, 9, PT_NONE, 1, 0},
    {CODEC_PCMU, 0, PT_NONE, 1, 0},
    {CODEC_PCMA, 8, PT_NONE, 1, 0},
    {CODEC_VP8, 96, 97, 1, 0},
    {CODEC_VP9, 98, 99, 1, 0},
    {CODEC_H264, 102, 103, 1, 1U << 16 | 0x4240}, /* constrained baseline */
    {CODEC_AV1, 45, 46, 1, 0},
};

static const struct {
    enum rtp_ext ext;
    uint8_t id;
    bool audio, video;
} ours_ext[] = {
    {EXT_AUDIO_LEVEL, 1, true, false},
    {EXT_MID, 2, true, true},
    {EXT_RID, 3, false, true},
    {EXT_REPAIRED_RID, 4, false, true},
    {EXT_TWCC, 5, true, true},
    {EXT_ABS_CAPTURE_TIME, 6, true, true},
    {EXT_DEPENDENCY, 7, false, true},
    {EXT_ORIENTATION, 8, false, true},
    {EXT_PLAYOUT_DELAY, 9, false, true},
    {EXT_CONTENT_TYPE, 10, false, true},
    {EXT_LAYERS_ALLOCATION, 11, false, true},
};

bool sl_codecs_ours(enum codec codec)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (ours[i].codec == codec)
            return true;
    return false;
}

static void add(struct codecs *c, enum codec codec)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (ours[i].codec != codec)
            continue;
        bool video = sl_codec_kind(codec) == MEDIA_VIDEO;
        struct rtp_params *p = &c->of[sl_codec_kind(codec)];
        p->codecs[p->codecs_n++] = (struct rtp_codec){.codec = codec,
                                                      .pt = ours[i].pt,
                                                      .rtx_pt = ours[i].rtx,
                                                      .channels = ours[i].channels,
                                                      .nack = video,
                                                      .pli = video,
                                                      .fir = video,
                                                      .remb = video,
                                                      .twcc = true,
                                                      .profile = ours[i].profile};
    }
}

void sl_codecs_init(struct codecs *c, const enum codec *allowed, size_t n)
{
    *c = (struct codecs){.of = {{.kind = MEDIA_AUDIO}, {.kind = MEDIA_VIDEO}}};
    for (size_t i = 0; i < n; i++)
        add(c, allowed[i]);
    for (size_t i = 0; n == 0 && i < sizeof ours / sizeof ours[0]; i++)
        add(c, ours[i].codec);
    for (size_t i = 0; i < sizeof ours_ext / sizeof ours_ext[0]; i++) {
        if (ours_ext[i].audio)
            c->of[MEDIA_AUDIO].ext_id[ours_ext[i].ext] = ours_ext[i].id;
        if (ours_ext[i].video)
            c->of[MEDIA_VIDEO].ext_id[ours_ext[i].ext] = ours_ext[i].id;
    }
}

/* ---- the peer's numbers ---- */

static void use(struct codecs *c, uint8_t pt)
{
    if (pt != PT_NONE)
        c->pts[pt >> 6 & 1] |= UINT64_C(1) << (pt & 63);
}

static bool used(const struct codecs *c, uint8_t pt)
{
    return pt != PT_NONE && (c->pts[pt >> 6 & 1] >> (pt & 63) & 1);
}

static void agree(struct codecs *c, enum media_kind kind, const struct rtp_codec *peer)
{
    struct rtp_params *p = &c->of[kind];
    for (size_t i = 0; i < p->codecs_n; i++)
        if (p->codecs[i].codec == peer->codec && p->codecs[i].profile == peer->profile &&
            !(c->agreed[kind] >> i & 1)) {
            p->codecs[i].pt = peer->pt;
            p->codecs[i].rtx_pt = peer->rtx_pt;
            c->agreed[kind] |= 1U << i;
        }
}

static void learn_section(struct codecs *c, const struct sdp_section *s,
                          const struct negotiate_conf *conf)
{
    struct rtp_params peer;
    for (size_t i = 0; i < s->pts_n; i++)
        use(c, s->pts[i]);
    sdp_each (l, s, SDP_EXTMAP) {
        enum rtp_ext e = sl_ext_of(l->extmap.uri);
        if (l->extmap.id < 15)
            c->ext_ids |= 1U << l->extmap.id;
        if (e == EXT_NONE || l->extmap.id > 14 || c->ext_agreed[e])
            continue;
        c->ext_agreed[e] = true;
        for (int kind = 0; kind < 2; kind++)
            if (c->of[kind].ext_id[e] != 0)
                c->of[kind].ext_id[e] = (uint8_t)l->extmap.id;
    }
    sl_match(s, conf, &peer);
    for (size_t i = 0; i < peer.codecs_n; i++)
        agree(c, peer.kind, &peer.codecs[i]);
}

static bool is_ours(const struct codecs *c, uint8_t pt)
{
    for (int kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < c->of[kind].codecs_n; i++)
            if (c->of[kind].codecs[i].pt == pt || c->of[kind].codecs[i].rtx_pt == pt)
                return true;
    return false;
}

/* The dynamic ones, and then those that RFC 5761 §4 leaves when these are used up. */
static uint8_t free_pt(struct codecs *c)
{
    for (unsigned i = 96; i < 96 + 61; i++) {
        uint8_t pt = (uint8_t)(i < 128 ? i : i - 128 + 35);
        if (!used(c, pt) && !is_ours(c, pt)) {
            use(c, pt);
            return pt;
        }
    }
    return PT_NONE;
}

/* A codec of ours that has no place any more is not offered. */
static void move_codecs(struct codecs *c, enum media_kind kind)
{
    struct rtp_params *p = &c->of[kind];
    for (uint8_t i = 0; i < p->codecs_n; i++) {
        struct rtp_codec *at = &p->codecs[i];
        if (c->agreed[kind] >> i & 1)
            continue;
        if (used(c, at->pt))
            at->pt = free_pt(c);
        if (used(c, at->rtx_pt))
            at->rtx_pt = free_pt(c);
        if (at->pt == PT_NONE)
            p->codecs_n = i;
    }
}

static uint8_t free_ext(const struct codecs *c)
{
    for (uint8_t id = 1; id < 15; id++) {
        bool taken = c->ext_ids >> id & 1;
        for (int e = 0; e < EXTS && !taken; e++)
            taken =
                c->of[MEDIA_AUDIO].ext_id[e] == id || c->of[MEDIA_VIDEO].ext_id[e] == id;
        if (!taken)
            return id;
    }
    return 0;
}

static void move_exts(struct codecs *c)
{
    for (int e = 0; e < EXTS; e++) {
        uint8_t *audio = &c->of[MEDIA_AUDIO].ext_id[e],
                *video = &c->of[MEDIA_VIDEO].ext_id[e];
        uint8_t id = *audio != 0 ? *audio : *video;
        if (id == 0 || c->ext_agreed[e] || !(c->ext_ids >> id & 1))
            continue;
        uint8_t to = free_ext(c);
        *audio = *audio != 0 ? to : 0;
        *video = *video != 0 ? to : 0;
    }
}

void sl_codecs_learn(struct codecs *c, const struct sdp *s,
                     const struct negotiate_conf *conf)
{
    for (size_t i = 0; i < s->sections_n; i++)
        if (s->sections[i].type == SDP_AUDIO || s->sections[i].type == SDP_VIDEO)
            learn_section(c, &s->sections[i], conf);
    move_codecs(c, MEDIA_AUDIO);
    move_codecs(c, MEDIA_VIDEO);
    move_exts(c);
}

/* ---- in an offer ---- */

static void put(struct wr *w, struct sdp_line line)
{
    sl_sdp_line_write(w, &line);
}

static void put_fb(struct wr *w, bool said, uint8_t pt, const char *what)
{
    if (said)
        put(w, (struct sdp_line){.kind = SDP_RTCP_FB,
                                 .rtcp_fb = {.pt = pt, .what = span_of(what)}});
}

static void put_map(struct wr *w, uint8_t pt, enum codec c, enum codec clock,
                    uint8_t channels)
{
    put(w, (struct sdp_line){.kind = SDP_RTPMAP,
                             .rtpmap = {.pt = pt,
                                        .name = span_of(sl_codec_name(c)),
                                        .clock_hz = sl_codec_clock_hz(clock),
                                        .channels = channels}});
}

static void put_codec(struct wr *w, const struct rtp_codec *c)
{
    uint8_t buf[128];
    struct wr params = wr_of(buf, sizeof buf);
    put_map(w, c->pt, c->codec, c->codec, c->channels);
    put_fb(w, c->remb, c->pt, "goog-remb");
    put_fb(w, c->twcc, c->pt, "transport-cc");
    put_fb(w, c->fir, c->pt, "ccm fir");
    put_fb(w, c->nack, c->pt, "nack");
    put_fb(w, c->pli, c->pt, "nack pli");
    sl_fmtp_offer(&params, c);
    if (params.n > 0)
        put(w, (struct sdp_line){.kind = SDP_FMTP,
                                 .fmtp = {.pt = c->pt, .params = wr_done(&params)}});
    if (c->rtx_pt == PT_NONE)
        return;
    put_map(w, c->rtx_pt, CODEC_RTX, c->codec, 1);
    (void)snprintf((char *)buf, sizeof buf, "apt=%u", c->pt);
    put(w, (struct sdp_line){
               .kind = SDP_FMTP,
               .fmtp = {.pt = c->rtx_pt, .params = span_of((const char *)buf)}});
}

void sl_codecs_write(const struct codecs *c, enum media_kind kind, struct wr *w)
{
    const struct rtp_params *p = &c->of[kind];
    for (int e = 1; e < EXTS; e++)
        if (p->ext_id[e] != 0)
            put(w, (struct sdp_line){
                       .kind = SDP_EXTMAP,
                       .extmap = {.id = p->ext_id[e],
                                  .direction = SDP_SENDRECV,
                                  .uri = span_of(sl_ext_uri((enum rtp_ext)e))}});
    for (size_t i = 0; i < p->codecs_n; i++)
        put_codec(w, &p->codecs[i]);
}

void sl_codecs_formats(const struct codecs *c, enum media_kind kind, struct wr *w)
{
    const struct rtp_params *p = &c->of[kind];
    for (size_t i = 0; i < p->codecs_n; i++) {
        char text[16];
        bool rtx = p->codecs[i].rtx_pt != PT_NONE;
        (void)snprintf(text, sizeof text, rtx ? "%s%u %u" : "%s%u", i > 0 ? " " : "",
                       p->codecs[i].pt, p->codecs[i].rtx_pt);
        wr_str(w, text);
    }
}

bool sl_codecs_rtx(const struct codecs *c, enum media_kind kind)
{
    const struct rtp_params *p = &c->of[kind];
    for (size_t i = 0; i < p->codecs_n; i++)
        if (p->codecs[i].rtx_pt != PT_NONE)
            return true;
    return false;
}
