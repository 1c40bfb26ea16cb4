#pragma once

/*
 * The part of the room API that begins and ends captures of workers (service/tape), for operators
 * who show its secret. Each is said in the log, with who asked. What is true of traces, too
 * (service/traces), stands here. For the control thread.
 */

#include "base/log.h"

#include "api/roomapi.h"
#include "service/node.h"
#include "service/plane.h"

/* Borrowed. */
struct captures {
    struct roomapi *api;
    struct node *node;
    const struct plane *plane;
    struct log *log;
    bool permitted; /* callers show a secret */
    uint32_t mib_max;
    /* The answer to a request that was told to come later; it is valid during the call. */
    void (*reply)(void *ctx, uint64_t request, const struct http_res *res);
    void *ctx;
};

enum { CAPTURES_MIB = 1 << 20 };

/* Somebody may capture, and how long and how large that is to be. False: refused. */
struct captures_bounds {
    usec length;
    size_t size;
};
bool sl_captures_permitted(const struct captures *cs, struct roomapi_call *c);
bool sl_captures_bounds(const struct captures *cs, struct roomapi_call *c,
                        struct captures_bounds *ret);

/* Its file; NULL: refused. The answer comes later. */
struct tape *sl_captures_file(const struct captures *cs, struct roomapi_call *c,
                              unsigned worker, uint64_t transport,
                              const struct captures_bounds *b);

/* For roomapi_conf.captures; ctx is a struct captures. */
void sl_captures_asked(void *ctx, struct roomapi_call *c);

/* A worker has begun, or not, or is done: MAIL_CAPTURE. */
void sl_captures_told(struct captures *cs, const struct mail *m);
