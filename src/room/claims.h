#pragma once

/*
 * What a token permits, as a value: whose rooms, which of them, and what there. Who signed it
 * and until when it is valid was found out before (auth/token).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum {
    NAME_MAX_LEN = 64,           /* of a tenant, a room, a stream */
    NAME_CAP = NAME_MAX_LEN + 1, /* and a NUL */
    PATTERN_CAP = NAME_CAP + 1,  /* a name, or its beginning and "*" */
    CLAIM_TEXT_CAP = 129,        /* 128 octets and a NUL */
};

/* Names travel in URLs, logs and keys of the store: 1..64 unreserved characters of RFC 3986
 * §2.3 (letters, digits, "-._~"), and not a dot first, which proxies take for a directory. */
bool sl_name_valid(struct span name);

enum may {
    MAY_PUBLISH = 1,
    MAY_WATCH = 2,
    MAY_ADMIN = 4, /* and all of the above */
};

struct claims {
    char tenant[NAME_CAP];
    char rooms[PATTERN_CAP]; /* "standup", "team-*", "*"; "" permits none */
    unsigned may;            /* of enum may */
    uint32_t max_bps;        /* that its holder may send in a session; 0: any */
    /* As a participant of a room; "": not said. */
    char role[CLAIM_TEXT_CAP], id[CLAIM_TEXT_CAP], name[CLAIM_TEXT_CAP];
    char sources[CLAIM_TEXT_CAP]; /* what it may publish: words */
    char jti[CLAIM_TEXT_CAP];     /* the token's own id */
    uint64_t token;               /* stands for that in what it began; 0: it has none */
};

/* The pattern is a valid name, or the beginning of one followed by "*". */
bool sl_claims_pattern_valid(struct span pattern);

bool sl_claims_permit(const struct claims *c, enum may what, struct span room);
