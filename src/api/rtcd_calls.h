#pragma once

/*
 * Calls as rtcd has them: clients with their connections, and the sessions of their calls.
 *
 * A client is one installation; each of its nodes holds a connection, and speaks for any number
 * of sessions. A session belongs to its client, and no other can name it. It hears by the
 * connection that joined it or took it over (reconnect); when that is gone, by any other of its
 * client, and when there is none, the client is told of the end at the next one. Losing a
 * connection ends no session. What carries a session's media stands behind struct rtcd_media.
 *
 * Sans-IO. For the control thread.
 */

#include "base/clock.h"
#include "base/log.h"

#include "api/rtcd_group.h"
#include "room/peer.h"

#define RTCD_OFFER_TIME SEC(10) /* from joining to the first offer */

struct rtcd_calls;

/* To be read. Texts end with a NUL, and hold no other. */
struct rtcd_session {
    struct map_node by_id; /* of the client and the session */
    struct list by_call;
    struct list by_route;
    struct timer timer; /* the first offer */
    usec joined;
    struct rtcd_group *group;
    struct rtcd_call *call;
    struct rtcd_conn *route;  /* NULL: it is gone */
    struct rtcd_tally *tally; /* of its client; who carries media counts there, too */
    char id[RTCD_ID_MAX + 1], user[RTCD_ID_MAX + 1], channel[RTCD_ID_MAX + 1];
    bool has_channel;
    bool offered;
    enum rtcd_truth av1, dc_signaling;
    void *media; /* the carrier's own */
    size_t key_n;
    uint8_t key[];
};

/* Who carries media. Calls come from the control thread; none of these may end the session. */
struct rtcd_media {
    void *ctx;
    /* An SDP, a candidate or a state of the session. An error of the first offer ends it. */
    enum err (*signal)(void *ctx, struct rtcd_session *s, enum rtcd_rtc type,
                       struct span data, usec now);
    void (*ended)(void *ctx, struct rtcd_session *s);
};

struct rtcd_calls_conf {
    struct random random;
    struct log *log;
    size_t sessions_max; /* of all clients */
    struct rtcd_tallies *tallies;
    const struct rtcd_media *media;
    void *ctx;
    /* Queues a message for a connection, by what it was opened with. Not E_OK: it is closing. */
    enum err (*send)(void *ctx, void *user, struct span message);
};

struct rtcd_calls_stats {
    uint64_t conns, sessions, calls; /* now */
    uint64_t joined, ended;
    uint64_t malformed; /* messages that are none, or of no known type */
    uint64_t
        refused; /* joins that cannot be, and what names no session of the client's */
    uint64_t no_offer; /* sessions without an offer in time */
    uint64_t lost;     /* messages that no connection took */
};

/* NULL when memory ends. Free takes NULL; sessions end without a word. */
struct rtcd_calls *sl_rtcd_calls_new(const struct rtcd_calls_conf *conf);
void sl_rtcd_calls_free(struct rtcd_calls *c);
const struct rtcd_calls_stats *sl_rtcd_calls_stats(const struct rtcd_calls *c);

/* A connection of the client, "" for an admin: says hello. user: what send is given. */
MUST_USE enum err sl_rtcd_calls_open(struct rtcd_calls *c, struct span client, void *user,
                                     struct rtcd_conn **ret);
void sl_rtcd_calls_message(struct rtcd_calls *c, struct rtcd_conn *conn,
                           struct span message, usec now);
void sl_rtcd_calls_closed(struct rtcd_calls *c, struct rtcd_conn *conn);

/* Whose it is, and what it is part of. */
struct span sl_rtcd_calls_client(const struct rtcd_session *s);
struct span sl_rtcd_calls_call(const struct rtcd_session *s);

/* From the carrier of media: tells the client; and ends the session, of which the client is told,
 * too. */
void sl_rtcd_calls_tell(struct rtcd_calls *c, struct rtcd_session *s, enum rtcd_rtc type,
                        struct span data);
void sl_rtcd_calls_end(struct rtcd_calls *c, struct rtcd_session *s);

/* For GET /calls: see rtcd_conf.sessions. */
MUST_USE enum err sl_rtcd_calls_json(const struct rtcd_calls *c, struct span client,
                                     struct span call, struct span session,
                                     struct wr *json, const char **missing);

/* When to tick next, or USEC_NEVER. */
usec sl_rtcd_calls_deadline(const struct rtcd_calls *c);
void sl_rtcd_calls_tick(struct rtcd_calls *c, usec now);
