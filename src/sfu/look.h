#pragma once

/*
 * What operators may see of the things that live on a worker: control lends a struct look that
 * names them (MAIL_LOOK), the worker writes down what it has counted of each, and gives it back.
 * It is read from the books that are kept anyway, between two rounds.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"

#include "proto/params.h"

struct shard;

enum { LOOK_MAX = 160 /* things in one mail, so that no round becomes long */ };

enum look_kind { LOOK_TRANSPORT, LOOK_PRODUCER, LOOK_CONSUMER };

struct look_transport {
    struct addr remote; /* all zero: no check was valid yet */
    bool stream;        /* by TCP */
    bool sendable;      /* it has a path, consent and keys */
    uint32_t paths;     /* addresses that passed a check */
    uint64_t packets_in, octets_in, packets_out,
        octets_out; /* of RTP, of what is on it now */
};

/* Of an encoding, since its sender began, or began anew. */
struct look_encoding {
    uint32_t ssrc, rtx_ssrc; /* 0: not known yet */
    uint64_t packets, octets;
    int64_t lost;
    uint64_t asked, found; /* numbers in NACKs of ours, and those that came after all */
    usec jitter;
    uint32_t bps;
    usec silent;  /* for so long nothing came; USEC_NEVER: ever */
    usec resumed; /* it had stopped, and came so long after it was wanted; 0: not so */
};

struct look_producer {
    uint32_t consumers; /* on this worker */
    uint8_t encodings_n;
    struct look_encoding encodings[PARAMS_ENCODINGS_MAX];
};

struct look_consumer {
    uint64_t packets, octets;
    int32_t lost; /* as its receiver reports */
    bool waits;   /* for a key frame */
};

struct look_item {
    uint64_t id;
    enum look_kind kind;
    bool found; /* it lives here, and what follows is of it; else that is zero */
    union {
        struct look_transport transport;
        struct look_producer producer;
        struct look_consumer consumer;
    };
};

struct look {
    size_t n;
    struct look_item at[LOOK_MAX];
};

/* Fills all of it. */
void sl_look(const struct shard *s, struct look *l, usec now);
