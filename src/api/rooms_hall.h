#pragma once

/*
 * The room WebSocket (docs/rooms.md): who talks to rooms by it, and what becomes of that.
 *
 * A line is one socket. When somebody has joined on it, it speaks for a session, which is an admitted
 * participant (room/participant) with its transports. A line that is lost leaves the session
 * behind for ROOMS_RESUME, and another may take it over. All else is decided by rooms: this turns
 * messages into calls of them, and news into messages.
 *
 * Sans-IO. For the control thread.
 */

#include "api/rooms_data.h"
#include "api/rooms_say.h"

#define ROOMS_PROTOCOL  "sluice.rooms.v1"
#define ROOMS_JOIN_TIME SEC(10)   /* from the handshake to having joined */
#define ROOMS_RESUME    SEC(30)   /* without a line, then it has left */
#define ROOMS_BEAT      MSEC(500) /* what changes often is told so often */
#define ROOMS_QUALITY   SEC(3)

enum {
    /* Octets that each of the others is made to hear by the requests of one session; above this they
     * are refused. Far from what a socket may let wait, so that nobody loses his by what others say. */
    ROOMS_TOLD_MAX = 256 << 10,
    ROOMS_TOLD_PER_S = 64 << 10,
    ROOMS_PER_S = 50, /* requests of one line */
    ROOMS_BURST = 200,
    /* Of one session at once, and then one a second: each tells all that there is. */
    ROOMS_RESUMES = 20,
    ROOMS_WATCHERS_MAX = 64,  /* that are told of at once */
    ROOMS_WAITING_MAX = 4096, /* lines without a session; who waits longest goes */
};

/* Closing frames (RFC 6455 §7.4.2: 4000 and above are for applications). */
enum rooms_close {
    ROOMS_CLOSE_LEFT = 1000,
    ROOMS_CLOSE_REMOVED = 4001,
    ROOMS_CLOSE_ROOM,
    ROOMS_CLOSE_REPLACED,
    ROOMS_CLOSE_TIMEOUT,
    ROOMS_CLOSE_FLOOD,
    ROOMS_CLOSE_REVOKED,
    ROOMS_CLOSE_SHUTDOWN,
    ROOMS_CLOSE_MOVED,
};

struct rooms_line;

/* Pointers are borrowed. */
struct rooms_hall_conf {
    struct rooms *rooms;
    struct media_ops media;
    struct random random;
    struct log *log;
    struct limit *joins; /* for each address */
    bool open;           /* no token is asked for: who makes a room is its host */
    /* As in struct face_conf. */
    enum err (*verify)(void *ctx, struct span token, struct claims *ret);
    void (*explain)(void *ctx, const struct peer *p, struct wr *w);
    bool (*turn)(void *ctx, uint64_t transport, struct turn_credentials *ret);
    void *face_ctx; /* of these three */
    const struct ice_server *ice;
    size_t ice_n;
    /* To a socket; neither calls back before it returns. */
    void (*send)(void *ctx, void *socket, struct span text);
    void (*close)(void *ctx, void *socket, unsigned code, const char *reason);
    void *ctx;
};

struct rooms_stats_of_hall {
    uint64_t lines, sessions, waiting; /* now */
    uint64_t joined, resumed, lost;    /* lost: sessions whose line did not come back */
    uint64_t refused;                  /* requests answered by an error: */
    uint64_t malformed;                /* of them, those that were none that there is */
    uint64_t flooded, timed_out;       /* lines that were closed for it */
};

struct rooms_hall;

/* NULL when memory ends. Free takes NULL; the rooms must still be there, and are left. */
struct rooms_hall *sl_rooms_hall_new(const struct rooms_hall_conf *conf);
void sl_rooms_hall_free(struct rooms_hall *h);
const struct rooms_stats_of_hall *sl_rooms_hall_stats(const struct rooms_hall *h);
const struct rooms_data_stats *sl_rooms_hall_data_stats(const struct rooms_hall *h);

/* Nobody new joins from now on; or they do. */
void sl_rooms_hall_drain(struct rooms_hall *h, bool draining);

/* A socket to the room of that name. token: of the handshake, may be empty. E_FULL: no such name;
 * E_MEMORY. */
MUST_USE enum err sl_rooms_hall_open(struct rooms_hall *h, struct span room,
                                     struct span token, const struct addr *from,
                                     void *socket, usec now, struct rooms_line **ret);
void sl_rooms_hall_message(struct rooms_line *l, struct span text, usec now);
/* It has joined, or resumed, and is worth more than one that only waits. */
bool sl_rooms_hall_joined(const struct rooms_line *l);
void sl_rooms_hall_closed(struct rooms_line *l, unsigned code, usec now);

/* What happens in rooms, and on data channels of whatever transport. */
void sl_rooms_hall_news(struct rooms_hall *h, const struct news *n);
void sl_rooms_hall_wanted(struct rooms_hall *h, const struct peer *p,
                          const struct track *track);
void sl_rooms_hall_data(struct rooms_hall *h, uint64_t transport,
                        const struct media_data_event *ev);

/* A message of the service to a participant, or to all of a room (who NULL). */
void sl_rooms_hall_tell(struct rooms_hall *h, const struct room *room,
                        const struct participant *who, struct span text);
/* A track was muted by an operator: its owner is told. */
void sl_rooms_hall_muted(struct rooms_hall *h, const struct participant *who,
                         const struct track *track, const char *by);

/* It came by a room WebSocket. */
bool sl_rooms_hall_has(const struct participant *who);

/* It goes on in this room, by this token; then it is to leave. */
void sl_rooms_hall_moved(struct rooms_hall *h, const struct participant *who,
                         struct span room, struct span token);

/* When to tick next, or USEC_NEVER. */
usec sl_rooms_hall_deadline(const struct rooms_hall *h);
void sl_rooms_hall_tick(struct rooms_hall *h, usec now);
