#include "media/history.h"

#include <stdlib.h>

struct slot {
    uint64_t seq;
    struct pkt *pkt; /* a reference; NULL: free */
};

struct history {
    usec max_age;
    uint64_t mask;
    uint64_t tail; /* where sl_history_trim stands */
    uint64_t next; /* one more than the highest put */
    size_t held;
    struct slot slots[];
};

struct history *sl_history_new(const struct history_conf *conf)
{
    struct history *h = calloc(1, sizeof *h + conf->slots * sizeof h->slots[0]);
    if (!h)
        return NULL;
    h->mask = conf->slots - 1U;
    h->max_age = conf->max_age;
    return h;
}

void sl_history_free(struct history *h)
{
    if (!h)
        return;
    for (size_t i = 0; i <= h->mask; i++)
        sl_pkt_unref(h->slots[i].pkt);
    free(h);
}

static void give_up(struct history *h, struct slot *s)
{
    h->held -= s->pkt != NULL;
    sl_pkt_unref(s->pkt);
    s->pkt = NULL;
}

void sl_history_put(struct history *h, uint64_t seq, struct pkt *pkt, usec now)
{
    struct slot *s = &h->slots[seq & h->mask];
    if ((s->pkt && s->seq >= seq) || seq + h->mask + 1 < h->next)
        return;
    give_up(h, s);
    *s = (struct slot){.seq = seq, .pkt = sl_pkt_ref(pkt)};
    h->held++;
    if (seq < h->tail || h->held == 1)
        h->tail = seq;
    if (seq >= h->next)
        h->next = seq + 1;
    sl_history_trim(h, now);
}

enum err sl_history_get(const struct history *h, uint64_t seq, usec now, struct pkt **ret)
{
    const struct slot *s = &h->slots[seq & h->mask];
    if (!s->pkt || s->seq != seq || now - s->pkt->at > h->max_age)
        return E_ABSENT;
    *ret = s->pkt;
    return E_OK;
}

/* The tail goes over places that are free or hold a newer packet, and rests at one that is
 * young enough. After a jump in the numbers a place may hold a packet from before it. The
 * tail goes back for a late packet only, so this is about one step for each put. */
void sl_history_trim(struct history *h, usec now)
{
    if (h->next > h->mask && h->tail < h->next - h->mask - 1)
        h->tail = h->next - h->mask - 1;
    for (; h->tail < h->next; h->tail++) {
        struct slot *s = &h->slots[h->tail & h->mask];
        if (!s->pkt || s->seq > h->tail)
            continue;
        if (now - s->pkt->at <= h->max_age)
            return;
        give_up(h, s);
    }
}

size_t sl_history_held(const struct history *h)
{
    return h->held;
}
