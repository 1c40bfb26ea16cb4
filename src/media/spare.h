#pragma once

/*
 * Whether an application sends much less than it may. A budget fills at a share of the target and
 * is spent by what is sent; it is told late when it is full, and late when it is not any more (the
 * figures are libwebrtc's). A value without pointers; zero but for `at` is new.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct spare {
    usec at; /* when it was last looked at, and what had been sent by then */
    uint64_t octets;
    double budget_bits;
    bool much; /* is left over */
};

/* octets: sent in all, until now. */
void sl_spare_look(struct spare *s, double target_bps, uint64_t octets, usec now);
