/* The EVP interface would allocate for each use, and cost more than the two blocks that a
 * STUN message has: so the older one. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>

enum { BLOCK = 64, IPAD = 0x36, OPAD = 0x5c };

void sl_sha1(const struct span *parts, size_t n, uint8_t ret[SHA1_LEN])
{
    SHA_CTX c;
    SHA1_Init(&c);
    for (size_t i = 0; i < n; i++)
        SHA1_Update(&c, parts[i].p, parts[i].n);
    SHA1_Final(ret, &c);
}

void sl_sha256(const struct span *parts, size_t n, uint8_t ret[SHA256_LEN])
{
    SHA256_CTX c;
    SHA256_Init(&c);
    for (size_t i = 0; i < n; i++)
        SHA256_Update(&c, parts[i].p, parts[i].n);
    SHA256_Final(ret, &c);
}

static void pad(uint8_t block[BLOCK], uint8_t with)
{
    for (size_t i = 0; i < BLOCK; i++)
        block[i] ^= with;
}

/* ---- SHA-1 ---- */

static void sha1_save(const SHA_CTX *c, uint32_t state[5])
{
    memcpy(state, (uint32_t[]){c->h0, c->h1, c->h2, c->h3, c->h4}, sizeof(uint32_t) * 5);
}

/* Behind one block: the padded key. */
static SHA_CTX sha1_resume(const uint32_t state[5])
{
    return (SHA_CTX){.h0 = state[0],
                     .h1 = state[1],
                     .h2 = state[2],
                     .h3 = state[3],
                     .h4 = state[4],
                     .Nl = BLOCK * 8};
}

struct hmac_sha1 sl_hmac_sha1_of(struct span key)
{
    struct hmac_sha1 h = {0};
    uint8_t block[BLOCK] = {0};
    SHA_CTX c;
    if (key.n > BLOCK)
        SHA1(key.p, key.n, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);

    pad(block, IPAD);
    SHA1_Init(&c);
    SHA1_Update(&c, block, sizeof block);
    sha1_save(&c, h.inner);
    pad(block, IPAD ^ OPAD);
    SHA1_Init(&c);
    SHA1_Update(&c, block, sizeof block);
    sha1_save(&c, h.outer);
    sl_wipe(block, sizeof block);
    return h;
}

void sl_hmac_sha1(const struct hmac_sha1 *key, const struct span *parts, size_t n,
                  uint8_t ret[SHA1_LEN])
{
    SHA_CTX c = sha1_resume(key->inner);
    for (size_t i = 0; i < n; i++)
        SHA1_Update(&c, parts[i].p, parts[i].n);
    SHA1_Final(ret, &c);
    c = sha1_resume(key->outer);
    SHA1_Update(&c, ret, SHA1_LEN);
    SHA1_Final(ret, &c);
}

/* ---- SHA-256 ---- */

static SHA256_CTX sha256_resume(const uint32_t state[8])
{
    SHA256_CTX c = {.Nl = BLOCK * 8, .md_len = SHA256_LEN};
    memcpy(c.h, state, sizeof c.h);
    return c;
}

struct hmac_sha256 sl_hmac_sha256_of(struct span key)
{
    struct hmac_sha256 h = {0};
    uint8_t block[BLOCK] = {0};
    SHA256_CTX c;
    if (key.n > BLOCK)
        SHA256(key.p, key.n, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);

    pad(block, IPAD);
    SHA256_Init(&c);
    SHA256_Update(&c, block, sizeof block);
    memcpy(h.inner, c.h, sizeof h.inner);
    pad(block, IPAD ^ OPAD);
    SHA256_Init(&c);
    SHA256_Update(&c, block, sizeof block);
    memcpy(h.outer, c.h, sizeof h.outer);
    sl_wipe(block, sizeof block);
    return h;
}

void sl_hmac_sha256(const struct hmac_sha256 *key, const struct span *parts, size_t n,
                    uint8_t ret[SHA256_LEN])
{
    SHA256_CTX c = sha256_resume(key->inner);
    for (size_t i = 0; i < n; i++)
        SHA256_Update(&c, parts[i].p, parts[i].n);
    SHA256_Final(ret, &c);
    c = sha256_resume(key->outer);
    SHA256_Update(&c, ret, SHA256_LEN);
    SHA256_Final(ret, &c);
}

/* ---- CRC-32 ---- */

/* The division is linear: the remainder of an octet is the sum of its bits' remainders. */
#define BIT(i, b, crc) ((i) & (b) ? (crc) : 0u)
#define CRC(i)                                                                           \
    (BIT(i, 0x01, 0x77073096u) ^ BIT(i, 0x02, 0xee0e612cu) ^ BIT(i, 0x04, 0x076dc419u) ^ \
     BIT(i, 0x08, 0x0edb8832u) ^ BIT(i, 0x10, 0x1db71064u) ^ BIT(i, 0x20, 0x3b6e20c8u) ^ \
     BIT(i, 0x40, 0x76dc4190u) ^ BIT(i, 0x80, 0xedb88320u))
#define CRC4(i)  CRC(i), CRC((i) + 1), CRC((i) + 2), CRC((i) + 3)
#define CRC16(i) CRC4(i), CRC4((i) + 4), CRC4((i) + 8), CRC4((i) + 12)
#define CRC64(i) CRC16(i), CRC16((i) + 16), CRC16((i) + 32), CRC16((i) + 48)

static const uint32_t crcs[256] = {CRC64(0), CRC64(64), CRC64(128), CRC64(192)};

uint32_t sl_crc32(struct span in)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < in.n; i++)
        crc = crc >> 8 ^ crcs[(crc ^ in.p[i]) & 0xff];
    return ~crc;
}

/* ---- secrets ---- */

bool sl_secret_eq(struct span a, struct span b)
{
    return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

void sl_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

void sl_random(void *p, size_t n)
{
    for (uint8_t *at = p; n > 0;) {
        int take = n < 4096 ? (int)n : 4096;
        if (RAND_bytes(at, take) != 1)
            abort();
        at += take;
        n -= (size_t)take;
    }
}
