#pragma once

/*
 * What the server counts, by the names that it has in metrics.
 */

#include "base/metric.h"

#include "api/face.h"
#include "net/httpd.h"
#include "service/node.h"
#include "service/rtcd_face.h"

/* Where the numbers are; all of it outlives the numbers. */
struct numbers_of {
    const struct node *node;
    const struct rooms_stats *rooms;
    const struct face *face;
    const struct httpd_stats *public_face, *private_face; /* NULL: there is none */
    const struct rtcd_face *rtcd;                         /* NULL: not served */
};

struct numbers;

MUST_USE enum err sl_numbers_new(const struct numbers_of *of, struct numbers **ret);
void sl_numbers_free(struct numbers *n);
const struct metrics *sl_numbers_metrics(const struct numbers *n);
