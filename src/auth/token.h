#pragma once

/*
 * Bearer tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA256 (RFC 7518 §3.2).
 *
 * The claims: `room`, a name, its beginning and "*", or "*"; `perm`, words out of publish,
 * watch and admin; `exp`, when it ends. Optional: `tenant` ("default"), `sub`, `jti`, `nbf`,
 * `iat`, `max_bps`, the bits/s that a session may send, and of a participant of a room `role`,
 * `name` and `sources`, words for what it may publish. Others are ignored. Who signs is told by the key that fits, so a key is the whole
 * trust: it fixes the algorithm, and no token can choose another (RFC 8725 §3.1). Nothing of
 * a token's claims is read before its signature was found right.
 *
 * Pure: the time is given, in seconds of Unix.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#include "crypto/hash.h"

enum {
    TOKEN_MAX = 4096,      /* octets; longer ones are not looked at */
    TOKEN_SKEW_S = 30,     /* how far the issuer's clock may be off */
    TOKEN_SECRET_MIN = 32, /* octets; RFC 7518 §3.2: as long as the hash */
    TOKEN_KEYS_MAX = 8,
    TOKEN_KID_CAP = 33, /* these with a NUL */
    TOKEN_NAME_CAP = 66,
    TOKEN_TEXT_CAP = 129,
};

enum token_perm {
    TOKEN_PUBLISH = 1,
    TOKEN_WATCH = 2,
    TOKEN_ADMIN = 4,
};

struct token {
    char tenant[TOKEN_NAME_CAP];
    char room[TOKEN_NAME_CAP];
    char sub[TOKEN_TEXT_CAP]; /* "" where the token has none, as jti */
    char jti[TOKEN_TEXT_CAP];
    char role[TOKEN_TEXT_CAP], name[TOKEN_TEXT_CAP], sources[TOKEN_TEXT_CAP];
    unsigned perm;         /* of enum token_perm */
    int64_t exp, nbf, iat; /* 0: none, but for exp */
    uint32_t max_bps;      /* 0: any */
};

struct token_key {
    char kid[TOKEN_KID_CAP];
    struct hmac_sha256 hmac;
};

/* All keys that are valid now: while keys are changed, the old and the new. */
struct token_keys {
    struct token_key keys[TOKEN_KEYS_MAX];
    size_t n;
};

/* kid: 1..32 unreserved characters (RFC 3986 §2.3). E_SHORT: a secret of less than
 * TOKEN_SECRET_MIN octets; E_MALFORMED: the kid; E_EXISTS: it is there; E_FULL. */
MUST_USE enum err sl_token_keys_add(struct token_keys *keys, struct span kid,
                                    struct span secret);

/* E_ABSENT: an empty one; E_FULL: longer than TOKEN_MAX; E_MALFORMED: no JWT, or a claim that
 * is missing or of the wrong kind; E_UNSUPPORTED: another algorithm, or an extension that must
 * be understood; E_AUTH: signed by no key of ours; E_LATE: expired; E_EARLY: not valid yet;
 * E_DENIED: it permits nothing that we know. */
MUST_USE enum err sl_token_verify(const struct token_keys *keys, struct span text,
                                  int64_t now, struct token *ret);

/* Appends the text. E_FULL: no room, or longer than TOKEN_MAX; E_MALFORMED: what verify would
 * refuse at any time; E_MEMORY, also for text that is not UTF-8. */
MUST_USE enum err sl_token_mint(const struct token_key *key, const struct token *t,
                                struct wr *w);
