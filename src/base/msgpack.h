#pragma once

/*
 * MessagePack, read a token at a time and written in the shortest form.
 *
 * The reader copies and allocates nothing: a container's token is its number of members, and
 * who expects something else skips it. So what a peer claims costs nothing; what can be read
 * is bounded by what it sent.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum msgpack_type {
    MSGPACK_NIL,
    MSGPACK_BOOL,
    MSGPACK_UINT,
    MSGPACK_INT, /* below zero */
    MSGPACK_FLOAT,
    MSGPACK_STR, /* need not be UTF-8 */
    MSGPACK_BIN,
    MSGPACK_EXT,
    MSGPACK_ARRAY,
    MSGPACK_MAP, /* n pairs follow */
};

struct msgpack {
    enum msgpack_type type;
    union {
        bool b;
        uint64_t u;
        int64_t i;
        double f;
        struct span s; /* of STR, BIN and EXT; in the input */
        uint32_t n;    /* of ARRAY and MAP */
    };
};

/* Reads one token. E_SHORT: the input ends inside it; E_MALFORMED: octet 0xc1. */
MUST_USE enum err sl_msgpack_next(struct rd *r, struct msgpack *ret);

/* Reads over one value with all that is in it. Errors as above. */
MUST_USE enum err sl_msgpack_skip(struct rd *r);

/* Reads over what is in the container whose token was just read; nothing else has anything in
 * it. */
MUST_USE enum err sl_msgpack_skip_rest(struct rd *r, const struct msgpack *of);

/* Reads a value of that kind, in whatever form a writer may have chosen: text as STR or BIN,
 * numbers of any width, a number without fraction as any. E_UNSUPPORTED: it is another kind,
 * and was read over. */
MUST_USE enum err sl_msgpack_text(struct rd *r, struct span *ret);
MUST_USE enum err sl_msgpack_uint(struct rd *r, uint64_t *ret);
MUST_USE enum err sl_msgpack_float(struct rd *r, double *ret);

void sl_msgpack_put_nil(struct wr *w);
void sl_msgpack_put_bool(struct wr *w, bool b);
void sl_msgpack_put_uint(struct wr *w, uint64_t u);
void sl_msgpack_put_float(struct wr *w, double f);
void sl_msgpack_put_str(struct wr *w, struct span s);
void sl_msgpack_put_bin(struct wr *w, struct span s);
void sl_msgpack_put_array(struct wr *w, uint32_t n);
void sl_msgpack_put_map(struct wr *w, uint32_t n);
