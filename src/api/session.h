#pragma once

/*
 * Sessions of WHIP and WHEP, which differ only in the direction of media: how one is made,
 * and /session/KEY, by which its maker changes and ends it.
 *
 * The key is 128 random bits that nobody but the maker was told, so it is what permits: no
 * token is asked for again, and one that expired meanwhile does no harm. The entity-tag names
 * the ICE session (RFC 9725 §4.3.1); it is our user fragment, which does the same.
 */

#include "api/face.h"

#define SESSION_OFFER    "application/sdp"
#define SESSION_FRAGMENT "application/trickle-ice-sdpfrag"

#define SESSION_RETRY SEC(5) /* before asking again a server that is full or going down */

/* May the request make a session? Otherwise the answer is made. */
bool sl_session_admit(struct ask *a, enum may what, struct claims *ret);

/* Makes a session of a.room and a.stream by the offer in the body, and answers. */
void sl_session_create(struct ask *a, enum negotiate_job job,
                       const struct claims *claims);

void sl_session_answer(struct ask *a);
