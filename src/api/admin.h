#pragma once

/*
 * The private face: health and metrics, for operators and what watches for them.
 *
 *   GET /health/live    200 while this process works
 *   GET /health/ready   200 while it takes new sessions, else 503
 *   GET /metrics        Prometheus text
 *   GET /admin/transports       who is connected, and what its path carries; JSON
 *   GET /admin/transports/ID    one of them, with why each of its tracks is as it is
 *   POST /admin/transports/ID   {"max_bps": N}: it may send so many bits/s; 0: any
 */

#include "base/metric.h"

#include "net/http.h"

struct admin {
    const struct metrics *metrics; /* borrowed */
    bool ready;
    /* Appends JSON about the transport of this id, in hex; about all for none. False: there is
     * no such transport. NULL: there are none at all. */
    bool (*transports)(void *ctx, struct span id, struct wr *w);
    /* A transport may send so many bits/s from now on; 0: any. False: there is no such. NULL:
     * there are none at all. */
    bool (*ceiling)(void *ctx, struct span id, uint32_t bps);
    void *ctx;
    char *text; /* what was last given, until the next request */
};

void sl_admin_fini(struct admin *a);

/* Answers a request. The body is valid until the next one. */
struct http_res sl_admin_answer(struct admin *a, const struct http_req *req);
