#pragma once

/*
 * One stream of datagrams over TCP (RFC 6544 §10, RFC 4571): a connection that was accepted.
 *
 * The kernel's send buffer is its only queue, and that is short: what does not fit is dropped
 * in whole datagrams, as a narrow path would, and what was begun is finished first. So a
 * client that reads slowly costs nobody else anything. For the thread that has it; it may be
 * given to another.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/pkt.h"
#include "base/tx.h"

#include "net/frames.h"

enum {
    TCPCONN_SEND_BUFFER =
        128 * 1024, /* octets: a large key frame fits; the kernel doubles it */
    TCPCONN_DATAGRAM_MAX = 2048, /* longer ones are not ours to send */
};

/* Numbers of streams, in struct pkt and tx: one for each in all of the server, so that it may
 * move between workers and is the same path there. For any thread. */
struct tcpconn_numbers;
struct tcpconn_numbers *sl_tcpconn_numbers_new(void);
void sl_tcpconn_numbers_free(struct tcpconn_numbers *n);

struct tcpconn {
    int fd;
    uint16_t number;
    bool proven;         /* a check came on it that was valid */
    bool blocked;        /* the kernel has no room; whoever waits for it unblocks */
    uint16_t unproven_n; /* frames that it sent before that */
    usec until;          /* closed then, unless it proves itself */
    struct addr from;
    struct list by_until, ready; /* its user's */
    struct tcpconn_numbers *numbers;
    struct frames in;
    uint16_t rest_at, rest_n; /* of a datagram that left in part */
    uint8_t rest[FRAMES_HEAD + TCPCONN_DATAGRAM_MAX];
};

/* Takes the descriptor over in any case. E_FULL: no number is left; E_MEMORY. */
MUST_USE enum err sl_tcpconn_new(int fd, const struct addr *from,
                                 struct tcpconn_numbers *numbers, struct tcpconn **ret);
void sl_tcpconn_free(struct tcpconn *c);

/* Closes the connection, and keeps its number from others until it is freed. */
void sl_tcpconn_shut(struct tcpconn *c);

/* Reads once what the kernel has. E_OK: more may be there; E_SHORT: there was less than room
 * for; E_LATE: the peer ended it, or it broke. */
MUST_USE enum err sl_tcpconn_read(struct tcpconn *c);

/* Sends one datagram or a run of them. Returns how many left, or will: not those that were
 * dropped. E_LATE: it broke. */
MUST_USE enum err sl_tcpconn_send(struct tcpconn *c, const struct tx *tx, size_t *sent);

/* The kernel has room again. E_LATE: it broke. */
MUST_USE enum err sl_tcpconn_unblock(struct tcpconn *c);
