#pragma once

/*
 * Between workers: packets of a producer downward, once for each worker whatever the number
 * of its consumers, and its clock; and datagrams that landed with the wrong worker.
 */

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/pkt.h"

#include "sfu/mail.h"

struct encoding;
struct shard;
struct transport;

/* The encoding's clock is known anew: tells all that it is carried to. */
void sl_pipe_clock(struct shard *s, const struct encoding *e);

/* MAIL_CLOCK, MAIL_RTP came. */
void sl_pipe_take_clock(struct shard *s, const struct mail *m, usec now);
void sl_pipe_take_rtp(struct shard *s, const struct mail *m, usec now);

/* A lease on a packet that a mail carries; NULL: there was no place, and it went back. */
struct pkt *sl_pipe_lease(struct shard *s, struct pkt *origin);

/* Hands a datagram over to who owns the transport, or to the association thread. Takes the
 * reference. */
void sl_pipe_hand(struct shard *s, unsigned to, enum mail_type type, uint64_t transport,
                  struct pkt *p);
