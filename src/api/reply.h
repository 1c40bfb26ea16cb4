#pragma once

/*
 * An answer under construction: fields and body grow in a buffer of the caller's, and are
 * valid as long as that. What does not fit makes a plain 500 of it.
 *
 * What the public face says may be read by pages of any origin, unless it is set otherwise:
 * nothing there is granted by a cookie, so there is nothing that a foreign page could borrow
 * (CORS).
 */

#include "base/clock.h"

#include "api/problem.h"
#include "net/http.h"

enum { REPLY_FIELDS_ROOM = 8 * 1024 }; /* octets of the buffer; the body has the rest */

struct reply {
    unsigned status;
    size_t fields_n;
    struct http_field fields[HTTP_FIELDS_MAX];
    struct wr text; /* the values of the fields, each with a NUL */
    struct wr body;
};

/* An empty 500, for pages of any origin. cap is above REPLY_FIELDS_ROOM. */
struct reply sl_reply_of(uint8_t *buf, size_t cap);

/* name lives as long as the program; the value is printed. */
void sl_reply_field(struct reply *r, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* For pages of this one origin; empty: for none that is not ours. */
void sl_reply_origin(struct reply *r, struct span origin);

/* Of a request that failed: status and body. code: if not NULL, it says more than that of
 * the problem; detail may be empty. */
void sl_reply_problem(struct reply *r, enum problem p, const char *code,
                      const char *detail);

/* In whole seconds, rounded up, at least 1. */
void sl_reply_retry_after(struct reply *r, usec wait);

/* What the server is to send. */
struct http_res sl_reply_done(const struct reply *r);
