#pragma once

/*
 * The media threads of a server: workers, the association thread, and the mailboxes between
 * them, started in order and stopped in reverse.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

#include "crypto/cert.h"
#include "crypto/srtp.h"
#include "net/udp.h"
#include "service/assoc_thread.h"
#include "service/capacity.h"
#include "service/post.h"
#include "service/tape.h"
#include "service/worker.h"

enum { NODE_PROFILES_MAX = 4 };

struct node_conf {
    struct addr at[UDP_PORTS_MAX]; /* local addresses, with the media port */
    size_t at_n;
    struct addr
        tcp_at[TCP_LISTENERS_MAX]; /* where streams are accepted; tcp_at_n 0: nowhere */
    size_t tcp_at_n;
    size_t tcp_max, tcp_per_address; /* streams, of all workers */
    const char *captures; /* directory of files of theirs; "": there are none */
    size_t workers;
    int cpus[SHARD_WORKERS_MAX]; /* that workers are pinned to, in turn */
    size_t cpus_n;               /* 0: they are not */
    size_t packets;              /* buffers of each worker */
    int socket_buffer;
    enum srtp_profile profiles[NODE_PROFILES_MAX];
    size_t profiles_n;
    const struct srtp_backend *srtp;
    uint32_t handshakes_per_s, handshakes_pending;
    unsigned load; /* percent of a worker's time: struct capacity */
};

/* What all threads have counted. */
struct node_stats {
    struct worker_stats workers[SHARD_WORKERS_MAX];
    struct assoc_thread_stats assoc;
};

struct node {
    struct node_conf conf;
    struct cert cert;
    struct dtls_ctx *dtls;
    struct post *post;
    struct tcpconn_numbers *numbers; /* of streams */
    uint64_t probe_key;              /* of all workers: struct shard_conf */
    struct worker *workers[SHARD_WORKERS_MAX];
    struct assoc_thread *assoc;
    /* Of each worker, that control lent it; freed when none runs any more. */
    struct tape *tapes[SHARD_WORKERS_MAX];
    struct tape
        *traces[TAPE_TRACES_MAX]; /* the same, of transports; NULL: a free place */
    struct node_stats stats;      /* the last that was told: the control thread's */
    struct node_stats filling;    /* lent to the threads while they are asked */
    size_t stats_asked;           /* mails that are not back yet */
    struct capacity capacity;     /* by what was told: the control thread's */
};

/* Opens sockets and makes keys; no thread runs yet, so bells may still be hung. Afterwards
 * sl_node_fini, also of what was half made. E_SYS: errno tells. */
MUST_USE enum err sl_node_init(struct node *n, const struct node_conf *conf);
MUST_USE enum err sl_node_start(struct node *n);
void sl_node_fini(struct node *n);

/* Asks all threads for their numbers, unless they still owe those asked for before. The
 * answers are MAIL_STATS mails to control, to be given to sl_node_answered. Control thread. */
void sl_node_ask(struct node *n);
void sl_node_answered(struct node *n, const struct mail *m);
