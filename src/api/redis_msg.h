#pragma once

/*
 * What a back end says through Redis (docs/redis.md): one JSON object for each message, read into
 * values; and what it is told.
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

#include "room/claims.h"

enum {
    REDIS_MSG_MAX = 256 * 1024, /* octets of a message */
    REDIS_CANDIDATE_MAX = 1024, /* of a candidate */
    REDIS_ROOM_MAX =
        2 * NAME_MAX_LEN + 1, /* of a room with its tenant: sl_redis_room_name */
};

#define REDIS_ASK_LIST(X)                                                                \
    X(OFFER, "offer")                                                                    \
    X(ANSWER, "answer")                                                                  \
    X(CANDIDATE, "candidate")                                                            \
    X(LEAVE, "leave")                                                                    \
    X(PASS, "pass")

#define REDIS_ASK_ENUM(name, text) REDIS_ASK_##name,
enum redis_ask { REDIS_ASK_LIST(REDIS_ASK_ENUM) REDIS_ASKS };
#undef REDIS_ASK_ENUM

struct json_t;

/* Texts live as long as json, which sl_redis_msg_fini frees; their p is NULL where they were not
 * said. */
struct redis_msg {
    enum redis_ask type;
    struct span client, room; /* as they were said, if they were and are names */
    struct span tenant, name; /* of the room */
    struct span sdp;          /* of an offer, an answer */
    struct span candidate;    /* empty: there are no more */
    struct span label;        /* what others see of the client */
    bool has_host, host;
    bool offers;         /* offers of ours are passed on, too */
    struct json_t *pass; /* the template of one (api/passjson) */
    const char *fault; /* the member that is missing or wrong; "" where it is the whole */
    void *json;
};

/* E_MALFORMED, E_FULL: fault says which member is missing, of the wrong kind, or too long;
 * E_UNSUPPORTED: no type that there is; E_MEMORY. Even then client and room are told, if they are good.
 * To be freed in any case. */
MUST_USE enum err sl_redis_msg_read(struct span text, struct redis_msg *ret);
void sl_redis_msg_fini(struct redis_msg *m);

/* {"type", "clientID", "roomID", "payload"}. The payload is JSON. */
void sl_redis_say(struct wr *w, const char *type, struct span client, struct span room,
                  struct span payload);

/* Payloads: a description, as browsers take and give it; the next candidate of one (rest is what
 * follows it, and at first the description; false: there is none); an error, or why somebody left. */
void sl_redis_put_description(struct wr *w, const char *type, struct span sdp);
bool sl_redis_put_candidate(struct wr *w, struct span *rest);
void sl_redis_put_error(struct wr *w, const char *code, struct span detail);
void sl_redis_put_reason(struct wr *w, const char *reason, struct span detail);
