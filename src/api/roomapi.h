#pragma once

/*
 * The room API on the private face, for back ends (docs/rooms.openapi.yaml):
 *
 *   GET, POST          /v1/rooms                              list, create
 *   GET, PATCH, DELETE /v1/rooms/TENANT/ROOM                  and who is in it; change; close
 *   GET, PATCH, DELETE /v1/rooms/TENANT/ROOM/peers/PEER       one of them; change; remove
 *   PATCH              .../peers/PEER/tracks/TRACK            mute
 *   POST               .../peers/PEER/move                    to another room
 *   POST               /v1/rooms/TENANT/ROOM/passes           a pass, to join by ICE alone
 *   DELETE             .../passes/TRANSPORT                   it is revoked
 *   POST               /v1/rooms/TENANT/ROOM/data             to all, or to some
 *   GET                /v1/rooms/TENANT/ROOM/viewers          who watches by WHEP
 *   POST               /v1/tokens                             mint
 *   POST               /v1/revocations                        a token ends, and what it began
 *   POST               /room/create                           a room by any name
 *   GET                /v1/workers...                         what lives where (conf.objects)
 *   GET, POST          /v1/captures                           of workers (conf.captures)
 *   DELETE             /v1/captures/WORKER
 *   GET                /v1/traces                             of transports (conf.traces)
 *   DELETE             /v1/traces/TRANSPORT
 *   POST               .../peers/PEER/traces
 *   POST               /v1/transports/ID/traces
 *   GET                /v1/transports/ID, producers/ID, consumers/ID
 *
 * A request is a value, and so is its answer. For the control thread alone.
 */

#include "api/reply.h"
#include "auth/revoked.h"
#include "room/room.h"

struct roomapi_call;

/* To those who came by the room WebSocket; all NULL where there is none. */
struct roomapi_talk {
    void *ctx;
    /* Is it there by a signalling that has words for what follows? */
    bool (*hears)(void *ctx, const struct participant *who);
    /* A message of the service to a participant, or to all of a room (who NULL). */
    void (*data)(void *ctx, const struct room *room, const struct participant *who,
                 struct span text);
    /* A track of its own was muted, or is not any more. */
    void (*muted)(void *ctx, const struct participant *who, const struct track *track);
    /* It goes on in this room, by this token. */
    void (*moved)(void *ctx, const struct participant *who, struct span room,
                  struct span token);
};

/* Borrowed for the life of the API. */
struct roomapi_conf {
    struct rooms *rooms;
    const struct token_keys *keys; /* the first signs */
    struct revoked *revoked;
    const char *secret; /* that callers show as a bearer token; NULL: who comes may */
    bool pass_any;      /* passes may be issued without a fingerprint */
    struct random random;
    struct roomapi_talk talk;
    /* Answers what is asked of workers and what lives there: now, or later, and then says so in
     * the call. NULL: there are none. */
    void (*objects)(void *ctx, struct roomapi_call *c);
    void *objects_ctx;
    /* The same for captures of workers. */
    void (*captures)(void *ctx, struct roomapi_call *c);
    void *captures_ctx;
    /* And for traces of transports. */
    void (*traces)(void *ctx, struct roomapi_call *c);
    void *traces_ctx;
};

struct roomapi {
    struct roomapi_conf conf;
    uint8_t *buf; /* the present answer */
};

MUST_USE enum err sl_roomapi_init(struct roomapi *a, const struct roomapi_conf *conf);
void sl_roomapi_fini(struct roomapi *a); /* takes what is all zero */

/* Is the path one of ours? */
bool sl_roomapi_has(struct span path);

/* The answer is valid until the next request. wall: seconds of Unix. Status 0: it comes later. */
struct http_res sl_roomapi_answer(struct roomapi *a, const struct http_req *req, usec now,
                                  int64_t wall);

/* ---- for its modules ---- */

enum {
    ROOMAPI_SEGMENTS_MAX = 8,
    ROOMAPI_MOVED_S = 3600, /* for which the token of who is moved is good */
};

struct json_t;

/* A request, what it names, and the answer under construction. */
struct roomapi_call {
    struct roomapi *api;
    const struct http_req *req;
    struct reply reply;
    usec now;
    int64_t wall;
    struct span seg[ROOMAPI_SEGMENTS_MAX]; /* of the path */
    struct json_t *in;                     /* the body; NULL: there is none */
    struct room *room;
    struct participant *who;
    bool later; /* the answer is not this */
};

/* An answer that comes later is begun; sl_reply_done(&c.reply) is what to send. */
struct roomapi_call sl_roomapi_late(struct roomapi *a);

void sl_roomapi_refuse(struct roomapi_call *c, enum problem p, const char *detail);
void sl_roomapi_fail(struct roomapi_call *c, enum err e); /* the same, by an error */

/* Where JSON goes, of an answer with this status. */
struct wr *sl_roomapi_body(struct roomapi_call *c, unsigned status);

/* An id of the media plane: 16 hex digits. */
bool sl_roomapi_id(struct span text, uint64_t *ret);

/* A parameter of the query as it was sent; p NULL: there is none. */
struct span sl_roomapi_parameter(const struct http_req *req, const char *name);

/* The parameter `after`, a TENANT/ROOM behind which a page begins; "": there is none. */
bool sl_roomapi_after(struct roomapi_call *c, char ret[2 * NAME_CAP]);

/* These are true, or they have refused. The body's members are read by a format of Jansson's. */
bool sl_roomapi_unpack(struct roomapi_call *c, const char *fmt, ...);
bool sl_roomapi_within(struct roomapi_call *c, const char *name, long long v,
                       long long least, long long most);

static inline struct span roomapi_text(const char *p, size_t n)
{
    return (struct span){(const uint8_t *)p, n};
}
