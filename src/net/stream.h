#pragma once

/*
 * Byte streams on the loop: TCP connections, accepted or made, with or without TLS.
 *
 * A stream reads into room that its user offers, and reads no further while there is none, so
 * a peer cannot make us hold more than the user is ready to. What is written is queued. The
 * user is told of everything by its handler, never from inside a call of his own, but for
 * sl_stream_resume, which may bring data at once. The loop's thread only.
 */

#include "base/addr.h"
#include "base/err.h"

#include "net/loop.h"

struct tls_server;
struct tls_client;
struct listener;
struct stream;

struct room {
    uint8_t *p;
    size_t n;
};

struct stream_handler {
    struct room (*room)(void *user);    /* where to read to; n 0: nothing now */
    void (*data)(void *user, size_t n); /* n octets were put there */
    void (*sent)(void *user);           /* all that was written has left */
    void (*ended)(void *user,
                  bool broken); /* nothing more will come; broken: nor leave */
    void (*opened)(void *user); /* of one that was made: it may be written to */
};

/* Accepts connections at addr and calls `accepted` for each, which owns the stream from then
 * on. tls: NULL for none; it must live longer. E_EXISTS: somebody else listens there;
 * E_DENIED, E_ABSENT: no such right, no such address here; E_SYS, E_MEMORY. Free takes NULL. */
MUST_USE enum err sl_listener_new(struct loop *l, const struct addr *addr,
                                  struct tls_server *tls,
                                  void (*accepted)(void *user, struct stream *s),
                                  void *user, struct listener **ret);
void sl_listener_free(struct listener *l);

/* Where it listens: the port that was found when 0 was asked for. */
struct addr sl_listener_addr(const struct listener *l);

/* Begins to read. h must live as long as the stream. */
void sl_stream_start(struct stream *s, const struct stream_handler *h, void *user);

/* Connects to addr; tls: with it, to a server of that name. It has started, and ends broken where
 * that cannot be. Only when it was opened may it be written to. E_SYS, E_MEMORY. */
MUST_USE enum err sl_stream_connect(struct loop *l, const struct addr *addr,
                                    struct tls_client *tls, const char *host,
                                    const struct stream_handler *h, void *user,
                                    struct stream **ret);

/* Closes at once, from wherever it is called; the handler hears no more of it. Takes NULL. */
void sl_stream_free(struct stream *s);

struct addr sl_stream_peer(const struct stream *s);
struct addr sl_stream_local(const struct stream *s);
bool sl_stream_secure(const struct stream *s);

/* There is room again, after room gave none. */
void sl_stream_resume(struct stream *s);

/* Queues head, then body; both are copied, unless body lives as long as the program. */
MUST_USE enum err sl_stream_write(struct stream *s, struct span head, struct span body,
                                  bool body_is_static);

/* Octets that were written and have not left yet. */
size_t sl_stream_queued(const struct stream *s);

/* Ends our direction, after what is queued. */
void sl_stream_shutdown(struct stream *s);
