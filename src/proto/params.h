#pragma once

/*
 * Codecs and RTP header extensions by their registered names: the numbers that the whole
 * program uses for them, whatever payload types and ids a peer chose.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum codec {
    CODEC_NONE,
    CODEC_OPUS,
    CODEC_RED, /* of Opus, RFC 2198 */
    CODEC_G722,
    CODEC_PCMU,
    CODEC_PCMA,
    CODEC_VP8,
    CODEC_VP9,
    CODEC_H264,
    CODEC_H265,
    CODEC_AV1,
    CODEC_RTX, /* RFC 4588, of another payload type */
    CODECS
};

enum media_kind { MEDIA_AUDIO, MEDIA_VIDEO };

/* Header extensions that we read, write or forward. */
enum rtp_ext {
    EXT_NONE,
    EXT_MID,           /* RFC 9143; ours to write */
    EXT_RID,           /* RFC 8852; read, not forwarded */
    EXT_REPAIRED_RID,  /* RFC 8852; read, not forwarded */
    EXT_TWCC,          /* transport-wide-cc-extensions-01; ours to write */
    EXT_ABS_SEND_TIME, /* ours to write */
    EXT_AUDIO_LEVEL,   /* RFC 6464; forwarded, as are all below */
    EXT_ORIENTATION,   /* 3GPP TS 26.114, urn:3gpp:video-orientation */
    EXT_PLAYOUT_DELAY,
    EXT_CONTENT_TYPE,
    EXT_COLOR_SPACE,
    EXT_DEPENDENCY, /* AV1 dependency descriptor, any codec */
    EXT_ABS_CAPTURE_TIME,
    EXTS
};

enum codec
sl_codec_of(struct span encoding_name);      /* in any case; CODEC_NONE if unknown */
const char *sl_codec_name(enum codec c);     /* "opus", "VP8"; "" for CODEC_NONE */
uint32_t sl_codec_clock_hz(enum codec c);    /* of RTP timestamps; 0 for RTX and NONE */
enum media_kind sl_codec_kind(enum codec c); /* RTX counts as video */

enum rtp_ext sl_ext_of(struct span uri); /* EXT_NONE if unknown */
const char *sl_ext_uri(enum rtp_ext e);  /* "" for EXT_NONE */
