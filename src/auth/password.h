#pragma once

/*
 * Keys of clients as bcrypt hashes ("$2a$10$...", 60 characters), which is what rtcd keeps.
 *
 * A hash takes about 50 ms on purpose: not for a thread that others wait for. Any thread.
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

enum {
    PASSWORD_MAX =
        72, /* octets that bcrypt looks at; a longer key would be cut in silence */
    PASSWORD_COST = 10,
    PASSWORD_HASH_CAP = 61,
};

/* E_FULL: longer than PASSWORD_MAX; E_MALFORMED: a NUL is in it; E_CRYPTO, E_MEMORY. */
MUST_USE enum err sl_password_hash(struct span key, char ret[PASSWORD_HASH_CAP]);

/* E_AUTH: it is another key; E_MALFORMED: that is no hash. */
MUST_USE enum err sl_password_check(struct span key, struct span hash);

/* Has it the form of a hash that sl_password_check takes, at a cost that we would pay? */
bool sl_password_is_hash(struct span hash);

/* For keys that are kept as they are: takes the same time wherever they differ. */
bool sl_password_same(struct span a, struct span b);

/* Overwrites what held a key. */
void sl_password_wipe(void *p, size_t n);
