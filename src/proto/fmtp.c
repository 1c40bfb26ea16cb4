#include "proto/fmtp.h"

#include <stdio.h>

#include "base/word.h"

bool sl_fmtp_find(struct span params, const char *key, struct span *ret)
{
    while (params.n > 0) {
        struct span param = word_trim(word_cut(&params, ';'));
        struct span name = word_cut(&param, '=');
        if (word_same(word_trim(name), key)) {
            *ret = word_trim(param);
            return true;
        }
    }
    return false;
}

/* A parameter that is a number, or what its absence means. False: it is not, or too large. */
static bool number(struct span params, const char *key, unsigned absent, unsigned max,
                   unsigned *ret)
{
    struct span text;
    uint64_t v = absent;
    if (sl_fmtp_find(params, key, &text) && !word_number(text, max, &v))
        return false;
    *ret = (unsigned)v;
    return true;
}

static bool hex24(struct span s, uint32_t *ret)
{
    uint32_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = s.p[i] | 0x20U;
        if (c >= '0' && c <= '9')
            v = v << 4 | (c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (c - 'a' + 10);
        else
            return false;
    }
    *ret = v;
    return s.n == 6;
}

/* Several spellings name one profile (RFC 6184 §8.1, table 5): of the constraint flags some
 * do not matter. What the table does not name stays as it is, and is equal to itself. */
static uint32_t h264_profile(uint32_t idc, uint32_t iop)
{
    enum {
        CONSTRAINED_BASELINE = 0x4240,
        BASELINE = 0x4200,
        MAIN = 0x4d00,
        EXTENDED = 0x5800
    };
    static const struct {
        uint8_t idc, mask, iop;
        uint32_t profile;
    } table[] = {
        {0x42, 0x4f, 0x40, CONSTRAINED_BASELINE},
        {0x4d, 0x8f, 0x80, CONSTRAINED_BASELINE},
        {0x58, 0xcf, 0xc0, CONSTRAINED_BASELINE},
        {0x42, 0x4f, 0x00, BASELINE},
        {0x58, 0xcf, 0x80, BASELINE},
        {0x4d, 0xaf, 0x00, MAIN},
        {0x58, 0xcf, 0x00, EXTENDED},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].idc == idc && table[i].iop == (iop & table[i].mask))
            return table[i].profile;
    return idc << 8 | iop;
}

/* RFC 6184 §8.1: without a profile it is Baseline, without a mode one NAL unit a packet.
 * Mode 2 interleaves. */
static bool h264(struct span params, uint32_t *ret)
{
    struct span text;
    uint32_t id = 0x42000a;
    unsigned mode;
    if (!number(params, "packetization-mode", 0, 1, &mode) ||
        (sl_fmtp_find(params, "profile-level-id", &text) && !hex24(text, &id)))
        return false;
    *ret = mode << 16 | h264_profile(id >> 16, id >> 8 & 0xff);
    return true;
}

/* RFC 7798 §7.1: Main profile and Main tier when not said; one stream in one session. */
static bool h265(struct span params, uint32_t *ret)
{
    struct span mode;
    unsigned space, profile, tier;
    if (!number(params, "profile-space", 0, 3, &space) ||
        !number(params, "profile-id", 1, 31, &profile) ||
        !number(params, "tier-flag", 0, 1, &tier) ||
        (sl_fmtp_find(params, "tx-mode", &mode) && !word_same(mode, "SRST")))
        return false;
    *ret = profile << 8 | tier;
    return space == 0;
}

/* RFC 2198 §4, of one codec: "111/111", the payload type inside. */
static bool red(struct span params, uint32_t *ret)
{
    uint64_t pt, first;
    struct span rest = word_trim(params);
    if (!word_number(word_cut(&rest, '/'), 127, &first))
        return false;
    while (rest.n > 0)
        if (!word_number(word_cut(&rest, '/'), 127, &pt) || pt != first)
            return false;
    *ret = (uint32_t)first;
    return true;
}

bool sl_fmtp_profile(enum codec codec, struct span params, uint32_t *ret)
{
    switch (codec) {
    case CODEC_H264: return h264(params, ret);
    case CODEC_H265: return h265(params, ret);
    case CODEC_VP9: return number(params, "profile-id", 0, 3, ret);
    case CODEC_AV1: return number(params, "profile", 0, 2, ret);
    case CODEC_RED: return red(params, ret);
    case CODEC_NONE:
    case CODEC_OPUS:
    case CODEC_G722:
    case CODEC_PCMU:
    case CODEC_PCMA:
    case CODEC_VP8:
    case CODEC_RTX:
    case CODECS: break;
    }
    *ret = 0;
    return true;
}

/* What an answer says back: the configuration that was chosen, and the wishes for sound that
 * we, who pass it on, make our own. Limits of the offerer's decoder (max-fs, maxplaybackrate)
 * and facts of its own stream (sprop-*) are not ours to repeat. */
enum { ECHO_MAX = 5 };
static const char *const echo[CODECS][ECHO_MAX] = {
    [CODEC_OPUS] = {"minptime", "useinbandfec", "stereo", "usedtx"},
    [CODEC_VP9] = {"profile-id"},
    [CODEC_H264] = {"level-asymmetry-allowed", "packetization-mode", "profile-level-id"},
    [CODEC_H265] = {"profile-space", "profile-id", "tier-flag", "level-id", "tx-mode"},
    [CODEC_AV1] = {"profile", "level-idx", "tier"},
};

static bool echoed(enum codec codec, struct span key)
{
    for (size_t i = 0; i < ECHO_MAX && echo[codec][i]; i++)
        if (word_same(key, echo[codec][i]))
            return true;
    return false;
}

void sl_fmtp_answer(struct wr *w, enum codec codec, struct span offered)
{
    struct span rest = offered, value;
    size_t begin = w->n;
    if (codec == CODEC_RED) {
        wr_span(w, word_trim(offered));
        return;
    }
    while (rest.n > 0) {
        struct span param = word_trim(word_cut(&rest, ';')), key = param;
        key = word_trim(word_cut(&key, '='));
        if (!echoed(codec, key))
            continue;
        wr_str(w, w->n > begin ? ";" : "");
        wr_span(w, param);
    }
    /* RFC 7587 §6.1: who says that it may send stereo does so only to whom wants it. */
    if (codec == CODEC_OPUS && !sl_fmtp_find(offered, "stereo", &value) &&
        sl_fmtp_find(offered, "sprop-stereo", &value) && span_is(value, "1"))
        wr_str(w, w->n > begin ? ";stereo=1" : "stereo=1");
}

/* Constrained Baseline is asked for in the spelling that all know, 42e0. */
void sl_fmtp_offer(struct wr *w, const struct rtp_codec *c)
{
    char text[96] = "";
    unsigned profile = c->profile;
    unsigned h264_id = (profile & 0xffff) == 0x4240 ? 0x42e0 : profile & 0xffff;
    if (c->codec == CODEC_OPUS)
        (void)snprintf(text, sizeof text, "minptime=10;useinbandfec=1");
    else if (c->codec == CODEC_VP9)
        (void)snprintf(text, sizeof text, "profile-id=%u", profile);
    else if (c->codec == CODEC_H264)
        (void)snprintf(text, sizeof text,
                       "level-asymmetry-allowed=1;packetization-mode=%u;"
                       "profile-level-id=%04x1f", /* level 3.1 */
                       profile >> 16, h264_id);
    wr_str(w, text);
}
