#pragma once

/*
 * Puts requests together from the bytes of one connection.
 *
 * It owns the memory for one request: a head, a body that grows only as it comes, and a
 * little of what a client may send ahead. Octets are read straight into it. The next request
 * is looked at when the one before is done with, so that a client cannot pile them up.
 */

#include "net/http1.h"

enum { INTAKE_HEAD_MAX = 16 * 1024, INTAKE_IN_MAX = INTAKE_HEAD_MAX + 4096 };

enum intake_state {
    INTAKE_EMPTY,   /* nothing of a request is there */
    INTAKE_HEAD,    /* part of a head */
    INTAKE_BODY,    /* the head, and perhaps part of the body */
    INTAKE_DONE,    /* the whole of req */
    INTAKE_REFUSED, /* with `status`; nothing on this connection makes sense any more */
};

/* To be read: state, status, and head from BODY on. A body over body_max makes DONE with
 * req.refuse 413 and no body, and then head.keep_alive is false. */
struct intake {
    enum intake_state state;
    unsigned status;
    struct http1_head head; /* points into in and body */
    size_t body_max;
    struct http1_chunked chunked;
    size_t at; /* how far the end of the head was looked for; then, the head's length */
    size_t n;  /* octets in `in`; behind the head, those not looked at yet */
    uint64_t left;  /* octets of the body still to come, unless chunked */
    struct wr body; /* on the heap */
    uint8_t in[INTAKE_IN_MAX];
};

/* NULL when memory ends. Free takes NULL. */
struct intake *sl_intake_new(size_t body_max);
void sl_intake_free(struct intake *i);

/* Where to read to; *n 0: no more now. */
uint8_t *sl_intake_room(struct intake *i, size_t *n);

/* n octets were read there. Returns the state. */
enum intake_state sl_intake_put(struct intake *i, size_t n);

/* Forgets the request, which was done, and looks at what stands behind it. */
enum intake_state sl_intake_next(struct intake *i);
