#pragma once

/*
 * Who is in a room, as the others are told: a participant has a name, a role and what follows
 * from it, and at most two transports (struct peer), one on which it sends and one on which it
 * receives; both may be the same.
 *
 * It comes in one of two ways. Who is admitted is in the room by its signalling alone, and its
 * transports come and go. Who publishes by WHIP, or is a member by rtcd, is a participant as long as
 * its one transport is up. Who only watches, a viewer, is one of a number: nobody is told of it.
 *
 * Everybody who may do what is asked was found out before by who calls: this does it, and tells
 * (struct news). For the control thread, like all rooms.
 */

#include "room/claims.h"
#include "room/peer.h"
#include "room/role.h"

enum {
    LABEL_MAX = 128,     /* octets of a participant's or a track's name, in UTF-8 */
    METADATA_MAX = 4096, /* octets of what an application adds to it */
    SOURCES_CAP = 129,   /* "camera microphone" and a NUL */
};

struct participant;

/* To the signalling by which it was admitted, from within calls of rooms. */
struct participant_events {
    /* It is in no room any more, for another reason than that it left; reason may be "". */
    void (*left)(void *ctx, struct participant *p, enum media_gone why,
                 const char *reason);
};

struct participant {
    struct list by_room;
    struct room *room;
    char id[NAME_CAP];     /* that others know it by; one of a kind in its room */
    char *name, *metadata; /* owned */
    enum role role;
    unsigned may; /* of enum may, by its token, which bounds every role */
    unsigned can;
    /* What it may publish: words, of which "audio" and "video" are all of that kind; "": anything. */
    char sources[SOURCES_CAP];
    uint32_t max_bps; /* that it may send; 0: any */
    uint64_t token;   /* struct claims: by which it came; 0: none that can be named */
    char jti[CLAIM_TEXT_CAP]; /* the same, as who made it calls it */
    bool listed;              /* others are told of it */
    bool
        self_named; /* nobody vouched for its id: who has that by a token takes its place */
    usec since;
    struct peer *sends, *receives; /* NULL: not now */
    struct voice voice;            /* as it was heard last, when it spoke last */
    usec spoke;
    const struct participant_events *events; /* NULL: not admitted, see above */
    void *ctx;
};

/* How somebody is admitted. Arrays and strings are copied. */
struct admission {
    struct span tenant, room;
    struct span id; /* empty: one is made */
    struct span name, metadata;
    enum role role;
    unsigned may;
    const char *sources; /* NULL: as "" */
    uint32_t max_bps;
    uint64_t token;
    const char *jti; /* NULL: as "" */
    bool create;     /* the room is made, if need be */
    bool first_host; /* who comes where nobody was admitted yet is a host */
    bool heirs;      /* and whoever is there for longest follows the last one */
    const struct participant_events *events;
    void *ctx;
};

struct rooms;

/* E_DENIED: a name that is none; E_ABSENT: no such room, and it may not make one; E_STATE: it is
 * locked; E_FULL; E_MEMORY. One of the same id in the room, admitted before, is sent away. */
MUST_USE enum err sl_participant_admit(struct rooms *r, const struct admission *a,
                                       usec now, struct participant **ret);

/* Whether it would be, now; a refusal for want of room counts. */
MUST_USE enum err sl_participant_check(struct rooms *r, const struct admission *a);

/* Whoever it is, by whatever way. It is freed. */
void sl_participant_leave(struct rooms *r, struct participant *p, enum media_gone why,
                          const char *reason);

/* NULL: nobody in the room has that id. */
struct participant *sl_participant_find(const struct room *room, struct span id);

/* A track of the participant, by its public id; NULL: it has none such. */
struct track *sl_participant_track(const struct participant *p, struct span id);

/* E_DENIED: too long; E_MEMORY. An empty span that is no text (p NULL) leaves it as it is. */
MUST_USE enum err sl_participant_update(struct rooms *r, struct participant *p,
                                        struct span name, struct span metadata);

/* Tracks that it may not publish any more end; those that it may again begin. E_UNSUPPORTED: it
 * was not admitted. */
MUST_USE enum err sl_participant_role(struct rooms *r, struct participant *p,
                                      enum role role, usec now);

/* Whoever came by the token goes, participants and viewers alike. Returns how many. */
size_t sl_participants_revoke(struct rooms *r, uint64_t token);

bool sl_participant_may_send(const struct participant *p, enum media_kind kind,
                             const char *source);
/* What a track is called of which it said this ("": nothing): a camera is no microphone, whatever
 * was said. "": it may not publish it. */
const char *sl_participant_source(const struct participant *p, enum media_kind kind,
                                  const char *said);

/* Who a peer will be that is not up yet, with its pass: in no list. NULL when memory ends. Discard
 * takes NULL. */
struct participant *sl_participant_make(struct rooms *r, struct room *room,
                                        const struct admission *a, usec now);
void sl_participant_discard(struct participant *p);

/* Who a peer will be that publishes without signalling of its own, by its token; by NULL: anybody.
 * E_AUTH: it may not publish that, or not under that name; E_EXISTS: no token vouches for the name,
 * and that of somebody else is vouched for; E_MEMORY. */
MUST_USE enum err sl_participant_expect(struct rooms *r, struct peer *p,
                                        struct room *room, const struct claims *by,
                                        usec now);

/* Its token vouches for that name. By NULL nobody does. */
bool sl_participant_owns(const struct claims *by, struct span stream);

/* Whether the peer, which is not up yet, may still be who it said it is: somebody may have come since
 * whose name that is. */
bool sl_participant_stands(const struct peer *p);

/* The peer takes the place of another of the same stream, and is the same participant to others. */
void sl_participant_follow(struct rooms *r, struct peer *p, struct peer *before);

/* The peer, by which it is in the room, has become public: a participant of its own is made for it, if it
 * has none. Where memory ends nobody is told of it. And it is over. */
void sl_participant_begin(struct rooms *r, struct peer *p, usec now);
void sl_participant_end(struct rooms *r, struct peer *p, enum media_gone why);
