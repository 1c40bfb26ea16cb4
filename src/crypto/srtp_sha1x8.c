#include "crypto/srtp_x86.h"

enum { LANES = 8, BLOCK = SHA1_BLOCK, WORDS = SHA1_WORDS, STATE = SHA1_STATE };

/* Turns 8 rows of 8 words, a row for each lane, into 8 columns: word i of all lanes. */
INLINE_AVX2 void transpose(__m256i w[LANES])
{
    __m256i r[LANES], q[LANES];
    UNROLL
    for (int i = 0; i < LANES; i += 2) {
        r[i] = _mm256_unpacklo_epi32(w[i], w[i + 1]);
        r[i + 1] = _mm256_unpackhi_epi32(w[i], w[i + 1]);
    }
    UNROLL
    for (int i = 0; i < LANES; i += 4) {
        q[i] = _mm256_unpacklo_epi64(r[i], r[i + 2]);
        q[i + 1] = _mm256_unpackhi_epi64(r[i], r[i + 2]);
        q[i + 2] = _mm256_unpacklo_epi64(r[i + 1], r[i + 3]);
        q[i + 3] = _mm256_unpackhi_epi64(r[i + 1], r[i + 3]);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        w[i] = _mm256_permute2x128_si256(q[i], q[i + 4], 0x20);
        w[i + 4] = _mm256_permute2x128_si256(q[i], q[i + 4], 0x31);
    }
}

INLINE_AVX2 __m256i rol(__m256i x, int n)
{
    return _mm256_or_si256(_mm256_slli_epi32(x, n), _mm256_srli_epi32(x, 32 - n));
}

/* The message schedule of FIPS 180-4 §6.1.2, kept as a ring. */
INLINE_AVX2 __m256i word(__m256i w[WORDS], int t)
{
    if (t >= WORDS) {
        __m256i x = _mm256_xor_si256(_mm256_xor_si256(w[(t - 14) & 15], w[t & 15]),
                                     _mm256_xor_si256(w[(t - 8) & 15], w[(t - 3) & 15]));
        w[t & 15] = _mm256_or_si256(_mm256_add_epi32(x, x), _mm256_srli_epi32(x, 31));
    }
    return w[t & 15];
}

struct state {
    __m256i a, b, c, d, e;
};

/* The functions of FIPS 180-4 §4.1.1. */
enum mix { CHOOSE, PARITY, MAJORITY };

INLINE_AVX2 __m256i mix(const struct state *s, enum mix f)
{
    __m256i differ = _mm256_xor_si256(s->b, s->c);
    switch (f) {
    case CHOOSE:
        return _mm256_xor_si256(s->d,
                                _mm256_and_si256(s->b, _mm256_xor_si256(s->c, s->d)));
    case PARITY: return _mm256_xor_si256(differ, s->d);
    case MAJORITY: break;
    }
    return _mm256_or_si256(_mm256_and_si256(s->b, s->c), _mm256_and_si256(s->d, differ));
}

INLINE_AVX2 void round_of(struct state *s, __m256i w, enum mix f, __m256i k)
{
    __m256i sum =
        _mm256_add_epi32(_mm256_add_epi32(s->e, w), _mm256_add_epi32(mix(s, f), k));
    SRTP_OPAQUE(sum); /* so that one addition alone waits for a's rotation */
    *s = (struct state){
        .a = _mm256_add_epi32(sum, rol(s->a, 5)),
        .b = s->a,
        .c = rol(s->b, 30),
        .d = s->c,
        .e = s->d,
    };
}

/* One block of each lane into its state; lanes that are not in live keep theirs. */
AVX2 static void compress(__m256i st[STATE], __m256i w[WORDS], __m256i live)
{
    struct state s = {st[0], st[1], st[2], st[3], st[4]};
    UNROLL
    for (int t = 0; t < 20; t++)
        round_of(&s, word(w, t), CHOOSE, _mm256_set1_epi32(0x5a827999));
    UNROLL
    for (int t = 20; t < 40; t++)
        round_of(&s, word(w, t), PARITY, _mm256_set1_epi32(0x6ed9eba1));
    UNROLL
    for (int t = 40; t < 60; t++)
        round_of(&s, word(w, t), MAJORITY, _mm256_set1_epi32((int)0x8f1bbcdc));
    UNROLL
    for (int t = 60; t < 80; t++)
        round_of(&s, word(w, t), PARITY, _mm256_set1_epi32((int)0xca62c1d6));
    const __m256i after[STATE] = {s.a, s.b, s.c, s.d, s.e};
    UNROLL
    for (int i = 0; i < STATE; i++)
        st[i] = _mm256_add_epi32(st[i], _mm256_and_si256(after[i], live));
}

INLINE_AVX2 void set_lane(struct srtp_lane *l, const struct srtp_op *op)
{
    size_t rest = srtp_lane_begin(l, op);
    memset(l->tail, 0, sizeof l->tail);
    memcpy(l->tail, l->p + BLOCK * l->whole, rest);
    srtp_lane_end(l, op, rest);
}

INLINE_AVX2 __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* The states behind both pads of the key of each lane. */
INLINE_AVX2 void load_states(__m256i inner[STATE], __m256i outer[STATE],
                             struct srtp_op *const *ops, size_t n)
{
    uint32_t words[2 * STATE][LANES];
    for (size_t k = 0; k < LANES; k++) {
        uint32_t mac[2 * STATE];
        memcpy(mac, &ops[k < n ? k : 0]->key->mac, sizeof mac);
        for (size_t i = 0; i < sizeof mac / sizeof *mac; i++)
            words[i][k] = mac[i];
    }
    UNROLL
    for (int i = 0; i < STATE; i++) {
        inner[i] = load(words[i]);
        outer[i] = load(words[STATE + i]);
    }
}

/* All bits of the lanes that the bits of live name. */
INLINE_AVX2 __m256i lanes_of(unsigned live)
{
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)live), bits), bits);
}

INLINE_AVX2 void hash_lanes(__m256i st[STATE], const struct srtp_lane l[LANES])
{
    const __m256i swap = _mm256_broadcastsi128_si256(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    struct srtp_lanes_span span = srtp_lanes_span(l, LANES);
    const uint8_t *at[LANES];
    unsigned live = srtp_lanes_aim(l, LANES, 0, at);
    for (size_t i = 0, off = 0; i < span.most; i++, off += BLOCK) {
        if (i >= span.common) {
            live = srtp_lanes_aim(l, LANES, i, at);
            off = 0;
        }
        __m256i w[WORDS];
        UNROLL
        for (int k = 0; k < WORDS; k++)
            w[k] = _mm256_shuffle_epi8(load(at[k % LANES] + off + (k < LANES ? 0 : 32)),
                                       swap);
        transpose(w);
        transpose(w + LANES);
        compress(st, w, lanes_of(live));
    }
}

AVX2 void sl_srtp_hmac8(struct srtp_op *const *ops, size_t n)
{
    struct srtp_lane l[LANES];
    __m256i inner[STATE], outer[STATE], w[WORDS];
    for (size_t i = 0; i < LANES; i++) {
        set_lane(&l[i], ops[i < n ? i : 0]);
        if (i >= n)
            l[i].blocks = 0;
    }
    load_states(inner, outer, ops, n);
    hash_lanes(inner, l);

    /* The outer hash has one block: the inner digest, and the end of a message. */
    UNROLL
    for (int i = 0; i < STATE; i++)
        w[i] = inner[i];
    w[STATE] = _mm256_set1_epi32((int)0x80000000);
    UNROLL
    for (int i = STATE + 1; i < WORDS - 1; i++)
        w[i] = _mm256_setzero_si256();
    w[WORDS - 1] = _mm256_set1_epi32((BLOCK + SHA1_LEN) * 8);
    compress(outer, w, lanes_of(0xff));

    uint32_t tag[3][LANES];
    for (int i = 0; i < 3; i++)
        _mm256_storeu_si256((__m256i *)(void *)tag[i], outer[i]);
    for (size_t i = 0; i < n; i++)
        srtp_put_tag(ops[i], tag[0][i], tag[1][i], tag[2][i]);
}
