#pragma once

/*
 * Records of DTLS on their way out, by the paths of their transports.
 *
 * A transport is closed on all threads at once, and then the association thread says
 * close_notify, by which its peer knows at once and not when consent has run out. So the paths
 * of those that went last stay known for that, at most RECORDS_GONE of them.
 */

#include <stdint.h>

#include "base/addr.h"
#include "base/pkt.h"

enum { RECORDS_GONE = 256 };

struct records {
    struct records_gone {
        uint64_t transport;
        struct addr to;
        uint16_t port;
    } gone[RECORDS_GONE];
    unsigned next; /* takes the place of the one that went first */
};

struct shard;
struct transport;

/* Sends the record as it is, or drops it where there is no path. */
void sl_records_send(struct shard *s, uint64_t transport, const struct pkt *record);

/* It goes now. */
void sl_records_closed(struct shard *s, const struct transport *t);
