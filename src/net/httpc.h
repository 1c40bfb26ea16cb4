#pragma once

/*
 * Outgoing HTTP requests: POSTs of which only the status of the answer matters (webhooks).
 *
 * It stands on libcurl, which keeps connections for the next request, looks names up on threads of
 * its own and knows proxies (HTTPS_PROXY) and HTTP/2. Servers prove who they are by a certificate
 * that this machine trusts; a redirection is an answer like any other and not followed, so that a
 * back end cannot send us to places that only we can reach. The loop's thread only.
 */

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

#include "net/http.h"
#include "net/loop.h"

struct httpc;

struct httpc_post {
    const char *url;
    const struct http_field *fields; /* up to the first without a name */
    struct span body;                /* copied */
    usec limit;                      /* for all of it */
    /* Called once, from the loop. status 0: there was no answer, and why says what went wrong. */
    void (*done)(void *user, unsigned status, const char *why);
    void *user;
};

/* ca: a PEM file of those who sign certificates; NULL: those whom this machine trusts. NULL when
 * memory ends. Free takes NULL, and ends what is under way without a word. */
struct httpc *sl_httpc_new(struct loop *l, const char *ca);
void sl_httpc_free(struct httpc *c);

/* An URL of http or https with a host. */
bool sl_httpc_url_valid(const char *url);

/* E_MALFORMED: no such URL, or a field that is none; E_MEMORY. Then done is not called. */
MUST_USE enum err sl_httpc_post(struct httpc *c, const struct httpc_post *p);
