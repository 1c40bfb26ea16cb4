#include "media/allocate.h"

#include "media/ladder.h"
#include "proto/sdp.h"

#define STICKY 1.5F /* what a track has is worth so much more than what it might have */

/* A track while it is being decided on. */
struct plan {
    struct ladder ladder;
    uint8_t has;     /* rungs that it has now: 0, paused */
    uint8_t ceiling; /* and may have at most */
    uint8_t at;      /* and gets */
    uint8_t next;    /* that it would take next; 0: it is done */
    bool first;      /* it is raised before the others */
    bool waits;      /* there is room for its next rung since a while */
    bool lacks;      /* there is no room for its lowest */
    float weight, score;
};

_Static_assert((int)ALLOCATE_TRACKS_MAX >= (int)SDP_SECTIONS_MAX,
               "whatever a peer can be sent at all has its part");

struct division {
    size_t n;
    uint64_t bps, spare_bps; /* there is; and for what is new */
    uint64_t used;
    uint8_t order[ALLOCATE_TRACKS_MAX]; /* of the pictures, the most important first */
    size_t order_n;
    struct plan plans[ALLOCATE_TRACKS_MAX];
};

#define CAUSE_NAME(name, text) text,
static const char *const names[ALLOCATE_CAUSES] = {ALLOCATE_CAUSES_LIST(CAUSE_NAME)};
#undef CAUSE_NAME

const char *sl_allocate_cause_name(enum allocate_cause c)
{
    return names[c];
}

static uint8_t priority(const struct allocate_track *t)
{
    return t->wish.priority > 0 ? t->wish.priority : WISH_PRIORITY;
}

/* ---- what it has ---- */

static bool is_target(const struct allocate_track *t, const struct rung *r)
{
    const struct layer_info *l = &t->table->layers[r->layer];
    return layer_same(t->state->target,
                      (struct layer_target){l->encoding, l->spatial, l->temporal});
}

/* Where its layer is no rung any more, those that cost as much count as had. */
static uint8_t rungs_had(const struct plan *p, const struct allocate_track *t)
{
    const struct allocate_state *s = t->state;
    uint8_t n = 1;
    /* What begins, begins as well as it can: nobody has seen anything of it yet. */
    if (!s->begun || (!allocate_sent(s) && s->cause != ALLOCATE_BANDWIDTH))
        return p->ladder.n;
    if (!allocate_sent(s) || p->ladder.n == 0)
        return 0;
    for (uint8_t i = 0; i < p->ladder.n; i++)
        if (is_target(t, &p->ladder.rungs[i]))
            return (uint8_t)(i + 1);
    while (n < p->ladder.n && p->ladder.rungs[n].bps <= s->bps)
        n++;
    return n;
}

static void plan_for(struct plan *p, const struct allocate_track *t, uint8_t screens)
{
    const struct allocate_state *s = t->state;
    p->lacks = false;
    p->ladder = (struct ladder){.n = 0};
    if (!t->wish.paused)
        p->ladder = sl_ladder(&(struct ladder_of){
            .screen = t->screen,
            .table = t->table,
            .wish = &t->wish,
            .sent = s->begun ? s->target : (struct layer_target){.encoding = LAYER_NONE},
            .sent_bps = s->bps});
    p->weight = (float)priority(t);
    p->first = t->screen || priority(t) > screens;
    p->has = rungs_had(p, t);
    p->waits = s->fits_since != 0;
    p->ceiling = p->ladder.n;
}

/* ---- dividing ---- */

static uint32_t bps_at(const struct plan *p, uint8_t rungs)
{
    return rungs > 0 ? p->ladder.rungs[rungs - 1].bps : 0;
}

/* Rates as they are measured go up and down a little, and estimates do: who waits does not begin
 * anew for that. */
static bool has_room(const struct division *d, const struct plan *p, uint8_t rungs)
{
    uint64_t after = d->used - bps_at(p, p->at) + bps_at(p, rungs);
    bool new = rungs > p->has && !(p->waits && rungs == p->has + 1);
    return after <= (new ? d->spare_bps : d->bps);
}

static void take(struct division *d, struct plan *p, uint8_t rungs)
{
    d->used += bps_at(p, rungs);
    d->used -= bps_at(p, p->at);
    p->at = rungs;
}

/* The step that gains most for a bit, of those that there is room for. */
static void look_ahead(const struct division *d, struct plan *p)
{
    p->next = 0;
    for (uint8_t i = (uint8_t)(p->at + 1); p->at > 0 && i <= p->ceiling; i++) {
        uint32_t more = bps_at(p, i) - bps_at(p, p->at);
        float gain = p->ladder.rungs[i - 1].quality - p->ladder.rungs[p->at - 1].quality;
        float score = p->weight * gain / ((float)more + 1) * (i <= p->has ? STICKY : 1);
        if (has_room(d, p, i) && (p->next == 0 || score > p->score)) {
            p->next = i;
            p->score = score;
        }
    }
}

static struct plan *best_step(struct division *d, bool first)
{
    struct plan *best = NULL;
    for (size_t k = 0; k < d->order_n; k++) {
        struct plan *p = &d->plans[d->order[k]];
        if (p->first != first)
            continue;
        if (p->next > 0 && !has_room(d, p, p->next))
            look_ahead(d, p); /* what others took is gone; less may still fit */
        if (p->next > 0 && (!best || p->score > best->score))
            best = p;
    }
    return best;
}

static void raise_all(struct division *d, bool first)
{
    for (size_t k = 0; k < d->order_n; k++)
        look_ahead(d, &d->plans[d->order[k]]);
    for (struct plan *p; (p = best_step(d, first));) {
        take(d, p, p->next);
        look_ahead(d, p);
    }
}

static void divide(struct division *d, const struct allocate_track *tracks, usec now)
{
    d->used = 0;
    for (size_t i = 0; i < d->n; i++) {
        struct plan *p = &d->plans[i];
        p->at = 0;
        if (tracks[i].kind == MEDIA_AUDIO)
            take(d, p, p->ladder.n);
    }
    for (size_t k = 0; k < d->order_n; k++) {
        struct plan *p = &d->plans[d->order[k]];
        const struct allocate_state *s = tracks[d->order[k]].state;
        bool grace = allocate_sent(s) &&
                     (s->short_since == 0 || now - s->short_since < ALLOCATE_GRACE);
        p->lacks = p->ceiling > 0 && !has_room(d, p, 1);
        if (p->ceiling > 0 && (!p->lacks || grace))
            take(d, p, 1);
    }
    raise_all(d, true);
    raise_all(d, false);
}

/* What all of it takes that is sent already; 0: something begins. */
static uint64_t had_of(const struct plan *plans, const struct allocate_track *tracks,
                       size_t n)
{
    uint64_t had = 0;
    for (size_t i = 0; i < n; i++) {
        if (!tracks[i].state->begun)
            return 0;
        had += bps_at(&plans[i], plans[i].has);
    }
    return had;
}

/* What is sent already may take a little more than there is: a cut leaves that much of the path
 * unused, and whoever needs more than that is cut again. What takes the place of it needs no
 * spare, as no more is sent than was. */
static void make_room(struct division *d, uint64_t had, uint64_t bps)
{
    uint64_t spare = bps - bps / ALLOCATE_SPARE, kept = had < bps ? had : bps;
    d->bps = had > bps && had - bps <= bps / ALLOCATE_STAY ? had : bps;
    d->spare_bps = kept > spare ? kept : spare;
}

/* ---- in what order ---- */

static bool before(const struct allocate_track *a, const struct allocate_track *b)
{
    if (priority(a) != priority(b))
        return priority(a) > priority(b);
    return a->screen && !b->screen;
}

static void put_in_order(struct division *d, const struct allocate_track *tracks)
{
    d->order_n = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (tracks[i].kind == MEDIA_AUDIO)
            continue;
        size_t at = d->order_n++;
        for (; at > 0 && before(&tracks[i], &tracks[d->order[at - 1]]); at--)
            d->order[at] = d->order[at - 1];
        d->order[at] = (uint8_t)i;
    }
}

/* The priority above which a camera is raised together with the screens. */
static uint8_t screens_first(const struct allocate_track *tracks, size_t n)
{
    uint8_t most = 0;
    bool any = false;
    for (size_t i = 0; i < n; i++)
        if (tracks[i].screen && !tracks[i].wish.paused) {
            any = true;
            most = priority(&tracks[i]) > most ? priority(&tracks[i]) : most;
        }
    return any ? most : UINT8_MAX;
}

/* ---- hysteresis ---- */

/* Who was not short of anything has nothing to wait for: more is wanted, or there is more. */
static usec confirm_time(const struct division *d, const struct allocate_state *s)
{
    bool ample = d->used + d->used / ALLOCATE_AMPLE <= d->bps;
    unsigned doublings = ample ? 0 : s->strikes;
    if (s->cause != ALLOCATE_BANDWIDTH)
        return 0;
    if (allocate_sent(s))
        return ALLOCATE_CONFIRM << doublings;
    return ALLOCATE_RESUME << (doublings < ALLOCATE_RESUMES_MAX ? doublings
                                                                : ALLOCATE_RESUMES_MAX);
}

/* What is new has to be possible for a while before it is done. True: something has to wait. */
static bool hold_back(struct division *d, const struct allocate_track *tracks, usec now)
{
    bool held = false;
    for (size_t k = 0; k < d->order_n; k++) {
        struct plan *p = &d->plans[d->order[k]];
        struct allocate_state *s = tracks[d->order[k]].state;
        if (p->at <= p->has) {
            s->fits_since = 0;
            p->ceiling = p->has < p->ladder.n ? p->has : p->ladder.n;
            continue;
        }
        if (s->fits_since == 0)
            s->fits_since = now;
        bool wait = now - s->fits_since < confirm_time(d, s);
        p->ceiling = wait ? p->has : p->at;
        held |= wait;
    }
    return held;
}

/* ---- and what comes of it ---- */

static const enum allocate_cause end_causes[] = {
    [LADDER_BEST] = ALLOCATE_NONE,
    [LADDER_WIDE] = ALLOCATE_VIEWPORT,
    [LADDER_NAMED] = ALLOCATE_LAYER,
    [LADDER_STOPPED] = ALLOCATE_PUBLISHER,
};

static enum allocate_cause cause_of(const struct plan *p, const struct allocate_track *t)
{
    if (t->wish.paused)
        return ALLOCATE_VIEWER;
    if (p->ladder.n == 0)
        return ALLOCATE_NOT_PUBLISHED;
    return p->at < p->ladder.n ? ALLOCATE_BANDWIDTH : end_causes[p->ladder.end];
}

/* A raise that is undone soon was one too many; one that lasts is forgiven. */
static void judge(struct allocate_state *s, const struct plan *p, usec now)
{
    if (s->raised_at != 0 && now - s->raised_at >= ALLOCATE_SOON << s->strikes) {
        s->strikes = 0;
        s->raised_at = 0;
    }
    if (p->at < p->has && p->at < p->ladder.n && s->begun) {
        if (s->raised_at != 0 && s->strikes < ALLOCATE_STRIKES_MAX)
            s->strikes++;
        s->raised_at = 0;
    } else if (p->at > p->has) {
        s->raised_at = now;
        s->fits_since = 0;
    }
}

static struct layer_target target_at(const struct plan *p, const struct allocate_track *t,
                                     uint8_t rungs)
{
    if (rungs == 0)
        return (struct layer_target){.encoding = LAYER_NONE};
    const struct layer_info *l = &t->table->layers[p->ladder.rungs[rungs - 1].layer];
    return (struct layer_target){l->encoding, l->spatial, l->temporal};
}

static void settle(const struct plan *p, const struct allocate_track *t, usec now)
{
    struct allocate_state *s = t->state;
    struct allocate_state was = *s;
    judge(s, p, now);
    s->cause = (uint8_t)cause_of(p, t);
    s->begun = true;
    s->bps = bps_at(p, p->at);
    s->target = target_at(p, t, p->at);
    s->best = target_at(p, t, p->ladder.n);
    if (!p->lacks || p->at == 0)
        s->short_since = 0;
    else if (s->short_since == 0)
        s->short_since = now;
    if (!was.begun || s->cause != was.cause || !layer_same(s->target, was.target))
        s->changed_at = now;
}

/* With what no step upward may touch. */
static uint64_t with_spare(uint64_t bps)
{
    return bps + bps / (ALLOCATE_SPARE - 1) + 1;
}

/* The least that the next rung needs which there is no room for; 0: there is none. */
static uint64_t next_of(const struct division *d, const struct plan *p)
{
    for (uint8_t i = (uint8_t)(p->at + 1); i <= p->ladder.n; i++) {
        uint64_t need = with_spare(d->used - bps_at(p, p->at) + bps_at(p, i));
        if (need > d->bps)
            return need;
    }
    return 0;
}

static struct allocate_sum sum_of(const struct division *d)
{
    struct allocate_sum sum = {.bps = d->used};
    uint64_t best = 0;
    for (size_t i = 0; i < d->n; i++) {
        uint64_t next = next_of(d, &d->plans[i]);
        best += bps_at(&d->plans[i], d->plans[i].ladder.n);
        if (next > 0 && (sum.next == 0 || next < sum.next))
            sum.next = next;
    }
    sum.best = with_spare(best);
    return sum;
}

struct allocate_sum sl_allocate(const struct allocate_track *tracks, size_t n,
                                uint64_t bps, usec now)
{
    struct division d;
    d.n = n < ALLOCATE_TRACKS_MAX ? n : ALLOCATE_TRACKS_MAX;
    uint8_t screens = screens_first(tracks, d.n);
    for (size_t i = 0; i < d.n; i++)
        plan_for(&d.plans[i], &tracks[i], screens);
    make_room(&d, had_of(d.plans, tracks, d.n), bps);
    put_in_order(&d, tracks);
    divide(&d, tracks, now);
    if (hold_back(&d, tracks, now))
        divide(&d, tracks, now);
    for (size_t i = 0; i < d.n; i++)
        settle(&d.plans[i], &tracks[i], now);
    return sum_of(&d);
}
