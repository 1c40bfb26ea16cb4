#pragma once

/* Tokens, for the room API: each answers one request (struct roomapi_call). */

#include "api/roomapi.h"

void sl_roomapi_mint(struct roomapi_call *c);
void sl_roomapi_revoke(struct roomapi_call *c); /* what the token began ends, too */
