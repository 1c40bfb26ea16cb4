#pragma once

/*
 * For tests on tests/sim.h: a picture that is sent over two bad networks, from a publisher to a
 * shard and from there to a viewer, and what the viewer can show of it.
 *
 * Each way has a delay and loses packets by chance, media, resends and requests alike. The
 * publisher answers requests by RTX. The viewer asks as Chromium does, which takes the round trip
 * for 100 ms as long as it only receives: at once, and again after that. It shows a frame when it and all before it
 * are whole: no frame can be left out. It does not conceal, and does not ask for key frames.
 */

#include "base/clock.h"

/* Its jitter buffer: a frame is not shown sooner than so long behind a network without loss. */
#define LOSSY_BUFFER MSEC(200)

struct lossy_net {
    double loss; /* each way, 0 to 1 */
    usec rtt;
};

struct lossy_conf {
    struct lossy_net publisher, viewer;
    unsigned fps, packets; /* of a frame */
    usec span;
    uint64_t seed;
};

struct lossy_result {
    size_t frames, shown; /* sent, and shown before the end */
    usec longest;         /* without a new frame, after the first */
    unsigned least;       /* frames in any whole second */
    usec late[3];         /* whole, behind a network without loss: p50, p95, p99 */
    double resent;        /* packets that the viewer was sent again, of all */
    double twice;         /* that it had already */
};

struct lossy_result lossy_run(const struct lossy_conf *conf);
