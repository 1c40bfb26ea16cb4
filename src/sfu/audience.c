#include "sfu/audience.h"

#include <assert.h>
#include <stdlib.h>

#include "sfu/consumer.h"

enum { CAP_MIN = 4 };

enum err sl_audience_reserve(struct audience *a, uint32_t n)
{
    uint32_t cap = a->cap ? a->cap : CAP_MIN;
    while (cap < n)
        cap *= 2;
    if (cap == a->cap)
        return E_OK;
    struct consumer **at = realloc(a->at, cap * sizeof(struct consumer *));
    if (!at)
        return E_MEMORY;
    a->at = at;
    a->cap = cap;
    return E_OK;
}

void sl_audience_fini(struct audience *a)
{
    free(a->at);
    *a = (struct audience){0};
}

void sl_audience_add(struct audience *a, struct consumer *c)
{
    assert(a->n < a->cap);
    c->place = a->n;
    a->at[a->n++] = c;
}

/* The last one takes the place. */
void sl_audience_del(struct audience *a, struct consumer *c)
{
    assert(c->place < a->n && a->at[c->place] == c);
    struct consumer *last = a->at[--a->n];
    a->at[c->place] = last;
    last->place = c->place;
}
