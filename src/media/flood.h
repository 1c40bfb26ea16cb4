#pragma once

/*
 * What the last packets show of a path that is full: how fast it lets them through.
 *
 * While a queue grows, what arrives is what the path carries, and some packets are enough to
 * know it: a source that has just become larger is not known by any average yet. And where
 * packets arrive over twice the time in which they were sent, the path may have collapsed:
 * that need not be waited for until a line through all delays is steep.
 *
 * A value without pointers; zero is new.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

enum { FLOOD_PACKETS = 64 };

struct flood {
    unsigned n, next;
    struct flood_packet {
        usec sent, arrival;
        double octets;
    } packet[FLOOD_PACKETS];
};

struct flood_rate {
    double bps; /* 0: there is too little to say */
    bool slow;  /* it is half of what was sent, or less, and not by one delay alone */
};

/* Starts to bring into the cache what the next packet and the next rate need. */
void sl_flood_fetch(const struct flood *f);

/* A packet arrived. */
void sl_flood_input(struct flood *f, usec sent, usec arrival, size_t octets);

/* Of the last arrivals. */
struct flood_rate sl_flood_rate(const struct flood *f);
