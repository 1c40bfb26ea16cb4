#include "crypto/srtp_aesni.h"

/* Octets of two blocks, which a vector holds, and of a wide step. */
enum { PAIR = 2 * 16, WIDE = AT_ONCE * PAIR };

INLINE_VAES256 __m256i both(__m128i x)
{
    return _mm256_broadcastsi128_si256(x);
}

/* ---- AES in counter mode ---- */

INLINE_VAES256 __m256i counters_of(int i)
{
    return _mm256_set_epi32((i + 1) << 24, 0, 0, 0, i << 24, 0, 0, 0);
}

/* The key stream of the next n pairs of blocks. */
INLINE_VAES256 void pairs_stream(const struct run *r, __m256i *b, size_t n,
                                 const __m128i *rk, int rounds)
{
    __m256i counter = both(r->counter), iv = both(r->iv), key;
    UNROLL
    for (size_t i = 0; i < n; i++)
        b[i] = _mm256_xor_si256(iv, _mm256_add_epi32(counter, counters_of(2 * (int)i)));
    UNROLL
    for (int k = 1; k < rounds; k++) {
        key = both(rk[k]);
        UNROLL
        for (size_t i = 0; i < n; i++)
            b[i] = _mm256_aesenc_epi128(b[i], key);
    }
    key = both(rk[rounds]);
    UNROLL
    for (size_t i = 0; i < n; i++)
        b[i] = _mm256_aesenclast_epi128(b[i], key);
}

INLINE_VAES256 __m256i load_pair(const struct run *r, size_t i)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)run_from(r, PAIR * i));
}

/* The text of the next n pairs, XORed with b into its place, and b with it. */
INLINE_VAES256 void pairs_put(const struct run *r, __m256i *b, size_t n)
{
    UNROLL
    for (size_t i = 0; i < n; i++) {
        b[i] = _mm256_xor_si256(b[i], load_pair(r, i));
        _mm256_storeu_si256((__m256i *)(void *)(r->to + r->at + PAIR * i), b[i]);
    }
}

INLINE_VAES256 void ctr_pairs(struct run *r, size_t n, const __m128i *rk, int rounds)
{
    __m256i b[AT_ONCE];
    pairs_stream(r, b, n, rk, rounds);
    pairs_put(r, b, n);
    run_on(r, 2 * n);
}

INLINE_VAES256 void ctr(const struct srtp_op *op, const __m128i *rk, int rounds,
                        int first)
{
    struct run r = run_of(op, rk, first);
    while (r.n >= WIDE)
        ctr_pairs(&r, AT_ONCE, rk, rounds);
    while (r.n >= PAIR)
        ctr_pairs(&r, 1, rk, rounds);
    run_rest(&r, rk, rounds);
}

VAES256 void sl_srtp_vaes256_ctr(const struct srtp_op *op, const struct srtp_x86_key *k,
                                 int first)
{
    const __m128i *rk = srtp_round_keys(k);
    if (k->key.profile == SRTP_GCM_256)
        ctr(op, rk, 14, first);
    else
        ctr(op, rk, 10, first);
}

/* ---- GCM (NIST SP 800-38D) ---- */

/* Of products: the middle one is not yet apart from the others (Karatsuba's). */
struct sum {
    __m256i lo, all, hi;
};

INLINE_VAES256 __m256i halves_added(__m256i x)
{
    return _mm256_xor_si256(x, _mm256_shuffle_epi32(x, 0x4e));
}

/* Adds a pair of blocks, turned round, times two powers of H, of which the first is that. */
INLINE_VAES256 void sum_add(struct sum *s, __m256i x, const __m128i *powers, size_t power)
{
    __m256i h =
        _mm256_loadu_si256((const __m256i *)(const void *)(powers + SRTP_POWERS - power));
    __m256i all = _mm256_clmulepi64_epi128(halves_added(x), halves_added(h), 0x00);
    s->lo = _mm256_xor_si256(s->lo, _mm256_clmulepi64_epi128(x, h, 0x00));
    s->hi = _mm256_xor_si256(s->hi, _mm256_clmulepi64_epi128(x, h, 0x11));
    s->all = _mm256_xor_si256(s->all, all);
}

INLINE_VAES256 __m128i fold(__m256i x)
{
    return _mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

INLINE_VAES256 void sum_up(struct srtp_product *to, const struct sum *s)
{
    __m128i lo = fold(s->lo), hi = fold(s->hi);
    to->lo = _mm_xor_si128(to->lo, lo);
    to->hi = _mm_xor_si128(to->hi, hi);
    to->mi = _mm_xor_si128(to->mi, _mm_xor_si128(fold(s->all), _mm_xor_si128(lo, hi)));
}

/* The next n pairs; as gcm_blocks. */
INLINE_VAES256 void gcm_pairs(struct run *r, struct ghash *g, enum gcm_mode mode,
                              size_t n, size_t power, const __m128i *rk, int rounds)
{
    const __m256i zero = _mm256_setzero_si256(), swap = both(srtp_swap128());
    __m256i b[AT_ONCE];
    struct sum s = {zero, zero, zero};
    if (mode == SEAL) {
        pairs_stream(r, b, n, rk, rounds);
        pairs_put(r, b, n);
    }
    UNROLL
    for (size_t i = 0; i < n; i++) {
        __m256i x = _mm256_shuffle_epi8(mode == SEAL ? b[i] : load_pair(r, i), swap);
        if (i == 0)
            x = _mm256_xor_si256(x, _mm256_zextsi128_si256(g->y));
        sum_add(&s, x, g->powers, power - 2 * i);
    }
    g->y = _mm_setzero_si128();
    sum_up(&g->sum, &s);
    run_on(r, 2 * n);
}

/* Makes the tag of a packet. */
INLINE_VAES256 __m128i gcm(const struct srtp_op *op, const __m128i *powers, int rounds,
                           enum gcm_mode mode)
{
    const __m128i *rk = powers + SRTP_POWERS;
    struct run r = run_of(op, rk, 2);
    struct ghash g = ghash_aad(op, powers);
    while (r.n >= WIDE) {
        gcm_pairs(&r, &g, mode, AT_ONCE, WIDE / 16, rk, rounds);
        ghash_reduce(&g);
    }
    while (r.n >= PAIR)
        gcm_pairs(&r, &g, mode, 1, (r.n + 15) / 16 + 1, rk, rounds);
    return gcm_rest(op, &r, &g, mode, rk, rounds);
}

INLINE_VAES256 __m128i gcm_any(const struct srtp_op *op, const struct srtp_x86_key *k,
                               enum gcm_mode mode)
{
    return k->key.profile == SRTP_GCM_256 ? gcm(op, k->block, 14, mode)
                                          : gcm(op, k->block, 10, mode);
}

VAES256 void sl_srtp_vaes256_seal(const struct srtp_op *op, const struct srtp_x86_key *k)
{
    store(op->tag, gcm_any(op, k, SEAL));
}

VAES256 bool sl_srtp_vaes256_open(const struct srtp_op *op, const struct srtp_x86_key *k)
{
    uint8_t tag[SRTP_GCM_TAG];
    store(tag, gcm_any(op, k, CHECK));
    if (!sl_secret_eq((struct span){tag, sizeof tag}, (struct span){op->tag, sizeof tag}))
        return false;
    sl_srtp_vaes256_ctr(op, k, 2);
    return true;
}
