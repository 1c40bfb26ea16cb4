#pragma once

/*
 * What an estimator (media/bwe) was given in a real call, written down: to be given again to
 * the one of today. Made by bench/bwe_record, read by src/media/recorded_test.c.
 *
 * A head of three u32, as in struct bwe_conf: start, min, max. Then records: one of the words
 * below, the microseconds since the record before, and what is said behind the word. Numbers
 * are of seven bits an octet, the lowest first, with 0x80 where more follow.
 */

#include <stdint.h>

#include "base/span.h"

enum bwe_record {
    BWE_REC_END,
    BWE_REC_NEXT, /* octets: the packet of the number after the last */
    BWE_REC_SENT, /* number, octets */
    BWE_REC_TOLD, /* octets, and these: a transport-wide feedback's FCI */
    BWE_REC_WANT, /* bits/s */
    BWE_REC_ASK,  /* bits/s */
    BWE_REC_TICK,
};

static inline void bwe_rec_put(struct wr *w, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        wr_u8(w, 0x80 | (unsigned)(v & 0x7f));
    wr_u8(w, (unsigned)v);
}

static inline uint64_t bwe_rec_get(struct rd *r)
{
    uint64_t ret = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        uint8_t b = rd_u8(r);
        ret |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            break;
    }
    return ret;
}
