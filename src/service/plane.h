#pragma once

/*
 * The media plane as the control thread sees it: which transport lives on which worker, what
 * hangs on it, and which tracks cross from one worker to another.
 *
 * It implements the operations that rooms ask for (room/media.h) by mail to the workers and
 * the association thread, and turns what comes back into room events. Until a transport has
 * an owner its producers and consumers wait here; then the owner is told all of them at once.
 *
 * Commands keep their order. What a mailbox has no room for waits in a queue of ours, and
 * while anything waits no new transport is taken (E_FULL). Control thread only; no I/O.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

#include "media/speaker.h"
#include "room/media.h"
#include "service/post.h"
#include "sfu/mail.h"

struct plane;

/* What the plane has to say to the rooms. */
struct plane_events {
    void *ctx;
    void (*up)(void *ctx, uint64_t transport);
    /* Its peer's consent expired: nothing is sent to it until it is heard again. NULL: nobody asks. */
    void (*stale)(void *ctx, uint64_t transport);
    void (*gone)(void *ctx, uint64_t transport, enum media_gone why);
    void (*started)(void *ctx, uint64_t producer);
    void (*wanted)(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings,
                   uint32_t most_bps);
    /* These encodings, a bit for each, are not passed on, as the peer sends more than it may;
     * 0: all are again. */
    void (*excess)(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings);
    void (*voice)(void *ctx, uint64_t transport, uint64_t producer,
                  const struct voice *voice);
    void (*data)(void *ctx, uint64_t transport, const struct media_data_event *ev);
};

/* NULL when memory ends. post is borrowed. Free takes NULL. */
struct plane *sl_plane_new(struct post *post, const uint64_t hash_key[2],
                           const struct plane_events *events);
void sl_plane_free(struct plane *p);

/* To be handed to rooms. */
struct media_ops sl_plane_ops(struct plane *p);

/* A mail to control from a worker or the association thread. */
void sl_plane_mail(struct plane *p, unsigned from, const struct mail *m);

/* What the path of a transport was last found to carry. False: nobody knows. */
struct plane_path {
    uint64_t bps;
    usec rtt;
    uint8_t lost;      /* of 256 */
    const char *cause; /* why it is not more: "delay" */
};
bool sl_plane_path(const struct plane *p, uint64_t transport, struct plane_path *ret);

/* How what a producer's peer sends arrives. False: nobody knows. */
struct plane_reception {
    bool known;
    uint8_t lost; /* of 256, lately, of its worst stream */
    usec rtt;     /* 0: not known */
};
bool sl_plane_reception(const struct plane *p, uint64_t producer,
                        struct plane_reception *ret);

/* When what is wanted of a producer last changed; 0: never. */
usec sl_plane_wanted_at(const struct plane *p, uint64_t producer);

/* Encodings of a producer that are not passed on (plane_events.excess). */
uint8_t sl_plane_excess(const struct plane *p, uint64_t producer);

/* What is sent in a slot, and why it is not more. False: nothing is known. */
struct plane_share {
    struct mail_share now;
    usec changed_at; /* its layer or cause, by the clock that sl_plane_time was told */
};
bool sl_plane_share(const struct plane *p, uint64_t consumer, struct plane_share *ret);

/* What hangs on what, to be read (service/wiring.h). */
struct wiring;
const struct wiring *sl_plane_wiring(const struct plane *p);

/* Tells the time: to be called before what came is handed in. */
void sl_plane_time(struct plane *p, usec now);

/* Sends what waited; to be called after each round and, while sl_plane_waiting, soon again. */
void sl_plane_flush(struct plane *p);
size_t sl_plane_waiting(const struct plane *p);
