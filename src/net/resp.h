#pragma once

/*
 * What a Redis server says (RESP3), read as it comes, and what it is told.
 *
 * A reply is a value, or a list whose elements are values again: all of them stand in one array in
 * the order in which they came, a list before its elements. What is more than the reader has room for
 * is read past, and the value says that it was cut: nobody who publishes can make us hold more, or
 * lose our place. Sans-IO.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
    RESP_NODES_MAX = 1024, /* values of one reply; more are read past */
    RESP_LINE_MAX = 256,   /* octets of a line that are kept */
};

enum resp_kind {
    RESP_NULL,
    RESP_TEXT,   /* also what is spoken of as a status, a number with a point, a truth */
    RESP_ERROR,  /* text: "ERR what went wrong" */
    RESP_NUMBER, /* and as text */
    RESP_LIST,   /* also sets, and maps as a list of names and values */
    RESP_PUSH,   /* a list that nobody asked for */
};

struct resp {
    enum resp_kind kind;
    bool cut; /* a text that was too long, and is empty; a list whose end is missing */
    struct span text;
    int64_t number;
    size_t n; /* elements of a list, which may be lists */
};

struct resp_reader;

/* texts_max: octets of all texts of one reply. NULL when memory ends. Free takes NULL. */
struct resp_reader *sl_resp_new(size_t texts_max);
void sl_resp_free(struct resp_reader *r);

/* What comes is the beginning of a reply. */
void sl_resp_reset(struct resp_reader *r);

/* Takes octets from the front of *in. E_OK: a reply is whole, and valid until the next call, in
 * which the next one begins; E_SHORT: all was taken, and more must come; E_MALFORMED: this is no
 * RESP, and there is no way to go on. */
MUST_USE enum err sl_resp_read(struct resp_reader *r, struct span *in,
                               const struct resp **ret, size_t *ret_n);

/* A command: words. */
void sl_resp_write(struct wr *w, const struct span *words, size_t n);
/* Octets that it has. */
size_t sl_resp_len(const struct span *words, size_t n);
