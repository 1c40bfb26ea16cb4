#include "crypto/srtp_avx512.h"

enum { BLOCK = 64, WORDS = 16, STATE = 5, TAIL = 2 * BLOCK };

/* Truth tables of three inputs, for vpternlogd. */
enum { CHOOSE = 0xca, PARITY = 0x96, MAJORITY = 0xe8 };

/* Turns 16 rows of 16 words, a row for each lane, into 16 columns: word i of all lanes. */
INLINE void transpose(__m512i w[WORDS])
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
INLINE void expand(__m512i w[WORDS], int t)
{
    __m512i x = _mm512_ternarylogic_epi32(w[(t - 3) & 15], w[(t - 8) & 15],
                                          w[(t - 14) & 15], PARITY);
    w[t & 15] = _mm512_rol_epi32(_mm512_xor_si512(x, w[t & 15]), 1);
}

struct state {
    __m512i a, b, c, d, e;
};

/* From one round to the next only a's rotation and one addition have to wait for each other.
 * GCC would put the sum in another order, and three additions on that way: the empty asm
 * keeps it from looking inside. (f is an immediate operand, hence a macro.) */
#define ROUND(s, w, f, k)                                                                \
    do {                                                                                 \
        __m512i mix = _mm512_ternarylogic_epi32((s).b, (s).c, (s).d, f);                 \
        __m512i sum =                                                                    \
            _mm512_add_epi32(_mm512_add_epi32((s).e, w), _mm512_add_epi32(mix, k));      \
        __asm__("" : "+v"(sum));                                                         \
        (s).e = (s).d;                                                                   \
        (s).d = (s).c;                                                                   \
        (s).c = _mm512_rol_epi32((s).b, 30);                                             \
        (s).b = (s).a;                                                                   \
        (s).a = _mm512_add_epi32(sum, _mm512_rol_epi32((s).a, 5));                       \
    } while (0)

/* One block of each lane into its state; lanes that are not in live keep theirs. */
INLINE void compress(__m512i st[STATE], __m512i w[WORDS], __mmask16 live)
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

/* What is hashed of a lane: whole blocks where they lie, and the rest in a copy that ends
 * as a message ends. A lane without a packet of its own has no blocks. */
struct lane {
    const uint8_t *p;
    size_t whole, blocks;
    _Alignas(BLOCK) uint8_t tail[TAIL];
};

INLINE void set_lane(struct lane *l, const struct srtp_op *op)
{
    size_t n = (size_t)op->header_n + op->text_n, rest = n % BLOCK;
    uint64_t bits = htobe64((BLOCK + n + sizeof op->word) * 8);
    l->p = op->pkt;
    l->whole = n / BLOCK;
    l->blocks = srtp_sha1_blocks(op);
    __m512i last = _mm512_maskz_loadu_epi8(srtp_mask(rest, 0), l->p + n - rest);
    _mm512_store_si512(l->tail, last);
    _mm512_store_si512(l->tail + BLOCK, _mm512_setzero_si512());
    memcpy(l->tail + rest, &op->word, sizeof op->word);
    l->tail[rest + sizeof op->word] = 0x80;
    memcpy(l->tail + BLOCK * (l->blocks - l->whole) - sizeof bits, &bits, sizeof bits);
}

/* Points at block i of every lane, and tells which lanes still have one. */
static __mmask16 aim(const struct lane l[SRTP_LANES], size_t i,
                     const uint8_t *at[SRTP_LANES])
{
    unsigned live = 0;
    for (unsigned k = 0; k < SRTP_LANES; k++) {
        live |= (unsigned)(i < l[k].blocks) << k;
        if (i < l[k].whole)
            at[k] = l[k].p + BLOCK * i;
        else
            at[k] = i < l[k].blocks ? l[k].tail + BLOCK * (i - l[k].whole) : l[k].tail;
    }
    return (__mmask16)live;
}

/* The states behind both pads of the key of each lane. */
INLINE void load_states(__m512i inner[STATE], __m512i outer[STATE],
                        struct srtp_op *const *ops, size_t n)
{
    __m512i w[WORDS];
    UNROLL
    for (size_t i = 0; i < SRTP_LANES; i++)
        w[i] =
            _mm512_maskz_loadu_epi32((1 << 2 * STATE) - 1, &ops[i < n ? i : 0]->key->mac);
    transpose(w);
    UNROLL
    for (int i = 0; i < STATE; i++) {
        inner[i] = w[i];
        outer[i] = w[STATE + i];
    }
}

INLINE void hash_lanes(__m512i st[STATE], const struct lane l[SRTP_LANES])
{
    const __m512i swap = _mm512_broadcast_i32x4(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    size_t common = l[0].whole, most = l[0].blocks;
    const uint8_t *at[SRTP_LANES];
    for (int k = 1; k < SRTP_LANES; k++) {
        common = l[k].whole < common ? l[k].whole : common;
        most = l[k].blocks > most ? l[k].blocks : most;
    }
    __mmask16 live = aim(l, 0, at);
    for (size_t i = 0, off = 0; i < most; i++, off += BLOCK) {
        if (i >= common) {
            live = aim(l, i, at);
            off = 0;
        }
        __m512i w[WORDS];
        UNROLL
        for (int k = 0; k < WORDS; k++)
            w[k] = _mm512_shuffle_epi8(_mm512_loadu_si512(at[k] + off), swap);
        transpose(w);
        compress(st, w, live);
    }
}

KERNEL void sl_srtp_hmac16(struct srtp_op *const *ops, size_t n)
{
    struct lane l[SRTP_LANES];
    __m512i inner[STATE], outer[STATE], w[WORDS];
    for (size_t i = 0; i < SRTP_LANES; i++) {
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

    uint32_t tag[3][SRTP_LANES];
    for (int i = 0; i < 3; i++)
        _mm512_storeu_si512(tag[i], outer[i]);
    for (size_t i = 0; i < n; i++) {
        uint32_t be[3] = {htobe32(tag[0][i]), htobe32(tag[1][i]), htobe32(tag[2][i])};
        memcpy(ops[i]->tag, be, SRTP_SHA1_TAG);
    }
}
