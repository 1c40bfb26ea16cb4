#include "media/seqmap.h"

#include <stdlib.h>

#include "base/span.h"

#include "fuzz.h"

/* Numbers of one source are seen in a window of this many, and outputs as many as they
 * can become. */
enum { SOURCES = 1 << 12, OUTPUTS = 1 << 15, OUT = 77, SLOTS = 16, GROWN = 512 };

enum fate { UNSEEN, PASSED, DROPPED };

struct model {
    uint16_t generation;
    uint64_t base, next; /* of the source: its first, and one more than its highest */
    uint64_t out;        /* outputs so far */
    uint8_t fate[SOURCES];
    uint16_t source[OUTPUTS]; /* by output; the source's number less base, plus 1 */
    uint16_t made_by[OUTPUTS];
};

static void pass(struct seqmap *m, struct model *o, uint64_t at, uint64_t facts)
{
    struct seqmap_out out;
    uint64_t seq = o->base + at;
    enum err e = sl_seqmap_pass(m, seq, (uint32_t)at, facts, 0, &out);
    if (seq >= o->next) {
        MUST(e == E_OK && out.seq == OUT + o->out + (seq - o->next));
        o->out += seq - o->next + 1;
        o->next = seq + 1;
    }
    if (e)
        return;
    uint64_t k = out.seq - OUT;
    MUST(o->fate[at] == UNSEEN);
    MUST(k < OUTPUTS && o->source[k] == 0); /* no number is given twice */
    /* Outputs stand in the order of their sources. */
    for (uint64_t i = k; i-- > 0 && o->made_by[i] == o->generation;)
        if (o->source[i]) {
            MUST(o->source[i] < at + 1);
            break;
        }
    o->fate[at] = PASSED;
    o->source[k] = (uint16_t)(at + 1);
    o->made_by[k] = o->generation;
}

static void drop(struct seqmap *m, struct model *o, uint64_t at)
{
    uint64_t hole, seq = o->base + at;
    if (sl_seqmap_drop(m, seq, &hole)) {
        MUST(seq < o->next && o->fate[at] == UNSEEN);
        MUST(hole - OUT < o->out && o->source[hole - OUT] == 0);
    } else if (seq >= o->next) {
        o->out += seq - o->next;
        o->next = seq + 1;
    } else {
        return;
    }
    o->fate[at] = DROPPED;
}

static void resend(struct seqmap *m, const struct model *o, uint64_t k, uint16_t slots)
{
    struct seqmap_sent sent;
    enum err e = sl_seqmap_resend(m, OUT + k, 0, 0, &sent);
    if (e == E_OK) {
        MUST(k < o->out && k + slots >= o->out && o->source[k] != 0);
        MUST(sent.generation == o->made_by[k]);
        MUST(sent.facts == o->source[k]);
    }
}

static void run(struct rd r, uint16_t slots)
{
    struct model *o = calloc(1, sizeof *o);
    struct seqmap *m = sl_seqmap_new(&(struct seqmap_conf){.first = OUT, .slots = slots});
    MUST(o && m);
    o->generation = sl_seqmap_switch(m, 0, 0, 0);
    /* Each operation can make at most SOURCES outputs. */
    while (r.n > 0 && o->out + SOURCES < OUTPUTS) {
        uint16_t b = rd_u16(&r);
        uint64_t at = (o->next - o->base + (b >> 4) % 64) - (b >> 10) % 64;
        at %= SOURCES;
        switch (b % 4) {
        case 0: pass(m, o, at, at + 1); break;
        case 1: drop(m, o, at); break;
        case 2: resend(m, o, o->out - b % 64, slots); break;
        case 3:
            if (b >> 4) {
                sl_seqmap_fit(m, b);
                break;
            } /* seldom */
            o->base = o->next = rd_u32(&r);
            memset(o->fate, 0, sizeof o->fate);
            o->generation = sl_seqmap_switch(m, o->base, 0, 0);
            break;
        }
        MUST(sl_seqmap_next(m) == OUT + o->out);
    }
    sl_seqmap_free(m);
    free(o);
}

/* Whatever comes in whatever order, it behaves as the plain model does. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    run(rd_of((struct span){p, n}), SLOTS);
    run(rd_of((struct span){p, n}), GROWN);
    run(rd_of((struct span){p, n}), 0);
    return 0;
}
