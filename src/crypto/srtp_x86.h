#pragma once

/*
 * What the parts of the three x86-64 back ends share: private to crypto/srtp_x86.c (keys, and
 * which packets go together) and to the kernels of each. "avx2" has srtp_aesni.c (AES and
 * GHASH, one packet) and srtp_sha1x8.c (HMAC-SHA1, 8 packets), "vaes256" has srtp_vaes256.c
 * instead of the first, "avx512" has srtp_vaes.c and srtp_sha1x16.c. Whoever may run one may
 * run those before it.
 */

#include <immintrin.h>

#include "crypto/srtp_backend.h"

/* Functions that may run only where the back end is usable. */
#define AVX2        __attribute__((target("avx2,aes,pclmul,bmi2")))
#define INLINE_AVX2 AVX2 static inline __attribute__((always_inline))

#define VAES256        __attribute__((target("avx2,aes,pclmul,bmi2,vaes,vpclmulqdq")))
#define INLINE_VAES256 VAES256 static inline __attribute__((always_inline))

#ifdef SRTP_EMULATED
#    include "crypto/avx512_emulated.h"
#    define AVX512        AVX2
#    define INLINE_AVX512 AVX512 static
#    define UNROLL
#    define SRTP_OPAQUE(x) ((void)0)
#else
#    define AVX512                                                                       \
        __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,vaes,vpclmulqdq,aes,"  \
                              "pclmul,bmi2")))
#    define INLINE_AVX512 AVX512 static inline __attribute__((always_inline))
/* Wholly, so that arrays of vectors become registers. */
#    if defined(__clang__)
#        define UNROLL _Pragma("clang loop unroll(full)")
#    else
#        define UNROLL _Pragma("GCC unroll 20")
#    endif
/* What x comes from is hidden from the compiler, which leaves it where it is then. */
#    define SRTP_OPAQUE(x) __asm__("" : "+v"(x))
#endif

/* ---- keys ---- */

enum {
    SRTP_ROUNDS_MAX = 14,
    SRTP_POWERS = 20, /* of H; srtp_vaes.c adds up so many blocks before reducing */
};

/* For RTP: with GCM the powers of H, H^20 first, and the round keys behind them; with CM
 * the round keys. For RTCP: the key as it is, to be expanded each time. */
struct srtp_x86_key {
    struct srtp_key key;
    __m128i block[]; /* from a line of the cache on, as powers are read by fours */
};

_Static_assert(sizeof(struct srtp_x86_key) == 64, "a line of the cache");

static inline int srtp_rounds(enum srtp_profile p)
{
    return p == SRTP_GCM_256 ? SRTP_ROUNDS_MAX : 10;
}

static inline size_t srtp_powers(enum srtp_profile p)
{
    return p == SRTP_CM_SHA1_80 ? 0 : SRTP_POWERS;
}

static inline const __m128i *srtp_round_keys(const struct srtp_x86_key *k)
{
    return k->block + srtp_powers(k->key.profile);
}

/* Fills block; the rest is there. powers: only so many of H, from H^1 on. */
void sl_srtp_aesni_expand(struct srtp_x86_key *k, const uint8_t *cipher, size_t powers);

/* ---- kernels: packets, under a key that is not raw ---- */

struct srtp_kernels {
    /* Counter mode over the text, whose first block has the counter first. */
    void (*ctr)(const struct srtp_op *op, const struct srtp_x86_key *k, int first);
    /* GCM. Opening decrypts what is authentic, and nothing else. */
    void (*seal)(const struct srtp_op *op, const struct srtp_x86_key *k);
    bool (*open)(const struct srtp_op *op, const struct srtp_x86_key *k);
    /* sl_srtp_hmac of up to `lanes` packets at once, each to its tag. It takes as long as
     * the longest of them does, however many there are: as long as `lanes_cost` of its
     * kind would, each alone. */
    void (*hmac)(struct srtp_op *const *ops, size_t n);
    size_t lanes, lanes_cost;
};

void sl_srtp_aesni_ctr(const struct srtp_op *op, const struct srtp_x86_key *k, int first);
void sl_srtp_aesni_seal(const struct srtp_op *op, const struct srtp_x86_key *k);
bool sl_srtp_aesni_open(const struct srtp_op *op, const struct srtp_x86_key *k);
void sl_srtp_vaes256_ctr(const struct srtp_op *op, const struct srtp_x86_key *k,
                         int first);
void sl_srtp_vaes256_seal(const struct srtp_op *op, const struct srtp_x86_key *k);
bool sl_srtp_vaes256_open(const struct srtp_op *op, const struct srtp_x86_key *k);
void sl_srtp_vaes_ctr(const struct srtp_op *op, const struct srtp_x86_key *k, int first);
void sl_srtp_vaes_seal(const struct srtp_op *op, const struct srtp_x86_key *k);
bool sl_srtp_vaes_open(const struct srtp_op *op, const struct srtp_x86_key *k);
void sl_srtp_hmac8(struct srtp_op *const *ops, size_t n);
void sl_srtp_hmac16(struct srtp_op *const *ops, size_t n);

/* ---- AES and GHASH on single blocks ---- */

INLINE_AVX2 __m128i srtp_swap128(void)
{
    return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

INLINE_AVX2 __m128i srtp_iv(const struct srtp_op *op)
{
    return _mm_loadu_si128((const __m128i *)(const void *)op->iv);
}

INLINE_AVX2 __m128i srtp_aes_block(__m128i x, const __m128i *rk, int rounds)
{
    x = _mm_xor_si128(x, rk[0]);
    for (int i = 1; i < rounds; i++)
        x = _mm_aesenc_si128(x, rk[i]);
    return _mm_aesenclast_si128(x, rk[rounds]);
}

/* GHASH's field, with the octets of a block turned round. A product is the sum of these
 * three, mi in the middle; H is kept times x, so that it needs no shift. */
struct srtp_product {
    __m128i lo, mi, hi;
};

INLINE_AVX2 __m128i srtp_reduce(struct srtp_product p)
{
    const __m128i poly = _mm_set_epi64x((long long)0xc200000000000000, 1);
    __m128i mi = _mm_xor_si128(_mm_shuffle_epi32(p.lo, 0x4e),
                               _mm_clmulepi64_si128(poly, p.lo, 0x01));
    mi = _mm_xor_si128(mi, p.mi);
    __m128i hi =
        _mm_xor_si128(_mm_shuffle_epi32(mi, 0x4e), _mm_clmulepi64_si128(poly, mi, 0x01));
    return _mm_xor_si128(hi, p.hi);
}

INLINE_AVX2 struct srtp_product srtp_multiply(__m128i a, __m128i b)
{
    return (struct srtp_product){
        .lo = _mm_clmulepi64_si128(a, b, 0x00),
        .mi = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01),
                            _mm_clmulepi64_si128(a, b, 0x10)),
        .hi = _mm_clmulepi64_si128(a, b, 0x11),
    };
}

INLINE_AVX2 void srtp_add_product(struct srtp_product *sum, __m128i a, __m128i b)
{
    struct srtp_product p = srtp_multiply(a, b);
    sum->lo = _mm_xor_si128(sum->lo, p.lo);
    sum->mi = _mm_xor_si128(sum->mi, p.mi);
    sum->hi = _mm_xor_si128(sum->hi, p.hi);
}

/* The last block of GHASH (NIST SP 800-38D §6.4), turned round. */
INLINE_AVX2 __m128i srtp_lengths(const struct srtp_op *op)
{
    return _mm_set_epi64x((long long)op->aad_n * 8, (long long)op->text_n * 8);
}

/* What hides the tag: E(K, J0). */
INLINE_AVX2 __m128i srtp_hide(const struct srtp_op *op, const __m128i *rk, int rounds)
{
    const __m128i one = _mm_set_epi32(1 << 24, 0, 0, 0);
    return srtp_aes_block(_mm_xor_si128(srtp_iv(op), one), rk, rounds);
}

/* ---- SHA-1 of several packets, a lane of vectors each ---- */

enum { SHA1_BLOCK = 64, SHA1_WORDS = 16, SHA1_STATE = 5 };

/* SHA-1 blocks behind the inner pad. */
static inline size_t srtp_sha1_blocks(const struct srtp_op *op)
{
    enum { END = 9 }; /* 0x80, and the length in bits */
    size_t n = (size_t)op->header_n + op->text_n + sizeof op->word + END;
    return (n + SHA1_BLOCK - 1) / SHA1_BLOCK;
}

/* What is hashed of a lane: whole blocks where they lie, and the rest in a copy that ends
 * as a message ends. A lane without a packet of its own has no blocks. */
struct srtp_lane {
    const uint8_t *p;
    size_t whole, blocks;
    _Alignas(SHA1_BLOCK) uint8_t tail[2 * SHA1_BLOCK];
};

/* All but tail. Returns how many octets its copy begins with. */
static inline size_t srtp_lane_begin(struct srtp_lane *l, const struct srtp_op *op)
{
    size_t n = (size_t)op->header_n + op->text_n;
    l->p = op->pkt;
    l->whole = n / SHA1_BLOCK;
    l->blocks = srtp_sha1_blocks(op);
    return n % SHA1_BLOCK;
}

/* What follows that copy; the octets behind it are zeros. */
static inline void srtp_lane_end(struct srtp_lane *l, const struct srtp_op *op,
                                 size_t rest)
{
    size_t n = (size_t)op->header_n + op->text_n;
    uint64_t bits = htobe64((SHA1_BLOCK + n + sizeof op->word) * 8);
    memcpy(l->tail + rest, &op->word, sizeof op->word);
    l->tail[rest + sizeof op->word] = 0x80;
    memcpy(l->tail + SHA1_BLOCK * (l->blocks - l->whole) - sizeof bits, &bits,
           sizeof bits);
}

/* How many blocks all lanes have where they lie, and how many one of them has at most. */
struct srtp_lanes_span {
    size_t common, most;
};

static inline struct srtp_lanes_span srtp_lanes_span(const struct srtp_lane *l, size_t n)
{
    struct srtp_lanes_span s = {l[0].whole, l[0].blocks};
    for (size_t k = 1; k < n; k++) {
        s.common = l[k].whole < s.common ? l[k].whole : s.common;
        s.most = l[k].blocks > s.most ? l[k].blocks : s.most;
    }
    return s;
}

/* Points at block i of every lane; the result has a bit for each that still has one. */
static inline unsigned srtp_lanes_aim(const struct srtp_lane *l, size_t n, size_t i,
                                      const uint8_t **at)
{
    unsigned live = 0;
    for (size_t k = 0; k < n; k++) {
        live |= (unsigned)(i < l[k].blocks) << k;
        if (i < l[k].whole)
            at[k] = l[k].p + SHA1_BLOCK * i;
        else
            at[k] =
                i < l[k].blocks ? l[k].tail + SHA1_BLOCK * (i - l[k].whole) : l[k].tail;
    }
    return live;
}

static inline void srtp_put_tag(const struct srtp_op *op, uint32_t a, uint32_t b,
                                uint32_t c)
{
    const uint32_t be[3] = {htobe32(a), htobe32(b), htobe32(c)};
    memcpy(op->tag, be, SRTP_SHA1_TAG);
}
