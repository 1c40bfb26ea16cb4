#pragma once

/*
 * An IP address and a port, as one value that can be compared, hashed and written.
 *
 * IPv4 stands in its mapped form (::ffff:a.b.c.d), so one comparison serves both families.
 * No sockets here: net turns these into sockaddrs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/span.h"

struct addr {
    uint8_t ip[16];
    uint16_t port; /* host order */
    uint16_t zero; /* so that every octet of the value is defined */
};

enum { ADDR_TEXT_MAX = 56 }; /* "[ipv6]:port" and a NUL */

static inline bool addr_eq(const struct addr *a, const struct addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static inline struct addr addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d,
                                  uint16_t port)
{
    return (struct addr){.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d},
                         .port = port};
}

bool sl_addr_is_v4(const struct addr *a);
bool sl_addr_is_loopback(const struct addr *a);
bool sl_addr_is_link_local(const struct addr *a);
/* Of the world: not private, shared, reserved, of a machine, a link or a group. */
bool sl_addr_is_public(const struct addr *a);
bool sl_addr_is_any(const struct addr *a);

/* What one customer has of the net: an IPv4 address, or the /64 of an IPv6 one. By this, and
 * not by the address, is counted what each may ask for. Points into a. */
struct span sl_addr_site(const struct addr *a);

/* text is an address without a port, "192.0.2.1" or "2001:db8::1" (no brackets, no zone,
 * no name). E_MALFORMED: anything else. The port of *ret is the one given. */
MUST_USE enum err sl_addr_parse(struct span text, uint16_t port, struct addr *ret);

/* The address alone, or with its port ("1.2.3.4:5", "[::1]:5"). Returns buf. */
const char *sl_addr_ip_text(const struct addr *a, char buf[ADDR_TEXT_MAX]);
const char *sl_addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX]);
