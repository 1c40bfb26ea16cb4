#pragma once

/*
 * Lines and sessions of the room WebSocket, as its own modules see them: rooms_hall (lines), rooms_entry
 * (who comes in), rooms_session (who is there), rooms_do (requests), rooms_media (transports), rooms_news.
 * Nobody else includes this.
 */

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"

#include "api/rooms_hall.h"
#include "api/rooms_msg.h"

enum {
    ROOMS_OUT_MAX = 128,      /* tracks that one session leaves out */
    ROOMS_TEXT_CAP = 4 << 20, /* octets of the longest message: a room as it is */
    /* Of that, names and metadata of all who are there by WebSocket, and of their tracks; what else is
     * said of them is far less. And no more of one of them. */
    ROOMS_TEXTS_MAX = ROOMS_TEXT_CAP / 2,
    ROOMS_TEXTS_OF_ONE = ROOMS_TEXTS_MAX / 8,
    ROOMS_SPEAKERS_CAP = 2048, /* octets of who speaks */
};

/* What its user said of a section in which it sends. */
struct rooms_section {
    char mid[PARAMS_NAME_MAX], source[SOURCE_CAP];
    char *name, *metadata; /* owned; NULL: not said */
    bool muted;
};

struct rooms_said {
    size_t n;
    struct rooms_section sections[ROOMS_TRACKS_MAX];
};

/* Those of one room. */
struct rooms_crowd {
    struct map_node by_room;
    uint64_t id;
    const struct room *room;
    struct list sessions;
    size_t texts;      /* octets, of all its sessions */
    size_t viewers;    /* as told last */
    uint64_t speakers; /* a hash of what was told last */
};

/* By which a session is taken up again; key.n 0: there is none. */
struct rooms_token {
    struct map_node by_text;
    struct rooms_session *session;
    char text[33];
};

struct rooms_session {
    struct rooms_hall *hall;
    struct rooms_line *line; /* NULL: lost */
    struct participant *who; /* NULL: it is in the room no more */
    struct rooms_crowd *crowd;
    struct list by_crowd;
    struct rooms_token resume;
    struct rooms_token former; /* until it is sure that the other has arrived */
    struct timer lost;         /* while there is no line */
    usec resumes_at;           /* a bucket (api/limit.h), as quiet_at */
    bool one;                  /* connection for both ways */
    size_t told;               /* octets that others were told for it, of late */
    usec told_at;              /* when that was counted */
    size_t texts;    /* octets of names and metadata that are said of it, as JSON */
    uint32_t offers; /* of ours */
    struct rooms_said *said; /* owned; NULL: nothing yet */
    size_t out_n;
    uint64_t out[ROOMS_OUT_MAX]; /* producers */
    struct rooms_reader data;
};

struct rooms_line {
    struct list by_hall;
    struct rooms_hall *hall;
    struct rooms_session *session; /* NULL: has not joined */
    void *socket;
    char room[NAME_CAP];
    char *token; /* owned, of the handshake */
    struct addr from;
    struct timer join;
    usec quiet_at; /* a bucket (api/limit.h) of what it may ask */
    bool closing;
};

struct rooms_hall {
    struct rooms_hall_conf conf;
    struct rooms_datas *datas;
    struct rooms_stats_of_hall stats;
    struct list lines;
    struct map by_resume, crowds;
    struct timers joins, losts;
    struct rooms_session *asks; /* whose request is being done; NULL: nobody's */
    usec beat, quality;         /* when each is due; USEC_NEVER: nobody is there */
    bool draining;
    uint64_t hash_key[2];
    uint8_t *text, *part; /* of the message being written, and what goes into it */
    uint8_t *sdp;         /* the answer of ours, NEGOTIATE_ANSWER_MAX octets */
};

/* ---- rooms_hall ---- */

/* A buffer for one message; then it is sent. */
struct wr sl_rooms_text(struct rooms_hall *h);
void sl_rooms_send(struct rooms_session *s, const struct wr *w);
/* detail NULL: none. */
void sl_rooms_refuse_line(struct rooms_line *l, rooms_id id, const char *code,
                          const char *detail);
/* Something that it did without a request. */
void sl_rooms_refuse(struct rooms_session *s, const char *code, const char *detail);
void sl_rooms_close_line(struct rooms_line *l, rooms_id id, unsigned code,
                         const char *name, const char *detail);
/* ---- rooms_entry ---- */

/* The line speaks for a session from now on, or the request is refused. */
void sl_rooms_entry_join(struct rooms_line *l, const struct rooms_msg *m, rooms_id id,
                         usec now);
void sl_rooms_entry_resume(struct rooms_line *l, const struct rooms_msg *m, rooms_id id,
                           usec now);
/* It has heard of the token by which it may come back: the one before is of no use. */
void sl_rooms_entry_heard(struct rooms_session *s);
/* Nobody comes back to it. */
void sl_rooms_entry_forget(struct rooms_session *s);

/* ---- rooms_session ---- */

/* What others shall see of it from now on, its tracks as in said. False: that is more than may be said
 * of it, or of all in the room, and nothing changed. */
bool sl_rooms_texts(struct rooms_session *s, struct span name, struct span metadata);
/* Whoever it was is in no room any more. Its participant is not looked at, and may be gone. */
void sl_rooms_session_end(struct rooms_session *s);
/* It leaves as asked; the session ends, and its line is closed. */
void sl_rooms_session_leave(struct rooms_session *s, rooms_id id);
struct rooms_session *sl_rooms_session_of(const struct participant *who);

extern const struct participant_events sl_rooms_participant; /* of those who come so */

MUST_USE enum err sl_rooms_crowd_enter(struct rooms_session *s, usec now);
/* NULL: nobody of the room is there. */
struct rooms_crowd *sl_rooms_crowd(const struct rooms_hall *h, uint64_t room);

/* ---- rooms_news ---- */

/* What is told from time to time: to be called when hall.beat is due. */
void sl_rooms_news_beat(struct rooms_hall *h, usec now);

/* ---- rooms_do ---- */

/* What came of a request. code NULL: it is done; silent: and answered. */
struct rooms_outcome {
    const char *code;
    const char *detail; /* NULL: none */
    bool silent;
};
struct rooms_outcome sl_rooms_do(struct rooms_session *s, const struct rooms_msg *m,
                                 rooms_id id, usec now);

/* ---- rooms_media ---- */

struct rooms_outcome sl_rooms_media_offer(struct rooms_session *s,
                                          const struct rooms_msg *m, rooms_id id,
                                          usec now);
struct rooms_outcome sl_rooms_media_answer(struct rooms_session *s,
                                           const struct rooms_msg *m, usec now);
struct rooms_outcome sl_rooms_media_restart(struct rooms_session *s, usec now);
struct rooms_outcome sl_rooms_media_want(struct rooms_session *s,
                                         const struct rooms_msg *m);
struct rooms_outcome sl_rooms_media_subscribe(struct rooms_session *s,
                                              const struct rooms_msg *m);
/* Makes the transport on which it receives, if it may, and has one of its own for that. */
void sl_rooms_media_begin(struct rooms_session *s, usec now);
/* What the receiving peer knows of an unanswered offer is lost with a line: it is made again. */
void sl_rooms_media_again(struct rooms_session *s);
void sl_rooms_media_fini(struct rooms_session *s);
