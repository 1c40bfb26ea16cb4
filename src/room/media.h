#pragma once

/*
 * What rooms ask of the media plane: a table of operations that service implements by mail to
 * the workers, and tests by a list of what was asked.
 *
 * Commands only go down. What they lead to comes back later as events (room.h):
 * sl_rooms_transport_up, sl_rooms_transport_gone. An id names one thing for ever: the node's
 * number in the upper 16 bits, a counter below; it is never used again, so an event about a
 * thing that is already closed finds nothing and means nothing. 0 is nobody's id.
 *
 * Closing a transport closes what hangs on it: rooms do not close its producers and consumers
 * one by one. All calls come from the control thread; pointers are valid during the call only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#include "proto/dcep.h"
#include "proto/params.h"

enum {
    MEDIA_UFRAG_MAX = 9, /* ours: 8 ice-chars, 48 bits, and a NUL (RFC 8445 §5.3: 24) */
    MEDIA_PWD_MAX = 25,  /* ours: 24 ice-chars, 144 bits, and a NUL (RFC 8445: 128) */
    MEDIA_FINGERPRINT = 64, /* octets of the longest hash */
    /* What descriptions say of our data channels. */
    MEDIA_DATA_PORT = 5000,
    MEDIA_DATA_LONGEST = 256 * 1024,
};

/* Hashes that may name a certificate (RFC 8122 §5). SHA-1 is not among them: it can be forged. */
enum media_hash { MEDIA_HASH_NONE, MEDIA_SHA256, MEDIA_SHA384, MEDIA_SHA512 };

struct media_fingerprint {
    enum media_hash hash;
    uint8_t n; /* 32, 48, 64 */
    uint8_t bytes[MEDIA_FINGERPRINT];
};

struct media_transport {
    uint64_t id;
    char ufrag[MEDIA_UFRAG_MAX]; /* ours: what the peer's checks are addressed to */
    char pwd[MEDIA_PWD_MAX];
    struct media_fingerprint peer; /* of the certificate it must show */
    bool
        any; /* it may show any: nothing was announced; then it is known by its password */
    bool single; /* the credentials are for one peer alone: whose check is valid first */
    bool dtls_client; /* we begin the handshake (a=setup:active in our answer) */
    struct media_data {
        bool wanted;      /* it carries data channels */
        uint16_t port;    /* the peer's a=sctp-port */
        uint32_t message; /* octets of the longest that it takes; 0: any (RFC 8841 §6) */
    } data;
};

/* What happens on the data channels of a transport. Streams name channels, 0 to 63. */
struct media_data_event {
    enum media_data_kind {
        MEDIA_DATA_OPENED,  /* stream; open: as the peer opened it, NULL: ours was */
        MEDIA_DATA_MESSAGE, /* stream, text, bytes */
        MEDIA_DATA_CLOSED,  /* stream: by whomever */
        MEDIA_DATA_ENDED,   /* the association is over; no channel is left */
        MEDIA_DATA_ROOM,    /* after E_FULL: there is room again */
    } kind;
    uint16_t stream;
    bool text;
    struct span bytes;
    const struct dcep_open *open;
};

struct media_ops {
    void *ctx;

    /* To be expected on any worker. E_FULL: the workers take no more now (answer 503). */
    enum err (*transport_add)(void *ctx, const struct media_transport *t);
    /* ICE restart: the old credentials stay valid until a check with the new ones arrives. */
    enum err (*transport_restart)(void *ctx, uint64_t id, const char *ufrag,
                                  const char *pwd);
    void (*transport_close)(void *ctx, uint64_t id);
    /* Its peer may send so many bits/s; 0: as much as it can. It is told, and asked to obey. */
    void (*transport_ceiling)(void *ctx, uint64_t id, uint32_t bps);

    /* Before its transport is up, these wait for it. */
    enum err (*producer_add)(void *ctx, uint64_t id, uint64_t transport, uint64_t room,
                             const struct rtp_receive *r);
    void (*producer_close)(void *ctx, uint64_t id);
    enum err (*consumer_add)(void *ctx, uint64_t id, uint64_t transport, uint64_t room,
                             const struct rtp_send *s);
    /* producer 0: silence. Payload types, SSRC and sequence numbers of the consumer go on. */
    void (*consumer_source)(void *ctx, uint64_t consumer, uint64_t producer);
    void (*consumer_close)(void *ctx, uint64_t id);
    /* What the viewer wants to see in it, whatever its source is, until it says otherwise. */
    void (*consumer_wish)(void *ctx, uint64_t consumer, const struct rtp_wish *wish);

    /* Data channels of a transport that carries them (E_ABSENT: it does not). What is asked
     * before it is up waits. Where the channel was agreed on by other means (negotiated),
     * *stream says which it is; otherwise it is chosen and told. E_FULL: none is left. */
    enum err (*data_open)(void *ctx, uint64_t transport, const struct dcep_open *open,
                          bool negotiated, uint16_t *stream);
    /* E_FULL: the peer reads too slowly; it is for the caller to drop or to keep, until
     * MEDIA_DATA_ROOM. E_ABSENT: no such channel. E_MALFORMED: longer than it takes. */
    enum err (*data_send)(void *ctx, uint64_t transport, uint16_t stream, bool text,
                          struct span message);
    void (*data_close)(void *ctx, uint64_t transport, uint16_t stream);
};

/* Why a transport ended: the first are said by the media plane, the others by rooms. */
#define MEDIA_GONE_LIST(X)                                                               \
    X(HANDSHAKE, "handshake") /* DTLS failed, or another certificate than announced */   \
    X(CONSENT, "consent")     /* no valid check for too long (RFC 7675), no restart */   \
    X(CLOSED, "closed")       /* close_notify: the peer said so */                       \
    X(KEYS, "keys")           /* SRTP keys are used up */                                \
    X(LEFT, "left")           /* by signalling */                                        \
    X(NEVER_UP, "never_up")   /* no connection in time */                                \
    X(REPLACED, "replaced")   /* another publishes its stream */                         \
    X(REMOVED, "removed")     /* by a host or an operator */                             \
    X(ROOM, "room_closed")    /* with all others */                                      \
    X(LOST, "lost")           /* its signalling ended, and did not come back */          \
    X(REVOKED, "revoked")     /* the token by which it came */                           \
    X(ROLE, "role")           /* it only watches, from now on */                         \
    X(MOVED, "moved")         /* to another room, by an operator */                      \
    X(SHUTDOWN, "shutdown")   /* of the server */

#define MEDIA_GONE_ENUM(name, text) MEDIA_GONE_##name,
enum media_gone { MEDIA_GONE_LIST(MEDIA_GONE_ENUM) MEDIA_GONES };
#undef MEDIA_GONE_ENUM

/* As it appears in logs and metrics. */
const char *sl_media_gone_name(enum media_gone why);
