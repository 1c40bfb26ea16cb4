#pragma once

/*
 * A client's end of a WebSocket (RFC 6455), over TCP or TLS. It answers pings by itself,
 * and a closing frame. One thread; it waits only where it says so.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

enum { WSC_MESSAGE_MAX = 1 << 20 };

struct web;
struct wsc;

/* Goes over to the WebSocket at path of the server, as whom the web asks for (sl_web_basic), and
 * waits for that. E_DENIED: the server does not want to, *status tells why; else as sl_web_ask.
 * The web must live longer. Free takes NULL, and says no good-bye. */
MUST_USE enum err sl_wsc_new(struct web *web, const char *path, struct wsc **ret,
                             unsigned *status);
void sl_wsc_free(struct wsc *w);

/* To be polled for reading before sl_wsc_receive, which may have more at once. */
int sl_wsc_fd(const struct wsc *w);

/* Sends a binary message; waits while the server takes none, at most ten seconds. E_SYS,
 * E_CRYPTO: the connection is broken; E_MEMORY. */
MUST_USE enum err sl_wsc_send(struct wsc *w, struct span message);

/* A message, valid until the next call. E_EARLY: none is there yet. Any other: this was the
 * end; E_SHORT if the server closed. */
MUST_USE enum err sl_wsc_receive(struct wsc *w, struct span *ret);
