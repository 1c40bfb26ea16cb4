#pragma once

/*
 * For tests on tests/stage.h: a camera in three sizes and a sound, sent as a browser sends them,
 * and a viewer behind a bad path (bench/impair) that does with them what a browser does.
 *
 * Pictures have three temporal layers and vary in size; key pictures are many times as large,
 * and the next picture is one when somebody asks. The viewer tells by transport-wide feedback
 * what arrived, asks again for what is missing, shows a picture when it and all before it are
 * whole, goes on behind a gap with a whole key picture, and asks for one when it has waited
 * too long. One at a time, as the simulation.
 *
 * The viewer, and the relay that makes its path bad, may be programs on a busy machine: these do not
 * run for a while, and what comes meanwhile is read, and stamped, when they do again.
 */

#include "base/clock.h"

#include "bench/impair.h"
#include "stage.h"

enum { VIEWING_LAYERS = 3, VIEWING_SHOWN = 8192 };

/* A program that does not run: so often, and for up to so long. Zero is one that always does. */
struct viewing_busy {
    usec every, most;
    usec until; /* now */
};

struct viewing {
    struct impair *down; /* to the viewer: conditions may be set at any time */
    struct viewing_busy viewer,
        relay; /* to be set; the relay is what makes the path bad */
    usec joined;
    size_t shown_n;
    struct viewing_picture {
        usec at;
        unsigned height;
    } shown[VIEWING_SHOWN];
    unsigned keys; /* the publisher was asked for */
    size_t sound_sent, sound_got;
    size_t nacks, plis; /* of the viewer */
};
extern struct viewing viewing;

/* The publisher sends for two seconds, then the viewer joins. */
void viewing_open(struct stage *s, const struct impair_conf *down, uint64_t seed);
void viewing_close(struct stage *s);
void viewing_run(struct stage *s, usec span);

/* Between two times: the share in which a picture so high, or higher, stood there; pictures a
 * second; the longest time without a new one. */
double viewing_share(unsigned height, usec from, usec until);
double viewing_fps(usec from, usec until);
usec viewing_longest(usec from, usec until);
