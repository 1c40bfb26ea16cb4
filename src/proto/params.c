#include "proto/params.h"

#include <strings.h>

static const struct {
    const char *name;
    uint32_t clock_hz;
    enum media_kind kind;
} codecs[CODECS] = {
    [CODEC_NONE] = {"", 0, MEDIA_AUDIO},
    [CODEC_OPUS] = {"opus", 48000, MEDIA_AUDIO},
    [CODEC_RED] = {"red", 48000, MEDIA_AUDIO},
    [CODEC_G722] = {"G722", 8000, MEDIA_AUDIO}, /* 8000 by RFC 3551 §4.5.2, not 16000 */
    [CODEC_PCMU] = {"PCMU", 8000, MEDIA_AUDIO},
    [CODEC_PCMA] = {"PCMA", 8000, MEDIA_AUDIO},
    [CODEC_VP8] = {"VP8", 90000, MEDIA_VIDEO},
    [CODEC_VP9] = {"VP9", 90000, MEDIA_VIDEO},
    [CODEC_H264] = {"H264", 90000, MEDIA_VIDEO},
    [CODEC_H265] = {"H265", 90000, MEDIA_VIDEO},
    [CODEC_AV1] = {"AV1", 90000, MEDIA_VIDEO},
    [CODEC_RTX] = {"rtx", 0, MEDIA_VIDEO},
};

static const char *const uris[EXTS] = {
    [EXT_NONE] = "",
    [EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [EXT_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    [EXT_TWCC] =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [EXT_ORIENTATION] = "urn:3gpp:video-orientation",
    [EXT_PLAYOUT_DELAY] = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    [EXT_CONTENT_TYPE] =
        "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    [EXT_COLOR_SPACE] = "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    [EXT_DEPENDENCY] = ("https://aomediacodec.github.io/av1-rtp-spec/"
                        "#dependency-descriptor-rtp-header-extension"),
    [EXT_ABS_CAPTURE_TIME] =
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    [EXT_LAYERS_ALLOCATION] =
        "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
};

enum codec sl_codec_of(struct span name)
{
    for (int c = CODEC_NONE + 1; c < CODECS; c++)
        if (name.n == strlen(codecs[c].name) &&
            strncasecmp((const char *)name.p, codecs[c].name, name.n) == 0)
            return (enum codec)c;
    return CODEC_NONE;
}

const char *sl_codec_name(enum codec c)
{
    return codecs[c].name;
}

uint32_t sl_codec_clock_hz(enum codec c)
{
    return codecs[c].clock_hz;
}

enum media_kind sl_codec_kind(enum codec c)
{
    return codecs[c].kind;
}

enum rtp_ext sl_ext_of(struct span uri)
{
    for (int e = EXT_NONE + 1; e < EXTS; e++)
        if (span_is(uri, uris[e]))
            return (enum rtp_ext)e;
    return EXT_NONE;
}

const char *sl_ext_uri(enum rtp_ext e)
{
    return uris[e];
}
