#pragma once

/*
 * Datagrams or messages that wait to be polled, oldest first; at most DTLS_QUEUE_MAX. For
 * crypto/dtls.
 */

#include "base/list.h"
#include "base/span.h"

struct dtlschunk {
    struct list node;
    size_t n;
    uint8_t p[];
};

struct dtlsqueue {
    struct list chunks;
    size_t n;
};

void sl_dtlsqueue_init(struct dtlsqueue *q);
void sl_dtlsqueue_fini(struct dtlsqueue *q);

/* A copy. One for which there is no room is lost, as on any network. */
void sl_dtlsqueue_put(struct dtlsqueue *q, const void *p, size_t n);
void sl_dtlsqueue_put_chunk(struct dtlsqueue *q, const struct dtlschunk *c); /* or NULL */

/* To be freed; NULL: it is empty. */
struct dtlschunk *sl_dtlsqueue_take(struct dtlsqueue *q);

/* All that is there as one datagram, to be freed: records may share one (RFC 6347 §4.1.1). NULL
 * when there is nothing, it is too long for that, or memory ends. */
struct dtlschunk *sl_dtlsqueue_joined(const struct dtlsqueue *q);
