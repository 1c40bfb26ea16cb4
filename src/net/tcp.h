#pragma once

/*
 * The media streams of one worker: ICE over TCP (RFC 6544), of which we are the passive end.
 *
 * Each worker listens on the same addresses, shared by SO_REUSEPORT, and has the connections
 * that it accepts. Each is a path of its own, known by a number (base/tx.h), and carries what a
 * socket for datagrams would. It is worth nothing until a valid check came on it, and that is
 * all that keeps it: the first within TCP_FIRST_CHECK, the next within TCP_NEXT_CHECK of the
 * one before. The worker that owns the transport is given the stream, too.
 *
 * What strangers can cost is bounded: connections in all and for one address, and where there
 * is no place for a new one, the oldest that proved nothing makes it. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pkt.h"
#include "base/tx.h"

#include "net/tcpconn.h"

/* A client connects to send a check at once; RFC 7675 has one every 15 s at least, but of a
 * path that a browser keeps in reserve every 25 s. */
#define TCP_FIRST_CHECK SEC(10)
#define TCP_NEXT_CHECK  SEC(60)

enum { TCP_LISTENERS_MAX = 32 };

struct tcp_conf {
    const struct addr *at; /* at most TCP_LISTENERS_MAX, with the port */
    size_t at_n;
    size_t conns_max, conns_per_address; /* of this worker */
    struct tcpconn_numbers *numbers;     /* borrowed, of all workers */
    uint64_t hash_key[2];
};

struct tcp_stats {
    uint64_t accepted, open;
    uint64_t received, received_bytes, sent, sent_bytes; /* datagrams, without lengths */
    uint64_t slow;       /* datagrams dropped as the client reads too slowly */
    uint64_t gone;       /* datagrams for a stream that is closed */
    uint64_t pool_empty; /* datagrams dropped for want of a buffer */
    /* Connections closed, by reason. */
    uint64_t refused;  /* over a limit, or for want of memory or descriptors */
    uint64_t ended;    /* by the client */
    uint64_t wrong;    /* not frames, or not checks where nothing else may come */
    uint64_t unproven; /* no valid check in time, or others wanted its place */
    uint64_t silent;   /* no check for long */
};

struct tcp;

/* E_SYS with errno set, E_MEMORY. Free takes NULL, and closes all streams. */
MUST_USE enum err sl_tcp_new(const struct tcp_conf *conf, struct tcp **ret);
void sl_tcp_free(struct tcp *t);

/* Whether all of these addresses are nobody's, as with sl_udp_free_ports. */
MUST_USE enum err sl_tcp_free_ports(const struct addr *at, size_t n);

/* Readable when there is something to do for sl_tcp_receive. */
int sl_tcp_fd(const struct tcp *t);

/* Looks at all that waits, and reads up to n datagrams into packets of pool. */
size_t sl_tcp_receive(struct tcp *t, struct pkt_pool *pool, usec now, struct pkt **ret,
                      size_t n);

/* More was read than there was room for, or something is closed. */
bool sl_tcp_ready(const struct tcp *t);

/* Datagrams to streams of ours; what is not ours, or too much, is dropped and counted. */
void sl_tcp_send(struct tcp *t, const struct tx *tx, size_t n);

/* A valid check came on this stream. */
void sl_tcp_proved(struct tcp *t, uint16_t number, usec now);

/* Gives a stream away, to be owned; NULL: there is none. And takes one that was given. */
struct tcpconn *sl_tcp_release(struct tcp *t, uint16_t number);
void sl_tcp_adopt(struct tcp *t, struct tcpconn *c);

/* A stream that carried a transport and is closed, to be freed; NULL: no more are. Until then
 * nobody else has its number. */
struct tcpconn *sl_tcp_closed(struct tcp *t);

/* Closes those whose time is over. */
void sl_tcp_tick(struct tcp *t, usec now);
usec sl_tcp_deadline(const struct tcp *t);

const struct tcp_stats *sl_tcp_stats(const struct tcp *t);
