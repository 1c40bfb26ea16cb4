#pragma once

/* The audio level of a packet: the header extension of RFC 6464. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum { LEVEL_SILENCE = 127 };

struct level {
    uint8_t below_dbov; /* 0 loudest, LEVEL_SILENCE softest; -dBov, RFC 6465 §4 */
    bool voice;         /* the sender believes that somebody speaks */
};

/* E_SHORT: no octet. The two-byte form may be padded; what follows is ignored. */
static inline MUST_USE enum err level_read(struct span ext, struct level *ret)
{
    if (ext.n == 0)
        return E_SHORT;
    *ret = (struct level){.below_dbov = ext.p[0] & 0x7f, .voice = ext.p[0] & 0x80};
    return E_OK;
}
