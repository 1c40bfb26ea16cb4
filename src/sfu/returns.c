#include "sfu/returns.h"

#include <stdlib.h>

enum { FIRST_CAP = 256 };

void sl_returns_fini(struct returns *r)
{
    free(r->waiting);
    *r = (struct returns){0};
}

void sl_returns_add(struct returns *r, struct pkt *origin)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : FIRST_CAP;
        struct pkt **grown = realloc(r->waiting, cap * sizeof(struct pkt *));
        if (!grown)
            return; /* lost to its pool: there is no memory to remember it by */
        r->waiting = grown;
        r->cap = cap;
    }
    r->waiting[r->n++] = origin;
}

void sl_returns_send(struct returns *r, struct pkt_pool *pool, const struct shard_io *io)
{
    size_t kept = 0;
    for (struct pkt *p; (p = sl_pkt_returned(pool));)
        sl_returns_add(r, p);
    for (size_t i = 0; i < r->n; i++) {
        struct pkt *p = r->waiting[i];
        struct mail m = {.type = MAIL_BACK, .p = p};
        if (!io->post(io->ctx, p->owner, &m, 0))
            r->waiting[kept++] = p;
    }
    r->n = kept;
}

void sl_returns_take(const struct mail *m)
{
    sl_pkt_unref(m->p);
}
