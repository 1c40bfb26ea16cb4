#pragma once

/*
 * The instructions of AVX-512, VAES and VPCLMULQDQ that srtp_vaes.c and srtp_sha1x16.c use, done
 * by AVX2's: so that their tests run on CPUs that have not got them. Slow, and for tests alone.
 */

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* Not inline: these are called thousands of times, and the kernels become one function each. */
#define EMULATED __attribute__((target("avx2,aes,pclmul,bmi2"), noinline, unused)) static

/* Reserved names are what this is for. NOLINTBEGIN(bugprone-reserved-identifier) */

union emulated {
    __m128i part[4];
    uint32_t word[16];
    uint8_t octet[64];
};

#define __m512i union emulated

/* ---- of two vectors, part by part ---- */

#define EMULATE_PARTS(name, op)                                                          \
    EMULATED __m512i name(__m512i a, __m512i b)                                          \
    {                                                                                    \
        for (int i = 0; i < 4; i++)                                                      \
            a.part[i] = op(a.part[i], b.part[i]);                                        \
        return a;                                                                        \
    }
EMULATE_PARTS(emulated_add, _mm_add_epi32)
EMULATE_PARTS(emulated_aesenc, _mm_aesenc_si128)
EMULATE_PARTS(emulated_aesenclast, _mm_aesenclast_si128)
EMULATE_PARTS(emulated_shuffle, _mm_shuffle_epi8)
EMULATE_PARTS(emulated_low32, _mm_unpacklo_epi32)
EMULATE_PARTS(emulated_high32, _mm_unpackhi_epi32)
EMULATE_PARTS(emulated_low64, _mm_unpacklo_epi64)
EMULATE_PARTS(emulated_high64, _mm_unpackhi_epi64)
EMULATE_PARTS(emulated_xor, _mm_xor_si128)

#define _mm512_add_epi32         emulated_add
#define _mm512_aesenc_epi128     emulated_aesenc
#define _mm512_aesenclast_epi128 emulated_aesenclast
#define _mm512_shuffle_epi8      emulated_shuffle
#define _mm512_unpacklo_epi32    emulated_low32
#define _mm512_unpackhi_epi32    emulated_high32
#define _mm512_unpacklo_epi64    emulated_low64
#define _mm512_unpackhi_epi64    emulated_high64
#define _mm512_xor_si512         emulated_xor

/* halves: an immediate operand, hence a macro for each of the four. */
#define LOW_LOW(a, b)   _mm_clmulepi64_si128(a, b, 0x00)
#define HIGH_LOW(a, b)  _mm_clmulepi64_si128(a, b, 0x01)
#define LOW_HIGH(a, b)  _mm_clmulepi64_si128(a, b, 0x10)
#define HIGH_HIGH(a, b) _mm_clmulepi64_si128(a, b, 0x11)
EMULATE_PARTS(emulated_clmul00, LOW_LOW)
EMULATE_PARTS(emulated_clmul01, HIGH_LOW)
EMULATE_PARTS(emulated_clmul10, LOW_HIGH)
EMULATE_PARTS(emulated_clmul11, HIGH_HIGH)

EMULATED __m512i emulated_clmul(__m512i a, __m512i b, int halves)
{
    switch (halves) {
    case 0x00: return emulated_clmul00(a, b);
    case 0x01: return emulated_clmul01(a, b);
    case 0x10: return emulated_clmul10(a, b);
    default: return emulated_clmul11(a, b);
    }
}
#define _mm512_clmulepi64_epi128 emulated_clmul

/* Two parts of a, two of b: two bits of which for each. */
EMULATED __m512i emulated_shuffle128(__m512i a, __m512i b, int which)
{
    return (__m512i){.part = {a.part[which & 3], a.part[which >> 2 & 3],
                              b.part[which >> 4 & 3], b.part[which >> 6 & 3]}};
}
#define _mm512_shuffle_i32x4 emulated_shuffle128

/* ---- words ---- */

EMULATED __m512i emulated_rol(__m512i a, int n)
{
    for (int i = 0; i < 16; i++)
        a.word[i] = a.word[i] << n | a.word[i] >> (32 - n);
    return a;
}
#define _mm512_rol_epi32 emulated_rol

EMULATED __m512i emulated_set1(int x)
{
    __m512i a;
    for (int i = 0; i < 16; i++)
        a.word[i] = (uint32_t)x;
    return a;
}
#define _mm512_set1_epi32      emulated_set1
#define _mm512_setzero_si512() emulated_set1(0)

/* A truth table of three inputs: bit 4 * a + 2 * b + c of it. */
EMULATED __m512i emulated_ternary(__m512i a, __m512i b, __m512i c, int table)
{
    __m512i r = emulated_set1(0);
    for (int in = 0; in < 8; in++)
        for (int i = 0; i < 16 && table >> in & 1; i++)
            r.word[i] |= (in & 4 ? a.word[i] : ~a.word[i]) &
                         (in & 2 ? b.word[i] : ~b.word[i]) &
                         (in & 1 ? c.word[i] : ~c.word[i]);
    return r;
}
#define _mm512_ternarylogic_epi32 emulated_ternary

EMULATED __m512i emulated_mask_add(__m512i keep, uint16_t mask, __m512i a, __m512i b)
{
    for (int i = 0; i < 16; i++)
        keep.word[i] = mask >> i & 1 ? a.word[i] + b.word[i] : keep.word[i];
    return keep;
}
#define _mm512_mask_add_epi32 emulated_mask_add

/* ---- memory ---- */

EMULATED __m512i emulated_load(const void *p)
{
    __m512i a;
    memcpy(&a, p, sizeof a);
    return a;
}
#define _mm512_loadu_si512 emulated_load

EMULATED void emulated_store(void *p, __m512i a)
{
    memcpy(p, &a, sizeof a);
}
#define _mm512_store_si512  emulated_store
#define _mm512_storeu_si512 emulated_store

EMULATED __m512i emulated_load_words(uint16_t mask, const void *p)
{
    __m512i a = emulated_set1(0);
    for (size_t i = 0; i < 16; i++)
        if (mask >> i & 1)
            memcpy(&a.word[i], (const uint8_t *)p + 4 * i, 4);
    return a;
}
#define _mm512_maskz_loadu_epi32 emulated_load_words

EMULATED __m512i emulated_load_octets(uint64_t mask, const void *p)
{
    __m512i a = emulated_set1(0);
    for (int i = 0; i < 64; i++)
        if (mask >> i & 1)
            a.octet[i] = ((const uint8_t *)p)[i];
    return a;
}
#define _mm512_maskz_loadu_epi8 emulated_load_octets

EMULATED __m512i emulated_mask(uint64_t mask, __m512i a)
{
    return emulated_load_octets(mask, &a);
}
#define _mm512_maskz_mov_epi8 emulated_mask

EMULATED void emulated_store_octets(void *p, uint64_t mask, __m512i a)
{
    for (int i = 0; i < 64; i++)
        if (mask >> i & 1)
            ((uint8_t *)p)[i] = a.octet[i];
}
#define _mm512_mask_storeu_epi8 emulated_store_octets

/* ---- to vectors of other sizes, and from them ---- */

EMULATED __m512i emulated_broadcast(__m128i x)
{
    return (__m512i){.part = {x, x, x, x}};
}
#define _mm512_broadcast_i32x4 emulated_broadcast

EMULATED __m512i emulated_extend(__m128i x)
{
    __m128i z = _mm_setzero_si128();
    return (__m512i){.part = {x, z, z, z}};
}
#define _mm512_zextsi128_si512 emulated_extend

EMULATED __m256i emulated_half(__m512i a, int high)
{
    return high ? _mm256_set_m128i(a.part[3], a.part[2])
                : _mm256_set_m128i(a.part[1], a.part[0]);
}
#define _mm512_castsi512_si128(a) (a).part[0]
#define _mm512_castsi512_si256(a) emulated_half(a, 0)
#define _mm512_extracti64x4_epi64 emulated_half

/* NOLINTEND(bugprone-reserved-identifier) */
