#include "crypto/dtls.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/time.h>

#include "crypto/dtlsrest.h"
#include "crypto/dtlswire.h"
#include "crypto/hash.h"

/* RFC 8827 §6.5 wants ECDHE with AES-GCM; CHACHA20 is for peers without AES in hardware. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS  "X25519:P-256:P-384"

/* RFC 5764 §4.2: client key, server key, client salt, server salt. */
#define EXPORTER "EXTRACTOR-dtls_srtp"

struct dtls_ctx {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
};

struct dtls {
    SSL *ssl; /* NULL once it rests */
    enum dtls_role role;
    enum dtls_state state;
    enum err error;
    const char *reason;
    struct dtlswire wire;
    struct dtlsqueue messages;
    struct dtlschunk *polled; /* what the last poll gave out */
    usec deadline;
    struct dtlschunk *flight; /* our last, of a server */
    /* Once it rests: our close_notify, and what we understand. */
    struct dtlschunk *farewell;
    struct dtlsrest rest;
};

/* ---- context ---- */

static const char *use_srtp_name(enum srtp_profile p)
{
    switch (p) {
    case SRTP_CM_SHA1_80: return "SRTP_AES128_CM_SHA1_80";
    case SRTP_GCM_128: return "SRTP_AEAD_AES_128_GCM";
    case SRTP_GCM_256: return "SRTP_AEAD_AES_256_GCM";
    case SRTP_NONE: break;
    }
    return NULL;
}

static bool set_profiles(SSL_CTX *ssl, const enum srtp_profile *profiles, size_t n)
{
    char list[DTLS_PROFILES_MAX * 32];
    struct wr w = wr_of((uint8_t *)list, sizeof list);
    for (size_t i = 0; i < n && i < DTLS_PROFILES_MAX; i++) {
        const char *name = use_srtp_name(profiles[i]);
        if (!name)
            return false;
        wr_str(&w, i > 0 ? ":" : "");
        wr_str(&w, name);
    }
    wr_u8(&w, 0);
    return n > 0 && n <= DTLS_PROFILES_MAX && !w.bad &&
           SSL_CTX_set_tlsext_use_srtp(ssl, list) == 0; /* 0 is success, here alone */
}

static bool set_rules(SSL_CTX *ssl)
{
    char groups[] = GROUPS; /* the macro below casts const away */
    SSL_CTX_set_options(ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ssl, DTLS_CERT_MAX);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, sl_dtlswire_verify, NULL);
    return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) &&
           SSL_CTX_set_cipher_list(ssl, CIPHERS) && SSL_CTX_set1_groups_list(ssl, groups);
}

struct dtls_ctx *sl_dtls_ctx_new(const struct cert *cert,
                                 const enum srtp_profile *profiles, size_t n)
{
    struct dtls_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return NULL;
    ctx->ssl = SSL_CTX_new(DTLS_method());
    ctx->bio = sl_dtlswire_method();
    if (!ctx->ssl || !ctx->bio)
        goto fail;
    if (!set_rules(ctx->ssl) || !set_profiles(ctx->ssl, profiles, n))
        goto fail;
    if (!SSL_CTX_use_certificate(ctx->ssl, cert->x509) ||
        !SSL_CTX_use_PrivateKey(ctx->ssl, cert->key))
        goto fail;
    return ctx;

fail:
    sl_dtls_ctx_free(ctx);
    return NULL;
}

void sl_dtls_ctx_free(struct dtls_ctx *ctx)
{
    if (!ctx)
        return;
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->bio);
    free(ctx);
}

bool sl_dtls_fingerprint_known(const struct dtls_fingerprint *f)
{
    return f->any || sl_dtlswire_hash(f) != NULL;
}

/* ---- one end ---- */

/* Octets that a record of epoch 1 has at least: a nonce and a tag (RFC 5288 §3), of ChaCha20 the tag
 * alone (RFC 7905 §2). SIZE_MAX: OpenSSL has not changed to the cipher, and takes none. */
static size_t ciphered_min(const SSL *ssl)
{
    enum { TAG = 16, NONCE = 8 };
    OSSL_HANDSHAKE_STATE s = SSL_get_state(ssl);
    if (s != TLS_ST_OK && s != TLS_ST_SR_CHANGE && s != TLS_ST_SR_FINISHED &&
        s != TLS_ST_SW_CHANGE && s != TLS_ST_SW_FINISHED && s != TLS_ST_CR_CHANGE &&
        s != TLS_ST_CR_FINISHED)
        return SIZE_MAX;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    bool chacha = cipher && SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305;
    return chacha ? TAG : NONCE + TAG;
}

/* The first record of r's, or nothing where it has no place; when none is whole r is empty, too.
 * Anybody who can forge an address could send those, and they must not end an association: RFC
 * 6347 §4.1.2.7 would have them dropped. OpenSSL gives up for a type in the clear that it does not
 * expect, and for a record of the next epoch that is shorter than its tag; of other records of
 * that epoch it would keep a hundred, with 16 kB for each. (A Finished that came before its
 * ChangeCipherSpec comes again with its flight.) */
static struct span take_record(struct rd *r, const SSL *ssl)
{
    enum { CHANGE_CIPHER_SPEC = 20, ALERT, HANDSHAKE, SEQUENCE_N = 6 };
    const uint8_t *p = r->p;
    uint8_t type = rd_u8(r);
    (void)rd_u16(r); /* version */
    uint16_t epoch = rd_u16(r);
    (void)rd_span(r, SEQUENCE_N);
    struct span body = rd_span(r, rd_u16(r));
    bool clear = type >= CHANGE_CIPHER_SPEC && type <= HANDSHAKE;
    if (r->bad || (epoch == 0 ? !clear : epoch > 1 || body.n < ciphered_min(ssl)))
        return (struct span){0};
    return (struct span){p, (size_t)(r->p - p)};
}

static void fail(struct dtls *d, enum err error, const char *reason)
{
    d->state = DTLS_FAILED;
    if (!d->error)
        d->error = d->wire.refused ? E_AUTH : error;
    d->reason = reason;
}

static void fail_by_openssl(struct dtls *d)
{
    unsigned long e = ERR_peek_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    fail(d, ERR_GET_REASON(e) == SSL_R_READ_TIMEOUT_EXPIRED ? E_LATE : E_CRYPTO,
         reason ? reason : "no reason given");
}

/* Continues the handshake as far as what came in allows. */
static void handshake(struct dtls *d)
{
    int r = SSL_do_handshake(d->ssl);
    if (r != 1) {
        if (SSL_get_error(d->ssl, r) != SSL_ERROR_WANT_READ)
            fail_by_openssl(d);
        return;
    }
    if (!d->wire.matched)
        fail(d, E_AUTH, "no certificate");
    else if (SSL_get_extms_support(d->ssl) != 1)
        /* Without it another session's keys may be the same (RFC 7627 §1). */
        fail(d, E_UNSUPPORTED, "no extended master secret");
    else if (!SSL_get_selected_srtp_profile(d->ssl))
        fail(d, E_UNSUPPORTED, "no srtp profile in common");
    else
        d->state = DTLS_UP;
    if (d->state == DTLS_UP && d->role == DTLS_SERVER)
        d->flight = sl_dtlsqueue_joined(&d->wire.out);
    if (d->state == DTLS_FAILED)
        SSL_shutdown(d->ssl);
}

static void receive(struct dtls *d)
{
    uint8_t buf[DTLS_INPUT_MAX];
    while (d->state == DTLS_UP) {
        int n = SSL_read(d->ssl, buf, sizeof buf);
        if (n > 0) {
            sl_dtlsqueue_put(&d->messages, buf, (size_t)n);
            continue;
        }
        int e = SSL_get_error(d->ssl, n);
        if (e == SSL_ERROR_WANT_READ)
            break;
        if (e == SSL_ERROR_ZERO_RETURN) {
            d->state = DTLS_CLOSED;
            SSL_shutdown(d->ssl); /* RFC 5246 §7.2.1: answered with the same */
        } else {
            fail_by_openssl(d);
        }
    }
    /* 33 kB that are made again when needed; most associations stay silent from here on. */
    SSL_free_buffers(d->ssl);
}

static void set_deadline(struct dtls *d, usec now)
{
    struct timeval left;
    bool running = d->state == DTLS_HANDSHAKE && DTLSv1_get_timeout(d->ssl, &left);
    d->deadline = running ? now + SEC(left.tv_sec) + left.tv_usec : USEC_NEVER;
}

static void run(struct dtls *d, usec now)
{
    ERR_clear_error();
    if (d->state == DTLS_HANDSHAKE)
        handshake(d);
    if (d->state == DTLS_UP)
        receive(d);
    d->wire.in = (struct span){0};
    set_deadline(d, now);
    ERR_clear_error();
}

static bool set_up(struct dtls *d, struct dtls_ctx *ctx)
{
    if (!d->ssl || !sl_dtlswire_attach(&d->wire, d->ssl, ctx->bio))
        return false;
    if (d->role == DTLS_CLIENT)
        SSL_set_connect_state(d->ssl);
    else
        SSL_set_accept_state(d->ssl);
    return true;
}

struct dtls *sl_dtls_new(struct dtls_ctx *ctx, enum dtls_role role,
                         const struct dtls_fingerprint *peer, usec now)
{
    struct dtls *d = sl_dtls_fingerprint_known(peer) ? malloc(sizeof *d) : NULL;
    if (!d)
        return NULL;
    *d = (struct dtls){.ssl = SSL_new(ctx->ssl),
                       .role = role,
                       .wire = {.peer = *peer},
                       .reason = "",
                       .deadline = USEC_NEVER};
    sl_dtlsqueue_init(&d->wire.out);
    sl_dtlsqueue_init(&d->messages);
    if (!set_up(d, ctx)) {
        sl_dtls_free(d);
        return NULL;
    }
    run(d, now);
    return d;
}

void sl_dtls_free(struct dtls *d)
{
    if (!d)
        return;
    SSL_free(d->ssl);
    sl_dtlsqueue_fini(&d->wire.out);
    sl_dtlsqueue_fini(&d->messages);
    free(d->polled);
    free(d->flight);
    free(d->farewell);
    sl_wipe(&d->rest, sizeof d->rest);
    free(d);
}

/* What there is to do without OpenSSL. */
static enum err run_at_rest(struct dtls *d, struct span datagram)
{
    enum dtlsrest_said said = sl_dtlsrest_input(&d->rest, datagram);
    if (said == DTLSREST_AGAIN) {
        sl_dtlsqueue_put_chunk(&d->wire.out, d->flight);
    } else if (said == DTLSREST_CLOSE) {
        d->state = DTLS_CLOSED;
        sl_dtlsqueue_put_chunk(&d->wire.out, d->farewell);
    } else if (said == DTLSREST_FATAL) {
        fail(d, E_CRYPTO, "alert");
    }
    return said == DTLSREST_NOTHING ? E_UNSUPPORTED : E_OK;
}

bool sl_dtls_repeats(const struct dtls *d)
{
    return d->state == DTLS_UP && d->flight;
}

bool sl_dtls_rest(struct dtls *d)
{
    if (!d->ssl)
        return true;
    if (d->state != DTLS_UP || d->wire.out.n > 0 ||
        sl_dtlsrest_init(&d->rest, d->ssl, d->role == DTLS_CLIENT) != E_OK)
        return false;
    /* What OpenSSL would say last, to be said when it is time. */
    ERR_clear_error();
    SSL_alloc_buffers(d->ssl);
    SSL_shutdown(d->ssl);
    ERR_clear_error();
    d->farewell = sl_dtlsqueue_take(&d->wire.out);
    SSL_free(d->ssl);
    d->ssl = NULL;
    return true;
}

enum err sl_dtls_input(struct dtls *d, struct span datagram, usec now)
{
    if (d->state == DTLS_CLOSED || d->state == DTLS_FAILED)
        return E_STATE;
    if (datagram.n > DTLS_INPUT_MAX)
        return E_FULL;
    if (!d->ssl)
        return run_at_rest(d, datagram);
    struct rd r = rd_of(datagram);
    enum err ret = E_UNSUPPORTED;
    while (r.n > 0 && d->state < DTLS_CLOSED) {
        d->wire.in = take_record(&r, d->ssl);
        if (d->wire.in.n == 0)
            continue;
        run(d, now);
        ret = E_OK;
    }
    return ret;
}

void sl_dtls_tick(struct dtls *d, usec now)
{
    if (d->state != DTLS_HANDSHAKE || now < d->deadline)
        return;
    ERR_clear_error();
    if (DTLSv1_handle_timeout(d->ssl) < 0)
        fail_by_openssl(d);
    set_deadline(d, now);
    ERR_clear_error();
}

usec sl_dtls_deadline(const struct dtls *d)
{
    return d->deadline;
}

bool sl_dtls_poll(struct dtls *d, struct dtls_out *ret)
{
    free(d->polled);
    bool datagram = d->wire.out.n > 0;
    d->polled = sl_dtlsqueue_take(datagram ? &d->wire.out : &d->messages);
    if (!d->polled)
        return false;
    *ret = (struct dtls_out){.kind = datagram ? DTLS_OUT_DATAGRAM : DTLS_OUT_MESSAGE,
                             .bytes = {d->polled->p, d->polled->n}};
    return true;
}

enum dtls_state sl_dtls_state(const struct dtls *d)
{
    return d->state;
}

enum err sl_dtls_error(const struct dtls *d)
{
    return d->error;
}

const char *sl_dtls_reason(const struct dtls *d)
{
    return d->reason;
}

enum err sl_dtls_keys(const struct dtls *d, struct srtp_master *in,
                      struct srtp_master *out)
{
    if (d->state != DTLS_UP || !d->ssl)
        return E_STATE;
    enum srtp_profile p = (enum srtp_profile)SSL_get_selected_srtp_profile(d->ssl)->id;
    size_t key = sl_srtp_key_len(p), salt = sl_srtp_salt_len(p);
    uint8_t buf[2 * (SRTP_KEY_MAX + SRTP_SALT_MAX)];
    if (SSL_export_keying_material(d->ssl, buf, 2 * (key + salt), EXPORTER,
                                   sizeof EXPORTER - 1, NULL, 0, 0) != 1)
        return E_CRYPTO;
    struct srtp_master *of[] = {d->role == DTLS_CLIENT ? out : in,
                                d->role == DTLS_CLIENT ? in : out};
    for (size_t i = 0; i < 2; i++) {
        *of[i] = (struct srtp_master){.profile = p};
        memcpy(of[i]->key, buf + i * key, key);
        memcpy(of[i]->salt, buf + 2 * key + i * salt, salt);
    }
    sl_wipe(buf, sizeof buf);
    return E_OK;
}

enum err sl_dtls_send(struct dtls *d, struct span message, usec now)
{
    if (d->state != DTLS_UP || !d->ssl)
        return E_STATE;
    if (message.n == 0 || message.n > DTLS_get_data_mtu(d->ssl) ||
        d->wire.out.n == DTLS_QUEUE_MAX)
        return E_FULL;
    ERR_clear_error();
    SSL_alloc_buffers(d->ssl);
    if (SSL_write(d->ssl, message.p, (int)message.n) <= 0)
        fail_by_openssl(d);
    SSL_free_buffers(d->ssl); /* as when one was received */
    set_deadline(d, now);
    ERR_clear_error();
    return d->state == DTLS_UP ? E_OK : d->error;
}

void sl_dtls_close(struct dtls *d, usec now)
{
    if (d->state == DTLS_UP && !d->ssl) {
        sl_dtlsqueue_put_chunk(&d->wire.out, d->farewell);
    } else if (d->state == DTLS_UP) {
        ERR_clear_error();
        SSL_alloc_buffers(d->ssl);
        SSL_shutdown(d->ssl);
        ERR_clear_error();
    }
    if (d->state != DTLS_FAILED)
        d->state = DTLS_CLOSED;
    set_deadline(d, now);
}
