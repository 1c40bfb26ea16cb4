#include "media/payload_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    return fuzz_codec(CODEC_H265, p, n);
}
