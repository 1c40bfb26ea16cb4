#pragma once

/* What people in a room are, and what follows from it. */

#include "room/claims.h"

enum role { ROLE_VIEWER, ROLE_PARTICIPANT, ROLE_HOST, ROLES };

enum {
    CAN_PUBLISH = 1,
    CAN_SUBSCRIBE = 2,
    CAN_DATA = 4,
    CAN_MODERATE = 8,
};

/* What the role permits to a holder of such a token. */
unsigned sl_role_can(enum role role, unsigned may);
const char *sl_role_name(enum role role); /* "host" */
bool sl_role_of(struct span name, enum role *ret);

/* That a token gives its holder. False: it names one that is none. */
bool sl_role_claimed(const struct claims *c, enum role *ret);
