#include "net/tls.h"

#include <openssl/ssl.h>

#include "check.h"
#include "pem.h"

/* A client of OpenSSL's own, over memory as well. */
struct peer {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
};

static struct peer peer_new(int version, const char *alpn)
{
    struct peer p = {.ctx = SSL_CTX_new(TLS_client_method()),
                     .in = BIO_new(BIO_s_mem()),
                     .out = BIO_new(BIO_s_mem())};
    p.ssl = SSL_new(p.ctx);
    SSL_set_security_level(p.ssl, 0); /* so that it would speak TLS 1.1 */
    (void)SSL_set_min_proto_version(p.ssl, version);
    (void)SSL_set_max_proto_version(p.ssl, version);
    if (alpn)
        (void)SSL_set_alpn_protos(p.ssl, (const uint8_t *)alpn, (unsigned)strlen(alpn));
    SSL_set_bio(p.ssl, p.in, p.out);
    SSL_set_connect_state(p.ssl);
    return p;
}

static void peer_free(struct peer *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
}

/* Carries octets over and back until nobody has more to say. Returns what reading said last. */
static enum err carry(struct tls *t, struct peer *p, uint8_t *got, size_t cap, size_t *n)
{
    enum err e = E_SHORT;
    for (int round = 0; round < 10 && e == E_SHORT; round++) {
        char buf[8192];
        int len;
        (void)SSL_do_handshake(p->ssl);
        while ((len = BIO_read(p->out, buf, sizeof buf)) > 0)
            CHECK_INT(sl_tls_input(t, (struct span){(uint8_t *)buf, (size_t)len}), E_OK);
        e = sl_tls_read(t, got, cap, n);
        struct span out = sl_tls_output(t);
        if (out.n > 0)
            CHECK_INT(BIO_write(p->in, out.p, (int)out.n), out.n);
        sl_tls_taken(t);
    }
    return e;
}

static struct tls_server *server(void)
{
    struct tls_server *s = NULL;
    struct pem pem = pem_new();
    CHECK_INT(sl_tls_server_new(pem.cert, pem.key, &s), E_OK);
    pem_remove(&pem);
    return s;
}

TEST(tls_speaks_with)
{
    static const struct {
        const char *name;
        int version;
        const char *alpn;
        enum err want;
    } rows[] = {
        {"1.3", TLS1_3_VERSION, NULL, E_OK},
        {"1.2", TLS1_2_VERSION, NULL, E_OK},
        {"1.1", TLS1_1_VERSION, NULL, E_CRYPTO},
        {"a browser", TLS1_3_VERSION, "\2h2\10http/1.1", E_OK},
        {"who wants HTTP/2 and nothing else", TLS1_3_VERSION, "\2h2", E_CRYPTO},
    };
    struct tls_server *s = server();
    for (size_t i = 0; i < LEN(rows); i++) {
        struct tls *t = sl_tls_new(s);
        struct peer p = peer_new(rows[i].version, rows[i].alpn);
        uint8_t got[100];
        size_t n = 0;
        check_row(rows[i].name);
        CHECK_INT(sl_tls_write(t, span_of("too early")), E_STATE);
        enum err e = carry(t, &p, got, sizeof got, &n);
        CHECK_INT(e, rows[i].want == E_OK ? E_SHORT : rows[i].want);
        if (rows[i].want == E_OK) {
            char back[100];
            CHECK_INT(SSL_write(p.ssl, "hello", 5), 5);
            CHECK_INT(carry(t, &p, got, 3, &n), E_OK);
            CHECK(span_is((struct span){got, n}, "hel"));
            CHECK_INT(sl_tls_read(t, got, sizeof got, &n), E_OK);
            CHECK(span_is((struct span){got, n}, "lo"));
            CHECK_INT(sl_tls_write(t, span_of("world")), E_OK);
            CHECK_INT(carry(t, &p, got, sizeof got, &n), E_SHORT);
            CHECK_INT(SSL_read(p.ssl, back, sizeof back), 5);
            (void)SSL_shutdown(p.ssl);
            CHECK_INT(carry(t, &p, got, sizeof got, &n), E_ABSENT);
        }
        peer_free(&p);
        sl_tls_free(t);
    }
    sl_tls_server_free(s);
}

/* Our client before our server, until neither has more to say. */
static enum err meet(struct tls *client, struct tls *server)
{
    uint8_t got[10];
    size_t n;
    enum err e = E_SHORT, other = E_SHORT;
    for (int round = 0; round < 10; round++) {
        e = e == E_SHORT ? sl_tls_handshake(client) : e;
        CHECK_INT(sl_tls_input(server, sl_tls_output(client)), E_OK);
        sl_tls_taken(client);
        other = other == E_SHORT ? sl_tls_read(server, got, sizeof got, &n) : other;
        CHECK_INT(sl_tls_input(client, sl_tls_output(server)), E_OK);
        sl_tls_taken(server);
    }
    return e;
}

TEST(tls_believes)
{
    static const uint8_t another[TLS_PIN] = {1};
    struct pem pem = pem_named("IP:127.0.0.1,DNS:here.example"), other = pem_new();
    const struct {
        const char *name, *ca;
        const uint8_t *pin;
        const char *host;
        enum err want;
    } rows[] = {
        {"an address", pem.cert, NULL, "127.0.0.1", E_OK},
        {"a name", pem.cert, NULL, "here.example", E_OK},
        {"another address", pem.cert, NULL, "127.0.0.2", E_AUTH},
        {"another name", pem.cert, NULL, "there.example", E_AUTH},
        {"who signs for others", other.cert, NULL, "127.0.0.1", E_AUTH},
        {"whom the machine trusts", NULL, NULL, "127.0.0.1", E_AUTH},
        {"a pin, by any name", NULL, pem.sha256, "there.example", E_OK},
        {"another pin", NULL, another, "127.0.0.1", E_AUTH},
        {"both", pem.cert, pem.sha256, "127.0.0.1", E_OK},
        {"both, of which the pin is another's", pem.cert, another, "127.0.0.1", E_AUTH},
        {"both, and another name", pem.cert, pem.sha256, "127.0.0.2", E_AUTH},
    };
    struct tls_server *s = NULL;
    CHECK_INT(sl_tls_server_new(pem.cert, pem.key, &s), E_OK);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct tls_client *c = NULL;
        check_row(rows[i].name);
        CHECK_INT(sl_tls_client_new(rows[i].ca, rows[i].pin, &c), E_OK);
        struct tls *t = sl_tls_dial(c, rows[i].host), *there = sl_tls_new(s);
        uint8_t got[10];
        size_t n = 0;
        CHECK_INT(meet(t, there), rows[i].want);
        if (rows[i].want == E_OK) {
            CHECK_INT(sl_tls_write(t, span_of("hello")), E_OK);
            CHECK_INT(sl_tls_input(there, sl_tls_output(t)), E_OK);
            CHECK_INT(sl_tls_read(there, got, sizeof got, &n), E_OK);
            CHECK(span_is((struct span){got, n}, "hello"));
        }
        sl_tls_free(t);
        sl_tls_free(there);
        sl_tls_client_free(c);
    }
    struct tls_client *none = NULL;
    CHECK_INT(sl_tls_client_new("/nonexistent", NULL, &none), E_CRYPTO);
    sl_tls_server_free(s);
    pem_remove(&pem);
    pem_remove(&other);
}

TEST(tls_says_that_it_ends)
{
    struct tls_server *s = server();
    struct tls *t = sl_tls_new(s);
    struct peer p = peer_new(TLS1_3_VERSION, NULL);
    uint8_t got[10];
    size_t n;
    CHECK_INT(carry(t, &p, got, sizeof got, &n), E_SHORT);
    sl_tls_end(t);
    CHECK_INT(carry(t, &p, got, sizeof got, &n), E_SHORT);
    CHECK_INT(SSL_read(p.ssl, got, sizeof got), 0);
    CHECK_INT(SSL_get_error(p.ssl, 0), SSL_ERROR_ZERO_RETURN);
    peer_free(&p);
    sl_tls_free(t);
    sl_tls_server_free(s);
}

TEST(tls_garbage_harms_nobody_else)
{
    struct tls_server *s = server();
    struct tls *bad = sl_tls_new(s), *good = sl_tls_new(s);
    struct peer p = peer_new(TLS1_3_VERSION, NULL);
    uint8_t got[10];
    size_t n;
    CHECK_INT(sl_tls_input(bad, span_of("GET / HTTP/1.1\r\n")), E_OK);
    CHECK_INT(sl_tls_read(bad, got, sizeof got, &n), E_CRYPTO);
    CHECK_INT(carry(good, &p, got, sizeof got, &n), E_SHORT);
    CHECK_INT(SSL_write(p.ssl, "x", 1), 1);
    CHECK_INT(carry(good, &p, got, sizeof got, &n), E_OK);
    peer_free(&p);
    sl_tls_free(bad);
    sl_tls_free(good);
    sl_tls_server_free(s);
}

TEST(tls_refuses_a_key_of_another_certificate)
{
    struct tls_server *s = NULL;
    struct pem a = pem_new(), b = pem_new();
    CHECK_INT(sl_tls_server_new(a.cert, b.key, &s), E_CRYPTO);
    CHECK_INT(sl_tls_server_new(a.key, a.key, &s), E_CRYPTO);
    CHECK_INT(sl_tls_server_new(a.cert, "/nonexistent", &s), E_CRYPTO);
    pem_remove(&a);
    pem_remove(&b);
}
