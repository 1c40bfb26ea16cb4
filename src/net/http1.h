#pragma once

/*
 * HTTP/1.1 as bytes (RFC 9112): requests are read, answers are written.
 *
 * The reader is strict on purpose. Wherever two readers of one byte stream could disagree on
 * where a request ends, somebody can smuggle a second request past the first of them; so
 * every form that is not exactly the RFC's is refused, and never repaired: lines end with
 * CRLF, nothing stands before a colon, a length comes once and in one way.
 */

#include "base/clock.h"

#include "net/http.h"

struct http1_head {
    struct http_req req; /* spans point into the head that was parsed */
    uint64_t length;     /* octets of the body, unless chunked */
    bool chunked;
    bool keep_alive;      /* the client would send more on this connection */
    bool expect_continue; /* it waits for a 100 before it sends the body */
};

/* Looks for the end of a head in `in`, beginning at *at: 0 for a new head, and afterwards
 * what the last call left there, so that no octet is looked at twice. E_OK: the head is the
 * first *at octets; E_SHORT: more must come; E_MALFORMED: a line does not end with CRLF. */
MUST_USE enum err sl_http1_find(struct span in, size_t *at);

/* Parses one whole head. Returns 0, or the status to refuse it with. */
MUST_USE unsigned sl_http1_parse(struct span head, struct http1_head *ret);

/* The body of a chunked message; zero at its start. */
struct http1_chunked {
    uint8_t state;
    uint8_t digits;
    uint16_t extra; /* octets of extensions and trailers so far */
    uint64_t left;
};

/* Moves the body's octets from in to out. E_OK: the body is complete, and in stands behind
 * it; E_SHORT: all of in was taken, and more must come; E_FULL: more body than out holds. */
MUST_USE enum err sl_http1_dechunk(struct http1_chunked *c, struct rd *in,
                                   struct wr *out);

/* Writes status line and header of an answer. wall: microseconds since 1970, for Date.
 * E_MALFORMED: a field that would not be one; E_FULL: w is too short. */
MUST_USE enum err sl_http1_answer(struct wr *w, const struct http_res *res,
                                  bool keep_alive, usec wall);
