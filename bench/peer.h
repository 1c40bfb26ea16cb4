#pragma once

/*
 * A server that is measured beside others: how it is started, and how its rooms are entered.
 * One file for each, peer_NAME.c; `peers` lists them.
 */

#include <stdbool.h>

#include "bench/signaling.h"
#include "server.h"

struct peer {
    const char *name; /* in rows: the server, and how it is set */
    const char *program;
    const struct signaling *signaling;
    int variant; /* for start */
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
