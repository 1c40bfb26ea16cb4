#include "net/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls_server {
    SSL_CTX *ctx;
};

struct tls_client {
    SSL_CTX *ctx;
    bool signed_for; /* it matters who signed it, and for whom */
    bool pinned;
    uint8_t pin[TLS_PIN];
};

struct tls {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
};

/* HTTP/1.1 or nothing: a client that offers only others would not understand us. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
                       const unsigned char *in, unsigned inlen, void *user)
{
    static const char name[] = "http/1.1";
    (void)ssl;
    (void)user;
    for (unsigned i = 0; i < inlen; i += 1U + in[i])
        if (in[i] == sizeof name - 1 && memcmp(in + i + 1, name, sizeof name - 1) == 0) {
            *out = in + i + 1;
            *outlen = in[i];
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

enum err sl_tls_server_new(const char *cert, const char *key, struct tls_server **ret)
{
    struct tls_server *s = calloc(1, sizeof *s);
    if (!s)
        return E_MEMORY;
    s->ctx = SSL_CTX_new(TLS_server_method());
    if (!s->ctx || !SSL_CTX_set_min_proto_version(s->ctx, TLS1_2_VERSION) ||
        SSL_CTX_use_certificate_chain_file(s->ctx, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(s->ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(s->ctx) != 1) {
        ERR_clear_error();
        sl_tls_server_free(s);
        return E_CRYPTO;
    }
    /* Renegotiation lets a client ask for any number of handshakes on one connection. */
    (void)SSL_CTX_set_options(s->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                          SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(s->ctx, SSL_MODE_RELEASE_BUFFERS);
    /* Tickets resume sessions; a cache would only be memory for strangers to fill. */
    (void)SSL_CTX_set_session_cache_mode(s->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(s->ctx, select_alpn, NULL);
    *ret = s;
    return E_OK;
}

void sl_tls_server_free(struct tls_server *s)
{
    if (!s)
        return;
    SSL_CTX_free(s->ctx);
    free(s);
}

/* A client's answer to the certificate that it is shown. */
static int believe(X509_STORE_CTX *of, void *user)
{
    const struct tls_client *c = user;
    const X509 *shown = X509_STORE_CTX_get0_cert(of);
    uint8_t sha256[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (c->pinned && (!shown || X509_digest(shown, EVP_sha256(), sha256, &n) != 1 ||
                      n != TLS_PIN || memcmp(sha256, c->pin, TLS_PIN) != 0)) {
        X509_STORE_CTX_set_error(of, X509_V_ERR_CERT_REJECTED);
        return 0;
    }
    return c->signed_for ? X509_verify_cert(of) : 1;
}

enum err sl_tls_client_new(const char *ca, const uint8_t pin[TLS_PIN],
                           struct tls_client **ret)
{
    struct tls_client *c = calloc(1, sizeof *c);
    if (!c)
        return E_MEMORY;
    c->pinned = pin;
    c->signed_for = ca || !pin;
    if (pin)
        memcpy(c->pin, pin, sizeof c->pin);
    c->ctx = SSL_CTX_new(TLS_client_method());
    if (!c->ctx || !SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION) ||
        (ca ? SSL_CTX_load_verify_file(c->ctx, ca)
            : SSL_CTX_set_default_verify_paths(c->ctx)) != 1) {
        ERR_clear_error();
        sl_tls_client_free(c);
        return E_CRYPTO;
    }
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(c->ctx, believe, c);
    (void)SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    *ret = c;
    return E_OK;
}

void sl_tls_client_free(struct tls_client *c)
{
    if (!c)
        return;
    SSL_CTX_free(c->ctx);
    free(c);
}

static struct tls *new_tls(SSL_CTX *ctx)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->ssl = SSL_new(ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->in || !t->out) {
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_free(t->ssl);
        free(t);
        return NULL;
    }
    SSL_set_bio(t->ssl, t->in, t->out);
    return t;
}

struct tls *sl_tls_new(struct tls_server *s)
{
    struct tls *t = new_tls(s->ctx);
    if (t)
        SSL_set_accept_state(t->ssl);
    return t;
}

/* RFC 6066 §3 wants names alone in server_name. */
struct tls *sl_tls_dial(const struct tls_client *c, const char *host)
{
    struct tls *t = new_tls(c->ctx);
    if (!t)
        return NULL;
    X509_VERIFY_PARAM *of = SSL_get0_param(t->ssl);
    char name[TLSEXT_MAXLEN_host_name +
              1]; /* OpenSSL's macro wants one that is not const */
    (void)snprintf(name, sizeof name, "%s", host);
    bool set = X509_VERIFY_PARAM_set1_ip_asc(of, host) == 1 ||
               (SSL_set_tlsext_host_name(t->ssl, name) == 1 &&
                X509_VERIFY_PARAM_set1_host(of, host, 0) == 1);
    ERR_clear_error();
    if (!set) {
        sl_tls_free(t);
        return NULL;
    }
    SSL_set_connect_state(t->ssl);
    return t;
}

void sl_tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

bool sl_tls_is_up(const struct tls *t)
{
    return SSL_is_init_finished(t->ssl);
}

enum err sl_tls_input(struct tls *t, struct span in)
{
    if (in.n == 0)
        return E_OK;
    if (in.n > INT_MAX || BIO_write(t->in, in.p, (int)in.n) != (int)in.n)
        return E_MEMORY;
    return E_OK;
}

/* The error queue is the thread's, so that what is left there would be blamed on the next
 * connection. */
static enum err failed(struct tls *t, int r)
{
    int why = SSL_get_error(t->ssl, r);
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return E_SHORT;
    return why == SSL_ERROR_ZERO_RETURN ? E_ABSENT : E_CRYPTO;
}

enum err sl_tls_handshake(struct tls *t)
{
    int r = SSL_do_handshake(t->ssl);
    if (r == 1)
        return E_OK;
    enum err e = failed(t, r);
    return e == E_CRYPTO && SSL_get_verify_result(t->ssl) != X509_V_OK ? E_AUTH : e;
}

enum err sl_tls_read(struct tls *t, uint8_t *p, size_t cap, size_t *ret)
{
    int r = SSL_read_ex(t->ssl, p, cap, ret);
    return r == 1 ? E_OK : failed(t, r);
}

enum err sl_tls_write(struct tls *t, struct span in)
{
    size_t n;
    if (!SSL_is_init_finished(t->ssl))
        return E_STATE;
    /* Memory takes all of it at once. */
    int r = SSL_write_ex(t->ssl, in.p, in.n, &n);
    if (r == 1)
        return E_OK;
    (void)failed(t, r);
    return E_CRYPTO;
}

void sl_tls_end(struct tls *t)
{
    if (SSL_is_init_finished(t->ssl))
        (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}

struct span sl_tls_output(const struct tls *t)
{
    char *p = NULL;
    long n = BIO_get_mem_data(t->out, &p);
    return (struct span){(const uint8_t *)p, n > 0 ? (size_t)n : 0};
}

void sl_tls_taken(struct tls *t)
{
    (void)BIO_reset(t->out);
}
