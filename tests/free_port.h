#pragma once

/* For tests that must name a port before it is opened. */

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline bool port_is_free(uint16_t port, int type)
{
    const struct sockaddr_in sa = {.sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0);
    bool is = fd >= 0 && bind(fd, (const struct sockaddr *)&sa, sizeof sa) == 0;
    (void)close(fd);
    return is;
}

/* On 127.0.0.1, for UDP and TCP. Below those that the kernel hands out (ip_local_port_range), so
 * that nobody's outgoing connection gets it meanwhile. */
static inline uint16_t free_port(void)
{
    enum { FIRST = 12000, PORTS = 20000, TRIES = 1000 };
    static unsigned seed;
    struct timespec now;
    if (seed == 0) {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        seed = (unsigned)now.tv_nsec ^ (unsigned)getpid();
    }
    for (int i = 0; i < TRIES; i++) {
        uint16_t port = (uint16_t)(FIRST + rand_r(&seed) % PORTS);
        if (port_is_free(port, SOCK_DGRAM) && port_is_free(port, SOCK_STREAM))
            return port;
    }
    abort();
}
