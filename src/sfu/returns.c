#include "sfu/returns.h"

void sl_returns_add(struct returns *r, struct pkt *origin)
{
    struct pkt **list = &r->back[origin->owner];
    origin->next = *list;
    *list = origin;
}

void sl_returns_send(struct returns *r, struct pkt_pool *pool, const struct shard_io *io)
{
    for (struct pkt *p; (p = sl_pkt_returned(pool));)
        sl_returns_add(r, p);
    for (unsigned to = 0; to < SHARD_PEERS; to++) {
        struct mail m = {.type = MAIL_BACK, .p = r->back[to]};
        if (m.p && io->post(io->ctx, to, &m, 0))
            r->back[to] = NULL;
    }
}

void sl_returns_take(const struct mail *m)
{
    for (struct pkt *p = m->p, *next; p; p = next) {
        next = p->next;
        p->next = NULL;
        sl_pkt_unref(p);
    }
}
