#pragma once

/*
 * What the tracks of a call are to its sessions: voices, screens and cameras, after the streams
 * that they are part of and what their sessions announced; who presents; and in which of two
 * codecs a session sees a picture that comes in both.
 *
 * A session that knows AV1 sees a picture in AV1 where there is such a one, else in VP8; others
 * see VP8 alone. For rtcd_carrier and the control thread.
 */

#include "api/rtcd_calls.h"
#include "room/room.h"

enum { RTCD_STREAM_MAX = 128 }; /* octets of a stream's id; browsers' have 36 */

/* What one session shows and sees; it is what its member has for context. */
struct rtcd_tracks {
    struct rtcd_session *session;
    struct peer *peer; /* NULL: it is gone */
    const struct random *random;
    char screen[RTCD_STREAM_MAX + 1], camera[RTCD_STREAM_MAX + 1]; /* "": none */
    bool presents, waits; /* the call's presenter; or to be, once that one stops */
    usec asked;           /* since when it waits */
    bool doubled[2];      /* its camera, its screen: in AV1 as well */
};

/* For struct member_events; ctx is a struct rtcd_tracks. */
const char *sl_rtcd_tracks_source(void *ctx, struct peer *p, const struct track *track);
bool sl_rtcd_tracks_wants(void *ctx, const struct peer *p, const struct track *track);
void sl_rtcd_tracks_name(void *ctx, const struct peer *p, const struct track *track,
                         struct dialog_slot *slot);

/* "voice", "screen", "screen-audio" or "video". */
const char *sl_rtcd_track_type(const struct track *track);
/* Who publishes by another way than rtcd's is its own session. */
const char *sl_rtcd_track_sender(const struct track *track);

/* It announces a stream; an id that is too long is none. False: somebody else presents, and it
 * waits for its turn. */
bool sl_rtcd_tracks_screen_on(struct rtcd_tracks *t, struct span stream, usec now);
void sl_rtcd_tracks_screen_off(struct rtcd_tracks *t, usec now);

/* Its session ends: who presents instead, or NULL; to be told once its tracks are gone. */
struct rtcd_tracks *sl_rtcd_tracks_heir(struct rtcd_tracks *t, const struct room *room);
void sl_rtcd_tracks_inherit(struct rtcd_tracks *heir, usec now); /* takes NULL */
void sl_rtcd_tracks_camera_on(struct rtcd_tracks *t, struct span stream, usec now);

/* It sends other tracks than before: who knows AV1 sees that, as soon as it is there, and the
 * other picture when it is gone. */
void sl_rtcd_tracks_changed(struct rtcd_tracks *t, usec now);
