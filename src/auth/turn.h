#pragma once

/*
 * Credentials of a TURN server that shares a secret with us, for a time: the name is when they end
 * and who has them, the password its HMAC-SHA1. So coturn has it (use-auth-secret), and rtcd.
 */

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
    TURN_USERNAME_MAX = 64,
    TURN_PASSWORD_MAX = 29,
    TURN_LIFETIME_MAX = 7 * 86400 /* seconds; rtcd takes no more */
};

struct turn_credentials {
    char username[TURN_USERNAME_MAX];
    char password[TURN_PASSWORD_MAX];
};

/* now: seconds since the Unix epoch; lifetime: seconds. E_MALFORMED: one of them is empty, too
 * long or not positive. */
MUST_USE enum err sl_turn_credentials(struct span secret, struct span who, int64_t now,
                                      int64_t lifetime, struct turn_credentials *ret);
