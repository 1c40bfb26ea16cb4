#pragma once

/* Passes, for the room API: each answers one request (struct roomapi_call). */

#include "api/roomapi.h"

void sl_roomapi_issue(struct roomapi_call *c);
void sl_roomapi_revoke_pass(struct roomapi_call *c);
