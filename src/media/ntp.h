#pragma once

/*
 * NTP timestamps as RTCP writes them (RFC 3550 §4): seconds since 1900 in the upper 32 bits,
 * fractions of 2^-32 s in the lower.
 */

#include <stdint.h>

#include "base/clock.h"

#define NTP_UNIX UINT64_C(2208988800) /* seconds from 1900 to 1970 */

/* A span of time, not negative. Exact to the microsecond, both ways. */
static inline uint64_t ntp_of_span(usec t)
{
    uint64_t s = (uint64_t)t / 1000000, us = (uint64_t)t % 1000000;
    return s << 32 | ((us << 32) + 999999) / 1000000;
}

static inline usec ntp_span(uint64_t ntp)
{
    return (usec)((ntp >> 32) * 1000000 + ((ntp & 0xffffffff) * 1000000 >> 32));
}

/* unix_time: microseconds since 1970, from the real-time clock. */
static inline uint64_t ntp_of_unix(usec unix_time)
{
    return ntp_of_span(unix_time) + (NTP_UNIX << 32);
}

/* The middle 32 bits: LSR of report blocks, and spans in 1/65536 s. */
static inline uint32_t ntp_mid(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}
