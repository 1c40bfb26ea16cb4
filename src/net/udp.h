#pragma once

/*
 * The media sockets of one worker: datagrams in and out, in batches.
 *
 * A worker has one socket for each local address, all on the same port, shared with the
 * other workers by SO_REUSEPORT: the kernel keeps sending one client's address to one worker,
 * and an answer leaves from the address that was asked. Sockets are numbered in the order of
 * the addresses (`port` of struct pkt and struct tx). Beside them stands an eventfd by which
 * another thread wakes a worker that sleeps. One thread, but for sl_udp_wake.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pkt.h"
#include "base/tx.h"

enum { UDP_PORTS_MAX = 32, UDP_BATCH = 64 };

struct udp_stats {
    uint64_t received, received_bytes;
    uint64_t sent, sent_bytes; /* datagrams, also those inside runs */
    uint64_t runs;             /* system-call messages that carried two or more */
    uint64_t truncated;        /* longer than PKT_CAP, dropped */
    uint64_t refused;          /* the kernel took none of it: full, or no route */
    uint64_t wakeups;
};

struct udp;

/* Binds one socket for each address (at most UDP_PORTS_MAX). buffer: octets asked for each
 * way. E_SYS with errno set, E_MEMORY. Free takes NULL. */
MUST_USE enum err sl_udp_new(const struct addr *at, size_t n, int buffer,
                             struct udp **ret);
void sl_udp_free(struct udp *u);

/* Whether all of these addresses are nobody's. Workers share them (SO_REUSEPORT), and so would
 * a second server of the same user, unseen; so the first worker asks before it binds. E_EXISTS:
 * one is taken; E_SYS with errno set. */
MUST_USE enum err sl_udp_free_ports(const struct addr *at, size_t n);

/* Sleeps until a datagram came, sl_udp_wake was called, or `until` passed. */
void sl_udp_wait(struct udp *u, usec now, usec until);

/* Takes it that datagrams wait, without asking: for who slept otherwise. If none does, the next
 * receive finds that out. */
void sl_udp_suppose(struct udp *u);

/* Something else whose being readable ends a sleep; and whether it did since the last call. */
void sl_udp_watch(struct udp *u, int fd);
bool sl_udp_watched(struct udp *u);

/* For any thread. */
void sl_udp_wake(const struct udp *u);

/* Reads up to n datagrams that wait, one socket after the other, into packets that it takes
 * from pool. Fewer than n: nothing more waits, or the pool is empty (then what waits is left
 * to the kernel). */
size_t sl_udp_receive(struct udp *u, struct pkt_pool *pool, struct pkt **ret, size_t n);

/* True when datagrams may wait that sl_udp_receive did not have room for. */
bool sl_udp_ready(const struct udp *u);

/* Sends all, in order; what the kernel refuses is dropped and counted. */
void sl_udp_send(struct udp *u, const struct tx *tx, size_t n);

const struct udp_stats *sl_udp_stats(const struct udp *u);

/* Microseconds of CLOCK_MONOTONIC. */
usec sl_udp_now(void);

/* The address of ours that the kernel would send from. False: there is no way there. */
bool sl_udp_source(const struct addr *to, struct addr *ret);

/* The addresses of the machine's interfaces that are up, loopback last; at most max. Link
 * local IPv6 addresses are left out, since they mean nothing without their zone. */
size_t sl_udp_local_addrs(struct addr *ret, size_t max, uint16_t port);
