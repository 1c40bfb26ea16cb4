#pragma once

/*
 * What a negotiation settles, in numbers of our own: codecs and RTP header extensions by
 * their registered names, and what was agreed for one track in one direction. Values without
 * pointers: room writes them, sfu keeps them, service carries them from thread to thread.
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
    EXT_LAYERS_ALLOCATION, /* read, and carried to other workers; not forwarded */
    EXTS
};

enum codec
sl_codec_of(struct span encoding_name);      /* in any case; CODEC_NONE if unknown */
const char *sl_codec_name(enum codec c);     /* "opus", "VP8"; "" for CODEC_NONE */
uint32_t sl_codec_clock_hz(enum codec c);    /* of RTP timestamps; 0 for RTX and NONE */
enum media_kind sl_codec_kind(enum codec c); /* RTX counts as video */

enum rtp_ext sl_ext_of(struct span uri); /* EXT_NONE if unknown */
const char *sl_ext_uri(enum rtp_ext e);  /* "" for EXT_NONE */

/* ---- what was agreed ---- */

enum {
    PT_NONE = 0xff,
    PARAMS_CODECS_MAX = 24,   /* in one m-section, RTX not counted */
    PARAMS_ENCODINGS_MAX = 4, /* simulcast layers of one track */
    PARAMS_NAME_MAX = 32,     /* a mid or a rid, with its NUL */
};

/* Two codecs can be forwarded one as the other if `codec` and `profile` are equal. */
struct rtp_codec {
    enum codec codec;
    uint8_t pt;
    uint8_t rtx_pt; /* PT_NONE without RTX */
    uint8_t channels;
    bool nack, pli, fir, twcc, remb; /* a=rtcp-fb that both sides have */
    /* H.264: packetization-mode << 16 | profile_idc << 8 | constraint flags that matter;
     * VP9: profile-id; AV1: profile; H.265: profile-id << 8 | tier-flag; RED: the payload type
     * of the Opus inside, which its packets name; others: 0. */
    uint32_t profile;
};

/* One m-section in one direction. */
struct rtp_params {
    enum media_kind kind;
    char mid[PARAMS_NAME_MAX];
    uint8_t codecs_n;
    struct rtp_codec codecs[PARAMS_CODECS_MAX]; /* in order of preference */
    uint8_t ext_id[EXTS];                       /* 0: not negotiated */
};

/* One RTP stream of a track that is sent to us. 0 and "" are what the SDP did not tell;
 * such a stream is found by mid and rid, or by its payload type (RFC 8843 §9.2). */
struct rtp_encoding {
    uint32_t ssrc;
    uint32_t rtx_ssrc;
    char rid[PARAMS_NAME_MAX];
};

/* A track that a peer sends to us. */
struct rtp_receive {
    struct rtp_params params;
    bool screen;         /* it is read rather than watched */
    bool obeys;          /* its sender stops what it is told that nobody wants */
    uint8_t encodings_n; /* in the order of a=simulcast; 1 without simulcast */
    struct rtp_encoding encodings[PARAMS_ENCODINGS_MAX];
};

/* A slot in which we send tracks to a peer, one at a time. Ours to choose: the SSRCs. */
struct rtp_send {
    struct rtp_params params;
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0: no codec of it has RTX */
    char cname[PARAMS_NAME_MAX];
};

/* What a peer wants of a track that it gets. Zero is: all of it. */
enum { WISH_PRIORITY = 16 };
struct rtp_wish {
    uint16_t width, height; /* of the place where it is shown; 0: of any size */
    uint8_t fps;            /* 0: any */
    uint8_t priority;       /* WISH_PRIORITY where it is 0; twice that counts twice */
    uint8_t encoding;       /* nothing better than this one has, from 1; 0: any */
    uint8_t spatials, temporals; /* so many layers at most; 0: all */
    bool paused;
};
