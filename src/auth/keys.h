#pragma once

/*
 * The keys of tokens as the store has them: under "auth/key/" and the kid, the secret.
 *
 * A server that has none makes one at its first start, so that it can be tried at once. The
 * secret is text (base64url of 32 random octets), and its characters are the key: what the
 * operator is shown can be given to any JWT library as it is.
 */

#include <stdbool.h>

#include "auth/token.h"
#include "store/kv.h"

enum { KEYS_SECRET_CAP = 128 };

/* A key that was made just now, to be shown once. Wipe it (sl_wipe). */
struct keys_made {
    bool made;
    char kid[TOKEN_KID_CAP];
    char secret[KEYS_SECRET_CAP];
};

/* Adds all keys of the store to *ret; if there is none, makes one, "dev", and writes it.
 * E_MALFORMED: what the store has is no key; E_FULL: more than TOKEN_KEYS_MAX; or the
 * store's error. */
MUST_USE enum err sl_keys_load(struct kv *kv, struct token_keys *ret,
                               struct keys_made *made);
