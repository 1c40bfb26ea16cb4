#pragma once

/* What the tests of SRTP share: keys, packets, and a walk over back ends and profiles. */

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

#include "check.h"
#include "crypto/srtp_backend.h"

static const enum srtp_profile all_profiles[] = {SRTP_CM_SHA1_80, SRTP_GCM_128,
                                                 SRTP_GCM_256};
static const char *const all_backends[] = {"openssl", "avx2", "vaes256", "avx512"};

/* Runs fn with each back end that this CPU has and each profile; rows are named so. */
static inline void each_kind(void (*fn)(const struct srtp_backend *, enum srtp_profile))
{
    static char row[64];
    for (size_t i = 0; i < LEN(all_backends); i++) {
        const struct srtp_backend *b = sl_srtp_backend(all_backends[i]);
        for (size_t j = 0; b && j < LEN(all_profiles); j++) {
            (void)snprintf(row, sizeof row, "%s, %s", all_backends[i],
                           sl_srtp_name(all_profiles[j]));
            check_row(row);
            fn(b, all_profiles[j]);
        }
    }
    check_row(NULL);
}

static inline void fixture_random(uint8_t *p, size_t n, struct rng *r)
{
    while (n-- > 0)
        *p++ = (uint8_t)sl_rng_u64(r);
}

static inline struct srtp_master fixture_master(enum srtp_profile p, uint64_t seed)
{
    struct srtp_master m = {.profile = p};
    struct rng r = sl_rng_of(seed);
    fixture_random(m.key, sizeof m.key, &r);
    fixture_random(m.salt, sizeof m.salt, &r);
    return m;
}

/* An RTP header of 12 octets. */
static inline void fixture_header(uint8_t p[12], uint32_t ssrc, uint64_t index)
{
    struct wr w = wr_of(p, 12);
    wr_u16(&w, 0x8060);
    wr_u16(&w, (uint16_t)index);
    wr_u32(&w, (uint32_t)index * 3000);
    wr_u32(&w, ssrc);
}

/* Protects a packet whose payload is text_n times fill, with a guard that admits it; gives
 * its length. buf has room for SRTP_PKT_MAX octets. */
static inline size_t fixture_protect(struct srtp_out *o, uint8_t *buf, uint32_t ssrc,
                                     uint64_t index, size_t text_n, uint8_t fill)
{
    struct srtp_guard any = {.next = index};
    struct srtp_job j = {.out = o,
                         .guard = &any,
                         .index = index,
                         .dst = buf,
                         .body = buf + 12,
                         .header_n = 12,
                         .body_n = (uint16_t)text_n};
    fixture_header(buf, ssrc, index);
    memset(buf + 12, fill, text_n);
    sl_srtp_protect(&j, 1);
    CHECK_INT(j.err, E_OK);
    return 12 + text_n + sl_srtp_tag_len(sl_srtp_out_profile(o));
}
