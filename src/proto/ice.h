#pragma once

/*
 * The lite side of ICE for one transport (RFC 8445 §2.5): it answers checks, keeps the paths
 * from which valid ones came, and follows the peer's nomination.
 *
 * A lite agent sends no checks, so consent (RFC 7675) is what the peer's own checks show:
 * they are as fresh and as authenticated. Checks that are not authenticated get no answer at
 * all, where RFC 8489 §9.1.3 has 400 or 401: a public port must not write to whom it does
 * not know. Any worker may answer checks for a transport that it expects, each with a struct
 * of its own; the owner's tells the path. A value without pointers. One thread.
 */

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

#include "crypto/hash.h"
#include "proto/stun.h"

enum {
    ICE_UFRAG_MAX = 9, /* ours: 8 ice-chars, 48 bits, and a NUL (RFC 8445 §5.3: 24) */
    ICE_PWD_MAX = 25,  /* ours: 24 ice-chars, 144 bits, and a NUL (RFC 8445 §5.3: 128) */
    ICE_PAIRS_MAX = 16 /* paths of one transport */
};

#define ICE_CONSENT SEC(30) /* RFC 7675 §5.1 */

struct ice_creds {
    char ufrag[ICE_UFRAG_MAX];
    char pwd[ICE_PWD_MAX];
};

/* New ones that nobody can guess. */
struct ice_creds sl_ice_creds_make(void);

/* A path: where from, and which of our sockets it came to. */
struct ice_pair {
    struct addr remote;
    uint16_t port; /* as in struct pkt */
    usec seen;     /* the last valid check */
};

struct ice {
    struct ice_creds creds[2]; /* those in use; those that an ICE restart offers */
    struct hmac_sha1 key[2];
    bool restarting; /* creds[1] wait for their first check */
    bool nominated;
    bool ranked; /* the nomination came with a number */
    uint32_t rank;
    uint8_t n;
    uint8_t selected; /* nominated, or else the first that was valid; only if n > 0 */
    bool single;      /* the credentials are for one peer: whose check is valid first */
    uint64_t peer;    /* a hash of its user fragment; 0: none came yet */
    struct ice_pair pairs[ICE_PAIRS_MAX];
};

void sl_ice_init(struct ice *ice, const struct ice_creds *creds);

/* Both are accepted until the first check with the new ones. Offered again before that: the
 * later offer replaces the earlier. */
void sl_ice_restart(struct ice *ice, const struct ice_creds *creds);

/* Our part of a check's user name "ours:theirs": what a transport is found by. */
struct span sl_ice_ufrag(const struct stun *check);

/* What a valid check has changed. */
struct ice_change {
    bool pair;      /* a path that was not known */
    bool path;      /* sl_ice_path is another than before */
    bool restarted; /* the restart's credentials are those in use now */
};

/* A STUN message came from an address to one of our sockets. Whenever `answer` has grown, it
 * is to be sent back. E_OK: valid. E_STATE: not a request; E_AUTH: not with our credentials,
 * nobody is answered; E_UNSUPPORTED: attributes that we do not know, answered by 420;
 * E_DENIED: it wants us to be controlling, answered by 487 (§7.3.1.1); E_FULL: no room;
 * E_EXISTS: ice.single, and it is of another peer than the first: nobody is answered. */
MUST_USE enum err sl_ice_check(struct ice *ice, const struct stun *msg,
                               const struct addr *from, uint16_t port, usec now,
                               struct wr *answer, struct ice_change *ret);

/* Whether a valid check came from there: nothing else may be listened to, but STUN. */
bool sl_ice_knows(const struct ice *ice, const struct addr *from, uint16_t port);

/* The stream that a pair came by is closed. If it was the path, that of which was heard last is
 * chosen, until the peer nominates one; if there is none, consent has ended. Whether the path, or
 * consent, is another than before. */
bool sl_ice_closed(struct ice *ice, const struct addr *from, uint16_t port, usec now);

/* The path to send on, borrowed until the next check; NULL before the first valid one. */
const struct ice_pair *sl_ice_path(const struct ice *ice);

/* When consent for the path ends, if no check comes; USEC_NEVER without a path. */
usec sl_ice_expires(const struct ice *ice);

static inline bool ice_expired(const struct ice *ice, usec now)
{
    return now >= sl_ice_expires(ice);
}

/* ---- our addresses ---- */

/* Addresses of ours in the order in which candidates are told of them: loopback last, IPv6 and
 * IPv4 by turns (RFC 8421 §4), else as given. ret has room for n. */
void sl_ice_order(const struct addr *a, size_t n, struct addr *ret);
