#include <assert.h>

#include "crypto/srtp_avx512.h"

/* ---- keys ---- */

/* Each column plus all before it: the XORs of FIPS 197 §5.2 within four words. */
INLINE __m128i running_xor(__m128i x)
{
    x = _mm_xor_si128(x, _mm_slli_si128(x, 4));
    return _mm_xor_si128(x, _mm_slli_si128(x, 8));
}

/* FIPS 197 §5.2. With equal columns AESENCLAST is SubWord, and then adds its other operand. */
KERNEL static void expand_key(__m128i *rk, const uint8_t *key, int rounds)
{
    const __m128i last = _mm_set1_epi32(0x0f0e0d0c),
                  last_turned = _mm_set1_epi32(0x0c0f0e0d);
    int words4 = rounds == 14 ? 2 : 1, rcon = 1;
    for (int i = 0; i < words4; i++)
        rk[i] = _mm_loadu_si128((const __m128i *)(const void *)key + i);
    for (int i = words4; i <= rounds; i++) {
        bool turn = i % words4 == 0;
        __m128i g = _mm_shuffle_epi8(rk[i - 1], turn ? last_turned : last);
        g = _mm_aesenclast_si128(g, turn ? _mm_set1_epi32(rcon) : _mm_setzero_si128());
        rk[i] = _mm_xor_si128(running_xor(rk[i - words4]), g);
        if (turn)
            rcon = rcon << 1 ^ (rcon & 0x80 ? 0x11b : 0);
    }
}

INLINE __m128i swap128(void)
{
    return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

INLINE __m128i aes_block(__m128i x, const __m128i *rk, int rounds)
{
    x = _mm_xor_si128(x, rk[0]);
    for (int i = 1; i < rounds; i++)
        x = _mm_aesenc_si128(x, rk[i]);
    return _mm_aesenclast_si128(x, rk[rounds]);
}

/* GHASH's field, with the octets of a block turned round. A product is the sum of these
 * three, mi in the middle; H is kept times x, so that it needs no shift. */
struct product {
    __m128i lo, mi, hi;
};

INLINE __m128i reduce(struct product p)
{
    const __m128i poly = _mm_set_epi64x((long long)0xc200000000000000, 1);
    __m128i mi = _mm_xor_si128(_mm_shuffle_epi32(p.lo, 0x4e),
                               _mm_clmulepi64_si128(poly, p.lo, 0x01));
    mi = _mm_xor_si128(mi, p.mi);
    __m128i hi =
        _mm_xor_si128(_mm_shuffle_epi32(mi, 0x4e), _mm_clmulepi64_si128(poly, mi, 0x01));
    return _mm_xor_si128(hi, p.hi);
}

INLINE struct product multiply(__m128i a, __m128i b)
{
    return (struct product){
        .lo = _mm_clmulepi64_si128(a, b, 0x00),
        .mi = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01),
                            _mm_clmulepi64_si128(a, b, 0x10)),
        .hi = _mm_clmulepi64_si128(a, b, 0x11),
    };
}

KERNEL static void expand_powers(__m128i powers[SRTP_POWERS], size_t n, const __m128i *rk,
                                 int rounds)
{
    __m128i h = _mm_shuffle_epi8(aes_block(_mm_setzero_si128(), rk, rounds), swap128());
    /* Times x: shifted by one, and what falls out comes back as the polynomial. */
    __m128i carries = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xd3), 31);
    h = _mm_xor_si128(
        _mm_add_epi64(h, h),
        _mm_and_si128(carries, _mm_set_epi64x((long long)0xc200000000000001, 1)));
    powers[SRTP_POWERS - 1] = h;
    for (size_t i = SRTP_POWERS - 1; i > SRTP_POWERS - n; i--)
        powers[i - 1] = reduce(multiply(powers[i], h));
}

void sl_srtp_vaes_expand(struct srtp_avx512_key *k, const uint8_t *cipher, size_t powers)
{
    enum srtp_profile p = k->key.profile;
    __m128i *rk = k->block + srtp_powers(p);
    expand_key(rk, cipher, srtp_rounds(p));
    if (srtp_powers(p) > 0)
        expand_powers(k->block, powers, rk, srtp_rounds(p));
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
INLINE void aes(__m512i *b, size_t n, const __m512i *k, int rounds)
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

INLINE void load_rounds(__m512i *k, const __m128i *rk, int rounds)
{
    UNROLL
    for (int i = 0; i <= rounds; i++)
        k[i] = _mm512_broadcast_i32x4(rk[i]);
}

INLINE __m128i iv_of(const struct srtp_op *op)
{
    return _mm_loadu_si128((const __m128i *)(const void *)op->iv);
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

INLINE const uint8_t *run_at(const struct run *r, size_t i)
{
    return i == 0 ? r->head : r->rest + 64 * (i - 1);
}

INLINE __m512i run_counter(const struct run *r, size_t i)
{
    return _mm512_xor_si512(r->iv, _mm512_loadu_si512(r->counters + 64 * i));
}

INLINE void run_on(struct run *r, size_t vectors)
{
    r->to += 64 * vectors;
    r->head = r->rest + 64 * (vectors - 1);
    r->rest += 64 * vectors;
    r->counters += 64 * vectors;
    r->n -= 64 * vectors;
}

/* whole: all vectors are full; otherwise r->n tells how far the text goes. */
INLINE void ctr_step(const struct run *r, size_t vectors, bool whole, const __m512i *k,
                     int rounds)
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
            __mmask64 m = srtp_mask(r->n, i);
            b[i] = _mm512_xor_si512(b[i], _mm512_maskz_loadu_epi8(m, run_at(r, i)));
            _mm512_mask_storeu_epi8(r->to + 64 * i, m, b[i]);
        }
    }
}

/* lead: octets before the text with which the run begins. */
INLINE struct run run_of(const struct srtp_op *op, const __m128i *rk, int counter,
                         size_t lead)
{
    return (struct run){
        .to = op->pkt + op->header_n - lead,
        .head = op->text - lead,
        .rest = op->more - lead,
        .n = op->text_n + lead,
        .counters = counters + 16 * (size_t)counter,
        .iv = _mm512_broadcast_i32x4(_mm_xor_si128(iv_of(op), rk[0])),
    };
}

INLINE void ctr(const struct srtp_op *op, const __m128i *rk, int rounds, int first)
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

KERNEL void sl_srtp_vaes_ctr(const struct srtp_op *op, const struct srtp_avx512_key *k,
                             int first)
{
    const __m128i *rk = k->block + srtp_powers(k->key.profile);
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
INLINE void add_product(struct sum *s, __m512i x, const __m128i *powers, size_t power)
{
    __m512i h = _mm512_loadu_si512(powers + SRTP_POWERS - power);
    __m512i mi = _mm512_clmulepi64_epi128(x, h, 0x01);
    s->lo = _mm512_xor_si512(s->lo, _mm512_clmulepi64_epi128(x, h, 0x00));
    s->hi = _mm512_xor_si512(s->hi, _mm512_clmulepi64_epi128(x, h, 0x11));
    s->mi =
        _mm512_ternarylogic_epi32(s->mi, mi, _mm512_clmulepi64_epi128(x, h, 0x10), 0x96);
}

INLINE __m128i fold(__m512i x)
{
    __m256i y =
        _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
}

INLINE struct product fold_sum(const struct sum *s)
{
    return (struct product){fold(s->lo), fold(s->mi), fold(s->hi)};
}

INLINE struct sum sum_zero(void)
{
    __m512i z = _mm512_setzero_si512();
    return (struct sum){z, z, z};
}

INLINE __m512i swap512(void)
{
    return _mm512_broadcast_i32x4(swap128());
}

/* The AAD, behind which `follow` blocks will come before the sum is reduced. */
INLINE struct sum hash_aad(const struct srtp_op *op, const __m128i *powers, size_t follow)
{
    const uint8_t *p = op->aad;
    size_t n = op->aad_n;
    __m512i y = _mm512_setzero_si512();
    struct sum s = sum_zero();
    for (; n > 64; p += 64, n -= 64) {
        __m512i x = _mm512_shuffle_epi8(_mm512_loadu_si512(p), swap512());
        add_product(&s, _mm512_xor_si512(x, y), powers, 4);
        y = _mm512_zextsi128_si512(reduce(fold_sum(&s)));
        s = sum_zero();
    }
    __m512i x = _mm512_maskz_loadu_epi8(srtp_mask(n, 0), p);
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
INLINE __m512i gcm_vector(const struct gcm *g, enum gcm_mode mode, size_t i, bool whole,
                          __m512i ks)
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
    __mmask64 m = whole ? ALL : srtp_mask(r->n, i);
    if (i == 0)
        m &= g->mask;
    __m512i x = _mm512_maskz_loadu_epi8(m, from);
    if (mode == CHECK)
        return x;
    x = _mm512_maskz_mov_epi8(m, _mm512_xor_si512(x, ks));
    _mm512_mask_storeu_epi8(to, m, x);
    return x;
}

INLINE void gcm_step(struct gcm *g, enum gcm_mode mode, size_t vectors, bool whole,
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
INLINE __m128i gcm(const struct srtp_op *op, const __m128i *powers, int rounds,
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
        g.y = reduce(fold_sum(&g.sum));
        g.sum = sum_zero();
        g.mask = ALL;
    }
    blocks = (g.run.n + 15) / 16;
    if (g.run.n > 128)
        gcm_step(&g, mode, 4, false, blocks + 1, k, rounds);
    else if (g.run.n > 0)
        gcm_step(&g, mode, 2, false, blocks + 1, k, rounds);

    __m128i lengths = _mm_set_epi64x((long long)op->aad_n * 8, (long long)op->text_n * 8);
    if (g.run.n == 0)
        lengths = _mm_xor_si128(lengths, g.y);
    struct product last = multiply(lengths, powers[SRTP_POWERS - 1]),
                   sum = fold_sum(&g.sum);
    sum.lo = _mm_xor_si128(sum.lo, last.lo);
    sum.mi = _mm_xor_si128(sum.mi, last.mi);
    sum.hi = _mm_xor_si128(sum.hi, last.hi);
    if (mode == CHECK)
        g.hide = aes_block(_mm_xor_si128(iv_of(op), _mm_set_epi32(1 << 24, 0, 0, 0)), rk,
                           rounds);
    return _mm_xor_si128(_mm_shuffle_epi8(reduce(sum), swap128()), g.hide);
}

INLINE __m128i gcm_any(const struct srtp_op *op, const struct srtp_avx512_key *k,
                       enum gcm_mode mode)
{
    return k->key.profile == SRTP_GCM_256 ? gcm(op, k->block, 14, mode)
                                          : gcm(op, k->block, 10, mode);
}

KERNEL void sl_srtp_vaes_seal(const struct srtp_op *op, const struct srtp_avx512_key *k)
{
    _mm_storeu_si128((__m128i *)(void *)op->tag, gcm_any(op, k, SEAL));
}

KERNEL bool sl_srtp_vaes_open(const struct srtp_op *op, const struct srtp_avx512_key *k)
{
    uint8_t tag[SRTP_GCM_TAG];
    _mm_storeu_si128((__m128i *)(void *)tag, gcm_any(op, k, CHECK));
    if (!sl_secret_eq((struct span){tag, sizeof tag}, (struct span){op->tag, sizeof tag}))
        return false;
    sl_srtp_vaes_ctr(op, k, 2);
    return true;
}
