#pragma once

/* Rooms, and who is in them, for the room API: each answers one request (struct roomapi_call). */

#include "api/roomapi.h"

void sl_roomapi_list_rooms(struct roomapi_call *c);
void sl_roomapi_create_room(struct roomapi_call *c);
void sl_roomapi_create_any(
    struct roomapi_call *c); /* for who knows only that he wants one */

/* Of call.room. */
void sl_roomapi_show_room(struct roomapi_call *c);
void sl_roomapi_change_room(struct roomapi_call *c);
void sl_roomapi_close_room(struct roomapi_call *c);

/* Of call.who, too. */
void sl_roomapi_show_peer(struct roomapi_call *c);
void sl_roomapi_change_peer(struct roomapi_call *c);
void sl_roomapi_remove_peer(struct roomapi_call *c);
void sl_roomapi_change_track(struct roomapi_call *c);
