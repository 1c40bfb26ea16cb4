#pragma once

/*
 * What users of a room are told over its WebSocket (docs/rooms.asyncapi.yaml), written. A message is
 * one JSON object, whole, unless w turns bad. Names and texts come as UTF-8 and leave so.
 */

#include "api/face.h"
#include "room/room.h"

/* The id of the request that is answered; -1: none. */
typedef int64_t rooms_id;
#define ROOMS_NO_ID (-1)

/* "done", "pong". */
void sl_rooms_say_done(struct wr *w, const char *type, rooms_id id);
void sl_rooms_say_error(struct wr *w, rooms_id id, const char *code, struct span detail);
void sl_rooms_say_closed(struct wr *w, rooms_id id, const char *code, struct span detail);

struct rooms_joined {
    const struct participant *who;
    const char *resume;
    bool resumed;
    const struct ice_server *ice;
    size_t ice_n;
    const struct turn_credentials
        *turn; /* of servers that have none of their own; NULL */
};
void sl_rooms_say_joined(struct wr *w, rooms_id id, const struct rooms_joined *j);

void sl_rooms_say_offer(struct wr *w, uint32_t number, struct span sdp,
                        const struct peer *to);
void sl_rooms_say_answer(struct wr *w, rooms_id id, struct span sdp,
                         const struct peer *to);
void sl_rooms_say_gone(struct wr *w, const char *of, enum media_gone why);

/* False: of these news nobody is told at once. own: to whom they are about. */
bool sl_rooms_say_news(struct wr *w, const struct news *n, bool own);
void sl_rooms_say_viewers(struct wr *w, size_t n);
/* Who only watches, by signalling, and came after that one (NULL: from the first): so many of them. */
void sl_rooms_say_watchers(struct wr *w, rooms_id id, const struct room *room,
                           const struct participant *after, size_t most);

/* Who spoke since then, and who is the speaker. */
void sl_rooms_say_speakers(struct wr *w, const struct room *room, usec since);

/* Lists that were written elsewhere, "{...},{...}". */
void sl_rooms_say_quality(struct wr *w, struct span receive, struct span send);
void sl_rooms_say_wanted(struct wr *w, const struct track *t);
void sl_rooms_say_muted(struct wr *w, const struct track *t, const char *by);
void sl_rooms_say_moved(struct wr *w, struct span room, struct span token);
void sl_rooms_say_data(struct wr *w, const char *from, struct span text);
