#pragma once

/*
 * What the parts of the AVX-512 back end share: private to crypto/srtp_avx512.c (keys, and
 * which packets go together), srtp_vaes.c (AES and GHASH, one packet) and srtp_sha1x16.c
 * (HMAC-SHA1, 16 packets). Built for x86-64 only.
 */

#include <immintrin.h>

#include "crypto/srtp_backend.h"

/* A function that may run only where sl_srtp_avx512 is usable. */
#define KERNEL                                                                           \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,vaes,vpclmulqdq,aes,"      \
                          "pclmul,bmi2")))
#define INLINE KERNEL static inline __attribute__((always_inline))

/* Wholly, so that arrays of vectors become registers. */
#if defined(__clang__)
#    define UNROLL _Pragma("clang loop unroll(full)")
#else
#    define UNROLL _Pragma("GCC unroll 20")
#endif

/* The mask of the octets of vector i that belong to n octets. */
INLINE __mmask64 srtp_mask(size_t n, size_t i)
{
    size_t at = sizeof(__m512i) * i;
    if (n >= at + sizeof(__m512i))
        return ~UINT64_C(0);
    return n > at ? _bzhi_u64(~UINT64_C(0), (unsigned)(n - at)) : 0;
}

/* ---- keys ---- */

enum {
    SRTP_ROUNDS_MAX = 14,
    SRTP_POWERS = 20, /* of H: 4 blocks of AAD and 16 more are added up before reducing */
};

/* For RTP: with GCM the powers of H, H^20 first, and the round keys behind them; with CM
 * the round keys. For RTCP: the key as it is, to be expanded each time. */
struct srtp_avx512_key {
    struct srtp_key key;
    __m128i block[]; /* from a line of the cache on, as powers are read by fours */
};

_Static_assert(sizeof(struct srtp_avx512_key) == 64, "a line of the cache");

static inline const struct srtp_avx512_key *srtp_own(const struct srtp_key *k)
{
    return (const struct srtp_avx512_key *)(const void *)k;
}

static inline int srtp_rounds(enum srtp_profile p)
{
    return p == SRTP_GCM_256 ? SRTP_ROUNDS_MAX : 10;
}

static inline size_t srtp_powers(enum srtp_profile p)
{
    return p == SRTP_CM_SHA1_80 ? 0 : SRTP_POWERS;
}

/* The highest power of H that this takes. */
static inline size_t srtp_powers_for(const struct srtp_op *op)
{
    size_t text = (size_t)op->text_n / 16 + 2, n = text + ((size_t)op->aad_n + 15) / 16;
    return text > SRTP_POWERS - 4 || n > SRTP_POWERS ? SRTP_POWERS : n;
}

/* Fills block; the rest is there. powers: only so many of H, from H^1 on. */
void sl_srtp_vaes_expand(struct srtp_avx512_key *k, const uint8_t *cipher, size_t powers);

/* ---- packets, under a key that is not raw ---- */

/* Counter mode over the text, whose first block has the counter first. */
void sl_srtp_vaes_ctr(const struct srtp_op *op, const struct srtp_avx512_key *k,
                      int first);

/* GCM. Opening decrypts what is authentic, and nothing else. */
void sl_srtp_vaes_seal(const struct srtp_op *op, const struct srtp_avx512_key *k);
bool sl_srtp_vaes_open(const struct srtp_op *op, const struct srtp_avx512_key *k);

enum { SRTP_LANES = 16 };

/* sl_srtp_hmac of up to 16 packets at once, each to its tag. It takes as long as the longest
 * of them does, however many there are. */
void sl_srtp_hmac16(struct srtp_op *const *ops, size_t n);

/* SHA-1 blocks behind the inner pad. */
static inline size_t srtp_sha1_blocks(const struct srtp_op *op)
{
    enum { BLOCK = 64, END = 9 }; /* 0x80, and the length in bits */
    size_t n = (size_t)op->header_n + op->text_n + sizeof op->word + END;
    return (n + BLOCK - 1) / BLOCK;
}
