#pragma once

/*
 * For tests: a client over a real socket. It sends checks as a controlling ICE agent does,
 * shakes hands as the DTLS client, then sends and receives SRTP. What it is told by SDP is
 * given in a struct; it does not read any.
 */

#include "base/addr.h"
#include "base/clock.h"

#include "crypto/cert.h"
#include "crypto/dtls.h"
#include "crypto/hash.h"
#include "crypto/srtp.h"
#include "net/frames.h"
#include "proto/rtp.h"

#define PEER_CHECKS MSEC(100) /* until it is up; then each second */

struct peer_remote {
    struct addr at;
    const char *ufrag, *pwd;
    struct dtls_fingerprint print;
};

struct peer {
    int fd;
    bool stream; /* over TCP, RFC 4571 */
    struct frames frames;
    struct cert cert;
    struct dtls_ctx *ctx;
    struct dtls *dtls;
    struct addr to;
    char name[64]; /* of the checks: theirs:ours */
    struct hmac_sha1 key;
    usec next_check;
    struct srtp_in *in;
    struct srtp_out *out;
    struct srtp_guard guard;
    uint64_t index; /* of the last packet sent */

    /* what came */
    uint64_t answers, rtp, rtcp, bad; /* bad: no valid SRTP */
    uint64_t strangers;               /* datagrams from elsewhere than `to` */
    void *ctx_rtp;
    /* at: when the socket had it */
    void (*on_rtp)(void *ctx, const struct rtp *rtp, usec at);
};

/* With a certificate and a socket of its own. E_SYS, E_CRYPTO. Afterwards sl_peer_fini. */
MUST_USE enum err sl_peer_init(struct peer *p);
void sl_peer_fini(struct peer *p);

/* Of its certificate, for whoever expects it. */
struct dtls_fingerprint sl_peer_print(const struct peer *p);

/* From now on it sends and receives by a TCP connection to that address, and begins with a
 * check. E_SYS. */
MUST_USE enum err sl_peer_stream(struct peer *p, const struct addr *to);

/* Begins to send checks, and, once one was answered, hellos. */
void sl_peer_connect(struct peer *p, const struct peer_remote *to);

/* Does what is due and takes what came, until `until` or `stop` is true (NULL: never). */
void sl_peer_run(struct peer *p, usec until, bool (*stop)(const struct peer *p));
bool sl_peer_is_up(const struct peer *p);
bool sl_peer_answered(const struct peer *p);

/* Sends a packet as the next of its one stream; its seq is filled in. */
void sl_peer_send(struct peer *p, struct rtp *rtp);

/* Says close_notify. */
void sl_peer_close(struct peer *p);
