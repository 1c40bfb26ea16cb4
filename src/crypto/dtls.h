#pragma once

/*
 * One end of a DTLS 1.2 association that keys SRTP (RFC 6347, 5764), over OpenSSL.
 *
 * It is given datagrams and the time, and gives datagrams, messages and a state. The peer is
 * known by the fingerprint of its certificate alone, as SDP announced it (RFC 8122): in both
 * roles no key and no byte comes out before the certificate matched and the handshake ended.
 * Where any will do, the peer is who shows one first: there is no second handshake.
 *
 * One exception to sans-IO: when to send a flight again is measured by OpenSSL, on the wall
 * clock. So sl_dtls_deadline is exact only while both clocks run alike; if the wall clock
 * leaps, a retransmission comes late, and the caller's own limit ends the handshake.
 *
 * Each input or tick may queue output: poll until there is no more. One thread for an end; a
 * context may serve the ends of many threads. What a peer can make us keep is bounded: queues
 * of DTLS_QUEUE_MAX, and handshake messages of DTLS_CERT_MAX octets.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

#include "crypto/cert.h"
#include "crypto/srtp.h"

enum {
    DTLS_MTU = 1200,       /* octets of the longest datagram that is sent */
    DTLS_INPUT_MAX = 2048, /* longer datagrams are refused */
    DTLS_QUEUE_MAX = 32,   /* datagrams or messages that wait to be polled */
    DTLS_CERT_MAX = 16384, /* octets of certificates, and of any one message */
    DTLS_FINGERPRINT_MAX = 64,
    DTLS_PROFILES_MAX = 4,
};

enum dtls_role { DTLS_SERVER, DTLS_CLIENT };

enum dtls_state {
    DTLS_HANDSHAKE,
    DTLS_UP,
    DTLS_CLOSED, /* by close_notify, the peer's or ours */
    DTLS_FAILED, /* see sl_dtls_error */
};

/* Of the DER form of a certificate. The length tells the hash: 32, 48 or 64 octets of
 * SHA-256, SHA-384 or SHA-512. SHA-1 is none: it can be forged. */
struct dtls_fingerprint {
    bool any; /* nothing was announced: whichever is shown will do */
    uint8_t n;
    uint8_t octets[DTLS_FINGERPRINT_MAX];
};

bool sl_dtls_fingerprint_known(
    const struct dtls_fingerprint *f); /* by its length, or any */

/* What all associations of a process share: our certificate and what we agree to. */
struct dtls_ctx;

/* profiles: those that we accept, the best first; a server takes its own first. cert is
 * borrowed during the call. NULL when memory ends or OpenSSL refuses. Free takes NULL. */
struct dtls_ctx *sl_dtls_ctx_new(const struct cert *cert,
                                 const enum srtp_profile *profiles, size_t n);
void sl_dtls_ctx_free(struct dtls_ctx *ctx);

struct dtls;

/* A client begins at once. The context must outlive it. NULL when memory ends or peer has no
 * known length. Free takes NULL, and says nothing to the peer. */
struct dtls *sl_dtls_new(struct dtls_ctx *ctx, enum dtls_role role,
                         const struct dtls_fingerprint *peer, usec now);
void sl_dtls_free(struct dtls *d);

/* E_STATE: closed or failed before; E_FULL: longer than DTLS_INPUT_MAX; E_UNSUPPORTED: dropped, as
 * it has no place here, or says nothing to who rests. Other junk, and replays, OpenSSL drops. */
MUST_USE enum err sl_dtls_input(struct dtls *d, struct span datagram, usec now);

/* Sends again what was not answered in time. */
void sl_dtls_tick(struct dtls *d, usec now);
usec sl_dtls_deadline(const struct dtls *d);

struct dtls_out {
    enum { DTLS_OUT_DATAGRAM, DTLS_OUT_MESSAGE } kind; /* to the peer, or from it */
    struct span bytes;                                 /* valid until the next call */
};

/* False: no more. Datagrams come before messages. */
bool sl_dtls_poll(struct dtls *d, struct dtls_out *ret);

enum dtls_state sl_dtls_state(const struct dtls *d);

/* Why it failed. E_AUTH: another certificate than announced; E_UNSUPPORTED: no SRTP profile
 * in common, or no extended master secret; E_LATE: the peer fell silent; E_CRYPTO: the rest,
 * of which sl_dtls_reason has OpenSSL's words (never NULL). */
enum err sl_dtls_error(const struct dtls *d);
const char *sl_dtls_reason(const struct dtls *d);

/* The master keys of what the peer sends and of what we send. E_STATE: not up, or at rest. */
MUST_USE enum err sl_dtls_keys(const struct dtls *d, struct srtp_master *in,
                               struct srtp_master *out);

/* It is up, and what the peer may still ask for, our last flight, is kept: to be sent again as it
 * was, which to the peer is a datagram that the network brought late. A client has none. */
bool sl_dtls_repeats(const struct dtls *d);

/* It carries no messages any more, and its keys were taken: lets go of what OpenSSL holds, 38
 * kB. It stays up; a repeated last flight is answered, and either end can close it. Only when
 * our last flight is kept (sl_dtls_repeats), or the peer is known to be up, too. False: it is not
 * up, there is something to be polled, or memory ended; then it is as it was. */
bool sl_dtls_rest(struct dtls *d);

/* One message as one record. E_STATE: not up, or at rest; E_FULL: too long for one datagram, or the
 * queue is full. */
MUST_USE enum err sl_dtls_send(struct dtls *d, struct span message, usec now);

/* Says close_notify if it was up. */
void sl_dtls_close(struct dtls *d, usec now);
