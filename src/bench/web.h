#pragma once

/*
 * A small blocking HTTP client: one request at a time to one server, over a connection that is
 * kept, with TLS or without.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"

enum { WEB_LOCATION_MAX = 512 };

struct web_answer {
    unsigned status;
    unsigned retry_after_s; /* 0: not said */
    char location[WEB_LOCATION_MAX];
    struct span body; /* valid until the next request */
};

struct conn;
struct web;

/* url: "http://host[:port]" or "https://host[:port]", an IPv6 address in brackets; whatever follows
 * is put before each path. E_MALFORMED: it is none; E_ABSENT: no such host; E_MEMORY. Free takes
 * NULL. */
MUST_USE enum err sl_web_new(const char *url, struct web **ret);
void sl_web_free(struct web *w);

/* The server's. */
const struct addr *sl_web_addr(const struct web *w);

/* Whom to believe where the URL says https, as sl_tls_client_new, which tells the errors; those
 * whom this machine trusts until then. A connection that stands stays as it is. */
MUST_USE enum err sl_web_trust(struct web *w, const char *ca, const uint8_t *pin);

/* From now on requests without a token are made with this user and key. E_FULL: too long. */
MUST_USE enum err sl_web_basic(struct web *w, const char *user, const char *key);

/* From now on requests carry these fields too, as they are sent, each with its line's end. Borrowed;
 * NULL: none. */
void sl_web_fields(struct web *w, const char *fields);

/* token and type may be NULL. An answer of any status is E_OK. E_SYS: no connection, with
 * errno set; E_AUTH: the server is not whom we believe; E_CRYPTO: it speaks no TLS that we do;
 * E_SHORT: it ended before the answer did; E_MALFORMED: no answer that we can read; E_FULL: it is
 * too large; E_UNSUPPORTED: a transfer coding other than chunks. */
MUST_USE enum err sl_web_ask(struct web *w, const char *method, const char *path,
                             const char *token, const char *type, struct span body,
                             struct web_answer *ret);

/* Asks for another protocol on a connection of its own, with fields as they are sent. When the
 * status is 101 the connection goes over to the caller as *conn, and body is what came behind the
 * answer already; what that trusts is the web's, which must live longer. Errors as above. */
MUST_USE enum err sl_web_upgrade(struct web *w, const char *path, const char *fields,
                                 struct web_answer *ret, struct conn **conn);
