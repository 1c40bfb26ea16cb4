#pragma once

/*
 * An HTTP request and an answer to it, as values without a socket: what a server hands to
 * its handler, and what it gets back.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHODS
};

enum {
    HTTP_HEADERS_MAX = 64, /* of a request; more is refused with 431 */
    HTTP_FIELDS_MAX = 16,  /* of an answer */
};

struct http_header {
    struct span name, value; /* the name as it was sent, the value without outer blanks */
};

/* All spans are valid while the handler runs, and no longer. */
struct http_req {
    uint64_t id; /* what the answer is given to */
    enum http_method method;
    unsigned
        refuse; /* not 0: the status that the answer will have, as the body was refused */
    struct span path;  /* "/a/b%20c", as it was sent; "*" for OPTIONS alone */
    struct span query; /* what follows the '?', as it was sent */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t nheaders;
    struct span body;
    struct addr peer, local;
    bool secure; /* by TLS */
};

struct http_field {
    const char *name, *value;
};

struct http_res {
    unsigned status;
    struct http_field fields[HTTP_FIELDS_MAX]; /* up to the first without a name */
    struct span body;                          /* HEAD: what GET would have got */
    bool body_is_static; /* it lives as long as the program, so it need not be copied */
};

/* "GET". */
const char *sl_http_method_name(enum http_method m);

/* "Not Found"; "" for a status that has no name here. */
const char *sl_http_reason(unsigned status);

/* The value of the first header of that name, which is compared without case. When there is
 * none, p is NULL. Host, Content-Type, Authorization and Origin are never there twice. */
struct span sl_http_header(const struct http_req *req, const char *name);

/* Is the word an element of this list ("a, b;q=1")? Without case, and without parameters. */
bool sl_http_lists(struct span list, const char *word);

/* Takes the first segment off a path: "/a/b" gives "a" and leaves "/b". False: none left. */
bool sl_http_segment(struct span *path, struct span *ret);

/* Writes the segment without its percent signs. E_MALFORMED: not two hex digits after one, or
 * an octet below 0x20; E_FULL: out is too short. */
MUST_USE enum err sl_http_unescape(struct span in, struct wr *out);
