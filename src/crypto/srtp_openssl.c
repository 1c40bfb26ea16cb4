#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/srtp_backend.h"

/* ---- keys ---- */

struct openssl_key {
    struct srtp_key key;
    EVP_CIPHER_CTX *ctx; /* holds the expanded key; a packet sets its IV only */
};

static EVP_CIPHER_CTX *ctx_of(const struct srtp_key *k)
{
    return ((const struct openssl_key *)(const void *)k)->ctx;
}

static bool usable(void)
{
    return true;
}

static const EVP_CIPHER *cipher_of(enum srtp_profile p)
{
    switch (p) {
    case SRTP_CM_SHA1_80: return EVP_aes_128_ctr();
    case SRTP_GCM_128: return EVP_aes_128_gcm();
    case SRTP_GCM_256: return EVP_aes_256_gcm();
    case SRTP_NONE: break;
    }
    return NULL;
}

static void key_free(struct srtp_key *k)
{
    if (!k)
        return;
    EVP_CIPHER_CTX_free(ctx_of(k));
    sl_wipe(k, sizeof(struct openssl_key));
    free(k);
}

static size_t key_octets(const struct srtp_key *k)
{
    (void)k;
    return sizeof(struct openssl_key);
}

static struct srtp_key *key_new(enum srtp_profile p, const struct srtp_secrets *s,
                                bool rtcp)
{
    (void)rtcp;
    struct openssl_key *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    sl_srtp_key_init(&k->key, p, s);
    k->ctx = EVP_CIPHER_CTX_new();
    if (!k->ctx || !EVP_EncryptInit_ex(k->ctx, cipher_of(p), NULL, s->cipher, NULL)) {
        key_free(&k->key);
        return NULL;
    }
    return &k->key;
}

/* ---- packets ---- */

static const uint8_t *iv_of(const struct srtp_op *op)
{
    return (const uint8_t *)op->iv;
}

/* The text through the cipher; its head may lie elsewhere than the rest. */
static bool update_text(EVP_CIPHER_CTX *c, const struct srtp_op *op)
{
    uint8_t *to = op->pkt + op->header_n;
    int n;
    if (op->text_n <= SRTP_HEAD || op->more == op->text + SRTP_HEAD)
        return EVP_CipherUpdate(c, to, &n, op->text, op->text_n);
    return EVP_CipherUpdate(c, to, &n, op->text, SRTP_HEAD) &&
           EVP_CipherUpdate(c, to + SRTP_HEAD, &n, op->more, op->text_n - SRTP_HEAD);
}

static bool seal_gcm(const struct srtp_op *op)
{
    EVP_CIPHER_CTX *c = ctx_of(op->key);
    int n;
    return EVP_EncryptInit_ex(c, NULL, NULL, NULL, iv_of(op)) &&
           EVP_EncryptUpdate(c, NULL, &n, op->aad, op->aad_n) && update_text(c, op) &&
           EVP_EncryptFinal_ex(c, op->pkt, &n) &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, SRTP_GCM_TAG, op->tag);
}

static bool open_gcm(const struct srtp_op *op)
{
    EVP_CIPHER_CTX *c = ctx_of(op->key);
    int n;
    return EVP_DecryptInit_ex(c, NULL, NULL, NULL, iv_of(op)) &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, SRTP_GCM_TAG, op->tag) &&
           EVP_DecryptUpdate(c, NULL, &n, op->aad, op->aad_n) && update_text(c, op) &&
           EVP_DecryptFinal_ex(c, op->pkt, &n) > 0;
}

static bool cm_text(const struct srtp_op *op)
{
    EVP_CIPHER_CTX *c = ctx_of(op->key);
    return EVP_EncryptInit_ex(c, NULL, NULL, NULL, iv_of(op)) && update_text(c, op);
}

static void seal(struct srtp_op *ops, size_t n)
{
    for (struct srtp_op *op = ops; op < ops + n; op++) {
        if (op->key->profile != SRTP_CM_SHA1_80) {
            op->ok = seal_gcm(op);
            continue;
        }
        op->ok = cm_text(op);
        sl_srtp_hmac(op, op->tag);
    }
}

static bool open(const struct srtp_op *op)
{
    if (op->key->profile != SRTP_CM_SHA1_80)
        return open_gcm(op);
    return sl_srtp_hmac_ok(op) && cm_text(op);
}

const struct srtp_backend sl_srtp_openssl = {
    .name = "openssl",
    .usable = usable,
    .key_new = key_new,
    .key_free = key_free,
    .key_octets = key_octets,
    .seal = seal,
    .open = open,
};
