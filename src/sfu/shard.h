#pragma once

/*
 * All media state of one worker: its transports, producers, consumers and pipes.
 *
 * A shard is given datagrams, mails and the time, and gives datagrams and mails. It owns no
 * socket, no thread and no clock; the worker thread around it does (service/worker), and a
 * test may stand in for that. The same inputs always give the same outputs: chance comes
 * from the seed. One thread.
 *
 * A round: sl_shard_datagrams, sl_shard_mail and sl_shard_tick in any number and order, then
 * one sl_shard_flush, which encrypts and sends what they led to.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pkt.h"
#include "base/tx.h"

#include "media/allocate.h"
#include "sfu/delay.h"
#include "sfu/mail.h"

enum {
    SHARD_WORKERS_MAX = 64,
    /* To whom a mail goes: a worker's number, or one of these. */
    SHARD_TO_CONTROL = SHARD_WORKERS_MAX,
    SHARD_TO_ASSOC,
    SHARD_PEERS,
    SHARD_KEEP_MEDIA = 1024, /* places in a mailbox that media leaves to the rest */
};

struct shard_io {
    void *ctx;
    /* The datagrams are valid during the call only. Gives the time when it is done. */
    usec (*send)(void *ctx, const struct tx *tx, size_t n);
    /* False: no room beyond `keep` places, and nothing was taken. */
    bool (*post)(void *ctx, unsigned to, const struct mail *m, size_t keep);
    /* A valid check came by a stream (base/tx.h), for a transport that `owner` has: a worker's
     * number, ours too, or TP_NOBODY. NULL: there are no streams. */
    void (*proved)(void *ctx, uint16_t port, uint16_t owner);
};

struct shard_stats;
struct trace;

struct shard_conf {
    uint16_t worker;       /* our number */
    struct pkt_pool *pool; /* borrowed: of the packets that come in, and of leases */
    const struct srtp_backend *srtp;
    uint64_t seed;
    uint64_t hash_key[2]; /* secret: keys the maps */
    uint64_t
        probe_key; /* secret: the first octets of the ids by which control asks STUN */
    struct shard_io io;
    const struct shard_stats *before; /* goes on counting from there; NULL: from 0 */
};

/* What happened, counted. Written by the shard; other threads may read single values. */
struct shard_stats {
    uint64_t stun, stun_answered, stun_unknown, stun_refused;
    uint64_t stun_taken; /* refused: with credentials of one peer, which another has */
    uint64_t dtls, dtls_stray; /* stray: from an address that passed no check */
    uint64_t rtp, rtp_bytes, rtcp;
    uint64_t stray;     /* neither STUN nor from an address that passed a check */
    uint64_t malformed; /* does not parse, or is of no known kind */
    uint64_t srtp_auth, srtp_replay, srtp_early; /* refused; early: before the keys */
    uint64_t unknown_ssrc;                       /* of no producer, or too many */
    uint64_t excess;                     /* RTP packets above what their peer may send */
    uint64_t forwarded, forwarded_bytes; /* RTP packets to consumers */
    uint64_t retransmitted;              /* answers to NACKs, with RTX or again */
    uint64_t nacks_received, nacks_sent, recovered;
    uint64_t keyreqs_received, keyreqs_sent;
    uint64_t reports_sent, feedback_sent;
    uint64_t handed_over; /* datagrams that another worker's transport was sent */
    uint64_t piped;       /* packets that other workers were given */
    uint64_t piped_in;    /* packets that came by pipe */
    uint64_t mail_full;   /* packets and requests dropped because a mailbox was full */
    uint64_t squeezed; /* times that histories were cut since the pool was nearly empty */
    uint64_t pool_empty; /* packets and leases for which there was no place */
    uint64_t
        srtp_refused; /* protect refused: an index would have protected two packets */
    uint64_t transports, producers, consumers; /* there are now, on this worker */
    uint64_t estimated, estimated_bps; /* transports with an estimate, and all of those */
    uint64_t paced;                    /* of those, transports that hold packets back */
    uint64_t padding;                  /* packets of it, to probe paths */
    uint64_t
        causes[ALLOCATE_CAUSES]; /* consumers with a source, by what limits them now */
    uint64_t expected;           /* transports that it knows of, whoever owns them */
    /* Of forwarded packets that were not held back for a narrow path, nor sent again. */
    struct histogram delay;
};

struct shard;

/* NULL when memory ends. Free takes NULL; leases of other shards' packets are dropped, so
 * all shards end together. */
struct shard *sl_shard_new(const struct shard_conf *conf);
void sl_shard_free(struct shard *s);

/* Takes the packets over. */
void sl_shard_datagrams(struct shard *s, struct pkt *const *pkts, size_t n, usec now);

/* A stream is closed: nothing comes from there to it any more, or can be sent there. */
void sl_shard_closed(struct shard *s, const struct addr *from, uint16_t port, usec now);

/* Takes what the mail carries over. from: a worker's number or a SHARD_TO_*. */
void sl_shard_mail(struct shard *s, unsigned from, const struct mail *m, usec now);
void sl_shard_tick(struct shard *s, usec now);
void sl_shard_flush(struct shard *s, usec now);
usec sl_shard_deadline(const struct shard *s);

/* Packets of a transport that lives here are written down from now on, until it goes (then
 * tr->over) or sl_trace_end. It changes nothing that the shard gives. E_ABSENT: it does not live
 * here; E_EXISTS: somebody does so already. */
MUST_USE enum err sl_shard_trace(struct shard *s, uint64_t transport, struct trace *tr);

/* Nothing hangs on it, and it owes no packet: another may take its place. */
bool sl_shard_idle(const struct shard *s);

const struct shard_stats *sl_shard_stats(const struct shard *s);
