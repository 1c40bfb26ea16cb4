#pragma once

/*
 * A peer whose description changes (room/dialog): it publishes what it comes to send, and has
 * a slot for each track of the others, which comes and goes with the track.
 *
 * What its tracks are called is for its signalling to say, and to hear of: struct member_events.
 * A track without a name is live for nobody.
 */

#include "room/dialog.h"
#include "room/peer.h"

/* To a signalling adapter, from within calls of rooms; none of these may end a peer but gone. */
struct member_events {
    /* The peer begins to send a track: what is it to be called? "": nothing, for now.
     * track->msid is the stream that the peer says it is part of. */
    const char *(*source)(void *ctx, struct peer *p, const struct track *track);
    /* Whether the peer is to see the track. */
    bool (*wants)(void *ctx, const struct peer *p, const struct track *track);
    /* What the slot in which the peer will see a track is called: a=msid. NULL: what one participant
     * sends is one stream, which has its id; the track has its own. */
    void (*name)(void *ctx, const struct peer *p, const struct track *track,
                 struct dialog_slot *slot);
    /* An offer, to be sent to the peer. */
    void (*offer)(void *ctx, struct peer *p, struct span sdp);
    void (*up)(void *ctx, struct peer *p, usec now); /* NULL: it need not know */
    /* It is gone, for any other reason than that the adapter said so. */
    void (*gone)(void *ctx, struct peer *p, enum media_gone why);
    /* One of its tracks was; NULL: it need not know. */
    void (*heard)(void *ctx, struct peer *p, const struct track *track,
                  const struct voice *voice, usec now);
    /* The peer begins to send a track: its label, metadata and whether it is muted may be set;
     * NULL: never. */
    void (*label)(void *ctx, struct peer *p, struct track *track);
    /* The peer stops what nobody wants of its pictures, as it is told: rooms_conf.wanted. */
    bool obeys;
};

/* What the transport is for. Who only receives is offered all there is, and begins with that. Who is
 * only answered is never offered anything: in each section in which it offers to receive it sees and
 * hears whoever there is, as a WHEP viewer of the whole room does. */
enum member_way { MEMBER_BOTH, MEMBER_SENDS, MEMBER_RECEIVES, MEMBER_ANSWERED };

/* What a slot of it is in. */
struct seat {
    struct slot slot;
    struct dialog_slot dialog;
};

struct member {
    struct peer *peer;
    struct peer_maker *maker; /* borrowed, as all below */
    const struct member_events *events;
    void *ctx;
    enum member_way way;
    struct dialog *dialog; /* owned */
    struct list *all_restless;
    struct list restless; /* it may have something to offer */
    bool held;            /* but not now */
    unsigned seated[2];   /* by enum media_kind, ever: names, of who is only answered */
    usec now;             /* of the description being taken */
};

struct member_conf {
    const struct member_events *events;
    void *ctx;
    const enum codec *codecs; /* the only ones, the preferred first */
    size_t codecs_n;
    bool data; /* it may have data channels */
    enum member_way way;
    uint32_t max_bps; /* that it may send; 0: any */
    struct list *restless;
};

/* A peer that is in no room yet, with a key and without a transport. */
MUST_USE enum err sl_member_new(struct peer_maker *m, const struct member_conf *conf,
                                struct span stream, struct peer **ret);
void sl_member_free(struct member *m); /* takes NULL */

/* The track goes live, if it has a name. */
void sl_member_show(struct member *m, struct track *t, usec now);

/* A slot for the track, as member_events.wants has it; or none any more. */
void sl_member_rewant(struct member *m, struct track *t);

/* Marks it as one that may have something to offer. */
void sl_member_stir(struct member *m);

/* Seats of it, in no order: the first for NULL; NULL after the last. */
static inline const struct seat *seat_of(const struct slot *slot)
{
    return (const struct seat *)(const void *)slot;
}
