#pragma once

/*
 * WHEP (draft-ietf-wish-whep-03): watching by one offer over HTTP. Who names a stream wants that
 * one, and is told when there is none; who names only the room sees what there is, and what
 * comes, as far as the slots that it offered reach.
 */

#include "api/face.h"

#define WHEP_RETRY SEC(2) /* before a viewer asks again for a stream that is not there */

void sl_whep_answer(struct ask *a);
