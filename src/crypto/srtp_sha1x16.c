#include "crypto/srtp_x86.h"

enum { LANES = 16, BLOCK = SHA1_BLOCK, WORDS = SHA1_WORDS, STATE = SHA1_STATE };

/* Truth tables of three inputs, for vpternlogd. */
enum { CHOOSE = 0xca, PARITY = 0x96, MAJORITY = 0xe8 };

/* Turns 16 rows of 16 words, a row for each lane, into 16 columns: word i of all lanes. */
INLINE_AVX512 void transpose(__m512i w[WORDS])
{
    __m512i r[WORDS];
    UNROLL
    for (int i = 0; i < WORDS; i += 2) {
        r[i] = _mm512_unpacklo_epi32(w[i], w[i + 1]);
        r[i + 1] = _mm512_unpackhi_epi32(w[i], w[i + 1]);
    }
    UNROLL
    for (int i = 0; i < WORDS; i += 4) {
        w[i] = _mm512_unpacklo_epi64(r[i], r[i + 2]);
        w[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 2]);
        w[i + 2] = _mm512_unpacklo_epi64(r[i + 1], r[i + 3]);
        w[i + 3] = _mm512_unpackhi_epi64(r[i + 1], r[i + 3]);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(w[i], w[i + 4], 0x88);
        r[i + 4] = _mm512_shuffle_i32x4(w[i + 8], w[i + 12], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(w[i], w[i + 4], 0xdd);
        r[i + 12] = _mm512_shuffle_i32x4(w[i + 8], w[i + 12], 0xdd);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        w[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        w[i + 4] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        w[i + 8] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        w[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
}

/* The message schedule of FIPS 180-4 §6.1.2, kept as a ring. */
INLINE_AVX512 void expand(__m512i w[WORDS], int t)
{
    __m512i x = _mm512_ternarylogic_epi32(w[(t - 3) & 15], w[(t - 8) & 15],
                                          w[(t - 14) & 15], PARITY);
    w[t & 15] = _mm512_rol_epi32(_mm512_xor_si512(x, w[t & 15]), 1);
}

struct state {
    __m512i a, b, c, d, e;
};

/* From one round to the next only a's rotation and one addition have to wait for each other.
 * GCC would put the sum in another order, and three additions on that way. (f is an
 * immediate operand, hence a macro.) */
#define ROUND(s, w, f, k)                                                                \
    do {                                                                                 \
        __m512i mix = _mm512_ternarylogic_epi32((s).b, (s).c, (s).d, f);                 \
        __m512i sum =                                                                    \
            _mm512_add_epi32(_mm512_add_epi32((s).e, w), _mm512_add_epi32(mix, k));      \
        SRTP_OPAQUE(sum);                                                                \
        (s).e = (s).d;                                                                   \
        (s).d = (s).c;                                                                   \
        (s).c = _mm512_rol_epi32((s).b, 30);                                             \
        (s).b = (s).a;                                                                   \
        (s).a = _mm512_add_epi32(sum, _mm512_rol_epi32((s).a, 5));                       \
    } while (0)

/* One block of each lane into its state; lanes that are not in live keep theirs. */
INLINE_AVX512 void compress(__m512i st[STATE], __m512i w[WORDS], __mmask16 live)
{
    struct state s = {st[0], st[1], st[2], st[3], st[4]};
    const __m512i k0 = _mm512_set1_epi32(0x5a827999);
    const __m512i k1 = _mm512_set1_epi32(0x6ed9eba1);
    const __m512i k2 = _mm512_set1_epi32((int)0x8f1bbcdc);
    const __m512i k3 = _mm512_set1_epi32((int)0xca62c1d6);
    UNROLL
    for (int t = 0; t < 16; t++)
        ROUND(s, w[t], CHOOSE, k0);
    UNROLL
    for (int t = 16; t < 20; t++) {
        expand(w, t);
        ROUND(s, w[t & 15], CHOOSE, k0);
    }
    UNROLL
    for (int t = 20; t < 40; t++) {
        expand(w, t);
        ROUND(s, w[t & 15], PARITY, k1);
    }
    UNROLL
    for (int t = 40; t < 60; t++) {
        expand(w, t);
        ROUND(s, w[t & 15], MAJORITY, k2);
    }
    UNROLL
    for (int t = 60; t < 80; t++) {
        expand(w, t);
        ROUND(s, w[t & 15], PARITY, k3);
    }
    st[0] = _mm512_mask_add_epi32(st[0], live, st[0], s.a);
    st[1] = _mm512_mask_add_epi32(st[1], live, st[1], s.b);
    st[2] = _mm512_mask_add_epi32(st[2], live, st[2], s.c);
    st[3] = _mm512_mask_add_epi32(st[3], live, st[3], s.d);
    st[4] = _mm512_mask_add_epi32(st[4], live, st[4], s.e);
}

INLINE_AVX512 void set_lane(struct srtp_lane *l, const struct srtp_op *op)
{
    size_t rest = srtp_lane_begin(l, op);
    __mmask64 m = _bzhi_u64(~UINT64_C(0), (unsigned)rest);
    _mm512_store_si512(l->tail, _mm512_maskz_loadu_epi8(m, l->p + BLOCK * l->whole));
    _mm512_store_si512(l->tail + BLOCK, _mm512_setzero_si512());
    srtp_lane_end(l, op, rest);
}

/* The states behind both pads of the key of each lane. */
INLINE_AVX512 void load_states(__m512i inner[STATE], __m512i outer[STATE],
                               struct srtp_op *const *ops, size_t n)
{
    __m512i w[WORDS];
    UNROLL
    for (size_t i = 0; i < LANES; i++)
        w[i] =
            _mm512_maskz_loadu_epi32((1 << 2 * STATE) - 1, &ops[i < n ? i : 0]->key->mac);
    transpose(w);
    UNROLL
    for (int i = 0; i < STATE; i++) {
        inner[i] = w[i];
        outer[i] = w[STATE + i];
    }
}

INLINE_AVX512 void hash_lanes(__m512i st[STATE], const struct srtp_lane l[LANES])
{
    const __m512i swap = _mm512_broadcast_i32x4(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    struct srtp_lanes_span span = srtp_lanes_span(l, LANES);
    const uint8_t *at[LANES];
    unsigned live = srtp_lanes_aim(l, LANES, 0, at);
    for (size_t i = 0, off = 0; i < span.most; i++, off += BLOCK) {
        if (i >= span.common) {
            live = srtp_lanes_aim(l, LANES, i, at);
            off = 0;
        }
        __m512i w[WORDS];
        UNROLL
        for (int k = 0; k < WORDS; k++)
            w[k] = _mm512_shuffle_epi8(_mm512_loadu_si512(at[k] + off), swap);
        transpose(w);
        compress(st, w, (__mmask16)live);
    }
}

AVX512 void sl_srtp_hmac16(struct srtp_op *const *ops, size_t n)
{
    struct srtp_lane l[LANES];
    __m512i inner[STATE], outer[STATE], w[WORDS];
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
    w[STATE] = _mm512_set1_epi32((int)0x80000000);
    UNROLL
    for (int i = STATE + 1; i < WORDS - 1; i++)
        w[i] = _mm512_setzero_si512();
    w[WORDS - 1] = _mm512_set1_epi32((BLOCK + SHA1_LEN) * 8);
    compress(outer, w, 0xffff);

    uint32_t tag[3][LANES];
    for (int i = 0; i < 3; i++)
        _mm512_storeu_si512(tag[i], outer[i]);
    for (size_t i = 0; i < n; i++)
        srtp_put_tag(ops[i], tag[0][i], tag[1][i], tag[2][i]);
}
