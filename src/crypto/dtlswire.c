#include "crypto/dtlswire.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "crypto/hash.h"

/* RFC 6347 §4.2.4.1 starts at 1 s and lets those who know better start earlier: media waits
 * for this, and browsers start at 50 ms. OpenSSL gives up after 12 repetitions: about 25 s. */
enum { RETRY_FIRST_US = 100000, RETRY_MAX_US = 3200000 };

const struct evp_md_st *sl_dtlswire_hash(const struct dtls_fingerprint *f)
{
    switch (f->n) {
    case 32: return EVP_sha256();
    case 48: return EVP_sha384();
    case 64: return EVP_sha512();
    }
    return NULL;
}

/* A BIO of our own, since OpenSSL's in memory forgets where a datagram ends. */
static int bio_write(BIO *bio, const char *p, int n)
{
    struct dtlswire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    sl_dtlsqueue_put(&w->out, p, (size_t)n);
    return n;
}

static int bio_read(BIO *bio, char *p, int cap)
{
    struct dtlswire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (w->in.n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = w->in.n < (size_t)cap ? w->in.n : (size_t)cap;
    memcpy(p, w->in.p, n);
    w->in = (struct span){0};
    return (int)n;
}

static long bio_ctrl(BIO *bio, int cmd, long arg, void *p)
{
    (void)bio;
    (void)arg;
    (void)p;
    return cmd == BIO_CTRL_FLUSH;
}

static unsigned int retry_after(SSL *ssl, unsigned int last_us)
{
    (void)ssl;
    if (last_us == 0)
        return RETRY_FIRST_US;
    return last_us < RETRY_MAX_US / 2 ? last_us * 2 : RETRY_MAX_US;
}

/* Instead of looking for an authority behind the certificate (RFC 8122 §6.2). OpenSSL checks
 * that the peer has the private key. */
int sl_dtlswire_verify(X509_STORE_CTX *store, void *arg)
{
    (void)arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct dtlswire *w = SSL_get_app_data(ssl);
    X509 *cert = X509_STORE_CTX_get0_cert(store);
    uint8_t got[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    w->matched =
        cert && (w->peer.any || (X509_digest(cert, sl_dtlswire_hash(&w->peer), got, &n) &&
                                 sl_secret_eq((struct span){got, n},
                                              (struct span){w->peer.octets, w->peer.n})));
    if (w->matched)
        return 1;
    w->refused = true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

struct bio_method_st *sl_dtlswire_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "datagrams");
    if (!m)
        return NULL;
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_ctrl(m, bio_ctrl);
    return m;
}

bool sl_dtlswire_attach(struct dtlswire *w, struct ssl_st *ssl,
                        struct bio_method_st *method)
{
    BIO *bio = BIO_new(method);
    if (!bio)
        return false;
    BIO_set_data(bio, w);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, w);
    DTLS_set_timer_cb(ssl, retry_after);
    SSL_set_mtu(ssl, DTLS_MTU);
    return true;
}
