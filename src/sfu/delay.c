#include "sfu/delay.h"

static const uint64_t bounds[DELAY_BOUNDS] = {
    16,    24,    32,    48,    64,     96,     128,    192,    256,    384,   512,
    768,   1024,  1536,  2048,  3072,   4096,   6144,   8192,   12288,  16384, 24576,
    32768, 49152, 65536, 98304, 131072, 196608, 262144, 393216, 524288,
};

struct histogram sl_delay_histogram(void)
{
    return (struct histogram){.n = DELAY_BOUNDS, .bounds = bounds};
}
