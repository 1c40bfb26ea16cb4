#pragma once

/*
 * A client of rtcd's: one installation, whose nodes hold a connection each. A session hears by
 * the connection that speaks for it, else by any other of its client's; the ends of those that
 * nobody could be told of are owed to the client's next connection.
 *
 * For rtcd_calls and the control thread.
 */

#include "base/list.h"
#include "base/map.h"

#include "api/rtcd_tally.h"
#include "room/chance.h"

enum {
    RTCD_ID_MAX = 128, /* octets of a call's, a user's, a session's name; they have 26 */
    RTCD_CONN_ID_LEN = 26,
    RTCD_OWED_MAX = 1024, /* ends that one client is still to be told of */
};

/* There while it has connections, calls or ends that it is owed. */
struct rtcd_group {
    struct map_node by_client;
    struct list conns, calls; /* struct rtcd_conn; those of rtcd_calls */
    struct list owed;
    size_t owed_n;
    struct rtcd_tally *tally;
    size_t client_n;
    uint8_t client[];
};

struct rtcd_conn {
    struct list by_group;
    struct list routed; /* struct rtcd_session */
    struct rtcd_group *group;
    void *user;
    char id[RTCD_CONN_ID_LEN + 1];
};

/* All of them. */
struct rtcd_groups {
    struct map by_client;
    struct rtcd_tallies *tallies;
    void *ctx;
    enum err (*send)(void *ctx, void *user, struct span message); /* rtcd_calls_conf */
};

/* Frees what is there: connections, ends owed, and no calls. */
void sl_rtcd_groups_fini(struct rtcd_groups *gs);

static inline struct span rtcd_group_name(const struct rtcd_group *g)
{
    return (struct span){g->client, g->client_n};
}

struct rtcd_group *sl_rtcd_group_find(const struct rtcd_groups *gs, struct span client);
/* The one that is there, or a new one; NULL when memory ends. */
struct rtcd_group *sl_rtcd_group_open(struct rtcd_groups *gs, struct span client);
void sl_rtcd_group_close_if_empty(struct rtcd_groups *gs, struct rtcd_group *g);

/* A connection with a name of its own; NULL when memory ends. */
struct rtcd_conn *sl_rtcd_conn_new(struct rtcd_groups *gs, struct span client, void *user,
                                   const struct random *random);
/* Sessions have no route any more. The group may end. */
void sl_rtcd_conn_free(struct rtcd_groups *gs, struct rtcd_conn *conn);

/* By route, which may be NULL, or else by any of its connections that takes it. */
bool sl_rtcd_group_deliver(const struct rtcd_groups *gs, const struct rtcd_group *g,
                           const struct rtcd_conn *route, struct span message);

/* It is to be told of a session's end: now, or when it has a connection. False: never, it is owed
 * too much. */
bool sl_rtcd_group_ended(const struct rtcd_groups *gs, struct rtcd_group *g,
                         const struct rtcd_conn *route, const char *session);
/* The connection takes what its client is owed, as far as it does. */
void sl_rtcd_group_settle(const struct rtcd_groups *gs, const struct rtcd_conn *conn);
