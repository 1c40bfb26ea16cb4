#include "media/sentlog.h"

#include <stdlib.h>

enum err sl_sentlog_init(struct sentlog *l)
{
    struct sent *sent = calloc(SENTLOG_MIN, sizeof *sent);
    if (!sent)
        return E_MEMORY;
    *l = (struct sentlog){.sent = sent, .mask = SENTLOG_MIN - 1};
    return E_OK;
}

void sl_sentlog_fini(struct sentlog *l)
{
    free(l->sent);
    *l = (struct sentlog){0};
}

/* False: what is overwritten will count as never sent. */
static bool grow(struct sentlog *l)
{
    size_t slots = (size_t)l->mask + 1;
    struct sent *sent = calloc(2 * slots, sizeof *sent);
    if (!sent)
        return false;
    for (size_t i = 0; i < slots; i++)
        if (l->sent[i].flags)
            sent[l->sent[i].seq & (2 * slots - 1)] = l->sent[i];
    free(l->sent);
    l->sent = sent;
    l->mask = (uint16_t)(2 * slots - 1);
    return true;
}

void sl_sentlog_fit(struct sentlog *l, uint16_t on_way)
{
    bool more = true;
    while (more && on_way > l->mask / 2 && l->mask < SENTLOG_MAX - 1)
        more = grow(l);
}

static struct sent *find(const struct sentlog *l, uint16_t seq)
{
    struct sent *s = &l->sent[seq & l->mask];
    return s->flags & SENTLOG_USED && s->seq == seq ? s : NULL;
}

static struct sent_fate fate_of(const struct sent *s, usec now)
{
    return (struct sent_fate){.at = now - (usec)(uint32_t)((uint32_t)now - s->at),
                              .octets = s->octets,
                              .cluster = s->cluster,
                              .was_lost = s->flags & SENTLOG_LOST};
}

bool sl_sentlog_received(const struct sentlog *l, uint16_t seq, usec now,
                         struct sent_fate *ret)
{
    struct sent *s = find(l, seq);
    if (!s || s->flags & SENTLOG_DONE)
        return false;
    *ret = fate_of(s, now);
    s->flags |= SENTLOG_DONE;
    return true;
}

bool sl_sentlog_lost(const struct sentlog *l, uint16_t seq, usec now,
                     struct sent_fate *ret)
{
    struct sent *s = find(l, seq);
    if (!s || s->flags & (SENTLOG_DONE | SENTLOG_LOST))
        return false;
    *ret = fate_of(s, now);
    s->flags |= SENTLOG_LOST;
    return true;
}
