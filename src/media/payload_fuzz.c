#include "media/payload_fuzz.h"

/* Packets of one stream: an octet for the codec, then the extension and the payload, each
 * behind an octet with its length. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct rd r = rd_of((struct span){p, n});
    struct dd dd = {0};
    while (r.n > 0) {
        enum codec codec = (enum codec)(rd_u8(&r) % CODECS);
        struct span ext = rd_span(&r, rd_u8(&r));
        struct span in = rd_span(&r, rd_u8(&r));
        struct payload a, b;
        enum err e = sl_payload_read(codec, in, false, ext, &dd, &a);
        MUST(sl_payload_read(codec, in, true, ext, &dd, &b) == e);
        if (e == E_OK)
            must_hold(&a, &b);
    }
    return 0;
}
