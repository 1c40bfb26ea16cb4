#pragma once

/*
 * WebSocket connections of a server (RFC 6455), over those that httpd was asked to upgrade.
 *
 * Each peer is pinged, and is gone when nothing came of it for too long. What is sent is
 * queued; a peer that takes too little of it for too long, or lets too much pile up, is
 * closed, so that it neither delays others nor costs more than it may. The handler is told
 * of the end once, and never from inside a call of its own. The loop's thread only.
 */

#include "base/clock.h"

#include "net/httpd.h"
#include "net/ws.h"

struct wsd;
struct wsd_conn;

struct wsd_conf {
    const char *protocol; /* that is agreed on (Sec-WebSocket-Protocol); NULL: none */
    size_t message_max;   /* octets of a message that comes; more closes with 1009 */
    size_t queue_max;     /* octets that may wait for one peer; more closes it */
    usec ping_every;
    usec silence;    /* after which a peer is gone: more than ping_every */
    usec write_time; /* that a peer may take none of what waits for it */
    usec close_time; /* that it may take to answer a closing frame */
    /* data is valid during the call, in which the connection may be closed or freed. */
    void (*message)(void *user, enum ws_op op, struct span data);
    /* The last that is heard: the peer's code, WS_CODE_ABNORMAL when it said none, or the one
     * that it was closed with. The connection is freed by this. */
    void (*closed)(void *user, uint16_t code);
};

#define WSD_CONF                                                                         \
    .message_max = 1 << 20, .queue_max = 4 << 20, .ping_every = SEC(10),                 \
    .silence = SEC(20), .write_time = SEC(10), .close_time = SEC(5)

struct wsd_stats {
    uint64_t opened, conns; /* in all, and now */
    uint64_t messages_in, messages_out;
    uint64_t slow;   /* closed for what they did not take */
    uint64_t silent; /* closed as nothing came */
    uint64_t wrong;  /* closed for what they sent */
};

/* httpd must live longer. NULL when memory ends. Free takes NULL, and closes all at once,
 * without a frame and without telling. */
struct wsd *sl_wsd_new(struct loop *l, struct httpd *httpd, const struct wsd_conf *conf);
void sl_wsd_free(struct wsd *d);
const struct wsd_stats *sl_wsd_stats(const struct wsd *d);

/* Upgrades the request of that id, of which `accept` came by sl_ws_accept. E_ABSENT: the
 * client is gone; E_MALFORMED: it cannot be upgraded, and still waits for an answer. */
MUST_USE enum err sl_wsd_open(struct wsd *d, uint64_t id, const char *accept, void *user,
                              struct wsd_conn **ret);

/* E_FULL: too much waits already; E_STATE: it is closing. Either way nothing is sent, and
 * `closed` follows. */
MUST_USE enum err sl_wsd_send(struct wsd_conn *c, enum ws_op op, struct span data);

/* Begins the closing handshake; `closed` follows, and no further message. */
void sl_wsd_close(struct wsd_conn *c, uint16_t code, const char *reason);

/* From now on it makes place where another finds none (sl_httpd_link_yield): it ends at once, without a
 * frame, and `closed` is told. Or it stays, as it does at first. */
void sl_wsd_yield(struct wsd_conn *c, bool yields);

/* At once, without a frame; the handler hears no more of it. Takes NULL. */
void sl_wsd_conn_free(struct wsd_conn *c);

struct addr sl_wsd_peer(const struct wsd_conn *c);
