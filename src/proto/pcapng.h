#pragma once

/*
 * Packets in a file that Wireshark reads: pcapng (draft-ietf-opsawg-pcapng), written.
 *
 * A file is one section: its header, its interfaces, which are numbered from 0 in their order, and
 * packets. A packet is a datagram behind headers of UDP and IP made for it, and nothing below
 * (LINKTYPE_RAW). Times are nanoseconds. Numbers stand in the order of the network, which the
 * header says. What does not fit leaves the writer bad.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/span.h"

enum { PCAPNG_PARTS = 3 };

struct pcapng_packet {
    uint32_t interface;
    bool sent;      /* from us, or to us */
    uint64_t at_ns; /* since 1970 */
    struct addr from, to;
    struct span parts
        [PCAPNG_PARTS]; /* of the datagram, one behind the other; some may be empty */
};

/* writer: the name of a program. comment: for who opens the file. */
void sl_pcapng_section(struct wr *w, const char *writer, const char *comment);
void sl_pcapng_interface(struct wr *w, const char *name, const char *about);
void sl_pcapng_packet(struct wr *w, const struct pcapng_packet *p);
