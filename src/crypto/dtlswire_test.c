#include "crypto/dtlswire.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

TEST(dtlswire_hash_is_told_by_the_length)
{
    static const struct {
        const char *name;
        uint8_t n;
        int bits; /* of the hash; 0: none */
    } rows[] = {
        {"nothing", 0, 0},    {"SHA-1, which can be forged", 20, 0}, {"SHA-256", 32, 256},
        {"SHA-384", 48, 384}, {"a length of nothing", 33, 0},        {"SHA-512", 64, 512},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct dtls_fingerprint f = {.n = rows[i].n};
        const EVP_MD *md = sl_dtlswire_hash(&f);
        check_row(rows[i].name);
        CHECK_INT(md ? EVP_MD_get_size(md) * 8 : 0, rows[i].bits);
    }
}

/* What was written at once comes out at once; what is read ends where the datagram does. */
TEST(dtlswire_keeps_the_ends_of_datagrams)
{
    char buf[16];
    struct dtlswire w = {0};
    SSL_CTX *ctx = SSL_CTX_new(DTLS_method());
    SSL *ssl = SSL_new(ctx);
    BIO_METHOD *method = sl_dtlswire_method();
    sl_dtlsqueue_init(&w.out);
    CHECK(sl_dtlswire_attach(&w, ssl, method));
    BIO *bio = SSL_get_rbio(ssl);
    CHECK(SSL_get_app_data(ssl) == &w && SSL_get_wbio(ssl) == bio);

    CHECK_INT(BIO_write(bio, "ab", 2), 2);
    CHECK_INT(BIO_write(bio, "cde", 3), 3);
    CHECK_INT(w.out.n, 2);
    struct dtlschunk *c = sl_dtlsqueue_take(&w.out);
    CHECK(c->n == 2 && memcmp(c->p, "ab", 2) == 0);
    free(c);

    CHECK_INT(BIO_read(bio, buf, sizeof buf), -1);
    CHECK(BIO_should_retry(bio));
    w.in = span_of("hello");
    CHECK_INT(BIO_read(bio, buf, 3), 3); /* the rest of it is lost, as recv does it */
    CHECK(memcmp(buf, "hel", 3) == 0);
    CHECK_INT(BIO_read(bio, buf, sizeof buf), -1);

    sl_dtlsqueue_fini(&w.out);
    SSL_free(ssl);
    BIO_meth_free(method);
    SSL_CTX_free(ctx);
}
