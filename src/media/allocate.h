#pragma once

/*
 * What a subscriber's path carries, divided over the tracks that it gets.
 *
 * Sound comes first, whole. Then each picture gets its lowest layer, by priority, screens
 * before cameras. What is left goes step by step to where a bit gains most: to screens until
 * none can be raised, then to cameras. The gain of a step is the logarithm of its pixels and
 * frames, times the priority, so that a large picture does not starve small ones, nor they it.
 * (Which layers there are to choose from: media/ladder.)
 *
 * Down is at once, but for what is short by no more than the part that a cut leaves unused. Up
 * begins with some room to spare, or in the place of others that have no more of it, and waits
 * until there was room for it without a break for ALLOCATE_CONFIRM; twice as long each time that it
 * had to be given up again soon (a picture that was paused, a few times only: who sees nothing
 * would rather see it try). What is waited for is reserved: nobody else takes it meanwhile. So a
 * noisy estimate changes nothing.
 *
 * Tables and the time in, targets out: no state but what stands in the tracks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#include "media/layer.h"
#include "proto/params.h"

enum {
    ALLOCATE_TRACKS_MAX = 128, /* more than these share nothing: the rest is paused */
    ALLOCATE_SPARE = 16, /* the part of the estimate that no step upward may begin with */
    ALLOCATE_STAY = 8,   /* what is sent may take so much more, for as long as it lasts */
    ALLOCATE_STRIKES_MAX = 5, /* doublings of the time to confirm */
    ALLOCATE_RESUMES_MAX = 2, /* the same, of a picture that was paused */
    ALLOCATE_AMPLE = 2,       /* with 1/2 more than is used, they do not count */
};

#define ALLOCATE_CONFIRM MSEC(1000)
#define ALLOCATE_RESUME  MSEC(2000) /* the same, of a picture that was paused */
#define ALLOCATE_GRACE   MSEC(1000) /* a lowest layer that has no room stays for so long */
#define ALLOCATE_SOON    SEC(10) /* a raise that was undone within this was one too many */

/* Why a track is sent as it is, and not better. The first are found here, the others by those
 * who know the sources. */
#define ALLOCATE_CAUSES_LIST(X)                                                          \
    X(NONE, "none")                      /* it is the best that is published */          \
    X(BANDWIDTH, "subscriber_bandwidth") /* the path carries no more */                  \
    X(VIEWPORT, "viewport")              /* more is not wanted: size, frame rate */      \
    X(LAYER, "layer_selection")          /* more is not wanted: the layer was named */   \
    X(VIEWER, "paused_by_viewer")                                                        \
    X(NOT_PUBLISHED, "not_published")    /* there is no source, or nothing comes */      \
    X(PUBLISHER, "publisher")            /* it stopped layers: bandwidth, CPU */         \
    X(EXCESS, "publisher_above_max_bps") /* it sends more than it may: not passed on */  \
    X(NOBODY, "paused_for_nobody")       /* a layer that nobody wanted; it comes back */ \
    X(KEYFRAME, "waiting_for_keyframe")  /* the layer is chosen and has not begun */     \
    X(UNREACHABLE, "unreachable")        /* nothing is sent there: no consent */

#define ALLOCATE_ENUM(name, text) ALLOCATE_##name,
enum allocate_cause { ALLOCATE_CAUSES_LIST(ALLOCATE_ENUM) ALLOCATE_CAUSES };
#undef ALLOCATE_ENUM

/* "subscriber_bandwidth". */
const char *sl_allocate_cause_name(enum allocate_cause c);

/* What was decided, and what the next decision needs of it. Zero is a new track. */
struct allocate_state {
    bool begun;                 /* something was decided at all */
    struct layer_target target; /* LAYER_NONE: it is paused */
    struct layer_target best;   /* what there would be with all bandwidth; LAYER_NONE */
    uint8_t cause;              /* enum allocate_cause */
    uint8_t strikes;            /* raises lately that were one too many */
    uint32_t bps;
    usec fits_since;  /* there is room for more; 0: not */
    usec short_since; /* there is none for the lowest; 0: not */
    usec raised_at;
    usec changed_at; /* the target or the cause */
};

struct allocate_track {
    enum media_kind kind;
    bool screen;
    const struct layer_table *table; /* borrowed; what is not live is not to be had */
    struct rtp_wish wish;
    struct allocate_state *state; /* borrowed */
};

struct allocate_sum {
    uint64_t bps;  /* of all targets */
    uint64_t next; /* the least above the estimate that would raise something; 0: none */
    uint64_t best; /* the estimate that would be enough for all that is wanted */
};

static inline bool allocate_sent(const struct allocate_state *s)
{
    return s->begun && s->target.encoding != LAYER_NONE;
}

/* What was tried in vain was tried for something else than what is wanted now. */
static inline void allocate_forgive(struct allocate_state *s)
{
    s->strikes = 0;
    s->raised_at = 0;
}

/* Divides bps. The targets are in the states. */
struct allocate_sum sl_allocate(const struct allocate_track *tracks, size_t n,
                                uint64_t bps, usec now);
