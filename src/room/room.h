#pragma once

/*
 * All rooms of this node: who is in them, what is published, who sees it.
 *
 * Signalling adapters join peers and let them leave; the media plane is driven through a
 * table, and tells what became of the transports. A room is there while somebody is in it.
 *
 * A stream is what one publisher sends under one name. When a second one publishes the same
 * name, it takes the stream over as soon as it is connected, and the first is sent away: an
 * encoder that lost its network comes back without waiting for its own ghost, and one that
 * fails to connect takes nothing from anybody.
 *
 * Sans-IO: `now` and all chance are given. For the control thread alone.
 */

#include "room/member.h"
#include "room/news.h"

#define ROOM_CONNECT                                                                     \
    SEC(15) /* from an answer to the end of the handshake, or the peer goes */

/* More than these is E_FULL. */
struct rooms_limits {
    size_t rooms, peers;    /* of this node */
    size_t room_peers;      /* of one room */
    size_t room_publishers; /* of them, who publish; 0: all */
};

/* Whether somebody more may come into any room; open NULL: always. */
struct door {
    bool (*open)(void *ctx);
    void *ctx;
};

enum room_event {
    ROOM_JOINED,
    ROOM_UP,
    ROOM_GONE,
    ROOM_SPEAKER, /* the peer speaks from now on, whoever did before */
};

/* Arrays and strings are borrowed for the life of the rooms. */
struct rooms_conf {
    struct media_ops media;
    struct random random;
    struct rooms_limits limits;
    struct negotiate_local local; /* what answers say of this server; no ufrag, no pwd */
    const enum codec *codecs;     /* the only ones, the preferred first */
    size_t codecs_n;              /* 0: all that we know, as offered */
    uint32_t max_bps;             /* that one peer may send; 0: any */
    unsigned
        loudest;   /* voices that a viewer of a whole room, or a member, hears; 0: all */
    uint16_t node; /* in the upper bits of every id */
    bool
        hosts_create; /* nobody else makes rooms, but back ends: sl_rooms_enter, _create */
    usec empty_time;  /* for which a room is kept that nobody is in any more */
    /* What happened, for logs and whoever watches rooms; NULL: nobody. The peer is valid
     * during the call, from which no rooms may be changed. why: for ROOM_GONE. */
    void (*event)(void *ctx, enum room_event ev, const struct peer *peer,
                  enum media_gone why);
    /* What a publisher's picture is wanted for changed (track.wanted, track.most_bps), for who
     * tells the publisher so; NULL: nobody does. */
    void (*wanted)(void *ctx, const struct peer *peer, const struct track *track);
    void *event_ctx; /* of both */
    struct door door;
    struct news_teller news;
    struct remote_teller remote; /* told of candidates of peers */
};

struct rooms_stats {
    uint64_t rooms, publishers, viewers, members; /* now */
    uint64_t passes;                              /* that wait for their holders */
    uint64_t passes_issued, passes_used, passes_expired;
    uint64_t joined;
    uint64_t gone[MEDIA_GONES];           /* by reason */
    uint64_t refused_limit, refused_load; /* a limit is reached; the node admits nobody */
    uint64_t refused_publishers;          /* as many publish in the room as may */
};

/* What a room was made with; 0: as the node has it. */
struct room_settings {
    size_t peers_max, publishers_max;
    uint32_t max_bps; /* that one participant may send */
    usec empty_time;  /* for which it is kept while nobody is in it */
};

struct room {
    struct map_node by_name;
    struct rooms *all;
    char name[2 * NAME_CAP]; /* "tenant/room" */
    uint64_t id;
    struct list publishers, viewers, members; /* struct peer, in order of arrival */
    struct list participants;                 /* the same, whoever it is */
    size_t peers_n;   /* people: transports of those who were admitted do not count */
    size_t viewers_n; /* who are told of as a number */
    bool locked;      /* hosts alone come in */
    bool heirs;       /* of hosts: whoever is there for longest follows the last one */
    char *metadata;   /* owned; NULL: none */
    struct room_settings settings;
    struct list emptied; /* since the last flush */
    struct timer empty;
    struct tracks tracks;
};

struct rooms;

/* NULL when memory ends. sl_rooms_free takes NULL, and sends everybody away. */
struct rooms *sl_rooms_new(const struct rooms_conf *conf);
void sl_rooms_free(struct rooms *r);

/* A candidate of the peer, by itself: room/remote.h. */
void sl_rooms_remote(struct rooms *r, struct peer *p, struct span line);

/* Other candidates than those of the conf, for answers from now on. Borrowed. */
void sl_rooms_candidates(struct rooms *r, const struct negotiate_candidate *c, size_t n);

const struct rooms_stats *sl_rooms_stats(const struct rooms *r);

/* A new peer by its offer, with our answer. *ret is borrowed. E_DENIED: a name that is none
 * (sl_name_valid); E_ABSENT: no such room, and it may not make one; E_STATE: the room is locked;
 * E_AUTH, E_EXISTS: see sl_participant_expect; E_FULL: a limit is reached, here or in the media plane, or nobody is admitted; otherwise as
 * sl_peer_new. */
MUST_USE enum err sl_rooms_join(struct rooms *r, const struct join *j, usec now,
                                struct wr *answer, struct refused *refused,
                                struct peer **ret);

struct enter {
    struct span tenant, room;
    struct span stream;                 /* what all that it publishes is called */
    const struct member_events *events; /* borrowed for its life, as is what follows */
    void *ctx;
    const enum codec *codecs; /* the only ones, the preferred first */
    size_t codecs_n;
    bool data; /* it may have data channels */
    enum member_way way;
    struct participant *who; /* of whom it is a transport; NULL: it will be one itself */
};

/* A new member: a peer whose description changes. Its transport comes with its first
 * description; until it is up it sees nothing. Of who: tenant and room mean nothing, and no limit
 * holds; without, a back end has decided that it comes, and the room is made, if need be. E_DENIED,
 * E_FULL as above; E_STATE: the room is locked; E_MEMORY. */
MUST_USE enum err sl_rooms_enter(struct rooms *r, const struct enter *e, usec now,
                                 struct peer **ret);

/* Takes an offer of a member and appends our answer; takes its answer to one of ours. Errors:
 * as sl_dialog_offered and sl_dialog_answered; E_MALFORMED for what is no description; E_FULL with
 * refused.crowded: it may not begin to publish, and nothing has changed. */
MUST_USE enum err sl_rooms_offered(struct rooms *r, struct peer *p, struct span offer,
                                   usec now, struct wr *answer, struct refused *refused);
MUST_USE enum err sl_rooms_answered(struct rooms *r, struct peer *p, struct span answer,
                                    usec now, struct refused *refused);

/* The next offer to the member has new ICE credentials. E_STATE: it has no transport yet. */
MUST_USE enum err sl_rooms_restart(struct peer *p);

/* No offers are made to the member for now; or they are again. */
void sl_rooms_hold(struct peer *p, bool held);

/* The track is called source from now on, and live; "": it is live no more. screen: it is read
 * rather than watched. */
void sl_rooms_name(struct peer *p, struct track *track, const char *source, usec now);
/* What its sender calls it, and adds; p NULL: it stays. E_MEMORY. */
MUST_USE enum err sl_rooms_label(struct peer *p, struct track *track, struct span label,
                                 struct span metadata);
void sl_rooms_mute(struct peer *p, struct track *track, bool muted);

/* Makes the offers that became necessary; to be called when a turn's work is done. */
void sl_rooms_flush(struct rooms *r, usec now);

/* The node admits nobody now: what was E_FULL may be so for that alone. */
bool sl_rooms_loaded(const struct rooms *r);

/* NULL: there is none, or it is gone. */
struct peer *sl_rooms_peer(const struct rooms *r, struct span key);

/* Takes what a peer says of its ICE in a fragment (RFC 8840). Its candidates mean nothing to
 * us, who never send the first check. Credentials that are not the present ones restart ICE:
 * then *restarted is true, and answer has a fragment with ours.
 * E_MALFORMED: no fragment; E_UNSUPPORTED: none with credentials; E_FULL and others: the
 * media plane cannot, and all stays as it was. */
MUST_USE enum err sl_rooms_ice(struct rooms *r, struct peer *p, struct span fragment,
                               struct wr *answer, bool *restarted);

/* What a viewer wants to see in the slot of this mid; "" is every slot of video. E_ABSENT: it
 * has no such. */
MUST_USE enum err sl_rooms_wish(struct peer *p, struct span mid,
                                const struct rtp_wish *wish);

/* The same of the track, for a member that has a slot for it, or may have. */
MUST_USE enum err sl_rooms_want(struct peer *p, const struct track *track,
                                const struct rtp_wish *wish);
/* Its slot for the track is asked for again (member_events.wants), and comes or goes. */
void sl_rooms_rewant(struct peer *p, struct track *track);

void sl_rooms_leave(struct rooms *r, struct peer *p, enum media_gone why);

/* A room that is there before anybody is in it. E_EXISTS; E_DENIED, E_FULL as sl_rooms_join. */
MUST_USE enum err sl_rooms_create(struct rooms *r, struct span tenant, struct span name,
                                  const struct room_settings *settings, usec now,
                                  struct room **ret);
/* Holds from now on: also for who is there, and for how long it waits if nobody is. E_MEMORY. */
MUST_USE enum err sl_rooms_settings(struct rooms *r, struct room *room,
                                    const struct room_settings *settings, usec now);
/* Everybody is sent away, and the room is gone. */
void sl_rooms_close(struct rooms *r, struct room *room, const char *reason);
void sl_rooms_lock(struct rooms *r, struct room *room, bool locked);
/* E_DENIED: too long; E_MEMORY. */
MUST_USE enum err sl_rooms_describe(struct rooms *r, struct room *room,
                                    struct span metadata);
/* All rooms, in no order: the first for NULL, NULL after the last. */
struct room *sl_rooms_next_room(const struct rooms *r, const struct room *room);
struct room *sl_rooms_find(const struct rooms *r, struct span tenant, struct span name);
/* Without the tenant, and that. */
struct span sl_room_name(const struct room *room);
struct span sl_room_tenant(const struct room *room);
/* A live track, by its public id; NULL: there is none. */
struct track *sl_room_track(const struct room *room, struct span id);

/* The peer of a transport, NULL: there is none; and all peers, in no order: the first for NULL,
 * NULL after the last. */
const struct peer *sl_rooms_of_transport(const struct rooms *r, uint64_t id);
const struct peer *sl_rooms_next(const struct rooms *r, const struct peer *p);

/* NULL: nobody is in it. Borrowed until the next change. */
const struct room *sl_rooms_room(const struct rooms *r, struct span tenant,
                                 struct span name);

/* NULL: nobody publishes it, or is not connected yet. */
const struct peer *sl_room_publisher(const struct room *room, struct span stream);

/* From the media plane. An id that is gone means nothing. */
void sl_rooms_transport_up(struct rooms *r, uint64_t id, usec now);
void sl_rooms_transport_gone(struct rooms *r, uint64_t id, enum media_gone why);

/* The peer of a transport may send so many bits/s from now on; 0: any. False: there is none, or
 * it sends nothing. */
bool sl_rooms_ceiling(struct rooms *r, uint64_t transport, uint32_t bps);

/* These encodings of a track are watched by anybody, the others may rest; and more than so many
 * bits/s of it nobody can be sent. */
void sl_rooms_wanted(struct rooms *r, uint64_t transport, uint64_t producer,
                     uint8_t encodings, uint32_t most_bps);

/* A track was heard like this. */
void sl_rooms_voice(struct rooms *r, uint64_t transport, uint64_t producer,
                    const struct voice *voice, usec now);

/* When to tick next, or USEC_NEVER. */
usec sl_rooms_deadline(const struct rooms *r);
void sl_rooms_tick(struct rooms *r, usec now);
