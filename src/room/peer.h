#pragma once

/*
 * One participant: its transport, what it publishes and what it sees.
 *
 * A peer is made from an offer, with its transport, producers and consumers, or not at all,
 * and it ends with them. Outside it is known by its key, 128 random bits: who has that may
 * speak for it.
 */

#include "base/map.h"

#include "room/chance.h"
#include "room/claims.h"
#include "room/negotiate.h"
#include "room/remote.h"
#include "room/track.h"

enum {
    PEER_KEY_CAP = 33,    /* 32 hex digits and a NUL */
    PEER_TRACKS_MAX = 32, /* that one peer publishes */
    PEER_SLOTS_MAX = 64,  /* in which one peer sees tracks */
};

/* What all peers of a node are made with. */
struct peer_maker {
    struct media_ops media;
    struct random random;
    struct negotiate_local local; /* without ufrag and pwd */
    const enum codec *codecs;     /* the only ones, the preferred first; n 0: all */
    size_t codecs_n;
    uint32_t max_bps; /* that one peer may send; 0: any */
    struct remote_teller remote;
    uint64_t last_id;
    uint64_t hash_key[2];
    struct negotiated agreed; /* the last negotiation: 150 kB, so it is kept here */
};

enum peer_kind { PEER_PUBLISHER, PEER_VIEWER, PEER_MEMBER };

struct member;
struct participant;

struct peer {
    enum peer_kind kind;
    struct participant
        *who; /* whose transport it is; NULL: a viewer, or not told of yet */
    struct participant
        *guest;            /* owned: who it will be, by its pass, once it is up; NULL */
    bool pass;             /* it came, or is to come, by a pass (room/pass) */
    struct member *member; /* of a member: its description changes (room/member) */
    struct map_node by_key;
    struct map_node by_transport;
    struct list by_room;
    struct timer timer;
    struct room *room; /* borrowed; it lives as long as it has peers */
    char key[PEER_KEY_CAP];
    uint64_t transport;
    bool up;                     /* connected: what it publishes is live */
    usec since;                  /* when it joined */
    char ufrag[MEDIA_UFRAG_MAX]; /* ours: names the present ICE session */
    uint64_t ice; /* a keyed hash of the peer's own: tells a restart from a trickle */
    char stream[NAME_CAP]; /* what it publishes is called; "" for a viewer */
    size_t tracks_n;
    struct track **tracks; /* owned, as are those they point at */
    struct view view;      /* of who watches */
    uint32_t max_bps;      /* that it may send; 0: any */
    uint64_t token;  /* struct claims: by which it came; 0: none that can be named */
    uint8_t remotes; /* candidates that it told of */
};

/* Why there is no peer: for E_MALFORMED `at` is the line at fault, from 1, or 0; for
 * E_UNSUPPORTED `why` is set, and `at` is the m-section, from 1, or 0 for the whole. */
struct refused {
    enum negotiate_why why;
    size_t at;
    bool crowded; /* E_FULL of sl_rooms_offered: as many publish as may */
};

struct join {
    enum negotiate_job job;
    struct span tenant, room;
    struct span stream; /* may be empty for a viewer: whatever there is */
    struct span offer;
    const struct claims *by; /* its token's; NULL: anybody's */
};

/* Makes a peer that publishes the stream with up to max_bps (0: any), or watches it, from its
 * offer, and appends the answer. Nothing of it is live yet, and it is in no room's lists. Errors: see above; E_FULL,
 * E_MEMORY, and what else the media plane says. */
MUST_USE enum err sl_peer_new(struct peer_maker *m, const struct join *j, uint64_t room,
                              uint32_t max_bps, struct wr *answer,
                              struct refused *refused, struct peer **ret);

/* ---- its parts, for who makes one in another way ---- */

/* In no room, without a transport. NULL when memory ends. */
struct peer *sl_peer_make(struct peer_maker *m, enum peer_kind kind, struct span stream);
/* A transport with new credentials of ours, which is still to be opened; all else is zero. */
struct media_transport sl_peer_credentials(struct peer_maker *m, struct peer *p);
MUST_USE enum err sl_peer_open(struct peer_maker *m, struct peer *p,
                               struct media_transport *t);
/* A track that it will send, called source; and a slot in which it will see others. */
MUST_USE enum err sl_peer_publish(struct peer_maker *m, struct peer *p, uint64_t room,
                                  const struct rtp_receive *r, const char *source);
MUST_USE enum err sl_peer_watch(struct peer_maker *m, struct peer *p, uint64_t room,
                                const struct rtp_send *s);

/* One track, or one slot, more, and one less. E_MEMORY. */
MUST_USE enum err sl_peer_keep_track(struct peer *p, struct track *track);
MUST_USE enum err sl_peer_keep_slot(struct peer *p, struct slot *slot);
void sl_peer_drop_track(struct peer *p, struct track *track); /* and frees it */
void sl_peer_drop_slot(struct peer *p, struct slot *slot);    /* and frees it */

/* Closes the transport, and with it all that hangs on it. */
void sl_peer_free(struct peer_maker *m, struct peer *p);

/* Takes a fragment of the peer's ICE (RFC 8840): see sl_rooms_ice. */
MUST_USE enum err sl_peer_ice(struct peer_maker *m, struct peer *p, struct span fragment,
                              struct wr *answer, bool *restarted);

uint64_t sl_peer_id(struct peer_maker *m); /* a new one */

/* The lower of two rates, where 0 is none. */
static inline uint32_t peer_lower(uint32_t a, uint32_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}
