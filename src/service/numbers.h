#pragma once

/*
 * What the server counts, by the names that it has in metrics.
 */

#include "base/metric.h"

#include "api/face.h"
#include "net/httpd.h"
#include "service/hooks.h"
#include "service/node.h"
#include "service/redis_face.h"
#include "service/rooms_face.h"
#include "service/rtcd_face.h"

/* Where the numbers are; all of it outlives the metrics. */
struct numbers_of {
    const struct node *node;
    const struct rooms_stats *rooms;
    const struct face *face;
    const struct httpd_stats *public_face, *private_face; /* NULL: there is none */
    const struct rtcd_face *rtcd;                         /* NULL: not served */
    const struct rooms_face *talk;  /* NULL: no rooms over WebSocket */
    const struct hooks *hooks;      /* NULL: nobody is told */
    const struct redis_face *redis; /* NULL: there is none */
};

MUST_USE enum err sl_numbers_add(struct metrics *m, const struct numbers_of *of);
