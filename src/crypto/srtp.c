#include "crypto/srtp.h"

#include <openssl/evp.h>
#include <string.h>

#include "crypto/srtp_backend.h"

static const struct {
    const char *name;
    size_t key_n, salt_n, tag_n;
} profiles[] = {
    [SRTP_NONE] = {"none", 0, 0, 0},
    [SRTP_CM_SHA1_80] = {"SRTP_AES128_CM_SHA1_80", 16, 14, SRTP_SHA1_TAG},
    [SRTP_GCM_128] = {"SRTP_AEAD_AES_128_GCM", 16, 12, SRTP_GCM_TAG},
    [SRTP_GCM_256] = {"SRTP_AEAD_AES_256_GCM", 32, 12, SRTP_GCM_TAG},
};

size_t sl_srtp_key_len(enum srtp_profile p)
{
    return profiles[p].key_n;
}

size_t sl_srtp_salt_len(enum srtp_profile p)
{
    return profiles[p].salt_n;
}

size_t sl_srtp_tag_len(enum srtp_profile p)
{
    return profiles[p].tag_n;
}

const char *sl_srtp_name(enum srtp_profile p)
{
    return profiles[p].name;
}

/* ---- back ends ---- */

/* The fastest first. */
static const struct srtp_backend *const backends[] = {
#if defined(__x86_64__)
    &sl_srtp_avx512,  &sl_srtp_vaes256,
    &sl_srtp_avx2,
#endif
    &sl_srtp_openssl, NULL,
};

const struct srtp_backend *sl_srtp_backend_best(void)
{
    const struct srtp_backend *const *b = backends;
    while (*b && !(*b)->usable())
        b++;
    return *b;
}

const struct srtp_backend *sl_srtp_backend(const char *name)
{
    const struct srtp_backend *const *b = backends;
    while (*b && strcmp((*b)->name, name) != 0)
        b++;
    return *b && (*b)->usable() ? *b : NULL;
}

const char *sl_srtp_backend_name(const struct srtp_backend *b)
{
    return b->name;
}

/* ---- keys ---- */

/* RFC 3711 §4.3.3, with a key derivation rate of 0: the key stream of AES under the master
 * key, from the block where label was added to the salt. A salt of 96 bits is followed by
 * 16 zeros (RFC 7714 §11). */
enum err sl_srtp_derive(const struct srtp_master *m, unsigned label, uint8_t *ret,
                        size_t n)
{
    uint8_t iv[16] = {0};
    memcpy(iv, m->salt, sl_srtp_salt_len(m->profile));
    iv[7] ^= (uint8_t)label;
    memset(ret, 0, n);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *aes =
        sl_srtp_key_len(m->profile) == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    int done;
    bool ok = c && EVP_EncryptInit_ex(c, aes, NULL, m->key, iv) &&
              EVP_EncryptUpdate(c, ret, &done, ret, (int)n);
    EVP_CIPHER_CTX_free(c);
    return ok ? E_OK : E_CRYPTO;
}

static enum err derive(const struct srtp_master *m, unsigned first,
                       struct srtp_secrets *ret)
{
    enum err e = sl_srtp_derive(m, first + SRTP_LABEL_CIPHER, ret->cipher,
                                sl_srtp_key_len(m->profile));
    if (e == E_OK)
        e = sl_srtp_derive(m, first + SRTP_LABEL_AUTH, ret->auth, sizeof ret->auth);
    if (e == E_OK)
        e = sl_srtp_derive(m, first + SRTP_LABEL_SALT, ret->salt,
                           sl_srtp_salt_len(m->profile));
    return e;
}

enum err sl_srtp_pair_make(struct srtp_pair *ret, const struct srtp_backend *b,
                           enum srtp_profile p, const struct srtp_secrets *rtp,
                           const struct srtp_secrets *rtcp)
{
    struct srtp_pair pair = {.backend = b,
                             .rtp = b->key_new(p, rtp, false),
                             .rtcp = b->key_new(p, rtcp, true)};
    if (!pair.rtp || !pair.rtcp) {
        sl_srtp_pair_fini(&pair);
        return E_MEMORY;
    }
    *ret = pair;
    return E_OK;
}

enum err sl_srtp_pair_init(struct srtp_pair *ret, const struct srtp_backend *b,
                           const struct srtp_master *m)
{
    struct srtp_secrets s[2] = {0};
    enum err e = derive(m, 0, &s[0]);
    if (e == E_OK)
        e = derive(m, SRTP_LABEL_RTCP, &s[1]);
    if (e == E_OK)
        e = sl_srtp_pair_make(ret, b, m->profile, &s[0], &s[1]);
    sl_wipe(s, sizeof s);
    return e;
}

void sl_srtp_pair_fini(struct srtp_pair *pair)
{
    pair->backend->key_free(pair->rtp);
    pair->backend->key_free(pair->rtcp);
}

/* ---- packets ---- */

/* GCM has the word behind the tag and in the AAD (RFC 7714 §9.2), HMAC before the tag
 * (RFC 3711 §3.4). */
uint8_t *sl_srtp_lay_rtcp(struct srtp_op *op, const struct srtp_key *k, uint8_t *pkt,
                          size_t n, uint32_t index,
                          uint8_t aad[SRTP_RTCP_HEADER + SRTP_RTCP_WORD])
{
    bool cm = k->profile == SRTP_CM_SHA1_80;
    *op = (struct srtp_op){
        .key = k,
        .pkt = pkt,
        .text = pkt + SRTP_RTCP_HEADER,
        .more = pkt + SRTP_RTCP_HEADER + SRTP_HEAD,
        .aad = aad,
        .tag = pkt + n + (cm ? SRTP_RTCP_WORD : 0),
        .word = htobe32(SRTCP_E_FLAG | index),
        .header_n = SRTP_RTCP_HEADER,
        .text_n = (uint16_t)(n - SRTP_RTCP_HEADER),
        .aad_n = SRTP_RTCP_HEADER + SRTP_RTCP_WORD,
    };
    memcpy(aad, pkt, SRTP_RTCP_HEADER);
    memcpy(aad + SRTP_RTCP_HEADER, &op->word, SRTP_RTCP_WORD);
    srtp_set_iv(op, srtp_u32(pkt + 4), index);
    return cm ? pkt + n : pkt + n + SRTP_GCM_TAG;
}

void sl_srtp_key_init(struct srtp_key *k, enum srtp_profile p,
                      const struct srtp_secrets *s)
{
    *k = (struct srtp_key){
        .profile = p,
        .mac = sl_hmac_sha1_of((struct span){s->auth, sizeof s->auth}),
    };
    memcpy(k->salt, s->salt, sl_srtp_salt_len(p));
}

void sl_srtp_hmac(const struct srtp_op *op, uint8_t tag[SRTP_SHA1_TAG])
{
    uint8_t digest[SHA1_LEN];
    const struct span parts[] = {
        {op->pkt, (size_t)op->header_n + op->text_n},
        {(const uint8_t *)&op->word, sizeof op->word},
    };
    sl_hmac_sha1(&op->key->mac, parts, 2, digest);
    memcpy(tag, digest, SRTP_SHA1_TAG);
}

bool sl_srtp_hmac_ok(const struct srtp_op *op)
{
    uint8_t tag[SRTP_SHA1_TAG];
    sl_srtp_hmac(op, tag);
    return sl_secret_eq((struct span){tag, sizeof tag},
                        (struct span){op->tag, sizeof tag});
}
