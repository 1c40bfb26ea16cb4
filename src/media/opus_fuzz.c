#include "media/opus.h"

#include "media/payload_fuzz.h"

/* The primary encoding of RED is the end of it, and read as it would be alone. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span in = {p, n}, primary;
    struct payload whole, alone;
    uint8_t pt;

    fuzz_codec(CODEC_OPUS, p, n);
    fuzz_codec(CODEC_RED, p, n);
    if (sl_red_primary(in, &pt, &primary))
        return 0;
    MUST(primary.p + primary.n == in.p + in.n && primary.n < in.n && pt < 128);
    MUST(sl_red_read(in, &whole) == E_OK);
    if (sl_opus_read(primary, &alone) == E_OK)
        MUST(memcmp(&whole, &alone, sizeof whole) == 0);
    return 0;
}
