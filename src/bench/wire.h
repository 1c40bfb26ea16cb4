#pragma once

/*
 * The sockets of many clients in one process.
 *
 * To a server on this machine all clients share a few sockets: those of one port have an address
 * each out of 127.0.0.0/8, told to the kernel with each datagram and by it (IP_PKTINFO). So
 * thousands of clients cost hardly more system calls than one, and nobody sleeps on the sockets:
 * waking a receiver would be a cost of the sender, which is the server that is measured. So is
 * looking for the receiver: what clients who follow each other are found by lies side by side in
 * the kernel, since their ports differ in the last bits only. To a server elsewhere each client
 * has a socket, and is known by its port.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"

enum { WIRE_BATCH = 256, WIRE_DATAGRAM = 2048 };

struct wire_in {
    size_t client; /* whose it is; may be one that does not exist */
    usec at;       /* kernel's stamp, on the monotonic clock */
    uint8_t *p;
    size_t n;
};

struct wire_stats {
    uint64_t sent, received;
    uint64_t refused; /* datagrams that the kernel did not take */
};

struct wire;

/* For this many clients of that server. E_SYS with errno set, E_MEMORY; E_UNSUPPORTED: not
 * an IPv4 address. Free takes NULL. */
MUST_USE enum err sl_wire_new(const struct addr *server, size_t clients,
                              struct wire **ret);
void sl_wire_free(struct wire *w);

/* Queues a copy of a datagram of the client's, or of a run that is cut every `segment` octets
 * (0: one datagram). A full queue is flushed first. */
void sl_wire_send(struct wire *w, size_t client, const struct addr *to, const uint8_t *p,
                  size_t n, size_t segment);
void sl_wire_flush(struct wire *w);

/* Reads up to WIRE_BATCH datagrams; valid until the next call. 0: none wait. */
size_t sl_wire_receive(struct wire *w, const struct wire_in **ret);

const struct wire_stats *sl_wire_stats(const struct wire *w);
