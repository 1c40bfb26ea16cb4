#pragma once

/*
 * The wall clock as OpenSSL sees it, moved by the test: libssl asks gettimeofday, and finds
 * this one first. So the timers of a handshake are exact. Include it once in a program.
 */

#include <sys/time.h>

#include "base/clock.h"

static usec wall_now;

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv,
                                                        void *restrict zone);

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    *tv = (struct timeval){.tv_sec = 1700000000 + wall_now / SEC(1),
                           .tv_usec = wall_now % SEC(1)};
    return 0;
}
