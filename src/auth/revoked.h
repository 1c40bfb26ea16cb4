#pragma once

/*
 * Tokens that are good no more before their time, by their `jti`: remembered over restarts, each
 * until it would have ended by itself. The caller's thread, and its time in seconds of Unix.
 */

#include "auth/token.h"
#include "store/kv.h"

enum { REVOKED_MAX = 100000 };

struct revoked;

/* Reads what the store has, and drops from it what is over. kv is borrowed. */
MUST_USE enum err sl_revoked_new(struct kv *kv, const uint64_t hash_key[2], int64_t now,
                                 struct revoked **ret);
void sl_revoked_free(struct revoked *r); /* takes NULL */

/* From now on, also for who starts later. exp: of the token, which is then forgotten. E_MALFORMED:
 * no such id; E_LATE: it is over anyhow; E_FULL: as many as there may be; or the store's. */
MUST_USE enum err sl_revoked_add(struct revoked *r, struct span jti, int64_t exp,
                                 int64_t now);

bool sl_revoked_has(const struct revoked *r, struct span jti);

/* A number that stands for the token in sessions; 0 where it has no id. */
uint64_t sl_revoked_number(const struct revoked *r, struct span jti);
