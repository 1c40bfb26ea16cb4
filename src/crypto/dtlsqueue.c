#include "crypto/dtlsqueue.h"

#include <stdlib.h>

#include "crypto/dtls.h"

void sl_dtlsqueue_init(struct dtlsqueue *q)
{
    list_init(&q->chunks);
    q->n = 0;
}

void sl_dtlsqueue_put(struct dtlsqueue *q, const void *p, size_t n)
{
    struct dtlschunk *c = q->n < DTLS_QUEUE_MAX ? malloc(sizeof *c + n) : NULL;
    if (!c)
        return;
    c->n = n;
    memcpy(c->p, p, n);
    list_add(&q->chunks, &c->node);
    q->n++;
}

struct dtlschunk *sl_dtlsqueue_take(struct dtlsqueue *q)
{
    if (q->n == 0)
        return NULL;
    struct dtlschunk *c = list_entry(q->chunks.next, struct dtlschunk, node);
    list_del(&c->node);
    q->n--;
    return c;
}

void sl_dtlsqueue_fini(struct dtlsqueue *q)
{
    for (struct dtlschunk *c; (c = sl_dtlsqueue_take(q));)
        free(c);
}

void sl_dtlsqueue_put_chunk(struct dtlsqueue *q, const struct dtlschunk *c)
{
    if (c)
        sl_dtlsqueue_put(q, c->p, c->n);
}

struct dtlschunk *sl_dtlsqueue_joined(const struct dtlsqueue *q)
{
    size_t n = 0;
    list_each (const struct dtlschunk, c, &q->chunks, node)
        n += c->n;
    struct dtlschunk *ret = n > 0 && n <= DTLS_MTU ? malloc(sizeof *ret + n) : NULL;
    if (!ret)
        return NULL;
    ret->n = 0;
    list_each (const struct dtlschunk, c, &q->chunks, node) {
        memcpy(ret->p + ret->n, c->p, c->n);
        ret->n += c->n;
    }
    return ret;
}
