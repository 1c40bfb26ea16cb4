#pragma once

/*
 * What srtp_aesni.c and srtp_vaes256.c share: a run over a packet's text, and its GHASH, by
 * vectors of one block. Each has wide steps of its own; what these leave is done here.
 */

#include "crypto/srtp_x86.h"

enum { AT_ONCE = 8 }; /* vectors, so that one waits for none of the others */

/* ---- AES in counter mode ---- */

/* A run over the text. Its first SRTP_HEAD octets are read from head, the others from rest,
 * which points as far before them, so that one offset serves both. */
struct run {
    uint8_t *to;
    const uint8_t *head, *rest;
    size_t at, n;    /* octets done, octets left */
    __m128i iv;      /* the first round key added; it ends in a 0 */
    __m128i counter; /* of the next block: one octet, as a packet has at most 128 */
};

INLINE_AVX2 __m128i counter_of(int i)
{
    return _mm_set_epi32(i << 24, 0, 0, 0);
}

INLINE_AVX2 struct run run_of(const struct srtp_op *op, const __m128i *rk, int counter)
{
    return (struct run){
        .to = op->pkt + op->header_n,
        .head = op->text,
        .rest = op->more - SRTP_HEAD,
        .n = op->text_n,
        .iv = _mm_xor_si128(srtp_iv(op), rk[0]),
        .counter = counter_of(counter),
    };
}

/* The key stream of the next n blocks. */
INLINE_AVX2 void run_stream(const struct run *r, __m128i *b, size_t n, const __m128i *rk,
                            int rounds)
{
    UNROLL
    for (size_t i = 0; i < n; i++)
        b[i] = _mm_xor_si128(r->iv, _mm_add_epi32(r->counter, counter_of((int)i)));
    UNROLL
    for (int k = 1; k < rounds; k++) {
        UNROLL
        for (size_t i = 0; i < n; i++)
            b[i] = _mm_aesenc_si128(b[i], rk[k]);
    }
    UNROLL
    for (size_t i = 0; i < n; i++)
        b[i] = _mm_aesenclast_si128(b[i], rk[rounds]);
}

INLINE_AVX2 void run_on(struct run *r, size_t blocks)
{
    r->at += 16 * blocks;
    r->n -= 16 * blocks;
    r->counter = _mm_add_epi32(r->counter, counter_of((int)blocks));
}

/* Where the block `octets` behind the next one is read. */
INLINE_AVX2 const uint8_t *run_from(const struct run *r, size_t octets)
{
    size_t at = r->at + octets;
    return (at < SRTP_HEAD ? r->head : r->rest) + at;
}

INLINE_AVX2 __m128i load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* n < 16 octets, and zeros behind them. */
INLINE_AVX2 __m128i load_part(const uint8_t *p, size_t n)
{
    uint8_t b[16] = {0};
    memcpy(b, p, n);
    return load(b);
}

INLINE_AVX2 void store(uint8_t *p, __m128i x)
{
    _mm_storeu_si128((__m128i *)(void *)p, x);
}

INLINE_AVX2 void store_part(uint8_t *p, __m128i x, size_t n)
{
    uint8_t b[16];
    store(b, x);
    memcpy(p, b, n);
}

/* The text of the next n whole blocks, XORed with b into its place, and b with it. */
INLINE_AVX2 void run_put(const struct run *r, __m128i *b, size_t n)
{
    UNROLL
    for (size_t i = 0; i < n; i++) {
        b[i] = _mm_xor_si128(b[i], load(run_from(r, 16 * i)));
        store(r->to + r->at + 16 * i, b[i]);
    }
}

/* What is left, block by block. */
INLINE_AVX2 void run_rest(struct run *r, const __m128i *rk, int rounds)
{
    __m128i b;
    for (; r->n >= 16; run_on(r, 1)) {
        run_stream(r, &b, 1, rk, rounds);
        run_put(r, &b, 1);
    }
    if (r->n > 0) {
        run_stream(r, &b, 1, rk, rounds);
        __m128i text = load_part(run_from(r, 0), r->n);
        store_part(r->to + r->at, _mm_xor_si128(b, text), r->n);
    }
}

/* ---- GCM (NIST SP 800-38D) ---- */

/* Blocks are added up, each times the power of H that tells how many follow it before the
 * sum is reduced; y is what was reduced last, to be added to the block that comes next. */
struct ghash {
    const __m128i *powers;
    struct srtp_product sum;
    __m128i y;
};

INLINE_AVX2 void ghash_add(struct ghash *g, __m128i block, size_t power)
{
    __m128i x = _mm_xor_si128(block, g->y);
    g->y = _mm_setzero_si128();
    srtp_add_product(&g->sum, x, g->powers[SRTP_POWERS - power]);
}

INLINE_AVX2 void ghash_reduce(struct ghash *g)
{
    const __m128i zero = _mm_setzero_si128();
    g->y = srtp_reduce(g->sum);
    g->sum = (struct srtp_product){zero, zero, zero};
}

INLINE_AVX2 struct ghash ghash_aad(const struct srtp_op *op, const __m128i *powers)
{
    const __m128i zero = _mm_setzero_si128();
    struct ghash g = {powers, {zero, zero, zero}, zero};
    size_t at = 0, blocks = ((size_t)op->aad_n + 15) / 16;
    while (blocks > 0) {
        size_t power = blocks < SRTP_POWERS ? blocks : SRTP_POWERS;
        for (; power > 0; power--, blocks--, at += 16) {
            size_t n = op->aad_n - at;
            __m128i x = n < 16 ? load_part(op->aad + at, n) : load(op->aad + at);
            ghash_add(&g, _mm_shuffle_epi8(x, srtp_swap128()), power);
        }
        ghash_reduce(&g);
    }
    return g;
}

enum gcm_mode { SEAL, CHECK };

/* The next n whole blocks as they are authenticated: SEAL encrypts them, CHECK takes them as
 * they lie. The first of them has that power. */
INLINE_AVX2 void gcm_blocks(struct run *r, struct ghash *g, enum gcm_mode mode, size_t n,
                            size_t power, const __m128i *rk, int rounds)
{
    __m128i b[AT_ONCE];
    if (mode == SEAL) {
        run_stream(r, b, n, rk, rounds);
        run_put(r, b, n);
    }
    UNROLL
    for (size_t i = 0; i < n; i++) {
        __m128i x = mode == SEAL ? b[i] : load(run_from(r, 16 * i));
        ghash_add(g, _mm_shuffle_epi8(x, srtp_swap128()), power - i);
    }
    run_on(r, n);
}

/* The last block of the text, of less than 16 octets. */
INLINE_AVX2 void gcm_part(const struct run *r, struct ghash *g, enum gcm_mode mode,
                          size_t power, const __m128i *rk, int rounds)
{
    __m128i x = load_part(run_from(r, 0), r->n), ks;
    if (mode == SEAL) {
        run_stream(r, &ks, 1, rk, rounds);
        store_part(r->to + r->at, _mm_xor_si128(x, ks), r->n);
        x = load_part(r->to + r->at, r->n);
    }
    ghash_add(g, _mm_shuffle_epi8(x, srtp_swap128()), power);
}

/* What is left, less than SRTP_POWERS - 1 blocks. Gives the tag. */
INLINE_AVX2 __m128i gcm_rest(const struct srtp_op *op, struct run *r, struct ghash *g,
                             enum gcm_mode mode, const __m128i *rk, int rounds)
{
    size_t power = (r->n + 15) / 16 + 1;
    for (; r->n >= 16; power--)
        gcm_blocks(r, g, mode, 1, power, rk, rounds);
    if (r->n > 0)
        gcm_part(r, g, mode, 2, rk, rounds);
    ghash_add(g, srtp_lengths(op), 1);
    ghash_reduce(g);
    return _mm_xor_si128(_mm_shuffle_epi8(g->y, srtp_swap128()),
                         srtp_hide(op, rk, rounds));
}
