#pragma once

/*
 * What rtcd counts, under its names and labels, so that its dashboards read us.
 *
 * Most of it is counted for each client ("groupID", "clientID"). Clients beyond RTCD_TALLIES_MAX
 * share one tally, whose name is "". A tally lives as long as the server: counters do not go
 * back. For the control thread, and sans-IO.
 */

#include "base/metric.h"

#include "api/rtcd_msg.h"

enum { RTCD_TALLIES_MAX = 1024 };

enum rtcd_conn_state {
    RTCD_CONN_CONNECTED,
    RTCD_CONN_DISCONNECTED,
    RTCD_CONN_FAILED,
    RTCD_CONN_CLOSED,
    RTCD_CONN_STATES
};
/* Not rtcd's "rtp": which client a packet was dropped for is not kept. */
enum rtcd_error {
    RTCD_ERROR_SIGNALING,
    RTCD_ERROR_ICE,
    RTCD_ERROR_TRACK, /* offers that were given up without an answer */
    RTCD_ERROR_LOCK_TIMEOUT,
    RTCD_ERRORS
};
enum rtcd_direction { RTCD_IN, RTCD_OUT, RTCD_DIRECTIONS };
enum rtcd_mime { RTCD_OPUS, RTCD_VP8, RTCD_AV1, RTCD_MIMES };

/* One client's; to be changed by whoever knows better. */
struct rtcd_tally {
    uint64_t sessions, conns;                     /* now */
    uint64_t tracks[RTCD_DIRECTIONS][RTCD_MIMES]; /* now */
    uint64_t messages[RTCD_DIRECTIONS][RTCD_MSG_TYPES];
    uint64_t errors[RTCD_ERRORS];
    struct histogram connected;   /* microseconds from the join to the keys */
    struct histogram opened;      /* from the first answer to the data channel */
    struct histogram held;        /* the signaling lock, by clients */
    struct histogram grabbed;     /* from when they first asked for it */
    struct histogram rtt, jitter; /* microseconds, as clients report them */
    struct histogram loss;        /* of a million */
};

struct rtcd_tallies;

/* metrics is borrowed, and its text not written after the tallies are freed. NULL when memory
 * ends. Free takes NULL. */
struct rtcd_tallies *sl_rtcd_tallies_new(struct metrics *metrics);
void sl_rtcd_tallies_free(struct rtcd_tallies *ts);

/* The client's, from now on; never NULL. */
struct rtcd_tally *sl_rtcd_tally(struct rtcd_tallies *ts, struct span client);

/* For who counts all tracks there are: begins with none. */
void sl_rtcd_tallies_no_tracks(struct rtcd_tallies *ts);

/* A connection of media came into this state; of all clients. */
void sl_rtcd_tally_state(struct rtcd_tallies *ts, enum rtcd_conn_state state);
