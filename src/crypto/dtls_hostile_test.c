/* What hostile, odd and foreign peers send to crypto/dtls, and what they cost. */

#include <openssl/crypto.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "check.h"
#include "crypto/dtls.h"
#include "dtls_net.h"

enum { RECORD = 13 }; /* octets before a record's own */

/* ---- OpenSSL's heap, counted ---- */

static size_t heap_now, heap_peak;

static void *heap_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    size_t *old = p ? (size_t *)p - 2 : NULL;
    size_t had = old ? *old : 0;
    if (n == 0) {
        heap_now -= had;
        free(old);
        return NULL;
    }
    size_t *new = realloc(old, n + 2 * sizeof *new);
    if (!new)
        return NULL;
    *new = n;
    heap_now += n - had;
    heap_peak = heap_now > heap_peak ? heap_now : heap_peak;
    return new + 2;
}

static void *heap_malloc(size_t n, const char *file, int line)
{
    return heap_realloc(NULL, n, file, line);
}

static void heap_free(void *p, const char *file, int line)
{
    (void)heap_realloc(p, 0, file, line);
}

__attribute__((constructor)) static void heap_count(void)
{
    CRYPTO_set_mem_functions(heap_malloc, heap_realloc, heap_free);
}

/* ---- hostile and odd datagrams ---- */

/* Cuts the ClientHello, which fills one record, into two datagrams, as large ones come. */
static void cut_hello(struct span hello, size_t at, uint8_t ret[2][512], size_t n[2])
{
    enum { MESSAGE = 12 };
    size_t body = hello.n - RECORD - MESSAGE;
    size_t off[2] = {0, at}, len[2] = {at, body - at};
    for (size_t i = 0; i < 2; i++) {
        struct wr w = wr_of(ret[i], 512);
        /* Type, version, epoch, sequence number. */
        wr_span(&w, (struct span){hello.p, 10});
        wr_u8(&w, (unsigned)i);
        wr_u16(&w, (unsigned)(len[i] + MESSAGE));
        wr_span(&w, (struct span){hello.p + RECORD, 6}); /* type, length, sequence */
        wr_u8(&w, 0);
        wr_u16(&w, (unsigned)off[i]);
        wr_u8(&w, 0);
        wr_u16(&w, (unsigned)len[i]);
        wr_span(&w, (struct span){hello.p + RECORD + MESSAGE + off[i], len[i]});
        CHECK(!w.bad);
        n[i] = w.n;
    }
}

static int hello_order; /* which half goes first */

static bool cut_first(struct net *net, int to, struct span datagram)
{
    if (to != SERVER)
        return false;
    net->tamper = NULL;
    uint8_t halves[2][512];
    size_t n[2];
    cut_hello(datagram, 100, halves, n);
    give(net, SERVER, (struct span){halves[hello_order], n[hello_order]});
    CHECK_INT(net->sent[SERVER], 0);
    give(net, SERVER, (struct span){halves[!hello_order], n[!hello_order]});
    CHECK(net->sent[SERVER] > 0);
    return true;
}

TEST(dtls_hello_in_two_datagrams_in_any_order)
{
    for (hello_order = 0; hello_order < 2; hello_order++) {
        check_row(hello_order ? "tail first" : "head first");
        struct net net;
        net_init(&net, MSEC(1));
        net.tamper = cut_first;
        net_begin_right(&net);
        net_run(&net, SEC(1));
        check_up(&net, SRTP_GCM_128);
        net_fini(&net);
    }
}

static void give_junk(struct net *net, int to)
{
    static const char *const junk[] = {
        "",
        "16",
        "16 fefd 0000 000000000000 ffff",
        "16 fefd 0001 000000000009 0010 00112233445566778899aabbccddeeff",
        "16 fefd 0001 00000000000a 0020 00112233445566778899aabbccddeeff"
        "00112233445566778899aabbccddeeff",
        "17 fefd 0001 00000000000b 0000",
        "14 fefd 0001 00000000000c 0001 01",
        "16 fefd 0002 00000000000d 0010 00112233445566778899aabbccddeeff",
        "17 fefd 0000 000000000007 0003 616263", /* data in the clear */
        "63 fefd 0000 000000000001 0001 00",
        "80 60 0001 00000001 00000001 00",
    };
    for (size_t i = 0; i < LEN(junk); i++)
        give(net, to, check_hex(junk[i]));
    uint8_t noise[DTLS_INPUT_MAX];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)rng_u32(&net->rng);
    give(net, to, (struct span){noise, sizeof noise});
}

/* Before each datagram, and between its records. */
static bool junk_between(struct net *net, int to, struct span datagram)
{
    bool (*again)(struct net *, int, struct span) = net->tamper;
    struct rd r = rd_of(datagram);
    net->tamper = NULL;
    while (r.n > 0) {
        const uint8_t *p = r.p;
        (void)rd_span(&r, RECORD - 2);
        (void)rd_span(&r, rd_u16(&r));
        give_junk(net, to);
        give_junk(net, !to);
        give(net, to, (struct span){p, (size_t)(r.p - p)});
    }
    net->tamper = again;
    return true;
}

TEST(dtls_junk_is_dropped_at_any_time)
{
    struct net net;
    net_init(&net, MSEC(5));
    net.tamper = junk_between;
    net_begin_right(&net);
    net_run(&net, SEC(1));
    check_up(&net, SRTP_GCM_128);
    net.tamper = NULL;
    for (int i = 0; i < 2; i++) {
        give_junk(&net, i);
        /* An alert that nobody signed must not end the call. */
        give(&net, i, check_hex("15 fefd 0000 000000000020 0002 0228"));
        give(&net, i, check_hex("15 fefd 0000 000000000021 0002 0100"));
        CHECK_INT(net.end[i].said_n, 0);
    }
    check_up(&net, SRTP_GCM_128);

    static const uint8_t long_one[DTLS_INPUT_MAX + 1];
    CHECK_INT(sl_dtls_input(net.end[SERVER].d, (struct span){long_one, sizeof long_one},
                            net.now),
              E_FULL);
    net_fini(&net);
}

/* One octet of a handshake message that says it has `length` of them. */
static void give_claim(struct net *net, uint32_t i, uint32_t length)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    wr_u8(&w, 22);
    wr_u16(&w, 0xfefd);
    wr_u64(&w, i); /* epoch, sequence number */
    wr_u16(&w, 13);
    wr_u32(&w, 11u << 24 | length);
    wr_u16(&w, i % 20);
    wr_u8(&w, 0);
    wr_u16(&w, i);
    wr_u32(&w, 0x000001aa);
    give(net, SERVER, wr_done(&w));
}

TEST(dtls_claims_of_length_cost_little)
{
    struct net net;
    net_init(&net, MSEC(1));
    net.lose_pct = 100;
    net_begin_right(&net);
    size_t before = heap_now;
    heap_peak = heap_now;
    for (uint32_t i = 1; i < 2000; i++)
        give_claim(&net, i, DTLS_CERT_MAX);
    CHECK_INT(state(&net, SERVER), DTLS_HANDSHAKE);
    /* OpenSSL looks ten messages ahead. */
    CHECK(heap_peak - before < 11 * (DTLS_CERT_MAX + 4096));
    net_fini(&net);

    net_init(&net, MSEC(1));
    net_begin_right(&net);
    give_claim(&net, 5, 0x18000);
    CHECK_INT(state(&net, SERVER), DTLS_FAILED);
    net_fini(&net);
}

/* ---- peers that are not ours: OpenSSL as it comes, with rules of its own ---- */

enum { NO_CERT = 1, RSA_CERT = 2, NO_SRTP = 4, SRTP_80 = 8 };

struct foreign {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out; /* to it and from it */
    struct cert cert;
    struct cert ours;
    struct dtls_ctx *our_ctx;
    struct dtls *d;
};

static void make_rsa(struct cert *c)
{
    sl_cert_fini(c);
    c->key = EVP_RSA_gen(2048);
    c->x509 = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(c->x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(c->x509), 3600);
    X509_set_pubkey(c->x509, c->key);
    CHECK(X509_sign(c->x509, c->key, EVP_sha256()) > 0);
    CHECK(X509_digest(c->x509, EVP_sha256(), c->sha256, NULL));
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

static void foreign_init(struct foreign *f, enum dtls_role our_role, unsigned how)
{
    *f = (struct foreign){.ctx = SSL_CTX_new(DTLS_method())};
    CHECK_INT(sl_cert_init(&f->cert), E_OK);
    CHECK_INT(sl_cert_init(&f->ours), E_OK);
    if (how & RSA_CERT)
        make_rsa(&f->cert);
    if (!(how & NO_CERT)) {
        CHECK(SSL_CTX_use_certificate(f->ctx, f->cert.x509));
        CHECK(SSL_CTX_use_PrivateKey(f->ctx, f->cert.key));
    }
    if (!(how & NO_SRTP))
        CHECK_INT(SSL_CTX_set_tlsext_use_srtp(f->ctx, how & SRTP_80
                                                          ? "SRTP_AES128_CM_SHA1_80"
                                                          : "SRTP_AEAD_AES_128_GCM"),
                  0);
    SSL_CTX_set_verify(f->ctx, SSL_VERIFY_PEER, accept_any);
    SSL_CTX_set_options(f->ctx, SSL_OP_NO_QUERY_MTU);
    f->our_ctx = sl_dtls_ctx_new(&f->ours, all_profiles, LEN(all_profiles));
    struct dtls_fingerprint print = print_of(&f->cert);
    f->d = sl_dtls_new(f->our_ctx, our_role, &print, 0);
}

static void foreign_begin(struct foreign *f, enum dtls_role our_role)
{
    f->ssl = SSL_new(f->ctx);
    f->in = BIO_new(BIO_s_mem());
    f->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(f->in, -1);
    SSL_set_bio(f->ssl, f->in, f->out);
    SSL_set_mtu(f->ssl, DTLS_MTU);
    if (our_role == DTLS_SERVER)
        SSL_set_connect_state(f->ssl);
    else
        SSL_set_accept_state(f->ssl);
}

/* Carries flights to and fro. What it says at once goes to us as one datagram. */
static void foreign_talk(struct foreign *f)
{
    for (int i = 0; i < 8; i++) {
        uint8_t buf[DTLS_INPUT_MAX];
        struct dtls_out out;
        (void)SSL_do_handshake(f->ssl);
        (void)SSL_read(f->ssl, buf, 1);
        int n = BIO_read(f->out, buf, sizeof buf);
        if (n > 0 && sl_dtls_state(f->d) != DTLS_FAILED)
            CHECK_INT(sl_dtls_input(f->d, (struct span){buf, (size_t)n}, 0), E_OK);
        while (sl_dtls_poll(f->d, &out))
            if (out.kind == DTLS_OUT_DATAGRAM) {
                BIO_write(f->in, out.bytes.p, (int)out.bytes.n);
                (void)SSL_do_handshake(f->ssl);
            }
    }
}

static void foreign_fini(struct foreign *f)
{
    sl_dtls_free(f->d);
    sl_dtls_ctx_free(f->our_ctx);
    SSL_free(f->ssl);
    SSL_CTX_free(f->ctx);
    sl_cert_fini(&f->cert);
    sl_cert_fini(&f->ours);
}

TEST(dtls_foreign_peers)
{
    static const struct {
        const char *name;
        enum dtls_role our_role;
        unsigned how;
        const char *ciphers; /* NULL: as it comes */
        uint64_t options;
        int version; /* 0: as it comes */
        enum dtls_state want;
        enum err error;
    } rows[] = {
        {"a client as it comes", DTLS_SERVER, 0, NULL, 0, 0, DTLS_UP, E_OK},
        {"a server as it comes", DTLS_CLIENT, 0, NULL, 0, 0, DTLS_UP, E_OK},
        {"a client with RSA", DTLS_SERVER, RSA_CERT, NULL, 0, 0, DTLS_UP, E_OK},
        {"a server with RSA", DTLS_CLIENT, RSA_CERT, NULL, 0, 0, DTLS_UP, E_OK},
        {"a client with the oldest profile", DTLS_SERVER, SRTP_80, NULL, 0, 0, DTLS_UP,
         E_OK},
        {"a client with CHACHA20 alone", DTLS_SERVER, 0, "ECDHE+CHACHA20", 0, 0, DTLS_UP,
         E_OK},
        {"no certificate", DTLS_SERVER, NO_CERT, NULL, 0, 0, DTLS_FAILED, E_CRYPTO},
        {"a client without use_srtp", DTLS_SERVER, NO_SRTP, NULL, 0, 0, DTLS_FAILED,
         E_UNSUPPORTED},
        {"a server without use_srtp", DTLS_CLIENT, NO_SRTP, NULL, 0, 0, DTLS_FAILED,
         E_UNSUPPORTED},
        {"a client without extended master secret", DTLS_SERVER, 0, NULL,
         SSL_OP_NO_EXTENDED_MASTER_SECRET, 0, DTLS_FAILED, E_UNSUPPORTED},
        {"a server without extended master secret", DTLS_CLIENT, 0, NULL,
         SSL_OP_NO_EXTENDED_MASTER_SECRET, 0, DTLS_FAILED, E_UNSUPPORTED},
        {"CBC alone", DTLS_SERVER, 0, "ECDHE+AES:!AESGCM:!AESCCM", 0, 0, DTLS_FAILED,
         E_CRYPTO},
        {"no forward secrecy", DTLS_SERVER, RSA_CERT, "kRSA+AESGCM", 0, 0, DTLS_FAILED,
         E_CRYPTO},
        {"no encryption", DTLS_SERVER, 0, "eNULL:@SECLEVEL=0", 0, 0, DTLS_FAILED,
         E_CRYPTO},
        {"DTLS 1.0", DTLS_SERVER, 0, "ALL:@SECLEVEL=0", 0, DTLS1_VERSION, DTLS_FAILED,
         E_CRYPTO},
        {"a server of DTLS 1.0", DTLS_CLIENT, 0, "ALL:@SECLEVEL=0", 0, DTLS1_VERSION,
         DTLS_FAILED, E_CRYPTO},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        wall_now = 0;
        struct foreign f;
        foreign_init(&f, rows[i].our_role, rows[i].how);
        SSL_CTX_set_options(f.ctx, rows[i].options);
        if (rows[i].ciphers)
            CHECK(SSL_CTX_set_cipher_list(f.ctx, rows[i].ciphers));
        if (rows[i].version)
            CHECK(SSL_CTX_set_max_proto_version(f.ctx, rows[i].version));
        foreign_begin(&f, rows[i].our_role);
        foreign_talk(&f);
        CHECK_INT(sl_dtls_state(f.d), rows[i].want);
        CHECK_INT(sl_dtls_error(f.d), rows[i].error);
        CHECK((rows[i].error == E_OK) == (*sl_dtls_reason(f.d) == '\0'));
        struct srtp_master in, out;
        CHECK_INT(sl_dtls_keys(f.d, &in, &out), rows[i].error ? E_STATE : E_OK);
        foreign_fini(&f);
    }
}

/* RFC 5764 §4.2 and RFC 5705, from the other side. */
TEST(dtls_keys_are_those_that_the_peer_exports)
{
    for (int role = 0; role < 2; role++) {
        struct foreign f;
        foreign_init(&f, (enum dtls_role)role, SRTP_80);
        foreign_begin(&f, (enum dtls_role)role);
        foreign_talk(&f);
        struct srtp_master in, out;
        CHECK_INT(sl_dtls_keys(f.d, &in, &out), E_OK);
        CHECK_INT(in.profile, SRTP_CM_SHA1_80);
        uint8_t want[2 * (16 + 14)];
        static const char label[] = "EXTRACTOR-dtls_srtp";
        CHECK(SSL_export_keying_material(f.ssl, want, sizeof want, label,
                                         sizeof label - 1, NULL, 0, 0));
        const struct srtp_master *client = role == DTLS_CLIENT ? &out : &in;
        const struct srtp_master *server = role == DTLS_CLIENT ? &in : &out;
        CHECK(memcmp(client->key, want, 16) == 0);
        CHECK(memcmp(server->key, want + 16, 16) == 0);
        CHECK(memcmp(client->salt, want + 32, 14) == 0);
        CHECK(memcmp(server->salt, want + 46, 14) == 0);
        foreign_fini(&f);
    }
}

TEST(dtls_is_not_negotiated_again)
{
    for (int role = 0; role < 2; role++) {
        check_row(role == DTLS_SERVER ? "a client asks" : "a server asks");
        struct foreign f;
        foreign_init(&f, (enum dtls_role)role, 0);
        foreign_begin(&f, (enum dtls_role)role);
        foreign_talk(&f);
        struct srtp_master in, out, in_after, out_after;
        CHECK_INT(sl_dtls_keys(f.d, &in, &out), E_OK);

        uint8_t buf[DTLS_INPUT_MAX];
        CHECK(SSL_renegotiate(f.ssl));
        (void)SSL_do_handshake(f.ssl);
        int n = BIO_read(f.out, buf, sizeof buf);
        CHECK(n > 0);
        CHECK_INT(sl_dtls_input(f.d, (struct span){buf, (size_t)n}, 0), E_OK);
        CHECK_INT(sl_dtls_keys(f.d, &in_after, &out_after), E_OK);
        CHECK(same(&in, &in_after) && same(&out, &out_after));
        /* The answer is an alert, and nothing else. */
        struct dtls_out answer;
        CHECK(sl_dtls_poll(f.d, &answer) && answer.bytes.p[0] == 21);
        CHECK(!sl_dtls_poll(f.d, &answer));
        foreign_fini(&f);
    }
}

/* What an idle viewer costs. 22 kB of it is a message buffer that OpenSSL keeps for as long
 * as it may have to repeat its last flight. */
TEST(dtls_idle_end_is_small)
{
    struct net net;
    net_init(&net, MSEC(1));
    size_t before = heap_now;
    net_begin_right(&net);
    net_run(&net, SEC(1));
    check_up(&net, SRTP_GCM_128);
    CHECK((heap_now - before) / 2 < 40 * 1000);
    net_fini(&net);
    CHECK(heap_now < before);
}
