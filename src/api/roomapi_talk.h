#pragma once

/* What is said to those who are in a room, and who only watches it: the room API's. Each answers one
 * request (struct roomapi_call), of call.room. */

#include "api/roomapi.h"

void sl_roomapi_send(struct roomapi_call *c);    /* data to all, or to some */
void sl_roomapi_viewers(struct roomapi_call *c); /* by WHEP, a page of them */
void sl_roomapi_remove_viewer(struct roomapi_call *c);
void sl_roomapi_move(struct roomapi_call *c); /* call.who to another room */
