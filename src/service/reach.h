#pragma once

/*
 * Under which addresses the world reaches this server, as far as they are not written down: those
 * that its name has now, or those that a STUN server sees (RFC 8489 §12), each minute anew.
 *
 * The server is asked once from each local address, by the media port, so what it sees is what
 * clients will, and the NAT in between keeps the way open. What is asked of the world goes by
 * ops and comes back by calls; an address that was found stays until another is. Control
 * thread; no I/O.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/span.h"

#include "service/candidates.h"

#define REACH_INTERVAL SEC(60)
#define REACH_TIMEOUT  SEC(5) /* for a STUN server to answer */
#define REACH_AGAIN                                                                      \
    MSEC(500) /* the first repetition; each takes twice as long (§6.2.1) */

enum { REACH_MAPS_MAX = 64 };

enum reach_name { REACH_OURS, REACH_STUN, REACH_NAMES };

struct reach_conf {
    struct candidates_of of; /* what is told, but for what is found; borrowed */
    bool wanted
        [REACH_NAMES]; /* our name is to be looked up; a STUN server is to be asked */
    uint64_t key;      /* the first octets of what we ask by */
};

struct reach_ops {
    void *ctx;
    /* Answered by sl_reach_found, later. */
    void (*look_up)(void *ctx, enum reach_name what);
    /* Sends a datagram by this socket of the media port. */
    void (*send)(void *ctx, uint16_t port, const struct addr *to, struct span datagram);
    void (*changed)(void *ctx);
};

struct reach {
    struct reach_conf conf;
    struct reach_ops ops;
    struct addr found[REACH_NAMES][2]; /* IPv4 and IPv6; all zero: none */
    bool looking[REACH_NAMES];
    unsigned rounds;
    usec begun, again, wait; /* of asking; again USEC_NEVER: nothing is under way */
    usec next;               /* the next round */
    struct reach_host {
        bool waits;
        struct addr shown; /* all zero: not known */
    } hosts[CANDIDATES_HOSTS_MAX];
    size_t told_n;
    struct negotiate_candidate told[CANDIDATES_MAX];
};

/* What is told at once is what needs no question. */
void sl_reach_init(struct reach *r, const struct reach_conf *conf,
                   const struct reach_ops *ops);

/* Begins, and goes on. */
void sl_reach_tick(struct reach *r, usec now);
usec sl_reach_deadline(const struct reach *r);

/* A name has these addresses now; n 0: it has none, or nobody knows. */
void sl_reach_found(struct reach *r, enum reach_name what, const struct addr *a, size_t n,
                    usec now);

/* The STUN server sees a local address so. */
void sl_reach_seen(struct reach *r, uint16_t port, const struct addr *shown);

/* Everything was asked once, and has been answered or will not be. */
bool sl_reach_settled(const struct reach *r);

/* One of the addresses that were asked for is known. */
bool sl_reach_knows(const struct reach *r);
