#pragma once

/*
 * What happens in rooms, as whoever watches them is told: signalling of other members, webhooks,
 * a mirror in a store. One stream for all ways by which peers come in.
 */

#include "room/participant.h"

struct room;

enum news_kind {
    NEWS_OPENED, /* a room is there */
    NEWS_CLOSED,
    NEWS_ROOM,   /* its metadata or lock changed */
    NEWS_JOINED, /* who, and so on */
    NEWS_UPDATED,
    NEWS_LEFT,  /* why; reason */
    NEWS_TRACK, /* who, track: it is live */
    NEWS_TRACK_UPDATED,
    NEWS_TRACK_ENDED,
    NEWS_VIEWERS, /* how many there are */
    NEWS_SPEAKER, /* who is the speaker from now on */
};

/* Valid during the call, from which no rooms may be changed. */
struct news {
    enum news_kind kind;
    const struct room *room;
    const struct participant *who; /* NULL where it is nobody's */
    const struct track *track;
    enum media_gone why;
    const char *reason;
};

struct news_teller {
    void (*tell)(void *ctx, const struct news *n); /* NULL: nobody listens */
    void *ctx;
};
