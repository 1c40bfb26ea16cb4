#pragma once

/*
 * A client of the soak: its connection and its media, on a socket of its own.
 *
 * One of three kinds. Who publishes sends a voice and a picture, and sends again what is asked for;
 * who watches asks for what is missing; who meets does both on one connection, whose description
 * changes. What is said to and by the server in words is somebody else's affair. Of media, one
 * packet in LOSS_ONE_IN is lost on each way. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

#include "bench/caller.h"
#include "bench/sink.h"
#include "crypto/cert.h"
#include "crypto/dtls.h"

enum {
    SEATS_MAX = 64,
    SEAT_TRACKS_MAX = 32,
    LOSS_ONE_IN = 50,
    KEPT = 64, /* packets of a stream that can be sent again */
    KEPT_OCTETS = 800,
};

enum seat_kind { SEAT_FREE, SEAT_PUBLISHES, SEAT_WATCHES, SEAT_MEETS };
enum { VOICE, PICTURE, STREAMS };

struct crowd;

struct seat {
    struct crowd *crowd;
    enum seat_kind kind;
    size_t number;
    int fd;
    bool up;
    const char *failed; /* NULL: it has not */
    /* who publishes or watches */
    struct client *client;
    struct stream {
        struct source *source;
        usec due;
        uint64_t sent;
        struct kept {
            uint16_t n;
            uint8_t p[KEPT_OCTETS];
        } kept[KEPT]; /* by sequence number */
    } streams[STREAMS];
    uint16_t twcc;
    usec report;
    uint64_t resent;
    struct sink *sink;
    struct sink_counts counts;
    uint16_t last[SINK_TRACKS_MAX]; /* the highest number of each track of the sink */
    uint64_t asked;                 /* packets that it has asked for */
    /* who meets */
    struct caller *caller;
    size_t slot[STREAMS];
    uint32_t ts[STREAMS];
    usec due;
    struct heard {
        bool taken;
        uint64_t n;
    } heard[SEAT_TRACKS_MAX]; /* packets of each track that it has */
};

/* What all share. Sources stay for as long as the crowd does: what they sent is looked up when it
 * arrives. */
struct crowd {
    struct cert cert;
    struct dtls_ctx *dtls;
    const struct srtp_backend *srtp;
    struct negotiated *scratch;
    struct rng rng;
    struct source *sources[SEATS_MAX * STREAMS];
    struct seat seats[SEATS_MAX];
    /* A description to be told to the server. */
    void (*describe)(const struct seat *s, const char *type, struct span sdp);
};

MUST_USE enum err seat_crowd_init(struct crowd *c);
void seat_crowd_fini(struct crowd *c);

/* Takes a free seat, which describes what it offers. slots: tracks of each kind that who watches has
 * room for. E_MEMORY; E_SYS: no socket. */
MUST_USE enum err seat_take(struct seat *s, enum seat_kind kind, size_t slots, usec now);
void seat_leave(struct seat *s);

/* What the server says. An answer of an offer's is described. */
MUST_USE enum err seat_described(struct seat *s, bool offer, struct span sdp, usec now);

/* What is due, and what came. */
void seat_tick(struct seat *s, usec now);
void seat_receive(struct seat *s, usec now);
usec seat_deadline(const struct seat *s);

/* Of the nth track: how many packets came. False: there is none. */
bool seat_heard(const struct seat *s, size_t nth, uint64_t *ret);
