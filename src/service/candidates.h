#pragma once

/*
 * Where clients are told to look for us: the candidates of answers and offers.
 *
 * Each local address is told as it is, or as the one that a NAT shows the world in its place:
 * an address replaces what it maps, and never stands beside it. Datagrams come before streams.
 * Values in, values out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#include "room/negotiate.h"

enum { CANDIDATES_MAX = 64, CANDIDATES_HOSTS_MAX = 32 };

/* Ports do not count. */
struct address_map {
    struct addr
        local; /* all zero: each of the family of `shown` that no other map names; but not
                          loopback, unless there is nothing else */
    struct addr shown;
};

struct candidates_of {
    const struct addr *udp,
        *tcp; /* local addresses with the port, at most HOSTS_MAX each */
    size_t udp_n, tcp_n;
    const struct address_map *maps;
    size_t maps_n;
    uint16_t shown_port; /* of addresses that are mapped; 0: as it is here */
};

/* The best first, each once. Returns how many, at most CANDIDATES_MAX. */
size_t sl_candidates(const struct candidates_of *of,
                     struct negotiate_candidate ret[CANDIDATES_MAX]);
