#pragma once

/*
 * A media thread: one shard, its sockets, and the loop that joins them.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

#include "net/tcp.h"
#include "net/udp.h"
#include "service/post.h"
#include "sfu/shard.h"

struct worker;

struct worker_conf {
    uint16_t number;
    int cpu; /* pinned to this one; -1: wherever */
    struct post *post;
    const struct srtp_backend *srtp;
    uint64_t probe_key;    /* struct shard_conf */
    const struct addr *at; /* local addresses with the media port */
    size_t at_n;
    const struct addr *tcp_at; /* the same for streams; tcp_at_n 0: none */
    size_t tcp_at_n;
    size_t tcp_max, tcp_per_address; /* streams of this worker */
    struct tcpconn_numbers *numbers; /* of streams, of all workers; borrowed */
    size_t packets;                  /* buffers in its pool */
    int socket_buffer;
};

/* By MAIL_CAPTURE a worker is lent a tape. Where it is to be captured and nothing hangs on it, a new
 * shard takes the place of the old one, and all that it is given and gives is written down. Where a
 * transport is to be traced that lives on it, what that says and hears is. */

/* Opens the sockets; the thread does not run yet. E_SYS with errno set, E_MEMORY. Free takes
 * NULL and a worker that was stopped: all workers are stopped before the first is freed. */
MUST_USE enum err sl_worker_new(const struct worker_conf *conf, struct worker **ret);
MUST_USE enum err sl_worker_start(struct worker *w);
void sl_worker_stop(struct worker *w);
void sl_worker_free(struct worker *w);

/* What MAIL_STATS is filled with. */
struct worker_stats {
    struct shard_stats shard;
    struct udp_stats udp;
    struct tcp_stats tcp;
    uint64_t packets_used; /* of its pool, now */
    uint64_t packets_none; /* times that the pool was empty */
    uint64_t cpu_ns;       /* CPU time that the thread has had */
    usec at;               /* when that was asked */
};
