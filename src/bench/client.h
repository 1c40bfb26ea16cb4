#pragma once

/*
 * A WebRTC client's connection: its offer, its checks, its handshake.
 *
 * It writes an offer and reads the answer, as WHIP and WHEP have it, or answers an offer of the
 * server's; sends checks as the controlling agent of ICE until one is answered, shakes hands
 * as whichever end the answer says, and then has the keys of its media. Checks go on, for consent. There is one path, to the address that
 * the answer names: the server is expected to be ICE-lite, and to be reached. If it checks all
 * the same, it is answered. For servers that talk to nobody without one it opens a data channel,
 * of which its descriptions do not tell, and hears nothing in it.
 *
 * Sans-IO: after each call poll until there is no more. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

#include "crypto/dtls.h"
#include "crypto/srtp.h"
#include "proto/sctp.h"
#include "room/offer.h"

#define CLIENT_CHECKS  MSEC(2500) /* between two checks, as browsers have it */
#define CLIENT_TIMEOUT SEC(15)    /* from the answer to the keys, or it failed */

enum client_state {
    CLIENT_NEW,
    CLIENT_CHECKING,
    CLIENT_SECURING,
    CLIENT_UP,
    CLIENT_FAILED
};

struct client_conf {
    enum negotiate_job job;
    const struct offer_section *sections; /* copied */
    size_t sections_n;
    bool plain;            /* it tells nobody what its path carries, see room/offer.h */
    struct dtls_ctx *dtls; /* borrowed: which SRTP profiles it takes is here */
    const uint8_t *sha256; /* borrowed: of the certificate in it */
    const struct srtp_backend *srtp;
    const struct addr *server; /* the candidate with this IP is taken, if there is one */
    struct sctp_stack *stack;  /* borrowed; NULL: it opens no data channel */
    void *user;                /* the owner's own */
};

enum { CLIENT_SECTIONS_MAX = 32 };

struct client;

/* NULL when memory ends, or for more than CLIENT_SECTIONS_MAX. Free takes NULL. */
struct client *sl_client_new(const struct client_conf *conf);
void sl_client_free(struct client *c);

/* Appends the offer. */
void sl_client_offer(const struct client *c, struct wr *w);

/* Reads the answer, and begins. E_MALFORMED: no SDP; E_UNSUPPORTED: not an answer to the
 * offer, *why says in what; E_ABSENT: it names no address that can be reached. */
MUST_USE enum err sl_client_answer(struct client *c, struct span answer, usec now,
                                   enum negotiate_why *why);

/* The other way round: answers the offer of a server that sends, which is appended to w, and
 * begins. Its sections take the place of those in the conf. Errors as above. */
MUST_USE enum err sl_client_accept(struct client *c, struct span offer, usec now,
                                   struct wr *w, enum negotiate_why *why);

/* For who reads descriptions elsewhere (bench/caller): begins with what they say. Errors as above. */
struct client_ends {
    const char *ufrag, *pwd; /* ours, as they were told */
    struct dtls_fingerprint peer;
    bool dtls_client;         /* we begin the handshake */
    const struct sdp *theirs; /* its credentials and candidates are taken */
};
MUST_USE enum err sl_client_begin(struct client *c, const struct client_ends *ends,
                                  usec now);

/* New credentials of both ends, as they were told (an ICE restart): checks go on by them, at once. Media
 * goes on, too, as keys stay. E_STATE: it is not up; E_MALFORMED: they are too long. */
struct client_creds {
    struct span ufrag, pwd, their_ufrag, their_pwd;
};
MUST_USE enum err sl_client_restart(struct client *c, const struct client_creds *creds,
                                    usec now);

/* Takes STUN and DTLS; the rest is ignored. */
void sl_client_input(struct client *c, struct span datagram, usec now);
void sl_client_tick(struct client *c, usec now);
usec sl_client_deadline(const struct client *c);

/* False: no more. The datagram is valid until the next call. */
bool sl_client_poll(struct client *c, struct span *ret);

/* One with a data channel that may have something to be polled, since time went on in its stack. */
struct client *sl_client_talking(struct sctp_stack *st);
void *sl_client_user(const struct client *c);

enum client_state sl_client_state(const struct client *c);

/* Why it failed, in words; static. */
const char *sl_client_reason(const struct client *c);

/* From the answer on: where to send to. */
const struct addr *sl_client_remote(const struct client *c);

/* Of the nth section: the id of a header extension, 0 when it was not agreed. */
uint8_t sl_client_ext(const struct client *c, size_t section, enum rtp_ext ext);

/* When up: the keys of what is sent and of what comes. Borrowed. */
struct srtp_out *sl_client_out(const struct client *c);
struct srtp_in *sl_client_in(const struct client *c);

/* Checks that were answered, and those that were not. */
struct client_checks {
    uint64_t sent, answered;
};
struct client_checks sl_client_checks(const struct client *c);
