#pragma once

/*
 * A server that is measured beside others: how it is started, and how its rooms are entered.
 * One file for each, peer_NAME.c; `peers` lists them.
 */

#include <stdbool.h>

#include "bench/signaling.h"
#include "measure.h"
#include "server.h"

/* How many times dearer than Sluice it is, at least. */
struct peer_bars {
    double cost[KINDS]; /* CPU of a packet, as kinds[] has them */
    double memory;      /* of a client */
};

struct peer {
    const char *name; /* in rows: the server, and how it is set */
    const char *program;
    const char *front; /* the program that speaks for it; NULL: it speaks for itself */
    const struct signaling *signaling;
    const struct peer_bars *bars;
    int variant; /* for start */
    bool data;   /* it sends nothing to who has no data channel */
    /* Starts the program at this address and on this core (-1: anywhere), and waits until it
     * serves. False: why was printed. server_stop ends it. */
    bool (*start)(const struct peer *peer, struct server *s, const char *address,
                  int core);
};

/* The server of this tree; program is borrowed. */
struct peer peer_sluice(const char *program);

/* Debian's package, and its videoroom: with a thread for each connection, as it comes, and
 * with one for all. */
extern const struct peer peer_janus, peer_janus_loop;

/* Mattermost's rtcd; front: tests/interop/rtcd. */
struct peer peer_rtcd(const char *program, const char *front);

/* LiveKit's server, as it comes, or so that it sends in batches. */
struct peer peer_livekit(const char *program, bool in_batches);
