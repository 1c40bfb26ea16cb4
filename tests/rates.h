#pragma once

/* For tests: how codecs name the pictures of a stream of one size and three rates. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proto/params.h"

enum { RATES_DESCRIPTOR = 8, RATES_DD = 24 /* octets at most */ };

/* A packet of one. */
struct rates_picture {
    uint16_t id;
    uint8_t tl0, rate;
    bool key, sync; /* who gets less may begin with it */
    bool start, end;
    /* VP9 only: the size that this frame of the picture has, that it refers to the one below, and
     * that the one above does not refer to it. */
    uint8_t size;
    bool leans, alone;
};

/* What a payload begins with. H.264 has no numbers and two rates: what nobody refers to is one of its
 * own. AV1 tells all in its header extension. */
static inline void rates_describe(enum codec codec, const struct rates_picture *p,
                                  uint8_t b[RATES_DESCRIPTOR])
{
    memset(b, 0, RATES_DESCRIPTOR);
    if (codec == CODEC_AV1) {
        b[0] = p->start ? 0x10 : 0x90;
    } else if (codec == CODEC_H264) {
        b[0] = p->key ? 0x65 : p->rate == 2 ? 0x01 : 0x41;
        b[1] = p->start ? 0x80 : 0x40;
    } else if (codec == CODEC_VP9) {
        b[0] = (uint8_t)(0xa0 | (p->key ? 0 : 0x40) | (p->start ? 0x08 : 0) |
                         (p->end ? 0x04 : 0) | p->alone);
        b[1] = (uint8_t)(0x80 | p->id >> 8);
        b[2] = (uint8_t)p->id;
        b[3] = (uint8_t)(p->rate << 5 | (p->sync ? 0x10 : 0) | p->size << 1 | p->leans);
        b[4] = p->tl0;
    } else {
        b[0] = p->start ? 0x90 : 0x80;
        b[1] = 0xe0;
        b[2] = (uint8_t)(0x80 | p->id >> 8);
        b[3] = (uint8_t)p->id;
        b[4] = p->tl0;
        b[5] = (uint8_t)(p->rate << 6 | (p->sync ? 0x20 : 0));
        b[6] = !p->key;
    }
}

/* The dependency descriptor ("RTP Payload Format For AV1" 1.0, appendix A), with the structure
 * where a key picture starts. Returns its octets. */
static inline size_t rates_dd(const struct rates_picture *p, uint8_t ret[RATES_DD])
{
    /* Templates 8 to 12: T0 that begins, T0, T1, and two of T2; 1280x720. */
    static const uint8_t structure[] = {0x81, 0x02, 0x14, 0xea, 0xa8, 0x60,
                                        0x41, 0x4d, 0x14, 0x10, 0x91, 0x04,
                                        0x21, 0x38, 0x27, 0xf8, 0x16, 0x78};
    unsigned template = p->key ? 8U : 9U + p->rate;
    ret[0] = (uint8_t)((p->start ? 0x80 : 0) | (p->end ? 0x40 : 0) | template);
    ret[1] = (uint8_t)(p->id >> 8);
    ret[2] = (uint8_t)p->id;
    if (!p->key || !p->start)
        return 3;
    memcpy(ret + 3, structure, sizeof structure);
    return 3 + sizeof structure;
}
