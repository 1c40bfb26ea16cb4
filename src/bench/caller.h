#pragma once

/*
 * A participant of a call whose description changes: the other end of room/dialog.
 *
 * It offers what it sends, answers what it is offered, and has a connection (bench/client) over
 * which packets go both ways as they are: no jitter buffer, no repair, no estimate. It reports
 * what came, so that a server knows the path, and tells when a key frame is wanted of it.
 *
 * Sans-IO: after each call poll until there is no more. Descriptions are told from within the
 * calls that lead to them. One thread.
 */

#include "bench/client.h"
#include "room/dialog.h"

enum {
    CALLER_SLOTS_MAX = 4,    /* tracks that it sends */
    CALLER_TRACKS_MAX = 127, /* that it receives */
    CALLER_PAYLOAD_MAX = 1200,
    CALLER_DATAGRAM_MAX = 1500,
};

/* One that is received. Names are the other end's: a=msid. */
struct caller_track {
    enum media_kind kind;
    enum codec codec;
    uint32_t ssrc;
    char stream[DIALOG_STREAM_CAP], track[DIALOG_STREAM_CAP];
    void *user; /* the owner's own */
};

struct caller_packet {
    uint16_t seq; /* of one that came; those that leave are numbered here */
    uint32_t ts;
    bool marker;
    struct span payload;
};

/* None of these may free the caller. */
struct caller_ops {
    /* type: "offer" or "answer"; to be told to the other end. */
    void (*describe)(void *ctx, const char *type, struct span sdp);
    void (*up)(void *ctx);
    void (*track)(void *ctx, struct caller_track *t, bool begins);
    void (*packet)(void *ctx, const struct caller_track *t,
                   const struct caller_packet *p);
    void (*key)(void *ctx, size_t slot); /* a key frame is wanted */
    void (*failed)(void *ctx, const char *why);
};

struct caller_conf {
    const struct caller_ops *ops;
    void *ctx;
    struct dtls_ctx *dtls; /* borrowed, as all below */
    const uint8_t *sha256; /* of the certificate in it */
    const struct srtp_backend *srtp;
    const struct addr *server;  /* the candidate with this IP is taken, if there is one */
    struct negotiated *scratch; /* may be shared by all of one thread */
};

struct caller;

/* NULL when memory ends. Free takes NULL, and says nothing. */
struct caller *sl_caller_new(const struct caller_conf *conf);
void sl_caller_free(struct caller *c);

/* Sends a track from now on, once that is agreed. Slots count from 0. E_FULL: no more. */
MUST_USE enum err sl_caller_add(struct caller *c, enum media_kind kind,
                                const char *stream, const char *track, size_t *slot);

/* Offers what the other end does not know yet, if nothing stands in the way. */
void sl_caller_offer(struct caller *c, usec now);

/* What the other end says. E_STATE: nobody asked; others as sl_dialog_offered. */
MUST_USE enum err sl_caller_described(struct caller *c, bool offer, struct span sdp,
                                      usec now);

/* A datagram, which is decrypted in place. */
void sl_caller_input(struct caller *c, uint8_t *p, size_t n, usec now);
void sl_caller_tick(struct caller *c, usec now);
usec sl_caller_deadline(const struct caller *c);

/* False: no more. To be sent to sl_caller_remote; valid until the next call. wall: of sender
 * reports. */
bool sl_caller_poll(struct caller *c, usec now, usec wall, struct span *ret);
const struct addr *sl_caller_remote(const struct caller *c); /* NULL: not known yet */

/* Writes a packet to at, which has CALLER_DATAGRAM_MAX octets, to be sent at once. Returns its
 * length; 0: the slot is not taken yet, or the packet too long. */
size_t sl_caller_send(struct caller *c, size_t slot, const struct caller_packet *p,
                      uint8_t *at);

/* A key frame of the track of this name is asked for. */
void sl_caller_want_key(struct caller *c, const char *track);
