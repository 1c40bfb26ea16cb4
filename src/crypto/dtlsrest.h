#pragma once

/*
 * What is left of a DTLS 1.2 association that carries no messages, once both ends are up: the
 * peer may say close_notify, and has to be understood. OpenSSL keeps 38 kB for each end; the
 * keys of what the peer writes are all that this needs (RFC 5246 §6.3, RFC 6347 §4.1).
 *
 * A value without pointers; wipe it when it is done with. For crypto/dtls.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct ssl_st; /* OpenSSL's SSL */

enum { DTLSREST_KEY_MAX = 32, DTLSREST_IV_MAX = 12 };

struct dtlsrest {
    int cipher; /* OpenSSL's number of it */
    uint8_t key[DTLSREST_KEY_MAX];
    uint8_t iv[DTLSREST_IV_MAX];
};

/* Of an association that is up. E_UNSUPPORTED: of a cipher that we do not offer; E_CRYPTO. */
MUST_USE enum err sl_dtlsrest_init(struct dtlsrest *ret, struct ssl_st *ssl, bool client);

enum dtlsrest_said {
    DTLSREST_NOTHING, /* or nothing that is authentic, or to be answered */
    DTLSREST_AGAIN,   /* its last flight: ours was lost */
    DTLSREST_CLOSE,   /* close_notify */
    DTLSREST_FATAL,   /* another alert, which ends it */
};

/* What a datagram says: the last of its records that says anything. */
enum dtlsrest_said sl_dtlsrest_input(const struct dtlsrest *r, struct span datagram);
