#include <assert.h>

#include "crypto/srtp_x86.h"

/* The mask of the octets of vector i that belong to n octets. */
INLINE_AVX512 __mmask64 mask(size_t n, size_t i)
{
    size_t at = sizeof(__m512i) * i;
    if (n >= at + sizeof(__m512i))
        return ~UINT64_C(0);
    return n > at ? _bzhi_u64(~UINT64_C(0), (unsigned)(n - at)) : 0;
}

/* ---- AES in counter mode ---- */

/* The counters 0, 1, 2 .. of successive blocks, to be added to an IV that ends in zeros. AES-CM
 * counts from 0 in 2 octets, GCM from 1 in 4 (NIST SP 800-38D §7.1); one will do, as a
 * packet has at most 128 blocks. */
#define COUNTER(i)   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (i)
#define COUNTER4(i)  COUNTER(i), COUNTER(i + 1), COUNTER(i + 2), COUNTER(i + 3)
#define COUNTER16(i) COUNTER4(i), COUNTER4(i + 4), COUNTER4(i + 8), COUNTER4(i + 12)
static const _Alignas(64) uint8_t counters[] = {
    COUNTER16(0),  COUNTER16(16), COUNTER16(32),  COUNTER16(48),  COUNTER16(64),
    COUNTER16(80), COUNTER16(96), COUNTER16(112), COUNTER16(128), COUNTER16(144)};

static_assert(sizeof counters / 16 >= SRTP_PKT_MAX / 16 + 16 + 2, "one for each block");

/* n vectors, to which the first round key was added already. */
INLINE_AVX512 void aes(__m512i *b, size_t n, const __m512i *k, int rounds)
{
    UNROLL
    for (int r = 1; r < rounds; r++) {
        UNROLL
        for (size_t i = 0; i < n; i++)
            b[i] = _mm512_aesenc_epi128(b[i], k[r]);
    }
    UNROLL
    for (size_t i = 0; i < n; i++)
        b[i] = _mm512_aesenclast_epi128(b[i], k[rounds]);
}

INLINE_AVX512 void load_rounds(__m512i *k, const __m128i *rk, int rounds)
{
    UNROLL
    for (int i = 0; i <= rounds; i++)
        k[i] = _mm512_broadcast_i32x4(rk[i]);
}

/* A run over the text: vector 0 of each step is read from head, the others from rest. */
struct run {
    uint8_t *to;
    const uint8_t *head, *rest;
    size_t n;
    const uint8_t *counters;
    __m512i iv; /* the first round key added */
};

#define ALL (~UINT64_C(0)) /* the mask of a whole vector */

INLINE_AVX512 const uint8_t *run_at(const struct run *r, size_t i)
{
    return i == 0 ? r->head : r->rest + 64 * (i - 1);
}

INLINE_AVX512 __m512i run_counter(const struct run *r, size_t i)
{
    return _mm512_xor_si512(r->iv, _mm512_loadu_si512(r->counters + 64 * i));
}

INLINE_AVX512 void run_on(struct run *r, size_t vectors)
{
    r->to += 64 * vectors;
    r->head = r->rest + 64 * (vectors - 1);
    r->rest += 64 * vectors;
    r->counters += 64 * vectors;
    r->n -= 64 * vectors;
}

/* whole: all vectors are full; otherwise r->n tells how far the text goes. */
INLINE_AVX512 void ctr_step(const struct run *r, size_t vectors, bool whole,
                            const __m512i *k, int rounds)
{
    __m512i b[8];
    UNROLL
    for (size_t i = 0; i < vectors; i++)
        b[i] = run_counter(r, i);
    aes(b, vectors, k, rounds);
    UNROLL
    for (size_t i = 0; i < vectors; i++) {
        if (whole) {
            b[i] = _mm512_xor_si512(b[i], _mm512_loadu_si512(run_at(r, i)));
            _mm512_storeu_si512(r->to + 64 * i, b[i]);
        } else {
            __mmask64 m = mask(r->n, i);
            b[i] = _mm512_xor_si512(b[i], _mm512_maskz_loadu_epi8(m, run_at(r, i)));
            _mm512_mask_storeu_epi8(r->to + 64 * i, m, b[i]);
        }
    }
}

/* lead: octets before the text with which the run begins. */
INLINE_AVX512 struct run run_of(const struct srtp_op *op, const __m128i *rk, int counter,
                                size_t lead)
{
    return (struct run){
        .to = op->pkt + op->header_n - lead,
        .head = op->text - lead,
        .rest = op->more - lead,
        .n = op->text_n + lead,
        .counters = counters + 16 * (size_t)counter,
        .iv = _mm512_broadcast_i32x4(_mm_xor_si128(srtp_iv(op), rk[0])),
    };
}

INLINE_AVX512 void ctr(const struct srtp_op *op, const __m128i *rk, int rounds, int first)
{
    __m512i k[SRTP_ROUNDS_MAX + 1];
    struct run r = run_of(op, rk, first, 0);
    load_rounds(k, rk, rounds);
    for (; r.n >= 512; run_on(&r, 8))
        ctr_step(&r, 8, true, k, rounds);
    for (; r.n >= 256; run_on(&r, 4))
        ctr_step(&r, 4, true, k, rounds);
    if (r.n > 128)
        ctr_step(&r, 4, false, k, rounds);
    else if (r.n > 0)
        ctr_step(&r, 2, false, k, rounds);
}

AVX512 void sl_srtp_vaes_ctr(const struct srtp_op *op, const struct srtp_x86_key *k,
                             int first)
{
    const __m128i *rk = srtp_round_keys(k);
    if (k->key.profile == SRTP_GCM_256)
        ctr(op, rk, 14, first);
    else
        ctr(op, rk, 10, first);
}

/* ---- GCM (NIST SP 800-38D) ---- */

struct sum {
    __m512i lo, mi, hi;
};

/* Adds four blocks times four powers, of which the first is H^power. */
INLINE_AVX512 void add_product(struct sum *s, __m512i x, const __m128i *powers,
                               size_t power)
{
    __m512i h = _mm512_loadu_si512(powers + SRTP_POWERS - power);
    __m512i mi = _mm512_clmulepi64_epi128(x, h, 0x01);
    s->lo = _mm512_xor_si512(s->lo, _mm512_clmulepi64_epi128(x, h, 0x00));
    s->hi = _mm512_xor_si512(s->hi, _mm512_clmulepi64_epi128(x, h, 0x11));
    s->mi =
        _mm512_ternarylogic_epi32(s->mi, mi, _mm512_clmulepi64_epi128(x, h, 0x10), 0x96);
}

INLINE_AVX512 __m128i fold(__m512i x)
{
    __m256i y =
        _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
}

INLINE_AVX512 struct srtp_product fold_sum(const struct sum *s)
{
    return (struct srtp_product){fold(s->lo), fold(s->mi), fold(s->hi)};
}

INLINE_AVX512 struct sum sum_zero(void)
{
    __m512i z = _mm512_setzero_si512();
    return (struct sum){z, z, z};
}

INLINE_AVX512 __m512i swap512(void)
{
    return _mm512_broadcast_i32x4(srtp_swap128());
}

/* The AAD, behind which `follow` blocks will come before the sum is reduced. */
INLINE_AVX512 struct sum hash_aad(const struct srtp_op *op, const __m128i *powers,
                                  size_t follow)
{
    const uint8_t *p = op->aad;
    size_t n = op->aad_n;
    __m512i y = _mm512_setzero_si512();
    struct sum s = sum_zero();
    for (; n > 64; p += 64, n -= 64) {
        __m512i x = _mm512_shuffle_epi8(_mm512_loadu_si512(p), swap512());
        add_product(&s, _mm512_xor_si512(x, y), powers, 4);
        y = _mm512_zextsi128_si512(srtp_reduce(fold_sum(&s)));
        s = sum_zero();
    }
    __m512i x = _mm512_maskz_loadu_epi8(mask(n, 0), p);
    x = _mm512_xor_si512(_mm512_shuffle_epi8(x, swap512()), y);
    add_product(&s, x, powers, (n + 15) / 16 + follow);
    return s;
}

/* What one step of up to 16 blocks works on. The run begins one block before the text, in
 * whose place the block that hides the tag is made: `mask` leaves that out of the text. */
struct gcm {
    struct run run;
    const __m128i *powers;
    struct sum sum;
    __m128i y;      /* the hash so far, to be added to the next block */
    __m128i hide;   /* E(K, J0) */
    __mmask64 mask; /* of vector 0 */
};

enum gcm_mode { SEAL, CHECK };

/* Vector i of the text as it is authenticated; ks: its key stream. */
INLINE_AVX512 __m512i gcm_vector(const struct gcm *g, enum gcm_mode mode, size_t i,
                                 bool whole, __m512i ks)
{
    const struct run *r = &g->run;
    const uint8_t *from = run_at(r, i);
    uint8_t *to = r->to + 64 * i;
    if (whole && i > 0) {
        __m512i x = _mm512_loadu_si512(from);
        if (mode == CHECK)
            return x;
        x = _mm512_xor_si512(x, ks);
        _mm512_storeu_si512(to, x);
        return x;
    }
    __mmask64 m = whole ? ALL : mask(r->n, i);
    if (i == 0)
        m &= g->mask;
    __m512i x = _mm512_maskz_loadu_epi8(m, from);
    if (mode == CHECK)
        return x;
    x = _mm512_maskz_mov_epi8(m, _mm512_xor_si512(x, ks));
    _mm512_mask_storeu_epi8(to, m, x);
    return x;
}

INLINE_AVX512 void gcm_step(struct gcm *g, enum gcm_mode mode, size_t vectors, bool whole,
                            size_t power, const __m512i *k, int rounds)
{
    const struct run *r = &g->run;
    __m512i b[4] = {0};
    if (mode == SEAL) {
        UNROLL
        for (size_t i = 0; i < vectors; i++)
            b[i] = run_counter(r, i);
        aes(b, vectors, k, rounds);
        if (g->mask != ALL)
            g->hide = _mm512_castsi512_si128(b[0]);
    }
    UNROLL
    for (size_t i = 0; i < vectors; i++)
        b[i] = _mm512_shuffle_epi8(gcm_vector(g, mode, i, whole, b[i]), swap512());
    b[0] = _mm512_xor_si512(b[0], _mm512_zextsi128_si512(g->y));
    UNROLL
    for (size_t i = 0; i < vectors; i++)
        if (whole || r->n > 64 * i)
            add_product(&g->sum, b[i], g->powers, power - 4 * i);
}

/* Makes the tag of a packet; SEAL encrypts the text, CHECK takes it as it lies. */
INLINE_AVX512 __m128i gcm(const struct srtp_op *op, const __m128i *powers, int rounds,
                          enum gcm_mode mode)
{
    const __m128i *rk = powers + SRTP_POWERS;
    __m512i k[SRTP_ROUNDS_MAX + 1];
    if (mode == SEAL)
        load_rounds(k, rk, rounds);
    struct gcm g = {
        .run = run_of(op, rk, 1, 16),
        .powers = powers,
        .mask = ALL << 16,
    };
    size_t blocks = (g.run.n + 15) / 16;
    g.sum = hash_aad(op, powers, g.run.n >= 256 ? 15 : blocks);
    for (; g.run.n >= 256; run_on(&g.run, 4)) {
        gcm_step(&g, mode, 4, true, 16, k, rounds);
        g.y = srtp_reduce(fold_sum(&g.sum));
        g.sum = sum_zero();
        g.mask = ALL;
    }
    blocks = (g.run.n + 15) / 16;
    if (g.run.n > 128)
        gcm_step(&g, mode, 4, false, blocks + 1, k, rounds);
    else if (g.run.n > 0)
        gcm_step(&g, mode, 2, false, blocks + 1, k, rounds);

    __m128i lengths = srtp_lengths(op);
    if (g.run.n == 0)
        lengths = _mm_xor_si128(lengths, g.y);
    struct srtp_product sum = fold_sum(&g.sum);
    srtp_add_product(&sum, lengths, powers[SRTP_POWERS - 1]);
    if (mode == CHECK)
        g.hide = srtp_hide(op, rk, rounds);
    return _mm_xor_si128(_mm_shuffle_epi8(srtp_reduce(sum), srtp_swap128()), g.hide);
}

INLINE_AVX512 __m128i gcm_any(const struct srtp_op *op, const struct srtp_x86_key *k,
                              enum gcm_mode mode)
{
    return k->key.profile == SRTP_GCM_256 ? gcm(op, k->block, 14, mode)
                                          : gcm(op, k->block, 10, mode);
}

AVX512 void sl_srtp_vaes_seal(const struct srtp_op *op, const struct srtp_x86_key *k)
{
    _mm_storeu_si128((__m128i *)(void *)op->tag, gcm_any(op, k, SEAL));
}

AVX512 bool sl_srtp_vaes_open(const struct srtp_op *op, const struct srtp_x86_key *k)
{
    uint8_t tag[SRTP_GCM_TAG];
    _mm_storeu_si128((__m128i *)(void *)tag, gcm_any(op, k, CHECK));
    if (!sl_secret_eq((struct span){tag, sizeof tag}, (struct span){op->tag, sizeof tag}))
        return false;
    sl_srtp_vaes_ctr(op, k, 2);
    return true;
}
