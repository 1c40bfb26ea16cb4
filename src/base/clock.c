#include "base/clock.h"

#include <stdlib.h>

static void place(struct timers *t, size_t i, struct timers_entry e)
{
    t->heap[i] = e;
    e.timer->pos = i + 1;
}

static void up(struct timers *t, size_t i, struct timers_entry e)
{
    while (i > 0 && t->heap[(i - 1) / 2].at > e.at) {
        place(t, i, t->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(t, i, e);
}

static void down(struct timers *t, size_t i, struct timers_entry e)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= t->n)
            break;
        if (child + 1 < t->n && t->heap[child + 1].at < t->heap[child].at)
            child++;
        if (t->heap[child].at >= e.at)
            break;
        place(t, i, t->heap[child]);
        i = child;
    }
    place(t, i, e);
}

void sl_timers_fini(struct timers *t)
{
    free(t->heap);
    *t = (struct timers){0};
}

static bool room_for_one(struct timers *t)
{
    if (t->n < t->cap)
        return true;
    size_t cap = t->cap ? t->cap * 2 : 64;
    struct timers_entry *heap = realloc(t->heap, cap * sizeof *heap);
    if (!heap)
        return false;
    t->heap = heap;
    t->cap = cap;
    return true;
}

enum err sl_timer_set(struct timers *t, struct timer *timer, usec at)
{
    struct timers_entry e = {.at = at, .timer = timer};
    if (timer->pos == 0) {
        if (!room_for_one(t))
            return E_MEMORY;
        timer->at = at;
        up(t, t->n++, e);
        return E_OK;
    }
    usec was = timer->at;
    timer->at = at;
    if (at < was)
        up(t, timer->pos - 1, e);
    else if (at > was)
        down(t, timer->pos - 1, e);
    return E_OK;
}

void sl_timer_stop(struct timers *t, struct timer *timer)
{
    if (timer->pos == 0)
        return;
    size_t i = timer->pos - 1;
    struct timers_entry last = t->heap[--t->n];
    timer->pos = 0;
    if (last.timer == timer)
        return;
    up(t, i, last);
    down(t, last.timer->pos - 1, last);
}

usec sl_timers_deadline(const struct timers *t)
{
    return t->n > 0 ? t->heap[0].at : USEC_NEVER;
}

struct timer *sl_timers_due(struct timers *t, usec now)
{
    if (t->n == 0 || t->heap[0].at > now)
        return NULL;
    struct timer *first = t->heap[0].timer;
    sl_timer_stop(t, first);
    return first;
}
