#pragma once

/*
 * The stable codes by which rooms refuse, as everybody is told who talks to one by messages: over
 * the room WebSocket (docs/rooms.md), and through Redis (docs/redis.md).
 */

#include "room/room.h"

enum { CODES_DETAIL_CAP = 256 };

/* Why somebody is not let in; NULL for E_OK. */
const char *sl_codes_entry(enum err e);

/* Why a description is not taken: refused says more, for people, where detail is not left empty. */
const char *sl_codes_description(enum err e, const struct refused *refused,
                                 char detail[CODES_DETAIL_CAP]);
