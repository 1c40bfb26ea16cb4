#pragma once

/*
 * Packet buffers, taken from a pool of fixed size that one thread owns.
 *
 * A packet is filled once and never changes after it was handed on. A new packet has one
 * reference; whoever keeps it beyond the call it was passed to takes another. The count is
 * plain, so only the pool's thread touches it. Another thread gets a lease: a packet of its
 * own pool whose bytes are those of the origin, on which the lender holds one reference. When
 * the last reference to the lease goes, its origin is put aside, and the thread hands such
 * origins back, in batches, to the pool that they came from.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

enum {
    PKT_CAP = 1600, /* octets of a datagram; longer ones are dropped when received */
    PKT_META = 96,  /* octets for what the receiver found in it, once */
    PKT_SPARE = 96, /* octets that stay free behind the data, for vector reads and tags */
};

struct pkt_pool;

struct pkt {
    struct pkt
        *next; /* while it is free; of an ended lease, until its origin was taken */
    uint32_t refs;
    uint16_t n;         /* octets at data */
    uint16_t port;      /* which of the worker's sockets it came through */
    uint16_t owner;     /* number of the thread whose pool this is, never changed */
    struct addr from;   /* who sent it */
    usec at;            /* when the kernel received it */
    uint8_t *data;      /* PKT_CAP octets, and PKT_SPARE after them */
    struct pkt *origin; /* of a lease: the packet whose bytes these are; else NULL */
    struct pkt_pool *pool;
    _Alignas(16) uint8_t meta[PKT_META];
};

/* packets: buffers for datagrams; leases: places for packets of other pools; owner: a number
 * by which threads know where a packet goes back to. NULL when memory ends. No packet may be
 * used after sl_pkt_pool_free, which takes NULL. */
struct pkt_pool *sl_pkt_pool_new(size_t packets, size_t leases, uint16_t owner);
void sl_pkt_pool_free(struct pkt_pool *pool);

/* How many packets with a buffer there are, how many packets are out (leases, too), how many
 * buffers are left, and how often none was. */
size_t sl_pkt_pool_size(const struct pkt_pool *pool);
size_t sl_pkt_pool_left(const struct pkt_pool *pool);
size_t sl_pkt_pool_used(const struct pkt_pool *pool);
uint64_t sl_pkt_pool_empty(const struct pkt_pool *pool);

/* A packet's place among all of its pool: leases come behind packets with a buffer. */
size_t sl_pkt_number(const struct pkt *p);

/* NULL when the pool is empty: the caller drops and counts. */
struct pkt *sl_pkt_new(struct pkt_pool *pool);

static inline struct pkt *sl_pkt_ref(struct pkt *p)
{
    p->refs++;
    return p;
}

/* Gives the reference up, and the buffer back with the last one. NULL is allowed. */
void sl_pkt_unref(struct pkt *p);

/* A lease in pool on origin, which another thread owns and holds a reference for. NULL when
 * there is no place: hand the origin back at once. */
struct pkt *sl_pkt_lease(struct pkt_pool *pool, struct pkt *origin);

/* Takes one finished origin out of those put aside, or NULL: send it to its own thread,
 * which unrefs it; `origin->owner` tells whose it is. */
struct pkt *sl_pkt_returned(struct pkt_pool *pool);
bool sl_pkt_any_returned(const struct pkt_pool *pool);
