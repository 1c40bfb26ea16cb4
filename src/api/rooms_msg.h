#pragma once

/*
 * What users of a room say over its WebSocket (docs/rooms.asyncapi.yaml): one JSON object for each
 * message, read into values. Which members a request has, of what kind and how long, is one table.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
    ROOMS_MSG_MAX = 256 * 1024, /* octets of a message */
    ROOMS_TRACKS_MAX = 32,      /* that one offer names */
    ROOMS_TO_MAX = 32,          /* peers that one message is for */
    ROOMS_TEXT_MAX = 16 * 1024, /* octets of data by the WebSocket */
};

#define ROOMS_ASK_LIST(X)                                                                \
    X(JOIN, "join")                                                                      \
    X(RESUME, "resume")                                                                  \
    X(OFFER, "offer")                                                                    \
    X(ANSWER, "answer")                                                                  \
    X(CANDIDATE, "candidate")                                                            \
    X(RESTART, "restart")                                                                \
    X(MUTE, "mute")                                                                      \
    X(UPDATE, "update")                                                                  \
    X(WANT, "want")                                                                      \
    X(SUBSCRIBE, "subscribe")                                                            \
    X(DATA, "data")                                                                      \
    X(REMOVE, "remove")                                                                  \
    X(ROLE, "role")                                                                      \
    X(WATCHERS, "watchers")                                                              \
    X(LOCK, "lock")                                                                      \
    X(ROOM, "room")                                                                      \
    X(CLOSE, "close")                                                                    \
    X(PING, "ping")                                                                      \
    X(LEAVE, "leave")

#define ROOMS_ASK_ENUM(name, text) ROOMS_ASK_##name,
enum rooms_ask { ROOMS_ASK_LIST(ROOMS_ASK_ENUM) ROOMS_ASKS };
#undef ROOMS_ASK_ENUM

/* What is sent in the section of that mid. */
struct rooms_sent {
    struct span mid, source, name, metadata; /* p NULL: not said */
    bool muted;
};

/* Texts live as long as json, which sl_rooms_msg_fini frees; their p is NULL where they were not
 * said. Numbers that were not said are 0, and truths what they are by default. */
struct rooms_msg {
    enum rooms_ask type;
    bool has_id;
    int64_t id;
    struct span token, name, metadata, resume, sdp, candidate, mid, of, track, peer,
        reason, text, role, after;
    int64_t v, offer, connections, width, height, fps, priority;
    bool create, muted, on, locked, paused;
    size_t tracks_n, to_n;
    struct rooms_sent tracks[ROOMS_TRACKS_MAX];
    struct span to[ROOMS_TO_MAX]; /* each once */
    const char *fault; /* the member that is missing or wrong; "" where it is the whole */
    void *json;
};

/* What a track may be called: 1 to 15 of letters, digits and "-". */
bool sl_rooms_source_valid(struct span s);

/* E_MALFORMED, E_FULL: fault says which member is missing, of the wrong kind or too long;
 * E_UNSUPPORTED: no request that there is; E_MEMORY. Even then the id is told, if there is a
 * good one. To be freed in any case. */
MUST_USE enum err sl_rooms_msg_read(struct span text, struct rooms_msg *ret);
void sl_rooms_msg_fini(struct rooms_msg *m);
