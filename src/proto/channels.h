#pragma once

/*
 * The data channels of one SCTP association (RFC 8831): opened by the peer or by us with DCEP
 * (RFC 8832), or agreed on elsewhere; their messages; and their end, when both directions of
 * the stream were reset.
 *
 * A channel is known by its stream. Who is the DTLS client opens on even ones, the other on
 * odd ones (RFC 8832 §6), so both may open at once. What breaks these rules closes its
 * channel, and nothing else.
 *
 * After each call, and after the stack's tick, poll those that sl_channels_talking returns.
 */

#include "proto/dcep.h"
#include "proto/sctp.h"

struct channels_conf {
    uint16_t local_port, remote_port;
    bool dtls_client;     /* we are */
    uint32_t send_max;    /* octets of a message that the peer takes; 0: of any length */
    uint32_t receive_max; /* that we take, as we said (RFC 8841 §6) */
    void *user;
};

struct channels;

/* As sl_sctp_new and its like. */
struct channels *sl_channels_new(struct sctp_stack *st, const struct channels_conf *conf,
                                 usec now);
void sl_channels_free(struct channels *c);
void *sl_channels_user(const struct channels *c);
void sl_channels_input(struct channels *c, struct span datagram, usec now);
struct channels *sl_channels_talking(struct sctp_stack *st);

/* negotiated: the peer was told by other means, and is asked nothing. E_EXISTS: the stream is
 * in use; E_MALFORMED: no such stream, or the peer's to choose; E_MEMORY. */
MUST_USE enum err sl_channels_open(struct channels *c, uint16_t stream,
                                   const struct dcep_open *open, bool negotiated,
                                   usec now);

/* May be empty. E_EARLY: the channel waits for the association; E_FULL: for the peer to
 * acknowledge more; E_ABSENT: there is no such channel (any more); E_MALFORMED: longer than
 * the peer or we take; E_STATE: the association is over. */
MUST_USE enum err sl_channels_send(struct channels *c, uint16_t stream, bool text,
                                   struct span message, usec now);

/* After what was sent. It is over when CHANNELS_CLOSED comes. */
void sl_channels_close(struct channels *c, uint16_t stream, usec now);

struct channels_out {
    enum {
        CHANNELS_SEND,    /* bytes: to the peer */
        CHANNELS_OPENED,  /* stream, open: by the peer; or ours was, and open is NULL */
        CHANNELS_MESSAGE, /* stream, text, bytes */
        CHANNELS_CLOSED,  /* stream: by whomever; it may be used again */
        CHANNELS_DOWN,    /* the association is over, and all channels with it */
    } kind;
    uint16_t stream;
    bool text;
    struct span bytes; /* valid until the next call about any association */
    const struct dcep_open *open;
};

/* False: no more for now. Datagrams come first. */
bool sl_channels_poll(struct channels *c, struct channels_out *ret, usec now);
/* As above, and of what the peer sent nothing is taken. */
bool sl_channels_poll_datagram(struct channels *c, struct channels_out *ret);
