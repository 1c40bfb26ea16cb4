#pragma once

/*
 * What producers and consumers hang on: ICE and SRTP of one peer, on one worker.
 *
 * Every worker knows every transport from its expectation on, since a check may arrive at any
 * of them, and answers it. One of them, the owner, gets the keys; its transport is the real
 * one, and the others hand over to it what lands with them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/line.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pkt.h"

#include "crypto/srtp.h"
#include "proto/ice.h"
#include "proto/twcc.h"
#include "sfu/estimate.h"
#include "sfu/mail.h"
#include "sfu/reception.h"

struct bwe;
struct consumer;
struct encoding;
struct pacer;
struct producer;
struct shard;
struct trace;

enum {
    TP_NOBODY = 0xffff,  /* as owner: not known yet */
    TP_HELD_MAX = 32,    /* SRTP datagrams kept until keys and producers came */
    TP_STREAMS_MAX = 64, /* SSRCs that a peer may send */
    TP_ADDRS_MAX = 16,   /* addresses that passed a check */
};

/* One SSRC that is received. */
struct tp_stream {
    uint32_t ssrc;
    bool repair; /* RTX */
    struct encoding *encoding;
};

/* What is received: made with the first producer, as most transports are those of viewers,
 * or only expected. */
struct tp_receiver {
    size_t streams_n;
    struct twcc *twcc;                        /* arrivals; NULL: not negotiated */
    struct tp_stream streams[TP_STREAMS_MAX]; /* the one that came last stands first */
    uint8_t ext_of_id[256];                   /* enum rtp_ext, one table by BUNDLE */
    bool remb;                                /* some producer has it */
    struct reception reception;
};

/* An address that passed a check: what comes from it is its transport's. */
struct tp_addr {
    struct map_node node; /* of the shard, by key */
    struct tp_key {
        struct addr from;
        uint16_t port;
        uint16_t zero;
    } key;
    struct transport *transport;
    struct list in_transport;
};

/* A user fragment of ours, by which checks find it. */
struct tp_name {
    struct map_node node; /* of the shard */
    struct transport *transport;
    char ufrag[ICE_UFRAG_MAX]; /* empty: not in use */
};

struct transport {
    /* hot, for each packet that is sent: the first line of the cache */
    _Alignas(LINE) struct addr to; /* the path that is sent on */
    uint16_t port;
    uint16_t owner; /* a worker's number, or TP_NOBODY */
    bool sendable;  /* a path, consent and keys */
    bool told;      /* control has told all that hangs on it */
    bool ready;     /* and the keys are there */
    bool heard;     /* an authentic packet came, and the association thread knows */
    uint8_t tag_n;  /* octets of an SRTP tag, here so that a packet need not look it up */
    bool traced;    /* `trace` is told of each packet */
    bool arrived;   /* something did, since it was told what does */
    uint16_t twcc_next;       /* number of the next packet sent */
    uint16_t jobs, jobs_last; /* in the batch, as places from 1; 0: none */
    struct srtp_out *out;
    struct bwe *bwe;     /* NULL: the peer does not tell what arrives, or gets no video */
    struct pacer *pacer; /* NULL: what is to be sent leaves at once */

    /* for each that came: the second */
    struct shard *shard;
    struct srtp_in *in;
    struct tp_receiver *rx; /* NULL: no producer yet */

    /* warm */
    struct list producers, consumers; /* by in_transport */
    struct timer timer;
    usec next_feedback, next_report; /* the former never: nothing comes */
    usec next_clock;                 /* sender reports that do not wait for next_report */
    uint32_t ssrc;                   /* as a sender of RTCP */
    uint32_t ceiling_bps;            /* that the peer may send; 0: any */
    bool ceiling_held;  /* there is one, or something is kept back by it (sfu/ceiling) */
    uint32_t limit_bps; /* that it was told last; 0: it was not */
    struct estimate estimate;
    int64_t resend_octets; /* that may be resent, and since when that is known */
    usec resend_at;
    usec shared_at; /* when its tracks were last shared out */
    usec share_at;  /* and when they are to be again, by what is known of the path then */

    /* cold */
    uint64_t id;
    struct map_node by_id;
    struct ice ice;
    struct tp_name
        names[2];     /* of the credentials in use, and of those a restart offers */
    usec stale_since; /* consent expired; 0: it did not */
    bool lost;        /* and control was told that it did not come back */
    size_t addrs_n;
    struct list addrs; /* struct tp_addr, oldest first */
    size_t held_n;
    struct pkt *held, *held_last; /* by next */
    struct trace *trace;          /* NULL: nobody looks */
};

/* Checks with the credentials find it from now on. NULL when memory ends, or when another
 * has the user fragment. */
struct transport *sl_transport_new(struct shard *s, const struct cmd_expect *conf,
                                   usec now);

/* Takes its producers and consumers with it. NULL is allowed. */
void sl_transport_free(struct transport *t);

/* ICE restart: these are accepted besides those in use (sfu/mail.h, MAIL_RESTART), until a
 * check came with them, which is told by adopt. */
void sl_transport_restart(struct transport *t, const struct ice_creds *creds);
void sl_transport_adopt(struct transport *t);

/* Another worker owns it: what was held is handed over. */
void sl_transport_owned(struct transport *t, uint16_t worker);

/* The keys came: this worker is the owner. E_STATE: it has them already. */
MUST_USE enum err sl_transport_keys(struct transport *t, const struct cmd_keys *k,
                                    usec now);

/* All that hangs on it was told: what was held is taken now, or as soon as the keys are there,
 * which come from another thread and may be overtaken. */
void sl_transport_ready(struct transport *t, usec now);

/* The path, or consent on it, may have changed: a check was answered. */
void sl_transport_checked(struct transport *t, usec now);

/* A producer is added: what it negotiated is known from now on. E_MEMORY: it was not. */
MUST_USE enum err sl_transport_add_producer(struct transport *t, struct producer *p,
                                            usec now);
void sl_transport_del_producer(struct transport *t, struct producer *p);

/* A packet was authentic, and is decrypted: the peer has finished its handshake, so ours may
 * rest. */
void sl_transport_heard(struct transport *t, const struct pkt *p);

/* An SRTP or SRTCP datagram from an address that passed a check, or one that was handed over.
 * Takes the packet's reference. */
void sl_transport_srtp(struct transport *t, struct pkt *p, usec now);

/* What is due: feedback, reports, requests, consent. Sets its timer anew. */
void sl_transport_tick(struct transport *t, usec now);

/* By its SSRC, or that of its RTX; NULL when there is none. */
struct consumer *sl_transport_consumer(const struct transport *t, uint32_t ssrc);
