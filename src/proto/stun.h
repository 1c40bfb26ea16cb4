#pragma once

/*
 * STUN messages (RFC 8489) with the attributes of ICE (RFC 8445 §16.1).
 *
 * Parsing copies nothing but numbers: a struct stun points into its datagram. Building is
 * the reverse: what is set in a struct stun is written. MESSAGE-INTEGRITY is HMAC-SHA1, as
 * all ICE agents have it, under a key that was prepared once.
 */

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"

#include "crypto/hash.h"

/* ---- what a datagram is ---- */

enum dgram { DGRAM_OTHER, DGRAM_STUN, DGRAM_DTLS, DGRAM_CHANNEL, DGRAM_RTP };

/* By its first octet (RFC 7983 §7); the ranges do not overlap. RTP: or RTCP. */
static inline enum dgram dgram_of(uint8_t first)
{
    if (first >= 128 && first <= 191)
        return DGRAM_RTP;
    if (first <= 3)
        return DGRAM_STUN;
    if (first >= 20 && first <= 63)
        return DGRAM_DTLS;
    return first >= 64 && first <= 79 ? DGRAM_CHANNEL : DGRAM_OTHER;
}

/* ---- messages ---- */

enum {
    STUN_HEADER = 20,
    STUN_ID = 12,
    STUN_BINDING = 1,
    STUN_USERNAME_MAX = 508, /* fewer than 509 octets: RFC 8489 §14.3 */
    STUN_UNKNOWN_MAX = 8,    /* attributes named in a 420; more are not told */
    STUN_ANSWER_MAX = 128,   /* octets of any answer without a user name */
};

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };
enum stun_role { STUN_NO_ROLE, STUN_CONTROLLING, STUN_CONTROLLED };

/* Of an error response. */
enum {
    STUN_BAD_REQUEST = 400,
    STUN_UNAUTHENTICATED = 401,
    STUN_UNKNOWN_ATTRIBUTE = 420,
    STUN_ROLE_CONFLICT = 487
};

struct stun {
    enum stun_class class;
    uint16_t method; /* STUN_BINDING, or what others use */
    uint8_t id[STUN_ID];
    struct span username; /* empty: none */
    enum stun_role role;
    uint64_t tie_breaker; /* with a role */
    bool has_priority, has_mapped, has_nomination;
    bool use_candidate;
    uint32_t priority;
    uint32_t nomination; /* of renomination (draft-thatcher-ice-renomination) */
    struct addr mapped;  /* XOR-MAPPED-ADDRESS, in a success response */
    uint16_t error;      /* in an error response, else 0 */
    uint8_t unknown_n;
    uint16_t unknown[STUN_UNKNOWN_MAX]; /* comprehension-required, not understood; in a
                                         * 420 those of the request */
    /* Set by parsing only. */
    bool fingerprint;      /* there, and right */
    struct span integrity; /* MESSAGE-INTEGRITY's value, empty: none */
    struct span raw;       /* the whole datagram */
};

/* E_UNSUPPORTED: not of STUN since RFC 5389 (no magic cookie). E_SHORT, E_MALFORMED: lengths,
 * values, attributes behind FINGERPRINT, a FINGERPRINT that is wrong. Of an attribute that
 * comes twice the first counts; what stands behind MESSAGE-INTEGRITY does not (§14.5). */
MUST_USE enum err sl_stun_parse(struct span in, struct stun *ret);

/* Whether a parsed message has MESSAGE-INTEGRITY, under this key. */
bool sl_stun_verify(const struct stun *msg, const struct hmac_sha1 *key);

/* Appends a message; MESSAGE-INTEGRITY unless key is NULL; FINGERPRINT. w.bad tells whether
 * it fit, which is also false for a user name over STUN_USERNAME_MAX. */
void sl_stun_build(struct wr *w, const struct stun *msg, const struct hmac_sha1 *key);

/* The empty answer to a request: success, or an error when that is not 0. */
static inline struct stun stun_answer(const struct stun *request, uint16_t error)
{
    struct stun a = {.class = error ? STUN_ERROR : STUN_SUCCESS,
                     .method = request->method,
                     .error = error};
    memcpy(a.id, request->id, STUN_ID);
    return a;
}
