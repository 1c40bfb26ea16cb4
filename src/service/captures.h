#pragma once

/*
 * The part of the room API that begins and ends captures of workers (service/tape), for operators
 * who show its secret. Each is said in the log, with who asked. For the control thread.
 */

#include "base/log.h"

#include "api/roomapi.h"
#include "service/node.h"

/* Borrowed. */
struct captures {
    struct roomapi *api;
    struct node *node;
    struct log *log;
    bool permitted; /* callers show a secret */
    uint32_t mib_max;
    /* The answer to a request that was told to come later; it is valid during the call. */
    void (*reply)(void *ctx, uint64_t request, const struct http_res *res);
    void *ctx;
};

/* For roomapi_conf.captures; ctx is a struct captures. */
void sl_captures_asked(void *ctx, struct roomapi_call *c);

/* A worker has begun, or not, or is done: MAIL_CAPTURE. */
void sl_captures_told(struct captures *cs, const struct mail *m);
