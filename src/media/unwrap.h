#pragma once

/*
 * Sequence numbers and timestamps, unwrapped at the door: inside they have 64 bits.
 *
 * A packet that came by SRTP has such a number already, its index. These are for the others,
 * and for numbers that feedback and RTX carry in 16 bits: they mean the nearest to one that
 * is known. The first of a stream may be SEQ_FIRST + itself, so that what was sent before it
 * and came later does not go below 0.
 */

#include <stdint.h>

#define SEQ_FIRST (UINT64_C(1) << 16)

static inline uint64_t unwrap_seq(uint64_t near, uint16_t seq)
{
    return near + (uint64_t)(int16_t)(uint16_t)(seq - near);
}

static inline uint64_t unwrap_ts(uint64_t near, uint32_t ts)
{
    return near + (uint64_t)(int32_t)(uint32_t)(ts - near);
}
