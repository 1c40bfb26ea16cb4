#pragma once

/*
 * SCTP associations whose packets travel in DTLS records (RFC 8261), as data channels use
 * them (RFC 8831): over usrsctp, behind a face of datagrams, `now` and events.
 *
 * Two exceptions to sans-IO, both usrsctp's. It is one for the whole process and keeps its
 * state globally, so there is one stack at a time, and one thread for it and all that is made
 * of it. And it measures round trips by the wall clock: a leap of that is taken for a delay.
 *
 * Both ends begin (RFC 8831 §6.1 has no server here), and the two beginnings meet.
 *
 * Whatever is called may give any association something to say: poll each that
 * sl_sctp_talking returns, until it has no more. One that is not polled keeps what it
 * received, its window closes, and its peer waits: so back pressure reaches the sender.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

enum {
    SCTP_STREAMS = 64,             /* each way: each costs memory in every association */
    SCTP_MESSAGE_MAX = 256 * 1024, /* octets of what is sent */
    SCTP_DATAGRAM_MAX = 1160,      /* of what is sent: fits a record of crypto/dtls */
    SCTP_SEND_MAX = 320 * 1024,    /* octets not yet acknowledged; one message at least */
    SCTP_RECEIVE_MAX = 128 * 1024, /* octets out of order, or not yet polled */
    SCTP_OUT_MAX = 128,            /* datagrams that wait to be polled; more are lost */
};

struct sctp_stack;

/* NULL when there is one already, or memory ends. Free takes NULL; associations go first. */
struct sctp_stack *sl_sctp_stack_new(usec now);
void sl_sctp_stack_free(struct sctp_stack *st);
void sl_sctp_stack_tick(struct sctp_stack *st, usec now);
usec sl_sctp_stack_deadline(const struct sctp_stack *st);

struct sctp_conf {
    uint16_t local_port, remote_port;
    uint32_t receive_max; /* octets of the longest message that is taken */
    void *user;           /* whose it is */
};

struct sctp;

/* Begins at once. NULL when memory ends. Free takes NULL, and queues nothing any more. */
struct sctp *sl_sctp_new(struct sctp_stack *st, const struct sctp_conf *conf, usec now);
void sl_sctp_free(struct sctp *s);
void *sl_sctp_user(const struct sctp *s);

void sl_sctp_input(struct sctp *s, struct span datagram, usec now);

struct sctp_message {
    uint16_t stream;
    uint32_t ppid;
    struct span bytes;
    /* of what is sent: */
    bool unordered;
    bool limit_resends, limit_lifetime; /* one at most; to `limit` times, or ms */
    uint32_t limit;
};

/* E_STATE: not up, or the stream is being reset; E_FULL: later, when some was acknowledged;
 * E_MALFORMED: empty, too long, or no such stream. */
MUST_USE enum err sl_sctp_send(struct sctp *s, const struct sctp_message *m, usec now);

/* Our direction of a stream begins anew, after all that was sent on it (RFC 6525). */
void sl_sctp_reset(struct sctp *s, uint16_t stream, usec now);

struct sctp_out {
    enum sctp_kind {
        SCTP_SEND,       /* bytes: to the peer */
        SCTP_UP,         /* the association is there */
        SCTP_MESSAGE,    /* stream, ppid, bytes */
        SCTP_TOO_LONG,   /* stream: a message above receive_max was left out */
        SCTP_RESET_IN,   /* stream: the peer began it anew */
        SCTP_RESET_DONE, /* stream: ours was, or the peer would not */
        SCTP_DOWN,       /* the association ended, or never began */
    } kind;
    uint16_t stream;
    uint32_t ppid;
    struct span bytes; /* valid until the next call about any association */
};

/* False: no more for now. Datagrams come first. */
bool sl_sctp_poll(struct sctp *s, struct sctp_out *ret);
/* As above, and of what the peer sent nothing is taken. */
bool sl_sctp_poll_datagram(struct sctp *s, struct sctp_out *ret);

/* One that may have something to be polled; it is not returned again until it has more. */
struct sctp *sl_sctp_talking(struct sctp_stack *st);
