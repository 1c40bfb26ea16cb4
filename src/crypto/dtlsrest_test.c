#include "crypto/dtlsrest.h"

#include <openssl/ssl.h>

#include "check.h"
#include "crypto/cert.h"

/* Two ends of OpenSSL, and what they write. */
struct pair {
    struct cert cert;
    SSL *server, *client;
};

static SSL *end_of(const struct cert *cert, const char *cipher, bool server)
{
    SSL_CTX *ctx = SSL_CTX_new(DTLS_method());
    SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    CHECK(SSL_CTX_set_cipher_list(ctx, cipher) == 1);
    CHECK(SSL_CTX_use_certificate(ctx, cert->x509) == 1);
    CHECK(SSL_CTX_use_PrivateKey(ctx, cert->key) == 1);
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

/* What an end wrote. */
static struct span written(SSL *from, uint8_t *p, size_t cap)
{
    int n = BIO_read(SSL_get_wbio(from), p, (int)cap);
    return (struct span){p, n > 0 ? (size_t)n : 0};
}

static void carry(SSL *from, SSL *to)
{
    uint8_t p[8192];
    struct span s = written(from, p, sizeof p);
    if (s.n > 0)
        CHECK_INT(BIO_write(SSL_get_rbio(to), s.p, (int)s.n), (int)s.n);
}

static void pair_init(struct pair *p, const char *cipher)
{
    CHECK_INT(sl_cert_init(&p->cert), E_OK);
    p->server = end_of(&p->cert, cipher, true);
    p->client = end_of(&p->cert, cipher, false);
    for (int i = 0; i < 8; i++) {
        (void)SSL_do_handshake(p->client);
        carry(p->client, p->server);
        (void)SSL_do_handshake(p->server);
        carry(p->server, p->client);
    }
    CHECK(SSL_is_init_finished(p->server) && SSL_is_init_finished(p->client));
}

static void pair_fini(struct pair *p)
{
    SSL_free(p->server);
    SSL_free(p->client);
    sl_cert_fini(&p->cert);
}

TEST(dtlsrest_understands_every_cipher_that_we_offer)
{
    static const char *const ciphers[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                          "ECDHE-ECDSA-AES256-GCM-SHA384",
                                          "ECDHE-ECDSA-CHACHA20-POLY1305"};
    for (size_t i = 0; i < LEN(ciphers); i++)
        for (int client = 0; client < 2; client++) {
            struct pair p;
            struct dtlsrest r;
            uint8_t buf[2048];
            check_row(ciphers[i]);
            pair_init(&p, ciphers[i]);
            SSL *peer = client ? p.server : p.client;
            CHECK_INT(sl_dtlsrest_init(&r, client ? p.client : p.server, client), E_OK);
            (void)SSL_write(peer, "words", 5);
            struct span words = written(peer, buf, sizeof buf);
            CHECK(words.n > 0);
            CHECK_INT(sl_dtlsrest_input(&r, words), DTLSREST_NOTHING);
            (void)SSL_shutdown(peer);
            struct span bye = written(peer, buf, sizeof buf);
            CHECK_INT(sl_dtlsrest_input(&r, bye), DTLSREST_CLOSE);
            for (size_t at = 0; at < bye.n; at++) {
                buf[at] ^= 0x40;
                CHECK_INT(sl_dtlsrest_input(&r, bye), DTLSREST_NOTHING);
                CHECK_INT(sl_dtlsrest_input(&r, (struct span){buf, at}),
                          DTLSREST_NOTHING);
                buf[at] ^= 0x40;
            }
            pair_fini(&p);
        }
}

TEST(dtlsrest_of_what_we_do_not_offer)
{
    struct pair p;
    struct dtlsrest r;
    pair_init(&p, "ECDHE-ECDSA-AES128-SHA256");
    CHECK_INT(sl_dtlsrest_init(&r, p.server, false), E_UNSUPPORTED);
    pair_fini(&p);
}
