#pragma once

/*
 * Tokens that clients get for their key: 32 random characters that stand for a client until
 * their time is over. They live in memory; who logs in again loses the token before.
 *
 * One for each client at most, so registered clients bound it. The caller's thread, and time.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

enum { BEARER_LEN = 32, BEARER_CAP = BEARER_LEN + 1 };

struct bearers;

/* lifetime: of a token. NULL when memory ends. Free takes NULL. */
struct bearers *sl_bearers_new(usec lifetime, const uint64_t seed[2]);
void sl_bearers_free(struct bearers *b);

/* random: 24 octets, of which the token is made. */
MUST_USE enum err sl_bearers_make(struct bearers *b, struct span client,
                                  const uint8_t random[24], usec now,
                                  char ret[BEARER_CAP]);

/* Whose token it is; *ret is borrowed until the next call. E_ABSENT: nobody's; E_LATE: its
 * time is over, and it is gone now. */
MUST_USE enum err sl_bearers_find(struct bearers *b, struct span token, usec now,
                                  struct span *ret);

/* The client's token is nobody's any more, if it has one. */
void sl_bearers_drop(struct bearers *b, struct span client);
