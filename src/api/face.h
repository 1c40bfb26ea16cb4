#pragma once

/*
 * The public face: what browsers and encoders may ask over HTTP.
 *
 *   POST          /whip/ROOM[/STREAM]   publish (RFC 9725)              api/whip
 *   POST          /whep/ROOM[/STREAM]   watch (draft-ietf-wish-whep)    api/whep
 *   PATCH, DELETE /session/KEY          ICE, and the end, of both       api/session
 *   POST, GET     /session/KEY/layer    what a viewer wants, and gets   api/layer
 *   GET           /session/KEY/events   what layers there are           api/layer
 *   GET           /rooms/ROOM/streams   what is live                    api/streams
 *
 * A request is a value, and so is its answer; no socket is known here. For the control
 * thread alone.
 */

#include "api/limit.h"
#include "api/reply.h"
#include "auth/turn.h"
#include "room/claims.h"
#include "room/room.h"

struct ice_server {
    const char *url;                   /* "stun:...", "turn:...", "turns:..." */
    const char *username, *credential; /* NULL: none */
};

/* Pointers are borrowed for the life of the face. */
struct face_conf {
    struct rooms *rooms;
    /* What the token permits; it is empty when none was sent. E_ABSENT: one is needed;
     * E_LATE, E_EARLY: its time is over, or has not come; else: it is none of ours. */
    enum err (*verify)(void *ctx, struct span token, struct claims *ret);
    void *verify_ctx;
    struct limit *joins;   /* for each address: new sessions */
    struct limit *changes; /* for each address: PATCHes of sessions */
    /* Appends a line of JSON for each track of a viewer; NULL: nobody knows. */
    void (*explain)(void *ctx, const struct peer *p, struct wr *w);
    void *explain_ctx;
    const struct ice_server *ice; /* told to clients */
    size_t ice_n;
    /* Of those TURN servers that have no username of their own, for one session; NULL: there are
     * none. False: not now. */
    bool (*turn)(void *ctx, uint64_t transport, struct turn_credentials *ret);
    void *turn_ctx;
    const char *const *origins; /* of pages that may use it (api/origin); NULL: all */
    size_t origins_n;
    bool proxied; /* the client's address is the last of X-Forwarded-For */
};

struct face {
    struct face_conf conf;
    bool draining;              /* set it: no new sessions; those there are go on */
    uint64_t refused[PROBLEMS]; /* requests, by reason */
    char *link;                 /* the Link field for conf.ice, the last; or NULL */
    uint8_t *buf;               /* the present answer */
};

/* E_MALFORMED: an ICE server that no header can hold; E_MEMORY. */
MUST_USE enum err sl_face_init(struct face *f, const struct face_conf *conf);
void sl_face_fini(struct face *f); /* takes what was half made, or not at all */

/* Is the path one of ours? */
bool sl_face_has(struct span path);

/* Answers a request. The answer's strings and body are valid until the next one. */
struct http_res sl_face_answer(struct face *f, const struct http_req *req, usec now);

/* The token of a request (RFC 6750 §2.1), empty when there is none; and from where it comes, behind
 * proxies as conf has it. */
struct span sl_face_bearer(const struct http_req *req);
struct addr sl_face_client(const struct face *f, const struct http_req *req);

/* ---- for the modules of this face ---- */

/* What is asked, and the answer under construction. */
struct ask {
    struct face *face;
    const struct http_req *req;
    struct span room, stream, key; /* what the path names; otherwise empty */
    struct reply reply;
    usec now;
};

/* The Link field that names ICE servers to this session; NULL: there are none. Valid until the
 * next call. */
const char *sl_face_link(struct face *f, uint64_t transport);

void sl_ask_refuse(struct ask *a, enum problem p, const char *code, const char *detail);

/* These are true, or they have made the answer. */
bool sl_ask_permitted(struct ask *a, enum may what, struct claims *ret); /* in a->room */
bool sl_ask_within(struct ask *a, struct limit *l);
bool sl_ask_accepts(struct ask *a, const char *type); /* Accept */
bool sl_ask_sends(struct ask *a, const char *type);   /* Content-Type */
