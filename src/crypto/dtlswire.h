#pragma once

/*
 * What OpenSSL asks of us during an association: datagrams and their ends, when to send a flight
 * again, and whether the peer is who we expect. For crypto/dtls.
 */

#include <stdbool.h>

#include "crypto/dtls.h"
#include "crypto/dtlsqueue.h"

struct ssl_st; /* OpenSSL's SSL, and more of it */
struct bio_method_st;
struct evp_md_st;
struct x509_store_ctx_st;

struct dtlswire {
    struct dtls_fingerprint peer;
    bool matched;   /* the peer has shown the certificate that we expect */
    bool refused;   /* it has shown another */
    struct span in; /* the datagram being read, or nothing */
    struct dtlsqueue out;
};

/* By the fingerprint's length; NULL: unknown. */
const struct evp_md_st *sl_dtlswire_hash(const struct dtls_fingerprint *f);

/* To be freed with BIO_meth_free; NULL when memory ends. */
struct bio_method_st *sl_dtlswire_method(void);

/* From now on ssl reads w->in and writes w->out. w and method outlive it. False: no memory. */
MUST_USE bool sl_dtlswire_attach(struct dtlswire *w, struct ssl_st *ssl,
                                 struct bio_method_st *method);

/* For SSL_CTX_set_cert_verify_callback, of attached ends. */
int sl_dtlswire_verify(struct x509_store_ctx_st *store, void *arg);
