#pragma once

/*
 * The two HTTP faces: who listens where, which page or answer a request gets, and what a token
 * permits. For the control thread, whose rooms and media plane they speak of.
 */

#include "api/admin.h"
#include "api/face.h"
#include "api/roomapi.h"
#include "net/httpd.h"
#include "service/captures.h"
#include "service/objects.h"
#include "service/redis_face.h"
#include "service/rooms_face.h"
#include "service/rtcd_face.h"
#include "service/traces.h"

struct control_conf;
struct plane;

/* All of it is borrowed, and lives longer. */
struct faces_conf {
    const struct control_conf *of;
    struct loop *loop;
    struct log *log;
    struct rooms *rooms;
    struct plane *plane;
    struct metrics *metrics;
    struct node *node;
    void (*settle)(void *ctx); /* after anything that may have changed rooms */
    void *ctx;
};

/* To be read. */
struct faces {
    struct faces_conf conf;
    struct limit *joins, *changes;
    struct face face;
    struct admin admin;
    struct revoked *revoked; /* NULL: there is no store, and no room API */
    struct roomapi roomapi;
    struct objects objects;
    struct captures captures;
    struct httpd *public_face, *private_face; /* NULL: there is none */
    struct rooms_face *rooms;                 /* NULL without a public face */
    struct rtcd_face *rtcd;                   /* NULL: not served */
    struct redis_face *redis;                 /* NULL: there is none */
};

/* Nobody is listened to yet. E_MALFORMED: an ICE server that no header can hold; E_MEMORY. Fini
 * takes what is all zero, or was half made. */
MUST_USE enum err sl_faces_init(struct faces *f, const struct faces_conf *conf);
void sl_faces_fini(struct faces *f);

/* E_OK when none is wanted; else as sl_httpd_new. */
MUST_USE enum err sl_faces_listen_public(struct faces *f);
MUST_USE enum err sl_faces_listen_private(struct faces *f);

/* E_OK when there is none; else as sl_redis_face_new. */
MUST_USE enum err sl_faces_redis(struct faces *f);

/* What happens in rooms, and on data channels: to whoever talks by these faces. */
void sl_faces_news(const struct faces *f, const struct news *n);
void sl_faces_wanted(const struct faces *f, const struct peer *peer,
                     const struct track *track);
void sl_faces_data(const struct faces *f, uint64_t transport,
                   const struct media_data_event *ev);
/* The peer of a transport is not heard any more, for now. */
void sl_faces_stale(const struct faces *f, uint64_t transport);
/* A worker has answered: MAIL_LOOK, MAIL_CAPTURE. */
void sl_faces_mail(struct faces *f, const struct mail *m);
/* Sessions that go on while the server drains, though they may have no media. */
uint64_t sl_faces_sessions(const struct faces *f);
/* After any of it: timers. */
void sl_faces_arm(const struct faces *f);

/* Is the server ready for those who come, and are new sessions refused? */
void sl_faces_serve(struct faces *f, bool ready, bool draining);
