#include "media/sentlog.h"

static struct sent *find(struct sent *log, uint16_t seq)
{
    struct sent *s = &log[seq % SENTLOG_SLOTS];
    unsigned turn = s->turn & (SENTLOG_USED | SENTLOG_TURN);
    return turn == (unsigned)(SENTLOG_USED | seq >> SENTLOG_BITS) ? s : NULL;
}

static struct sent_fate fate_of(const struct sent *s, usec now)
{
    return (struct sent_fate){.at = now - (usec)(uint32_t)((uint32_t)now - s->at),
                              .octets = s->octets,
                              .cluster = s->cluster,
                              .was_lost = s->turn & SENTLOG_LOST};
}

bool sl_sentlog_received(struct sent *log, uint16_t seq, usec now, struct sent_fate *ret)
{
    struct sent *s = find(log, seq);
    if (!s || s->turn & SENTLOG_DONE)
        return false;
    *ret = fate_of(s, now);
    s->turn |= SENTLOG_DONE;
    return true;
}

bool sl_sentlog_lost(struct sent *log, uint16_t seq, usec now, struct sent_fate *ret)
{
    struct sent *s = find(log, seq);
    if (!s || s->turn & (SENTLOG_DONE | SENTLOG_LOST))
        return false;
    *ret = fate_of(s, now);
    s->turn |= SENTLOG_LOST;
    return true;
}
