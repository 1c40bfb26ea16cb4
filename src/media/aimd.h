#pragma once

/*
 * The rate that the delay allows: grown while no queue does, cut when one does
 * (draft-ietf-rmcat-gcc §5.5).
 *
 * Far from what the path was last seen to carry the rate grows by 8 % a second, near it by
 * about half a packet each response time. It is cut to 85 % of what arrives. It never grows
 * far beyond what arrives: what was not tried is not known, so an application that sends
 * little keeps its estimate and does not raise it. A value without pointers.
 */

#include <stdbool.h>

#include "base/clock.h"

#include "media/trendline.h"

/* What the path carried when a queue grew, and how much that varied. */
struct capacity {
    double kbps; /* 0: not known */
    double var;  /* of the relative error, times kbps */
};

struct aimd {
    double bps;
    double min_bps, max_bps;
    struct capacity capacity;
    usec changed_at; /* when it last grew or was cut; 0: it does not grow now */
    usec cut_at;
    bool was_brief; /* the queue that it was last cut for */
    usec
        burst_at; /* since when a queue grows that is thought to be a burst's; 0: none does */
    double probed_bps; /* that a probe measured, since the last cut; 0: none did */
    usec probed_at;
    double
        full_bps; /* that the last probe showed to be all there is; 0: it was not held up */
};

struct aimd_input {
    enum usage usage;
    double acked_bps; /* 0: not known */
    double
        tried_bps; /* that must have been sent for it; as acked_bps where nothing is lost */
    double now_bps; /* the same of the last moment, on which cuts are based */
    bool brief;     /* over: and nothing waits for long yet */
    bool steep;     /* over: by much, so that what arrives is all that does */
    bool collapsed; /* and now_bps is known to be what the path carries */
    usec rtt;
};

enum aimd_did { AIMD_KEPT, AIMD_GREW, AIMD_CAPPED, AIMD_CUT };

void sl_aimd_init(struct aimd *a, double start_bps, double min_bps, double max_bps);

/* AIMD_CAPPED: it would grow, but has come as far as what arrives lets it. */
enum aimd_did sl_aimd_input(struct aimd *a, const struct aimd_input *in, usec now);

/* Something else knows better: a path that carried nothing. */
void sl_aimd_set(struct aimd *a, double bps, usec now);

/* Losses show that there is no more than this. */
void sl_aimd_lost(struct aimd *a, double bps);

/* A probe showed bps; full: it was held up, so that is all there is. */
void sl_aimd_probed(struct aimd *a, double bps, bool full, usec now);
