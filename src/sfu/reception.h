#pragma once

/*
 * A publisher's path as it is seen from here: how much of what it sends is lost, and how far
 * away it is. Who only receives learns the round trip by asking for it (proto/xr). Control is
 * told, at most with each report, for who asks why viewers see what they see.
 */

#include <stdint.h>

#include "base/clock.h"

#include "proto/rtcp.h"

struct transport;

struct reception {
    usec rtt;     /* 0: not known */
    uint8_t lost; /* of 256, of its worst stream, between the last two reports */
    bool told;    /* to control: */
    uint8_t told_lost;
    usec told_rtt;
};

/* An extended report came. */
void sl_reception_take(struct transport *t, const struct rtcp *xr, usec now);

/* The reports of a second were made: this is how much was lost. */
void sl_reception_report(struct transport *t, uint8_t lost);
