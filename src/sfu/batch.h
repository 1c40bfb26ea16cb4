#pragma once

/*
 * The last step of a packet's way: jobs become protected datagrams, in runs.
 *
 * A job says which packet leaves by which consumer under which number. Jobs queue on their
 * transport in sending order; when the batch is flushed, one transport after the other is
 * served, so that all it is sent stands together in the send buffer and equal sizes become
 * one run. Headers are written there, payloads are encrypted straight from where they were
 * received. Order within a transport is the order of the pushes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/pkt.h"

#include "sfu/shard.h"

struct consumer;
struct transport;

enum job_kind {
    JOB_MEDIA,   /* a packet's first sending */
    JOB_AGAIN,   /* the same bytes once more, for a receiver without RTX */
    JOB_REPAIR,  /* in an RTX packet (RFC 4588) */
    JOB_EMPTY,   /* without payload: fills a number that is not wanted */
    JOB_PADDING, /* nothing but padding, on the RTX stream: to probe the path */
};

struct job {
    struct consumer *consumer;
    struct pkt *pkt; /* a reference of its own */
    uint64_t seq;    /* output number: SRTP index of the stream it leaves on */
    uint64_t facts;  /* what the first sending had, see consumer.h */
    uint32_t ts;
    uint16_t next; /* of the same transport: its place, from 1; 0: none */
    uint16_t osn;  /* JOB_REPAIR: the number that was lost */
    uint8_t kind;
};

struct batch;

/* NULL when memory ends. Free takes NULL. */
struct batch *sl_batch_new(const struct shard_io *io, struct shard_stats *stats);
void sl_batch_free(struct batch *b);

/* Queues a job on its consumer's transport: the batch is flushed first when it is full. The
 * packet is referenced until the flush. */
void sl_batch_push(struct batch *b, const struct job *job, usec now);

/* A datagram that needs nothing more (a STUN answer, DTLS, SRTCP): room for n octets, to be
 * filled, then told by put. It leaves before the jobs of the same flush. NULL: n is too
 * large. */
enum { BATCH_DATAGRAM_MAX = 1500 };
uint8_t *sl_batch_room(struct batch *b, size_t n);
void sl_batch_put(struct batch *b, const struct addr *to, uint16_t port, size_t n);

void sl_batch_flush(struct batch *b, usec now);
