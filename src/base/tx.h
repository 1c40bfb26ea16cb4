#pragma once

/*
 * Datagrams on their way out: what a worker's core has made and its sockets send.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* One datagram, or a run of them to one address: n octets at p, cut every `segment` octets;
 * the last may be shorter. A run becomes one system call's worth of work (UDP GSO). */
struct tx {
    struct addr to;
    uint16_t port;    /* which of the worker's sockets, or streams, it leaves by */
    uint16_t segment; /* 0: one datagram */
    uint32_t n;
    const uint8_t *p;
};

enum {
    TX_RUN_MAX = 64,      /* datagrams in a run: UDP_MAX_SEGMENTS of older kernels */
    TX_RUN_BYTES = 65000, /* octets in a run, below the largest UDP payload */
    /* From this number on a port is a framed stream (RFC 4571), which no other worker's has;
     * below, a socket for datagrams. */
    TX_STREAMS = 256,
};

static inline bool tx_is_stream(uint16_t port)
{
    return port >= TX_STREAMS;
}
