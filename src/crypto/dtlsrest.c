#include "crypto/dtlsrest.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "crypto/hash.h"

enum {
    RANDOM_N = 32,
    MASTER_N = 48,
    GCM_SALT_N = 4, /* of the nonce; the rest stands in the record: RFC 5288 §3 */
    EXPLICIT_N = 8,
    TAG_N = 16,
    HEADER_N = 13,
    SEQUENCE_AT = 3, /* epoch and number, in a record's header */
    SEQUENCE_N = 8,
    ALERT_N = 2,
    PLAIN_MAX = 64, /* a Finished has 24 */
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    ALERT_CLOSE_NOTIFY = 0,
    ALERT_FATAL = 2,
};

struct lengths {
    const EVP_CIPHER *cipher;
    size_t key, iv, explicit;
};

static struct lengths lengths_of(int cipher)
{
    switch (cipher) {
    case NID_aes_128_gcm:
        return (struct lengths){EVP_aes_128_gcm(), 16, GCM_SALT_N, EXPLICIT_N};
    case NID_aes_256_gcm:
        return (struct lengths){EVP_aes_256_gcm(), 32, GCM_SALT_N, EXPLICIT_N};
    case NID_chacha20_poly1305: /* RFC 7905 §2 */
        return (struct lengths){EVP_chacha20_poly1305(), 32, DTLSREST_IV_MAX, 0};
    }
    return (struct lengths){NULL, 0, 0, 0};
}

/* The key block, RFC 5246 §6.3: keys of the client and of the server, then their IVs. */
static bool expand(struct ssl_st *ssl, uint8_t *ret, size_t n)
{
    char expansion[] = "key expansion";
    uint8_t master[MASTER_N], client[RANDOM_N], server[RANDOM_N];
    const EVP_MD *md = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok = false;
    if (ctx && md &&
        SSL_SESSION_get_master_key(SSL_get_session(ssl), master, MASTER_N) == MASTER_N &&
        SSL_get_client_random(ssl, client, RANDOM_N) == RANDOM_N &&
        SSL_get_server_random(ssl, server, RANDOM_N) == RANDOM_N) {
        char digest[32];
        (void)snprintf(digest, sizeof digest, "%s", EVP_MD_get0_name(md));
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, MASTER_N),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, expansion,
                                              sizeof expansion - 1),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, server, RANDOM_N),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, client, RANDOM_N),
            OSSL_PARAM_construct_end(),
        };
        ok = EVP_KDF_derive(ctx, ret, n, params) == 1;
    }
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    sl_wipe(master, sizeof master);
    return ok;
}

enum err sl_dtlsrest_init(struct dtlsrest *ret, struct ssl_st *ssl, bool client)
{
    const SSL_CIPHER *c = SSL_get_current_cipher(ssl);
    struct dtlsrest r = {.cipher = c ? SSL_CIPHER_get_cipher_nid(c) : NID_undef};
    struct lengths n = lengths_of(r.cipher);
    uint8_t block[2 * (DTLSREST_KEY_MAX + DTLSREST_IV_MAX)];
    size_t theirs = client ? 1 : 0; /* a client reads what the server writes */
    if (!n.cipher)
        return E_UNSUPPORTED;
    bool ok = expand(ssl, block, 2 * (n.key + n.iv));
    memcpy(r.key, block + theirs * n.key, n.key);
    memcpy(r.iv, block + 2 * n.key + theirs * n.iv, n.iv);
    sl_wipe(block, sizeof block);
    if (ok)
        *ret = r;
    sl_wipe(&r, sizeof r);
    ERR_clear_error();
    return ok ? E_OK : E_CRYPTO;
}

/* RFC 5288 §3: the salt, then what the record says. RFC 7905 §2: the IV and the record's
 * number, added. */
static void nonce_of(const struct dtlsrest *r, const struct lengths *n,
                     const uint8_t *record, uint8_t ret[DTLSREST_IV_MAX])
{
    memcpy(ret, r->iv, n->iv);
    if (n->explicit > 0)
        memcpy(ret + n->iv, record + HEADER_N, n->explicit);
    else
        for (size_t i = 0; i < SEQUENCE_N; i++)
            ret[DTLSREST_IV_MAX - SEQUENCE_N + i] ^= record[SEQUENCE_AT + i];
}

/* Octets in the record, which has n with its header; 0: it is not authentic, or longer than
 * anything that we wait for. */
static size_t open_record(const struct dtlsrest *r, const uint8_t *record, size_t n,
                          uint8_t ret[PLAIN_MAX])
{
    struct lengths len = lengths_of(r->cipher);
    size_t around = HEADER_N + len.explicit + TAG_N;
    size_t plain = n > around ? n - around : 0;
    uint8_t nonce[DTLSREST_IV_MAX], aad[HEADER_N], tag[TAG_N];
    const uint8_t *at = record + HEADER_N + len.explicit;
    int got = 0, end = 0;
    if (plain == 0 || plain > PLAIN_MAX)
        return 0;
    /* RFC 5246 §6.2.3.3: number, type, version, and the length of what is in it. */
    memcpy(aad, record + SEQUENCE_AT, SEQUENCE_N);
    memcpy(aad + SEQUENCE_N, record, SEQUENCE_AT);
    aad[HEADER_N - 2] = 0;
    aad[HEADER_N - 1] = (uint8_t)plain;
    memcpy(tag, at + plain, TAG_N);
    nonce_of(r, &len, record, nonce);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && EVP_DecryptInit_ex(ctx, len.cipher, NULL, r->key, nonce) == 1 &&
              EVP_DecryptUpdate(ctx, NULL, &got, aad, sizeof aad) == 1 &&
              EVP_DecryptUpdate(ctx, ret, &got, at, (int)plain) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_N, tag) == 1 &&
              EVP_DecryptFinal_ex(ctx, ret + got, &end) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? plain : 0;
}

static enum dtlsrest_said said_by(const struct dtlsrest *r, const uint8_t *record,
                                  size_t n)
{
    uint8_t plain[PLAIN_MAX];
    bool alert = record[0] == RECORD_ALERT;
    size_t got =
        alert || record[0] == RECORD_HANDSHAKE ? open_record(r, record, n, plain) : 0;
    if (!alert)
        return got > 0 ? DTLSREST_AGAIN : DTLSREST_NOTHING;
    if (got != ALERT_N)
        return DTLSREST_NOTHING;
    if (plain[1] == ALERT_CLOSE_NOTIFY)
        return DTLSREST_CLOSE;
    return plain[0] == ALERT_FATAL ? DTLSREST_FATAL : DTLSREST_NOTHING;
}

enum dtlsrest_said sl_dtlsrest_input(const struct dtlsrest *r, struct span datagram)
{
    enum dtlsrest_said said = DTLSREST_NOTHING;
    struct rd in = rd_of(datagram);
    while (in.n > 0) {
        const uint8_t *record = in.p;
        (void)rd_span(&in, SEQUENCE_AT);
        uint16_t epoch = rd_u16(&in);
        (void)rd_span(&in, SEQUENCE_N - sizeof epoch);
        size_t n = rd_span(&in, rd_u16(&in)).n;
        /* Encrypted since our keys changed, once: there is no renegotiation. */
        if (in.bad)
            break;
        enum dtlsrest_said what =
            epoch == 1 ? said_by(r, record, HEADER_N + n) : DTLSREST_NOTHING;
        said = what != DTLSREST_NOTHING ? what : said;
    }
    ERR_clear_error();
    return said;
}
