#pragma once

/*
 * Rooms, and who and what is in them, as JSON: the same for the room API, webhooks, and whoever
 * else is told. Members are named as in the WebSocket protocol (docs/rooms.asyncapi.yaml).
 */

#include "room/news.h"
#include "room/room.h"

enum { ROOMJSON_NEWS_MAX = 48 * 1024 }; /* octets that are enough for an event */

/* A JSON string with its quotes, of text in UTF-8. */
void sl_roomjson_text(struct wr *w, struct span text);

/* Octets that it takes, without its quotes. */
size_t sl_roomjson_text_n(struct span text);

/* {"tenant", "room", "metadata", "locked", "peers_n", "viewers", and what it was made with} */
void sl_roomjson_room(struct wr *w, const struct room *room);

/* {"peer", "name", "role", "metadata"}, and "tracks", if they are wanted. */
void sl_roomjson_peer(struct wr *w, const struct participant *p, bool tracks);

/* {"track", "kind", "source", "name", "metadata", "muted"} */
void sl_roomjson_track(struct wr *w, const struct track *t);

/* The members of an event, without braces: type, tenant, room and what it is about. False: nobody
 * outside is told of this, and nothing was written. */
bool sl_roomjson_news(struct wr *w, const struct news *n);
