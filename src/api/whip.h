#pragma once

/*
 * WHIP (RFC 9725): publishing by one offer over HTTP. The endpoint is here, and the session
 * that it makes in session.h.
 */

#include "api/face.h"

#define WHIP_STREAM "main" /* of a stream that neither path nor token names */

void sl_whip_answer(struct ask *a);
