#include "crypto/srtp_aesni.h"

/* ---- keys ---- */

/* Each column plus all before it: the XORs of FIPS 197 §5.2 within four words. */
INLINE_AVX2 __m128i running_xor(__m128i x)
{
    x = _mm_xor_si128(x, _mm_slli_si128(x, 4));
    return _mm_xor_si128(x, _mm_slli_si128(x, 8));
}

/* FIPS 197 §5.2. With equal columns AESENCLAST is SubWord, and then adds its other operand. */
AVX2 static void expand_key(__m128i *rk, const uint8_t *key, int rounds)
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

AVX2 static void expand_powers(__m128i powers[SRTP_POWERS], size_t n, const __m128i *rk,
                               int rounds)
{
    __m128i h =
        _mm_shuffle_epi8(srtp_aes_block(_mm_setzero_si128(), rk, rounds), srtp_swap128());
    /* Times x: shifted by one, and what falls out comes back as the polynomial. */
    __m128i carries = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xd3), 31);
    h = _mm_xor_si128(
        _mm_add_epi64(h, h),
        _mm_and_si128(carries, _mm_set_epi64x((long long)0xc200000000000001, 1)));
    powers[SRTP_POWERS - 1] = h;
    for (size_t i = SRTP_POWERS - 1; i > SRTP_POWERS - n; i--)
        powers[i - 1] = srtp_reduce(srtp_multiply(powers[i], h));
}

AVX2 void sl_srtp_aesni_expand(struct srtp_x86_key *k, const uint8_t *cipher,
                               size_t powers)
{
    enum srtp_profile p = k->key.profile;
    __m128i *rk = k->block + srtp_powers(p);
    expand_key(rk, cipher, srtp_rounds(p));
    if (srtp_powers(p) > 0)
        expand_powers(k->block, powers, rk, srtp_rounds(p));
}

/* ---- AES in counter mode ---- */

INLINE_AVX2 void ctr(const struct srtp_op *op, const __m128i *rk, int rounds, int first)
{
    struct run r = run_of(op, rk, first);
    __m128i b[AT_ONCE];
    for (; r.n >= sizeof b; run_on(&r, AT_ONCE)) {
        run_stream(&r, b, AT_ONCE, rk, rounds);
        run_put(&r, b, AT_ONCE);
    }
    run_rest(&r, rk, rounds);
}

AVX2 void sl_srtp_aesni_ctr(const struct srtp_op *op, const struct srtp_x86_key *k,
                            int first)
{
    const __m128i *rk = srtp_round_keys(k);
    if (k->key.profile == SRTP_GCM_256)
        ctr(op, rk, 14, first);
    else
        ctr(op, rk, 10, first);
}

/* ---- GCM (NIST SP 800-38D) ---- */

/* Makes the tag of a packet. */
INLINE_AVX2 __m128i gcm(const struct srtp_op *op, const __m128i *powers, int rounds,
                        enum gcm_mode mode)
{
    const __m128i *rk = powers + SRTP_POWERS;
    struct run r = run_of(op, rk, 2);
    struct ghash g = ghash_aad(op, powers);
    while (r.n >= sizeof(__m128i[AT_ONCE])) {
        gcm_blocks(&r, &g, mode, AT_ONCE, AT_ONCE, rk, rounds);
        ghash_reduce(&g);
    }
    return gcm_rest(op, &r, &g, mode, rk, rounds);
}

INLINE_AVX2 __m128i gcm_any(const struct srtp_op *op, const struct srtp_x86_key *k,
                            enum gcm_mode mode)
{
    return k->key.profile == SRTP_GCM_256 ? gcm(op, k->block, 14, mode)
                                          : gcm(op, k->block, 10, mode);
}

AVX2 void sl_srtp_aesni_seal(const struct srtp_op *op, const struct srtp_x86_key *k)
{
    store(op->tag, gcm_any(op, k, SEAL));
}

AVX2 bool sl_srtp_aesni_open(const struct srtp_op *op, const struct srtp_x86_key *k)
{
    uint8_t tag[SRTP_GCM_TAG];
    store(tag, gcm_any(op, k, CHECK));
    if (!sl_secret_eq((struct span){tag, sizeof tag}, (struct span){op->tag, sizeof tag}))
        return false;
    sl_srtp_aesni_ctr(op, k, 2);
    return true;
}
