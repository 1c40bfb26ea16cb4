#pragma once

/*
 * The data channels of one transport, between its DTLS association and the control thread:
 * proto/channels, with what waits on both sides of it bounded.
 *
 * What control commands is done in order, and what the peer cannot take yet waits here; each
 * command is acknowledged when it was done, and control keeps no more than DATA_BELOW_MAX
 * under way. Upward it is the same: of a peer whose messages control has not acknowledged,
 * no more than DATA_ABOVE_MAX are read, and then its window closes. So it does where a peer sends
 * faster than DATA_READ_PER_S: nothing is lost, and the rest waits where it was made.
 */

#include "base/list.h"

#include "proto/channels.h"

enum {
    DATA_MESSAGE_MAX = 256 * 1024, /* as our descriptions say: a=max-message-size */
    DATA_PORT = 5000,              /* and a=sctp-port */
    DATA_BELOW_MAX = 512 * 1024,
    DATA_ABOVE_MAX = 512 * 1024,
    DATA_READ_BURST = 1 << 20, /* octets that are read of one peer at once; */
    DATA_READ_PER_S = 1 << 20, /* later so many in a second */
    DATA_READ_MESSAGES = 1000, /* messages, the same */
    DATA_READ_MESSAGES_PER_S = 200,
    DATA_COST =
        256, /* what a message costs besides its octets, so that small ones count */
};

/* Of commands to it and of what came of it; freed with free(). */
struct data_cmd {
    struct list node; /* the holder's */
    uint64_t transport;
    enum data_verb {
        DATA_OPEN,    /* bytes: as in a DCEP open. Upward: by the peer; empty: ours was */
        DATA_MESSAGE, /* bytes */
        DATA_CLOSE,   /* upward: it is closed, by whomever */
        DATA_DOWN,    /* upward only: the association is over; no channel is left */
    } verb;
    uint16_t stream;
    bool text, negotiated;
    size_t n;
    uint8_t bytes[];
};

/* With a copy of bytes; NULL when memory ends. */
struct data_cmd *sl_data_cmd(uint64_t transport, enum data_verb verb, uint16_t stream,
                             struct span bytes);
static inline size_t data_cost(const struct data_cmd *c)
{
    return c->n + DATA_COST;
}

struct data_conf {
    uint64_t transport;
    uint16_t remote_port;
    uint32_t send_max; /* struct channels_conf */
    bool dtls_client;
    void *user;
};

struct data;

/* NULL when memory ends. Free takes NULL. */
struct data *sl_data_new(const struct data_conf *conf);
void sl_data_free(struct data *d);

/* DTLS is up. E_MEMORY. */
MUST_USE enum err sl_data_begin(struct data *d, struct sctp_stack *st, usec now);
bool sl_data_begun(const struct data *d);

void sl_data_input(struct data *d, struct span datagram, usec now);
void sl_data_command(struct data *d, struct data_cmd *cmd); /* takes it */
void sl_data_done(struct data *d, size_t cost); /* control has read so much of ours */

struct data_out {
    enum data_kind {
        DATA_SEND, /* bytes: a record to the peer */
        DATA_UP,   /* cmd: to control, whose it is from now on */
        DATA_DONE, /* cost: of commands that were done */
    } kind;
    struct span bytes; /* valid until the next call about any transport */
    struct data_cmd *cmd;
    size_t cost;
};

/* False: no more for now. silent: control takes no more, ask for the rest alone. */
bool sl_data_poll(struct data *d, bool silent, struct data_out *ret, usec now);

/* When the rest is read of a peer that sends too fast: then poll. USEC_NEVER: nothing is left. */
usec sl_data_deadline(const struct data *d);

/* The user of one that may have something to say. */
void *sl_data_talking(struct sctp_stack *st);
