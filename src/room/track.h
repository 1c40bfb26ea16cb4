#pragma once

/*
 * Who sees what in one room: the tracks that are live, and the slots in which they are seen.
 *
 * A viewer offered a number of m-sections; each is a slot, which plays one track at a time,
 * or waits for one. When a track starts, waiting slots take it; when it ends, its slots take
 * another or wait; when a stream is taken over, its slots move in place. All this is one
 * operation of the media plane, consumer_source: nothing is negotiated again.
 *
 * Who can be offered more (room/member) follows the room instead: it has a slot of its own for
 * each track but its own, which comes and goes with the track.
 *
 * Where a viewer has fewer slots for sound than there are tracks, or may not hear more than
 * `loudest` at once, the first in the order of the voices play (room/voices). A follower keeps its
 * slots, and those of the others are silent: whose voice it is, and which picture it goes with, stays
 * what was agreed on, and nothing but the source of two slots changes when somebody begins to speak.
 * Only where there are more tracks than a follower can have slots a voice without one takes that of the
 * voice which was silent for longest, when it is to be heard.
 *
 * Tracks and views live in their peers; these lists only thread through them.
 */

#include "base/clock.h"
#include "base/list.h"

#include "room/claims.h"
#include "room/media.h"
#include "room/voices.h"

struct track;
enum track_change { TRACK_STARTED, TRACK_CHANGED, TRACK_ENDED };

struct tracks {
    /* A track went live, changed or is live no more; NULL: nobody is told. */
    void (*changed)(struct tracks *t, struct track *track, enum track_change change);
    const struct media_ops *media; /* borrowed */
    struct list live;              /* struct track, the oldest first */
    struct list waiting;           /* struct slot, first come, first served */
    struct list followers;         /* struct view */
    struct voices voices;          /* struct track, of audio, by heard */
    unsigned
        loudest; /* tracks of sound that play in a view of all streams; 0: any number */
};

struct slot;
struct view;

/* How slots of followers come and go. */
struct track_seats {
    void (*take)(struct view *view, struct track *track);
    void (*leave)(struct slot *slot); /* it is out of the track's list */
    /* It would take the track, if there were a place; and it does in that of the slot, which
     * leaves. */
    bool (*lacks)(struct view *view, const struct track *track);
    void (*trade)(struct slot *slot, struct track *track);
};

#define TRACK_ANY_BPS UINT32_MAX
enum {
    SOURCE_CAP = 16,   /* "microphone", "screen-audio", "video-3" */
    TRACK_ID_CAP = 17, /* as others know it: 16 hex digits and a NUL */
};

struct track {
    struct list live;
    struct list slots;      /* that play it */
    const char *stream;     /* the name it is published under; borrowed from its peer */
    struct view *owner;     /* of the peer that publishes it */
    char *msid;             /* owned: the stream that the peer says it is part of; NULL */
    char *label, *metadata; /* owned: what its sender calls it, and adds; NULL: nothing */
    bool muted;             /* nobody hears it */
    char source[SOURCE_CAP];
    uint64_t producer;
    usec since; /* when it went live */
    struct rtp_params params;
    uint8_t encodings_n;
    char rids[PARAMS_ENCODINGS_MAX][PARAMS_NAME_MAX]; /* "": it has none */
    struct heard heard;                               /* of audio */
    uint8_t wanted;    /* a bit for each encoding that anybody watches; all, until told */
    uint32_t most_bps; /* that the best of its viewers can be sent; TRACK_ANY_BPS: any */
};

struct slot {
    struct list link;    /* among the waiting, or those that play its track */
    struct view *view;   /* its owner */
    struct track *track; /* NULL: waits */
    uint64_t consumer;
    struct rtp_params params;
    struct rtp_wish wish; /* of its viewer */
    bool wished;          /* it said one */
    bool fixed; /* a follower's, for its track alone; its consumer may not be there yet */
    bool unheard; /* of such a one, for sound: others of its view are heard instead */
};

/* All that one peer asked to see. */
struct view {
    char stream[NAME_CAP]; /* "": all streams of the room, as far as its slots reach */
    struct list following; /* of a follower */
    const struct track_seats *seats; /* the same */
    size_t n;
    struct slot **slots; /* owned by the peer, as are those they point at */
};

void sl_tracks_init(struct tracks *t, const struct media_ops *media, unsigned loudest);

/* What the nth track of a kind is called, from 0: the first of each comes from a camera and
 * a microphone, the second from a screen. Clients that know better will say so in a
 * signalling of ours; SDP has no word for it. */
void sl_track_name(char ret[SOURCE_CAP], enum media_kind kind, unsigned nth);

/* A word that says what a track shows: one of the four above. */
bool sl_track_source(struct span word, const char **ret, enum media_kind *kind);

/* What clients call it, as long as it lives and never again. */
void sl_track_id(const struct track *track, char ret[TRACK_ID_CAP]);

/* The slot's receiver can decode what the track sends. */
bool sl_track_fits(const struct track *track, const struct slot *slot);

void sl_tracks_start(struct tracks *t, struct track *track, usec now);
void sl_tracks_end(struct tracks *t, struct track *track);

/* What is said of a track changed; if it is live, others are told. */
void sl_tracks_changed(struct tracks *t, struct track *track);

/* A muted track plays nowhere, though followers keep their slots. */
void sl_tracks_mute(struct tracks *t, struct track *track, bool muted);

/* `to` starts, in the place of `from`, which ends: slots that both fit play on. */
void sl_tracks_replace(struct tracks *t, struct track *from, struct track *to, usec now);

/* The view's consumers exist; its slots are filled as far as possible. */
void sl_tracks_watch(struct tracks *t, struct view *view);

/* Its viewer wants this to be seen in it. */
void sl_tracks_wish(struct tracks *t, struct slot *slot, const struct rtp_wish *wish);

/* Why nothing of a live track is sent in the slot, as it is told: "not_among_the_loudest", because
 * as many as may be are heard instead; "paused_by_viewer". NULL: for no reason that is known here. */
const char *sl_tracks_silence(const struct slot *slot);

/* The view follows: it is given a slot for each track, now and later. */
void sl_tracks_follow(struct tracks *t, struct view *view);
void sl_tracks_unfollow(struct view *view);

/* A follower's slot takes its place at the track; its consumer, once it is there, is fed. And it is
 * taken away (track_seats.leave). */
void sl_tracks_seat(struct tracks *t, struct track *track, struct slot *slot);
void sl_tracks_unseat(struct tracks *t, struct slot *slot);
void sl_tracks_feed(struct tracks *t, struct slot *slot);

/* A slot of a view that neither watches nor follows waits, and plays what it may; its consumer may
 * not be there yet. And it does no longer. */
void sl_tracks_await(struct tracks *t, struct slot *slot);
void sl_tracks_forgo(struct slot *slot);

/* A track of audio was heard like this: if it is live, slots may play it from now on instead of others.
 * Returns whether it has become the speaker. */
bool sl_tracks_heard(struct tracks *t, struct track *track, const struct voice *voice,
                     usec now);

/* NULL: nobody. */
const struct track *sl_tracks_speaker(const struct tracks *t);

/* Takes its slots out, without a word to the media plane: the consumers go with their
 * transport. */
void sl_tracks_unwatch(struct view *view);
