#pragma once

/*
 * The clients that are registered, in rtcd's sense: an installation of Mattermost each, with
 * a name and a key. The store has them under "rtcd/client/" and the name, as the key's hash.
 *
 * Each of these may take as long as a hash and a disk do. Any thread.
 */

#include "auth/password.h"
#include "store/kv.h"

enum {
    CLIENT_NAME_MAX = 256,
    CLIENT_KEY_MIN = 32, /* octets of a key, as rtcd has it */
};

/* E_SHORT: the key has less than CLIENT_KEY_MIN octets; E_MALFORMED: no such name; E_EXISTS: it
 * is there, and stays as it is; E_FULL: the key is longer than PASSWORD_MAX, or the store is
 * full; and the store's errors. */
MUST_USE enum err sl_clients_add(struct kv *kv, struct span name, struct span key);

/* With a hash that was made elsewhere. E_MALFORMED: it is none. */
MUST_USE enum err sl_clients_add_hash(struct kv *kv, struct span name, struct span hash);

/* E_ABSENT: nobody of this name, which takes as long to say as E_AUTH: another key. */
MUST_USE enum err sl_clients_check(struct kv *kv, struct span name, struct span key);

MUST_USE enum err sl_clients_del(struct kv *kv, struct span name); /* E_ABSENT */
