#include "media/seqmap.h"

#include <stdlib.h>

#include "base/line.h"

enum { SOURCE_BITS = 48, ASKED_BITS = 24, ASKED_MASK = (1 << ASKED_BITS) - 1 };
enum { SEEN = 64 };     /* outputs that are remembered without slots */
#define FIT_TIME SEC(1) /* that is counted to know how much is sent */

enum state { RESERVED, SENT, HOLE };

/* One output number. */
struct slot {
    uint64_t source; /* generation, and the source's number in SOURCE_BITS */
    uint64_t facts;
    uint32_t ts;
    uint32_t asked : ASKED_BITS; /* when it was resent last, in ms */
    uint32_t resent : 6;         /* how often */
    uint32_t state : 2;
};

_Static_assert(sizeof(struct slot) == 24, "512 of them are 12 kB");

struct seqmap {
    /* Of each packet: one line of the cache. */
    uint64_t next;   /* output number to be given */
    uint64_t source; /* generation, and one more than the highest number seen */
    struct slot *slot;
    uint32_t slots;
    uint32_t ts_shift; /* from the source's time to ours */
    uint32_t ts_last;
    uint32_t slots_max;
    usec ts_at;    /* when ts_last was first sent; USEC_NEVER: nothing was sent yet */
    uint64_t seen; /* without slots: which of the SEEN outputs before next were given */
    /* Of late ones, and of what is seldom done: */
    uint64_t floor;  /* the first output of this generation that a slot may hold */
    uint64_t oldest; /* the same, of all generations */
    uint64_t since;  /* without slots: from here to source, outputs differ by the same */
    uint64_t fitted; /* next, when slots were last counted, and when that was */
    usec fitted_at;
};

struct seqmap *sl_seqmap_new(const struct seqmap_conf *conf)
{
    struct seqmap *m = line_new(sizeof *m);
    if (!m)
        return NULL;
    m->slots = m->slots_max = conf->slots;
    if (m->slots > SEQMAP_MIN)
        m->slots = SEQMAP_MIN;
    if (conf->slots > 0)
        m->slot = line_new(m->slots * sizeof m->slot[0]);
    if (conf->slots > 0 && !m->slot) {
        free(m);
        return NULL;
    }
    m->next = m->floor = m->oldest = m->fitted = conf->first;
    m->ts_last = conf->first_ts;
    m->ts_at = USEC_NEVER;
    /* Until there is a source, every number is too late. */
    m->source = m->since = (UINT64_C(1) << SOURCE_BITS) - 1;
    return m;
}

void sl_seqmap_free(struct seqmap *m)
{
    if (!m)
        return;
    free(m->slot);
    free(m);
}

uint64_t sl_seqmap_next(const struct seqmap *m)
{
    return m->next;
}

uint32_t sl_seqmap_ts_at(const struct seqmap *m, usec now, uint32_t clock_hz)
{
    if (m->ts_at == USEC_NEVER)
        return m->ts_last;
    return m->ts_last + (uint32_t)((now - m->ts_at) * clock_hz / SEC(1));
}

uint16_t sl_seqmap_switch(struct seqmap *m, uint64_t seq, uint32_t ts, uint32_t out_ts)
{
    uint16_t generation = (uint16_t)((m->source >> SOURCE_BITS) + 1);
    if (m->ts_at != USEC_NEVER && (int32_t)(out_ts - m->ts_last) <= 0)
        out_ts = m->ts_last + 1;
    m->ts_shift = out_ts - ts;
    m->source = m->since = (uint64_t)generation << SOURCE_BITS | seq;
    m->floor = m->next;
    m->seen = 0;
    return generation;
}

static struct slot *slot_of(struct seqmap *m, uint64_t out)
{
    return &m->slot[out & (m->slots - 1)];
}

void sl_seqmap_fetch(const struct seqmap *m)
{
    if (m->slots > 0)
        __builtin_prefetch(&m->slot[m->next & (m->slots - 1)], 1);
}

/* The lowest output, not below `from`, that still has its slot. */
static uint64_t lowest(const struct seqmap *m, uint64_t from)
{
    return m->next > from + m->slots ? m->next - m->slots : from;
}

/* What was forgotten is nowhere, and is found nowhere: no source has number 0. False: there is no
 * memory, and it stays as it is. */
static bool grow(struct seqmap *m)
{
    uint32_t slots = 2 * m->slots;
    struct slot *slot = line_new(slots * sizeof *slot);
    if (!slot)
        return false;
    for (uint64_t out = lowest(m, m->oldest); out < m->next; out++)
        slot[out & (slots - 1)] = *slot_of(m, out);
    free(m->slot);
    m->slot = slot;
    m->slots = slots;
    return true;
}

void sl_seqmap_fit(struct seqmap *m, usec now)
{
    uint64_t sent = m->next - m->fitted;
    bool more = true;
    while (more && 2 * sent > m->slots && m->slots < m->slots_max)
        more = grow(m);
    if (now - m->fitted_at >= FIT_TIME) {
        m->fitted = m->next;
        m->fitted_at = now;
    }
}

/* Numbers for the source's packets from m->source up to source, which are missing. */
static void reserve(struct seqmap *m, uint64_t source)
{
    uint64_t lost = source - m->source;
    if (lost >= m->slots) {
        m->next += lost;
        m->floor = m->oldest = m->next;
        m->seen = lost < SEEN ? m->seen << lost : 0;
    } else {
        for (; m->source < source; m->source++)
            *slot_of(m, m->next++) = (struct slot){.source = m->source};
    }
    m->source = source;
}

/* The output number of a source's packet that is not ahead. Outputs rise with their
 * sources. E_ABSENT: there is none. */
static enum err find(struct seqmap *m, uint64_t source, uint64_t *ret)
{
    uint64_t lo = lowest(m, m->floor), hi = m->next;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (slot_of(m, mid)->source < source)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == m->next || slot_of(m, lo)->source != source)
        return E_ABSENT;
    *ret = lo;
    return E_OK;
}

/* Takes the number that was reserved for a packet behind others, and writes the slot. */
static enum err take_late(struct seqmap *m, uint64_t source, struct slot fill,
                          uint64_t *ret)
{
    if (m->slots > 0) {
        uint64_t out;
        if (find(m, source, &out))
            return E_ABSENT;
        if (slot_of(m, out)->state != RESERVED)
            return E_EXISTS;
        *slot_of(m, out) = fill;
        *ret = out;
        return E_OK;
    }
    uint64_t behind = m->source - source - 1;
    uint64_t bit = UINT64_C(1) << (behind % SEEN);
    if (source < m->since || behind >= SEEN)
        return E_ABSENT;
    if (m->seen & bit)
        return E_EXISTS;
    m->seen |= bit;
    *ret = m->next - 1 - behind;
    return E_OK;
}

enum err sl_seqmap_pass(struct seqmap *m, uint64_t seq, uint32_t ts, uint64_t facts,
                        usec now, struct seqmap_out *ret)
{
    uint64_t source = m->source >> SOURCE_BITS << SOURCE_BITS | seq;
    struct slot fill = {
        .source = source,
        .facts = facts,
        .ts = ts + m->ts_shift,
        .state = SENT,
    };
    if (source < m->source) {
        enum err e = take_late(m, source, fill, &ret->seq);
        ret->ts = e ? ret->ts : fill.ts;
        return e;
    }
    if (source > m->source)
        reserve(m, source);
    if (m->slots > 0)
        *slot_of(m, m->next) = fill;
    m->seen = m->seen << 1 | 1;
    m->source++;
    *ret = (struct seqmap_out){.seq = m->next++, .ts = fill.ts};
    if ((int32_t)(fill.ts - m->ts_last) > 0 || m->ts_at == USEC_NEVER) {
        m->ts_last = fill.ts;
        m->ts_at = now;
    }
    return E_OK;
}

bool sl_seqmap_drop(struct seqmap *m, uint64_t seq, uint64_t *hole)
{
    uint64_t source = m->source >> SOURCE_BITS << SOURCE_BITS | seq;
    struct slot fill = {.source = source, .state = HOLE};
    if (source < m->source)
        return take_late(m, source, fill, hole) == E_OK;

    if (source > m->source)
        reserve(m, source);
    m->source++;
    m->since = m->source;
    return false;
}

enum err sl_seqmap_resend(struct seqmap *m, uint64_t out, usec now, usec min_resend,
                          struct seqmap_sent *ret)
{
    uint32_t now_ms = (uint32_t)(now / MSEC(1));
    if (m->slots == 0 || out >= m->next || out < lowest(m, m->oldest))
        return E_ABSENT;
    struct slot *s = slot_of(m, out);
    if (s->state != SENT)
        return E_ABSENT;
    if (s->resent > 0 && ((now_ms - s->asked) & ASKED_MASK) < min_resend / MSEC(1))
        return E_EARLY;
    *ret = (struct seqmap_sent){
        .seq = s->source & ((UINT64_C(1) << SOURCE_BITS) - 1),
        .facts = s->facts,
        .ts = s->ts,
        .generation = (uint16_t)(s->source >> SOURCE_BITS),
    };
    if (s->resent == SEQMAP_RESENDS_MAX)
        return E_FULL;
    s->asked = now_ms & ASKED_MASK;
    s->resent++;
    return E_OK;
}
