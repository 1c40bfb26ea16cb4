#include "proto/fmtp.h"

#include "check.h"

TEST(fmtp_find_knows_no_case_and_no_blanks)
{
    struct span v;
    struct span params = span_of("minptime=10; UseInbandFec=1 ;x;y=a=b");
    CHECK(sl_fmtp_find(params, "useinbandfec", &v) && span_is(v, "1"));
    CHECK(sl_fmtp_find(params, "minptime", &v) && span_is(v, "10"));
    CHECK(sl_fmtp_find(params, "x", &v) && span_is(v, ""));
    CHECK(sl_fmtp_find(params, "y", &v) && span_is(v, "a=b"));
    CHECK(!sl_fmtp_find(params, "ptime", &v));
    CHECK(!sl_fmtp_find(span_of(""), "x", &v));
}

/* profile 0xffffffff: refused. */
static const struct {
    const char *name;
    enum codec codec;
    const char *params;
    uint32_t profile;
} profiles[] = {
    {"Chromium's constrained baseline", CODEC_H264,
     "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", 0x14240},
    {"webrtcbin's, another level", CODEC_H264,
     "packetization-mode=1;sprop-parameter-sets=Z0LAHtoC,aM48gA==;profile-level-id="
     "42c01e",
     0x14240},
    {"baseline is not constrained", CODEC_H264, "profile-level-id=42001f", 0x4200},
    {"main, constrained by set 0", CODEC_H264, "profile-level-id=4D801f", 0x4240},
    {"extended, constrained by 0 and 1", CODEC_H264, "profile-level-id=58c01f", 0x4240},
    {"extended, constrained by 0", CODEC_H264, "profile-level-id=58801f", 0x4200},
    {"extended", CODEC_H264, "profile-level-id=58401f", 0x584000 >> 8},
    {"main", CODEC_H264, "profile-level-id=4d001f", 0x4d00},
    {"main with flag 1", CODEC_H264, "profile-level-id=4d401f", 0x4d00},
    {"high", CODEC_H264, "profile-level-id=640032", 0x6400},
    {"constrained high", CODEC_H264, "profile-level-id=640c32", 0x640c},
    {"nothing said", CODEC_H264, "", 0x4200},
    {"mode 1 alone", CODEC_H264, "packetization-mode=1", 0x14200},
    {"interleaved", CODEC_H264, "packetization-mode=2", UINT32_MAX},
    {"profile of five digits", CODEC_H264, "profile-level-id=42e01", UINT32_MAX},
    {"profile of no digits", CODEC_H264, "profile-level-id=42e01g", UINT32_MAX},

    {"H.265 main when not said", CODEC_H265, "", 0x100},
    {"H.265 as browsers say it", CODEC_H265,
     "level-id=180;profile-id=1;tier-flag=0;tx-mode=SRST", 0x100},
    {"H.265 main 10, high tier", CODEC_H265, "profile-id=2;tier-flag=1", 0x201},
    {"H.265 in several streams", CODEC_H265, "tx-mode=MRST", UINT32_MAX},
    {"H.265 of another space", CODEC_H265, "profile-space=1", UINT32_MAX},
    {"H.265 profile 32", CODEC_H265, "profile-id=32", UINT32_MAX},

    {"VP9 when not said", CODEC_VP9, "max-fs=12288;max-fr=60", 0},
    {"VP9 of 10 bits", CODEC_VP9, "profile-id=2", 2},
    {"VP9 profile 4", CODEC_VP9, "profile-id=4", UINT32_MAX},
    {"VP9 profile -1", CODEC_VP9, "profile-id=-1", UINT32_MAX},
    {"AV1 when not said", CODEC_AV1, "", 0},
    {"AV1 level does not matter", CODEC_AV1, "level-idx=5;profile=1;tier=0", 1},
    {"AV1 profile 3", CODEC_AV1, "profile=3", UINT32_MAX},

    {"RED of one kind", CODEC_RED, "111/111", 111},
    {"RED three deep", CODEC_RED, "63/63/63", 63},
    {"RED of two kinds", CODEC_RED, "111/0", UINT32_MAX},
    {"RED of nothing", CODEC_RED, "", UINT32_MAX},
    {"RED of 128", CODEC_RED, "128/128", UINT32_MAX},
    {"Opus has no profile", CODEC_OPUS, "stereo=1", 0},
    {"VP8 has no profile", CODEC_VP8, "max-fs=12288", 0},
};

TEST(fmtp_profiles)
{
    for (size_t i = 0; i < LEN(profiles); i++) {
        uint32_t got = UINT32_MAX;
        check_row(profiles[i].name);
        CHECK_INT(sl_fmtp_profile(profiles[i].codec, span_of(profiles[i].params), &got),
                  profiles[i].profile != UINT32_MAX);
        if (profiles[i].profile != UINT32_MAX)
            CHECK_INT(got, profiles[i].profile);
    }
}

static const struct {
    const char *name;
    enum codec codec;
    const char *offered, *want;
} answers[] = {
    {"Chromium", CODEC_OPUS, "minptime=10;useinbandfec=1", "minptime=10;useinbandfec=1"},
    {"Firefox", CODEC_OPUS, "maxplaybackrate=48000;stereo=1;useinbandfec=1",
     "stereo=1;useinbandfec=1"},
    {"OBS", CODEC_OPUS,
     "minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1",
     "minptime=10;stereo=1;useinbandfec=1"},
    {"stereo that nobody asked for", CODEC_OPUS, "sprop-stereo=1", "stereo=1"},
    {"webrtcbin", CODEC_OPUS, "sprop-stereo=0;sprop-maxcapturerate=48000", ""},
    {"H.264 without parameter sets", CODEC_H264,
     "packetization-mode=1;sprop-parameter-sets=Z0LAHg==,aM48gA==;profile-level-id="
     "42c01e;"
     "level-asymmetry-allowed=1",
     "packetization-mode=1;profile-level-id=42c01e;level-asymmetry-allowed=1"},
    {"limits of a decoder", CODEC_VP8, "max-fs=12288;max-fr=60", ""},
    {"VP9", CODEC_VP9, "max-fs=12288;profile-id=2", "profile-id=2"},
    {"AV1", CODEC_AV1, "level-idx=5;profile=0;tier=0", "level-idx=5;profile=0;tier=0"},
    {"H.265", CODEC_H265, "level-id=93;tx-mode=SRST", "level-id=93;tx-mode=SRST"},
    {"RED", CODEC_RED, " 111/111 ", "111/111"},
};

TEST(fmtp_answers)
{
    for (size_t i = 0; i < LEN(answers); i++) {
        uint8_t buf[256];
        struct wr w = wr_of(buf, sizeof buf);
        check_row(answers[i].name);
        sl_fmtp_answer(&w, answers[i].codec, span_of(answers[i].offered));
        CHECK(!w.bad && span_is(wr_done(&w), answers[i].want));
    }
}

static const struct {
    const char *name;
    struct rtp_codec codec;
    const char *want;
} offers[] = {
    {"Opus", {.codec = CODEC_OPUS}, "minptime=10;useinbandfec=1"},
    {"VP8", {.codec = CODEC_VP8}, ""},
    {"AV1", {.codec = CODEC_AV1}, ""},
    {"VP9", {.codec = CODEC_VP9, .profile = 2}, "profile-id=2"},
    {"H.264",
     {.codec = CODEC_H264, .profile = 1U << 16 | 0x4240},
     "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
};

/* What is offered is read as the profile that it was offered for. */
TEST(fmtp_offers)
{
    for (size_t i = 0; i < LEN(offers); i++) {
        uint8_t buf[256];
        uint32_t profile = 0;
        struct wr w = wr_of(buf, sizeof buf);
        check_row(offers[i].name);
        sl_fmtp_offer(&w, &offers[i].codec);
        CHECK(!w.bad && span_is(wr_done(&w), offers[i].want));
        CHECK(sl_fmtp_profile(offers[i].codec.codec, wr_done(&w), &profile));
        CHECK_INT(profile, offers[i].codec.profile);
    }
}
