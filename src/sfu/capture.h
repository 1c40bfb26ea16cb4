#pragma once

/*
 * What a shard is given and gives, written down while it runs, so that it can be run again
 * (sfu/replay): a debugging tool, a benchmark without noise, a seed for fuzzing.
 *
 * A capture begins with a new shard, whose seed and keys are its head, and holds every call of
 * sfu/shard.h that changes it, in order, with the time: what is given whole, what it gives as
 * digests, what callbacks answer. Before each call stands how many buffers the pool has left,
 * since sockets take from it, too. It is written into memory of a fixed size, whose unwritten
 * rest is zero: a mapped file. What does not fit ends it, behind the last call of which all is
 * there. Of a process that died it ends with what that was doing.
 *
 * It holds the keys of all who were connected, and all they sent. For the shard's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "base/pkt.h"
#include "base/span.h"
#include "base/tx.h"

enum {
    CAPTURE_VERSION = 1,
    CAPTURE_HEAD = 64,         /* octets before the first record */
    CAPTURE_BATCH = 64,        /* datagrams of one call */
    CAPTURE_PACKETS = 1 << 21, /* buffers, or leases, that a shard may have */
};
#define CAPTURE_NOBODY UINT32_MAX /* no packet of the shard's own */

/* A record: octets that follow (u32), one of these, and the rest of it. */
enum capture_record {
    CAPTURE_END, /* of no octets: the rest is zero */

    /* What it is given: u64 now, u32 buffers left, and: */
    CAPTURE_DATAGRAMS, /* u8 n, and n times: addr, u16 port, u64 stamp, u16 octets, these */
    CAPTURE_MAIL,      /* u8 from, sfu/mailwire */
    CAPTURE_BACK,      /* u32 number: MAIL_BACK for that packet of its pool */
    CAPTURE_CLOSED,    /* addr, u16 port */
    CAPTURE_TICK,
    CAPTURE_FLUSH,

    /* What it gives, and is answered. */
    CAPTURE_SENT, /* u16 n, and n times: addr, u16 port, u16 segment, u32 octets, and u64 digest
                     of each datagram; then u64 the time when it was done */
    CAPTURE_POSTED, /* u8 to, u8 taken, u32 number of the packet in it, u64 digest */
    CAPTURE_PROVED, /* u16 port, u16 owner */
};

/* What its shard was made with. */
struct capture_head {
    uint16_t worker;
    uint32_t packets, leases; /* of its pool */
    uint64_t seed, hash_key[2], probe_key;
};

struct capture {
    struct wr out;
    const struct pkt_pool *pool;
    size_t whole; /* octets up to the last call of which all is there */
    usec until;   /* what is given later is not written any more */
    bool over;
};

/* memory: at least CAPTURE_HEAD octets, zero. */
void sl_capture_init(struct capture *c, struct wr memory, const struct capture_head *head,
                     const struct pkt_pool *pool, usec until);

/* Nothing is written any more, and the octets that are its own; the last call ended. */
size_t sl_capture_end(struct capture *c);

/* Before the shard's functions of the same names. */
void sl_capture_datagrams(struct capture *c, struct pkt *const *pkts, size_t n, usec now);
void sl_capture_mail(struct capture *c, unsigned from, const struct mail *m, usec now);
void sl_capture_closed(struct capture *c, const struct addr *from, uint16_t port,
                       usec now);
void sl_capture_tick(struct capture *c, usec now);
void sl_capture_flush(struct capture *c, usec now);

/* In the callbacks of struct shard_io. What is posted is the reader's at once, so it is looked at
 * before. */
struct capture_letter {
    uint32_t number; /* of the shard's own packet in it, or CAPTURE_NOBODY */
    uint64_t digest;
};
struct capture_letter sl_capture_letter(const struct mail *m);
void sl_capture_posted(struct capture *c, unsigned to, const struct capture_letter *l,
                       bool taken);
void sl_capture_sent(struct capture *c, const struct tx *tx, size_t n, usec done);
void sl_capture_proved(struct capture *c, uint16_t port, uint16_t owner);

/* ---- for who reads it ---- */

uint64_t sl_capture_digest(struct span datagram);

/* E_UNSUPPORTED: no capture, or of another version. E_SHORT, E_MALFORMED. */
MUST_USE enum err sl_capture_head_get(struct rd *r, struct capture_head *ret);

/* The next record; rd_of of what follows its type. CAPTURE_END: there is none, or not all of
 * it. */
enum capture_record sl_capture_next(struct rd *file, struct rd *ret);
