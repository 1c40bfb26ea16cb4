#include "crypto/srtp_avx512.h"

#include <cpuid.h>
#include <stdlib.h>

#include "base/line.h"

/* ---- which CPU ---- */

/* GCC 12 cannot be asked for these two; the registers that they use come with AVX-512. */
#define CPUID7_ECX_VAES       (1u << 9)
#define CPUID7_ECX_VPCLMULQDQ (1u << 10)

static bool usable(void)
{
    unsigned a, b, c = 0, d;
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
           __builtin_cpu_supports("bmi2") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (c & CPUID7_ECX_VAES) && (c & CPUID7_ECX_VPCLMULQDQ);
}

/* ---- keys ---- */

/* Room for the largest of them, when a raw one is expanded. */
struct expanded {
    _Alignas(struct srtp_avx512_key)
        uint8_t room[sizeof(struct srtp_avx512_key) +
                     (SRTP_POWERS + SRTP_ROUNDS_MAX + 1) * sizeof(__m128i)];
};

static size_t key_size(enum srtp_profile p, bool raw)
{
    size_t blocks = raw ? SRTP_KEY_MAX / 16 : srtp_powers(p) + (size_t)srtp_rounds(p) + 1;
    return sizeof(struct srtp_avx512_key) + blocks * sizeof(__m128i);
}

static size_t key_octets(const struct srtp_key *k)
{
    return key_size(k->profile, k->raw);
}

static struct srtp_key *key_new(enum srtp_profile p, const struct srtp_secrets *s,
                                bool rtcp)
{
    struct srtp_avx512_key *k = line_new(key_size(p, rtcp));
    if (!k)
        return NULL;
    sl_srtp_key_init(&k->key, p, s);
    k->key.raw = rtcp;
    if (rtcp)
        memcpy(k->block, s->cipher, SRTP_KEY_MAX);
    else
        sl_srtp_vaes_expand(k, s->cipher, SRTP_POWERS);
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

/* The key of op, expanded into room if it is kept raw. */
static const struct srtp_avx512_key *take_key(const struct srtp_op *op,
                                              struct expanded *room)
{
    const struct srtp_avx512_key *k = srtp_own(op->key);
    if (!k->key.raw)
        return k;
    struct srtp_avx512_key *e = (struct srtp_avx512_key *)(void *)room;
    e->key = k->key;
    sl_srtp_vaes_expand(e, (const uint8_t *)k->block, srtp_powers_for(op));
    return e;
}

static void give_key(const struct srtp_op *op, struct expanded *room)
{
    if (op->key->raw)
        sl_wipe(room, sizeof *room);
}

static void cm_text(const struct srtp_op *op)
{
    struct expanded room;
    sl_srtp_vaes_ctr(op, take_key(op, &room), 0);
    give_key(op, &room);
}

static void gcm_seal(const struct srtp_op *op)
{
    struct expanded room;
    sl_srtp_vaes_seal(op, take_key(op, &room));
    give_key(op, &room);
}

static bool gcm_open(const struct srtp_op *op)
{
    struct expanded room;
    bool ok = sl_srtp_vaes_open(op, take_key(op, &room));
    give_key(op, &room);
    return ok;
}

/* How many packets, the longest of n, are better hashed one by one: 16 lanes take as long
 * as their longest, and that is as long as LANES_COST of its kind would, each alone. */
static size_t alone(struct srtp_op *const *ops, size_t n)
{
    enum { LANES_COST = 4 };
    size_t sum = 0, least = SIZE_MAX, best = 0;
    for (size_t i = 0; i <= n; i++) {
        size_t blocks = i < n ? srtp_sha1_blocks(ops[i]) : 0;
        size_t cost = sum + LANES_COST * blocks;
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

static void cm_seal(struct srtp_op *const *unsorted, size_t n)
{
    struct srtp_op *all[SRTP_BATCH], **ops = all;
    sort(all, unsorted, n);
    while (n > 0) {
        size_t lanes = n < SRTP_LANES ? n : SRTP_LANES, single = alone(ops, lanes);
        size_t m = single > 0 ? single : lanes;
        for (size_t i = 0; i < m; i++) {
            cm_text(ops[i]);
            if (single > 0)
                sl_srtp_hmac(ops[i], ops[i]->tag);
        }
        if (single == 0)
            sl_srtp_hmac16(ops, lanes);
        ops += m;
        n -= m;
    }
}

static void seal(struct srtp_op *ops, size_t n)
{
    struct srtp_op *cm[SRTP_BATCH];
    size_t cms = 0;
    for (struct srtp_op *op = ops; op < ops + n; op++) {
        op->ok = true;
        if (op->key->profile == SRTP_CM_SHA1_80)
            cm[cms++] = op;
        else
            gcm_seal(op);
    }
    cm_seal(cm, cms);
}

static bool open(const struct srtp_op *op)
{
    if (op->key->profile != SRTP_CM_SHA1_80)
        return gcm_open(op);
    if (!sl_srtp_hmac_ok(op))
        return false;
    cm_text(op);
    return true;
}

const struct srtp_backend sl_srtp_avx512 = {
    .name = "avx512",
    .usable = usable,
    .key_new = key_new,
    .key_free = key_free,
    .key_octets = key_octets,
    .seal = seal,
    .open = open,
};
