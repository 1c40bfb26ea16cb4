#include "proto/params.h"

#include "check.h"

TEST(params_names_lead_back_to_their_numbers)
{
    for (int c = 1; c < CODECS; c++)
        CHECK_INT(sl_codec_of(span_of(sl_codec_name((enum codec)c))), c);
    for (int e = 1; e < EXTS; e++)
        CHECK_INT(sl_ext_of(span_of(sl_ext_uri((enum rtp_ext)e))), e);
    CHECK_INT(sl_codec_of(span_of("OPUS")), CODEC_OPUS);
    CHECK_INT(sl_codec_of(span_of("VP80")), CODEC_NONE);
    CHECK_INT(sl_codec_of(span_of("")), CODEC_NONE);
    CHECK_INT(sl_ext_of(span_of("urn:x")), EXT_NONE);
}
