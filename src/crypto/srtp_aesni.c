#include "crypto/srtp_x86.h"

enum { AT_ONCE = 8 }; /* blocks, so that one waits for none of the others */

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

INLINE_AVX2 void ctr(const struct srtp_op *op, const __m128i *rk, int rounds, int first)
{
    struct run r = run_of(op, rk, first);
    __m128i b[AT_ONCE];
    for (; r.n >= sizeof b; run_on(&r, AT_ONCE)) {
        run_stream(&r, b, AT_ONCE, rk, rounds);
        run_put(&r, b, AT_ONCE);
    }
    for (; r.n >= 16; run_on(&r, 1)) {
        run_stream(&r, b, 1, rk, rounds);
        run_put(&r, b, 1);
    }
    if (r.n > 0) {
        run_stream(&r, b, 1, rk, rounds);
        __m128i text = load_part(run_from(&r, 0), r.n);
        store_part(r.to + r.at, _mm_xor_si128(b[0], text), r.n);
    }
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
    size_t power = (r.n + 15) / 16 + 1;
    for (; r.n >= 16; power--)
        gcm_blocks(&r, &g, mode, 1, power, rk, rounds);
    if (r.n > 0)
        gcm_part(&r, &g, mode, 2, rk, rounds);
    ghash_add(&g, srtp_lengths(op), 1);
    ghash_reduce(&g);
    return _mm_xor_si128(_mm_shuffle_epi8(g.y, srtp_swap128()),
                         srtp_hide(op, rk, rounds));
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
