#include "crypto/srtp_x86.h"

#include <cpuid.h>
#include <stdlib.h>

#include "base/line.h"

/* ---- which CPU ---- */

/* GCC 12 cannot be asked for these two; the registers that they use come with AVX2. */
#define CPUID7_ECX_VAES       (1u << 9)
#define CPUID7_ECX_VPCLMULQDQ (1u << 10)

static bool usable_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") &&
           __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi2");
}

static bool usable_vaes256(void)
{
    unsigned a, b, c = 0, d;
    return usable_avx2() && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (c & CPUID7_ECX_VAES) && (c & CPUID7_ECX_VPCLMULQDQ);
}

static bool usable_avx512(void)
{
#ifdef SRTP_EMULATED
    return usable_avx2();
#endif
    return usable_vaes256() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

/* ---- keys ---- */

/* Room for the largest of them, when a raw one is expanded. */
struct expanded {
    _Alignas(struct srtp_x86_key)
        uint8_t room[sizeof(struct srtp_x86_key) +
                     (SRTP_POWERS + SRTP_ROUNDS_MAX + 1) * sizeof(__m128i)];
};

static const struct srtp_x86_key *own(const struct srtp_key *k)
{
    return (const struct srtp_x86_key *)(const void *)k;
}

static size_t key_size(enum srtp_profile p, bool raw)
{
    size_t blocks = raw ? SRTP_KEY_MAX / 16 : srtp_powers(p) + (size_t)srtp_rounds(p) + 1;
    return sizeof(struct srtp_x86_key) + blocks * sizeof(__m128i);
}

static size_t key_octets(const struct srtp_key *k)
{
    return key_size(k->profile, k->raw);
}

static struct srtp_key *key_new(enum srtp_profile p, const struct srtp_secrets *s,
                                bool rtcp)
{
    struct srtp_x86_key *k = line_new(key_size(p, rtcp));
    if (!k)
        return NULL;
    sl_srtp_key_init(&k->key, p, s);
    k->key.raw = rtcp;
    if (rtcp)
        memcpy(k->block, s->cipher, SRTP_KEY_MAX);
    else
        sl_srtp_aesni_expand(k, s->cipher, SRTP_POWERS);
    return &k->key;
}

static void key_free(struct srtp_key *k)
{
    if (k)
        sl_wipe(k, key_octets(k));
    free(k);
}

/* ---- packets ---- */

enum { BLOCKS_MAX = (SRTP_PKT_MAX + 9 + 63) / 64 }; /* SHA-1 blocks of a packet */

/* The highest power of H that this takes. */
static size_t powers_for(const struct srtp_op *op)
{
    size_t text = (size_t)op->text_n / 16 + 2, n = text + ((size_t)op->aad_n + 15) / 16;
    return text > SRTP_POWERS - 4 || n > SRTP_POWERS ? SRTP_POWERS : n;
}

/* The key of op, expanded into room if it is kept raw. */
static const struct srtp_x86_key *take_key(const struct srtp_op *op,
                                           struct expanded *room)
{
    const struct srtp_x86_key *k = own(op->key);
    if (!k->key.raw)
        return k;
    struct srtp_x86_key *e = (struct srtp_x86_key *)(void *)room;
    e->key = k->key;
    sl_srtp_aesni_expand(e, (const uint8_t *)k->block, powers_for(op));
    return e;
}

static void give_key(const struct srtp_op *op, struct expanded *room)
{
    if (op->key->raw)
        sl_wipe(room, sizeof *room);
}

static void cm_text(const struct srtp_kernels *k, const struct srtp_op *op)
{
    struct expanded room;
    k->ctr(op, take_key(op, &room), 0);
    give_key(op, &room);
}

static void gcm_seal(const struct srtp_kernels *k, const struct srtp_op *op)
{
    struct expanded room;
    k->seal(op, take_key(op, &room));
    give_key(op, &room);
}

static bool gcm_open(const struct srtp_kernels *k, const struct srtp_op *op)
{
    struct expanded room;
    bool ok = k->open(op, take_key(op, &room));
    give_key(op, &room);
    return ok;
}

/* How many packets, the longest of n, are better hashed one by one. */
static size_t alone(const struct srtp_kernels *k, struct srtp_op *const *ops, size_t n)
{
    size_t sum = 0, least = SIZE_MAX, best = 0;
    for (size_t i = 0; i <= n; i++) {
        size_t blocks = i < n ? srtp_sha1_blocks(ops[i]) : 0;
        size_t cost = sum + k->lanes_cost * blocks;
        if (cost < least) {
            least = cost;
            best = i;
        }
        sum += blocks;
    }
    return best;
}

/* Sorted by length, the longest first, so that lanes that run together end together. */
static void sort(struct srtp_op **to, struct srtp_op *const *ops, size_t n)
{
    uint8_t at[BLOCKS_MAX + 2] = {0};
    for (size_t i = 0; i < n; i++)
        at[BLOCKS_MAX - srtp_sha1_blocks(ops[i]) + 1]++;
    for (size_t i = 1; i <= BLOCKS_MAX; i++)
        at[i] = (uint8_t)(at[i] + at[i - 1]);
    for (size_t i = 0; i < n; i++)
        to[at[BLOCKS_MAX - srtp_sha1_blocks(ops[i])]++] = ops[i];
}

static void cm_seal(const struct srtp_kernels *k, struct srtp_op *const *unsorted,
                    size_t n)
{
    struct srtp_op *all[SRTP_BATCH], **ops = all;
    sort(all, unsorted, n);
    while (n > 0) {
        size_t lanes = n < k->lanes ? n : k->lanes, single = alone(k, ops, lanes);
        size_t m = single > 0 ? single : lanes;
        for (size_t i = 0; i < m; i++) {
            cm_text(k, ops[i]);
            if (single > 0)
                sl_srtp_hmac(ops[i], ops[i]->tag);
        }
        if (single == 0)
            k->hmac(ops, lanes);
        ops += m;
        n -= m;
    }
}

static void seal(const struct srtp_kernels *k, struct srtp_op *ops, size_t n)
{
    struct srtp_op *cm[SRTP_BATCH];
    size_t cms = 0;
    for (struct srtp_op *op = ops; op < ops + n; op++) {
        op->ok = true;
        if (op->key->profile == SRTP_CM_SHA1_80)
            cm[cms++] = op;
        else
            gcm_seal(k, op);
    }
    if (cms > 0)
        cm_seal(k, cm, cms);
}

static bool open(const struct srtp_kernels *k, const struct srtp_op *op)
{
    if (op->key->profile != SRTP_CM_SHA1_80)
        return gcm_open(k, op);
    if (!sl_srtp_hmac_ok(op))
        return false;
    cm_text(k, op);
    return true;
}

/* ---- AVX2 ---- */

static const struct srtp_kernels avx2 = {
    .ctr = sl_srtp_aesni_ctr,
    .seal = sl_srtp_aesni_seal,
    .open = sl_srtp_aesni_open,
    .hmac = sl_srtp_hmac8,
    .lanes = 8,
    .lanes_cost = 4,
};

static void seal_avx2(struct srtp_op *ops, size_t n)
{
    seal(&avx2, ops, n);
}

static bool open_avx2(const struct srtp_op *op)
{
    return open(&avx2, op);
}

const struct srtp_backend sl_srtp_avx2 = {
    .name = "avx2",
    .usable = usable_avx2,
    .key_new = key_new,
    .key_free = key_free,
    .key_octets = key_octets,
    .seal = seal_avx2,
    .open = open_avx2,
};

/* ---- AVX2 with VAES ---- */

static const struct srtp_kernels vaes256 = {
    .ctr = sl_srtp_vaes256_ctr,
    .seal = sl_srtp_vaes256_seal,
    .open = sl_srtp_vaes256_open,
    .hmac = sl_srtp_hmac8,
    .lanes = 8,
    .lanes_cost = 4,
};

static void seal_vaes256(struct srtp_op *ops, size_t n)
{
    seal(&vaes256, ops, n);
}

static bool open_vaes256(const struct srtp_op *op)
{
    return open(&vaes256, op);
}

const struct srtp_backend sl_srtp_vaes256 = {
    .name = "vaes256",
    .usable = usable_vaes256,
    .key_new = key_new,
    .key_free = key_free,
    .key_octets = key_octets,
    .seal = seal_vaes256,
    .open = open_vaes256,
};

/* ---- AVX-512 ---- */

static const struct srtp_kernels avx512 = {
    .ctr = sl_srtp_vaes_ctr,
    .seal = sl_srtp_vaes_seal,
    .open = sl_srtp_vaes_open,
    .hmac = sl_srtp_hmac16,
    .lanes = 16,
    .lanes_cost = 4,
};

static void seal_avx512(struct srtp_op *ops, size_t n)
{
    seal(&avx512, ops, n);
}

static bool open_avx512(const struct srtp_op *op)
{
    return open(&avx512, op);
}

const struct srtp_backend sl_srtp_avx512 = {
    .name = "avx512",
    .usable = usable_avx512,
    .key_new = key_new,
    .key_free = key_free,
    .key_octets = key_octets,
    .seal = seal_avx512,
    .open = open_avx512,
};
