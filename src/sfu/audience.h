#pragma once

/*
 * Those who forward an encoding, side by side.
 *
 * For each packet all of them are gone through, and the cache has forgotten most of them. A list
 * would be waited for from one to the next; here it is known at once where they are. There is
 * room for all who have the producer as their source before they begin, as that is done for a
 * packet. In no order.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct consumer;

/* Zero is empty. */
struct audience {
    struct consumer **at;
    uint32_t n, cap;
};

/* Room for so many. E_MEMORY. */
MUST_USE enum err sl_audience_reserve(struct audience *a, uint32_t n);
void sl_audience_fini(struct audience *a);

/* There must be room. The place is kept in the consumer. */
void sl_audience_add(struct audience *a, struct consumer *c);
void sl_audience_del(struct audience *a, struct consumer *c);
