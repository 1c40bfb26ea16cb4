#pragma once

/*
 * What one transport receives and sends, written down while it runs for Wireshark to read
 * (proto/pcapng): each packet of RTP and RTCP that came and was authentic, and each that is sent,
 * both without their encryption. A debugging tool: of a call, what its two ends say to each other.
 *
 * What a shard gives does not depend on whether a transport is traced. It is written into memory of
 * a fixed size, whose unwritten rest is zero: a mapped file. What does not fit ends it. While
 * nobody is traced a packet is asked one bit. For the shard's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/pkt.h"
#include "base/span.h"

struct transport;

struct trace_conf {
    const char *about; /* for who opens the file */
    const struct addr
        *at; /* ours, by the number of the socket; borrowed as long as it runs */
    size_t at_n;
    usec wall;  /* microseconds since 1970 at the shard's time 0 */
    usec until; /* what comes or leaves then or later is not written any more */
};

struct trace {
    struct wr out;
    struct trace_conf conf;
    struct transport *of; /* NULL: it is gone, or the trace was ended */
    bool over;
};

/* of is sl_shard_trace's to set. */
void sl_trace_init(struct trace *tr, struct wr memory, const struct trace_conf *conf);

/* Nothing is written any more, and the octets that are its own. */
size_t sl_trace_end(struct trace *tr);

/* For modules of the shard, where t->traced: a packet that was decrypted; one that is about to be
 * encrypted, and of what it is made. */
enum { TRACE_PARTS = 3 };
void sl_trace_received(const struct transport *t, const struct pkt *p);
void sl_trace_sent(const struct transport *t, const struct span parts[TRACE_PARTS],
                   usec now);

void sl_trace_begin(struct trace *tr, struct transport *t);
