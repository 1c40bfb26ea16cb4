#include "api/rtcd_tracks.h"

#include <stdio.h>

enum { SUFFIX_LEN = 8 };

/* A session of rtcd's is known by who names its tracks. */
static struct rtcd_tracks *tracks_of(const struct peer *p)
{
    return p->member && p->member->events->source == sl_rtcd_tracks_source
               ? p->member->ctx
               : NULL;
}

/* ---- names ---- */

const char *sl_rtcd_track_type(const struct track *track)
{
    if (strncmp(track->source, "screen", 6) == 0)
        return track->params.kind == MEDIA_VIDEO ? "screen" : "screen-audio";
    return track->params.kind == MEDIA_VIDEO ? "video" : "voice";
}

const char *sl_rtcd_track_sender(const struct track *track)
{
    const struct rtcd_tracks *t = tracks_of(list_entry(track->owner, struct peer, view));
    return t ? t->session->id : track->stream;
}

/* An id may be any text, and a=msid takes tokens (RFC 8830 §2): what is none stays out of the
 * description. */
static void keep_token(char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            *text = '-';
}

void sl_rtcd_tracks_name(void *ctx, const struct peer *p, const struct track *track,
                         struct dialog_slot *slot)
{
    const struct rtcd_tracks *t = ctx;
    const char *sender = sl_rtcd_track_sender(track);
    char suffix[SUFFIX_LEN + 1];
    (void)p;
    sl_chance_hex(t->random, suffix, SUFFIX_LEN);
    (void)snprintf(slot->stream, sizeof slot->stream, "%s", sender);
    (void)snprintf(slot->track, sizeof slot->track, "%s_%s_%s", sl_rtcd_track_type(track),
                   sender, suffix);
    keep_token(slot->stream);
    keep_token(slot->track);
}

/* ---- what is what ---- */

static const struct rtcd_tracks *presenter(const struct room *room)
{
    list_each (struct peer, p, &room->members, by_room) {
        const struct rtcd_tracks *t = tracks_of(p);
        if (t && t->presents)
            return t;
    }
    return NULL;
}

const char *sl_rtcd_tracks_source(void *ctx, struct peer *p, const struct track *track)
{
    const struct rtcd_tracks *t = ctx, *shows = presenter(p->room);
    bool video = track->params.kind == MEDIA_VIDEO;
    if (shows && shows->screen[0] && strcmp(track->msid, shows->screen) == 0)
        return video ? "screen" : "screen-audio";
    if (!video)
        return "microphone";
    return t->camera[0] && strcmp(track->msid, t->camera) == 0 ? "camera" : "";
}

/* Those that wait for a name may have one now. */
static void name_waiting(struct rtcd_tracks *t, usec now)
{
    for (size_t i = 0; i < t->peer->tracks_n; i++) {
        struct track *track = t->peer->tracks[i];
        const char *source =
            track->source[0] ? "" : sl_rtcd_tracks_source(t, t->peer, track);
        if (source[0])
            sl_rooms_name(t->peer, track, source, now);
    }
}

/* ---- the same picture twice ---- */

static bool is_av1(const struct track *track)
{
    return track->params.codecs[0].codec == CODEC_AV1;
}

/* The same picture in AV1, for those who understand it. */
static const struct track *twin_of(const struct track *track)
{
    const struct peer *p = list_entry(track->owner, struct peer, view);
    for (size_t i = 0; i < p->tracks_n; i++)
        if (p->tracks[i] != track && is_av1(p->tracks[i]) != is_av1(track) &&
            strcmp(p->tracks[i]->source, track->source) == 0 &&
            !list_empty(&p->tracks[i]->live))
            return p->tracks[i];
    return NULL;
}

bool sl_rtcd_tracks_wants(void *ctx, const struct peer *p, const struct track *track)
{
    const struct rtcd_tracks *t = ctx;
    bool av1 = t->session->av1 == RTCD_TRUE;
    (void)p;
    if (track->params.kind == MEDIA_AUDIO)
        return true;
    return is_av1(track) ? av1 : !av1 || !twin_of(track);
}

void sl_rtcd_tracks_changed(struct rtcd_tracks *t, usec now)
{
    for (size_t i = 0; i < t->peer->tracks_n; i++) {
        struct track *track = t->peer->tracks[i];
        char source[SOURCE_CAP];
        if (track->params.kind != MEDIA_VIDEO || is_av1(track) ||
            list_empty(&track->live))
            continue;
        memcpy(source, track->source, sizeof source);
        bool *doubled = &t->doubled[strcmp(source, "screen") == 0];
        if (*doubled == (twin_of(track) != NULL))
            continue;
        *doubled = !*doubled;
        sl_rooms_name(t->peer, track, source, now);
    }
}

/* ---- what is announced ---- */

static void keep_stream(char ret[RTCD_STREAM_MAX + 1], struct span id)
{
    size_t n = id.n <= RTCD_STREAM_MAX ? id.n : 0;
    if (n > 0)
        memcpy(ret, id.p, n);
    ret[n] = '\0';
}

bool sl_rtcd_tracks_screen_on(struct rtcd_tracks *t, struct span stream, usec now)
{
    const struct rtcd_tracks *other = presenter(t->peer->room);
    keep_stream(t->screen, stream);
    t->presents = !other || other == t;
    t->waits = !t->presents;
    t->asked = now;
    name_waiting(t, now);
    sl_rtcd_tracks_changed(t, now);
    return t->presents;
}

void sl_rtcd_tracks_screen_off(struct rtcd_tracks *t, usec now)
{
    struct rtcd_tracks *heir = sl_rtcd_tracks_heir(t, t->peer->room);
    bool presented = t->presents;
    t->presents = t->waits = false;
    if (!presented)
        return;
    t->screen[0] = '\0';
    for (size_t i = 0; i < t->peer->tracks_n; i++)
        if (strncmp(t->peer->tracks[i]->source, "screen", 6) == 0)
            sl_rooms_name(t->peer, t->peer->tracks[i], "", now);
    sl_rtcd_tracks_changed(t, now);
    sl_rtcd_tracks_inherit(heir, now);
}

struct rtcd_tracks *sl_rtcd_tracks_heir(struct rtcd_tracks *t, const struct room *room)
{
    struct rtcd_tracks *heir = NULL;
    if (!t->presents)
        return NULL;
    list_each (struct peer, p, &room->members, by_room) {
        struct rtcd_tracks *other = tracks_of(p);
        if (other && other != t && other->waits && (!heir || other->asked < heir->asked))
            heir = other;
    }
    return heir;
}

void sl_rtcd_tracks_inherit(struct rtcd_tracks *heir, usec now)
{
    if (!heir)
        return;
    heir->presents = true;
    heir->waits = false;
    name_waiting(heir, now);
    sl_rtcd_tracks_changed(heir, now);
}

void sl_rtcd_tracks_camera_on(struct rtcd_tracks *t, struct span stream, usec now)
{
    keep_stream(t->camera, stream);
    name_waiting(t, now);
}
