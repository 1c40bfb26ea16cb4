#pragma once

/*
 * What the media plane is made of, as a tree for operators: workers; on each of them routers, what
 * it has of one room; their transports, and the pipes into them; and on transports producers and
 * consumers. The part of the room API that looks (docs/objects.md).
 *
 * Who there is control knows by itself. What was counted the worker tells, when it is asked
 * (sfu/look): so a request is answered later, and each is one mail to one worker. For the control
 * thread.
 */

#include "api/roomapi.h"
#include "service/node.h"
#include "service/plane.h"

enum { OBJECTS_PAGE_MAX = 100 /* on a page, and as many unless fewer are asked for */ };

/* Borrowed. */
struct objects_conf {
    struct roomapi *api;
    const struct rooms *rooms;
    const struct plane *plane;
    const struct node *node; /* its workers are asked */
    /* The answer to a request that was told to come later; it is valid during the call. */
    void (*reply)(void *ctx, uint64_t request, const struct http_res *res);
    void *ctx;
};

struct objects {
    struct objects_conf conf;
};

/* For roomapi_conf.objects; ctx is a struct objects. */
void sl_objects_asked(void *ctx, struct roomapi_call *c);

/* A worker has looked: MAIL_LOOK. */
void sl_objects_looked(struct objects *o, const struct mail *m);
