#include "proto/twcc.h"

#include "proto/rtcp.h"

enum { LOST, SMALL, LARGE }; /* the status of a packet, and the octets of its delta */
enum { HEAD = 20 };          /* octets before the first chunk */
enum { VECTOR1 = 14, VECTOR2 = 7 };
enum { P_BIT = 0x20 };

_Static_assert((int)TWCC_WINDOW <= (int)TWCC_RUN_MAX, "a run has 13 bits");

static usec *slot(struct twcc *t, int64_t seq)
{
    return &t->at[(size_t)seq % TWCC_WINDOW];
}

static void start_at(struct twcc *t, int64_t seq)
{
    memset(t->at, 0, sizeof t->at);
    t->top = seq;
    t->next = seq;
    t->restart = -1;
}

/* Makes seq the top: what lies between is missing so far. */
static void advance(struct twcc *t, int64_t seq)
{
    int64_t gone = seq - t->top;
    if (gone >= TWCC_WINDOW)
        memset(t->at, 0, sizeof t->at);
    else
        for (int64_t i = t->top + 1; i <= seq; i++)
            *slot(t, i) = 0;
    t->top = seq;
    if (t->next <= seq - TWCC_WINDOW)
        t->next = seq - TWCC_WINDOW + 1;
}

void sl_twcc_add(struct twcc *t, uint16_t seq, usec at)
{
    /* Above 2^16 from the start, so that what precedes the first is no exception. */
    int64_t full = t->top + (int16_t)(seq - (uint16_t)t->top);
    if (t->top == 0) {
        full = (int64_t)seq + UINT16_MAX + 1;
        start_at(t, full);
    } else if (full > t->top) {
        advance(t, full);
    } else if (full <= t->top - TWCC_WINDOW) {
        /* One is late. Two in a row are a sender that began again (as RFC 3550 A.1). */
        t->too_late++;
        bool again = seq == t->restart;
        t->restart = (seq + 1) & UINT16_MAX;
        if (!again)
            return;
        full = t->top + (uint16_t)(seq - (uint16_t)t->top);
        start_at(t, full);
    }
    if (*slot(t, full) != 0) {
        t->duplicates++;
        return;
    }
    *slot(t, full) = at;
    if (full < t->next)
        t->next = full;
}

bool sl_twcc_pending(const struct twcc *t)
{
    return t->next <= t->top && t->top > 0;
}

bool sl_twcc_urgent(const struct twcc *t)
{
    return t->top - t->next >= TWCC_WINDOW / 2;
}

/* ---- chunks ---- */

/* Statuses that are not written yet: a run, or fewer than a vector takes. */
struct pending {
    struct wr out;
    unsigned n;
    bool run; /* all are the same */
    bool large;
    uint8_t status[VECTOR1]; /* of a run, only the first counts */
};

static bool fits(const struct pending *p, unsigned status)
{
    if (p->n < VECTOR2)
        return true;
    if (p->run && status == p->status[0])
        return true; /* longer than the window it does not become */
    return p->n < VECTOR1 && !p->large && status != LARGE;
}

/* A vector that is not full ends the packet, as what it does not hold counts as missing. */
static void flush(struct pending *p, bool last)
{
    unsigned chunk = 0;
    unsigned taken = p->n;
    if (p->run) {
        chunk = (unsigned)p->status[0] << 13 | p->n;
    } else if (!p->large && (last || p->n == VECTOR1)) {
        for (unsigned i = 0; i < VECTOR1; i++)
            chunk = chunk << 1 | (i < p->n ? p->status[i] : LOST);
        chunk |= 0x8000;
    } else {
        if (taken > VECTOR2)
            taken = VECTOR2;
        for (unsigned i = 0; i < VECTOR2; i++)
            chunk = chunk << 2 | (i < taken ? p->status[i] : LOST);
        chunk |= 0xc000;
    }
    wr_u16(&p->out, chunk);
    /* What is left, if anything, waits for a large one: neither run nor large has changed. */
    p->n -= taken;
    memmove(p->status, p->status + (p->n ? taken : 0), p->n);
}

static void put(struct pending *p, unsigned status)
{
    while (!fits(p, status))
        flush(p, false);
    p->run = p->n == 0 || (p->run && status == p->status[0]);
    p->large = p->n == 0 ? status == LARGE : p->large || status == LARGE;
    if (p->n < VECTOR1)
        p->status[p->n] = (uint8_t)status;
    p->n++;
}

/* ---- feedback ---- */

bool sl_twcc_build(struct twcc *t, uint32_t sender, uint32_t media, struct wr *w)
{
    size_t cap = w->cap - w->n;
    if (cap > TWCC_FB_OCTETS)
        cap = TWCC_FB_OCTETS;
    if (!sl_twcc_pending(t) || cap < TWCC_FB_MIN)
        return false;
    int64_t first = t->next;
    while (*slot(t, first) == 0)
        first++; /* the top came, so this ends */

    uint8_t chunks[TWCC_FB_OCTETS], deltas[TWCC_FB_OCTETS];
    struct pending p = {.out = wr_of(chunks, sizeof chunks)};
    struct wr d = wr_of(deltas, sizeof deltas);
    int64_t ref = *slot(t, first) / TWCC_REF_US;
    int64_t tick = ref * (TWCC_REF_US / TWCC_TICK_US);
    int64_t seq = t->next;
    for (; seq <= t->top; seq++) {
        /* Two chunks may be pending, two octets of delta and three of padding follow. */
        if (HEAD + p.out.n + 4 + d.n + 2 + 3 > cap)
            break;
        usec at = *slot(t, seq);
        if (at == 0) {
            put(&p, LOST);
            continue;
        }
        /* Counted in ticks from a common start, so that rounding does not add up. */
        int64_t delta = at / TWCC_TICK_US - tick;
        if (delta < INT16_MIN || delta > INT16_MAX)
            break;
        tick += delta;
        if (delta >= 0 && delta <= UINT8_MAX) {
            put(&p, SMALL);
            wr_u8(&d, (unsigned)delta);
        } else {
            put(&p, LARGE);
            wr_u16(&d, (uint16_t)delta);
        }
    }
    while (p.n > 0)
        flush(&p, true);

    size_t pad = (4 - (p.out.n + d.n) % 4) % 4;
    size_t words = (HEAD + p.out.n + d.n + pad) / 4 - 1;
    wr_u8(w, 2U << 6 | (pad ? P_BIT : 0U) | RTPFB_TWCC);
    wr_u8(w, RTCP_RTPFB);
    wr_u16(w, (unsigned)words);
    wr_u32(w, sender);
    wr_u32(w, media);
    wr_u16(w, (uint16_t)t->next);
    wr_u16(w, (uint16_t)(seq - t->next));
    wr_u32(w, (uint32_t)ref << 8 | t->fb_count++);
    wr_span(w, wr_done(&p.out));
    wr_span(w, wr_done(&d));
    for (size_t left = pad; left > 0; left--)
        wr_u8(w, left == 1 ? (unsigned)pad : 0);
    t->next = seq;
    return true;
}
