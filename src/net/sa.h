#pragma once

/*
 * Addresses as the kernel wants them. For modules of net only.
 */

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"

union sa {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* v4: for a socket of that family. Returns the length. */
static inline socklen_t sa_of(const struct addr *a, bool v4, union sa *ret)
{
    if (v4) {
        ret->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&ret->v4.sin_addr, a->ip + 12, 4);
        return sizeof ret->v4;
    }
    ret->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    memcpy(&ret->v6.sin6_addr, a->ip, 16);
    return sizeof ret->v6;
}

static inline struct addr sa_addr(const union sa *s)
{
    if (s->any.sa_family == AF_INET) {
        const uint8_t *ip = (const uint8_t *)&s->v4.sin_addr;
        return addr_v4(ip[0], ip[1], ip[2], ip[3], ntohs(s->v4.sin_port));
    }
    struct addr a = {.port = ntohs(s->v6.sin6_port)};
    memcpy(a.ip, &s->v6.sin6_addr, 16);
    return a;
}
