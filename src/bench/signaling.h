#pragma once

/*
 * How a client of the load generator comes into a room of a server: one table of functions for
 * each way of signaling. WHIP and WHEP are here; a program that measures other servers brings
 * tables of its own.
 */

#include <stdbool.h>

#include "base/err.h"

#include "bench/client.h"
#include "bench/web.h"

enum { SIGNALING_ERROR_MAX = 256 };

/* Who comes. Publishers of a room come before its subscribers, who watch all of them. */
struct signaling_who {
    const char *room; /* its name without the number */
    unsigned room_nth;
    bool publishes;
    unsigned publisher;  /* which one of the room it is */
    unsigned publishers; /* how many the room has */
    const char *token;   /* NULL: none is needed */
};

struct signaling {
    /* Has the client offer or accept, so that it begins. seat, which has WEB_LOCATION_MAX,
     * keeps what leave needs. E_EARLY: to be tried again after *later; others:
     * error says why, for people. */
    enum err (*join)(struct web *web, const struct signaling_who *who,
                     struct client *client, char *seat, usec *later, char *error);
    /* Ends what join began. */
    enum err (*leave)(struct web *web, const char *token, const char *seat);
};

/* RFC 9725 and its sibling. The seat is the session's URL. */
extern const struct signaling sl_signaling_whip;

/* Writes error, and gives e back. */
__attribute__((format(printf, 3, 4))) enum err sl_signaling_fail(char *error, enum err e,
                                                                 const char *fmt, ...);

/* The same for a request that got no answer. */
enum err sl_signaling_unanswered(char *error, enum err e, const char *path);
