#include "net/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "base/list.h"

struct loop {
    uv_loop_t uv;
    uv_timer_t tick; /* one libuv timer for the whole heap */
    struct timers timers;
    usec armed;  /* what tick is set to */
    size_t jobs; /* that pool threads have, or will */
};

struct loop_wake {
    uv_async_t async;
    void (*fn)(void *user);
    void *user;
};

static usec clock_now(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts);
    return SEC(ts.tv_sec) + ts.tv_nsec / 1000;
}

usec sl_loop_now(void)
{
    return clock_now(CLOCK_MONOTONIC);
}

usec sl_wall_now(void)
{
    return clock_now(CLOCK_REALTIME);
}

struct loop *sl_loop_new(void)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    (void)signal(SIGPIPE, SIG_IGN);
    if (uv_loop_init(&l->uv) != 0) {
        free(l);
        return NULL;
    }
    (void)uv_timer_init(&l->uv, &l->tick);
    l->tick.data = l;
    l->armed = USEC_NEVER;
    return l;
}

void sl_loop_free(struct loop *l)
{
    if (!l)
        return;
    uv_close((uv_handle_t *)&l->tick, NULL);
    /* What is closing needs turns of the loop to end; what is not would need for ever. */
    enum { TURNS = 1000 };
    int e = UV_EBUSY;
    for (int i = 0; i < TURNS && e == UV_EBUSY; i++) {
        (void)uv_run(&l->uv, UV_RUN_NOWAIT);
        e = uv_loop_close(&l->uv);
    }
    assert(e == 0);
    sl_timers_fini(&l->timers);
    free(l);
}

void sl_loop_run(struct loop *l)
{
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void sl_loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

static void arm(struct loop *l);

static void on_tick(uv_timer_t *tick)
{
    struct loop *l = tick->data;
    usec now = sl_loop_now();
    l->armed = USEC_NEVER;
    for (struct timer *t = sl_timers_due(&l->timers, now); t;
         t = sl_timers_due(&l->timers, now)) {
        struct loop_timer *lt = list_entry(t, struct loop_timer, timer);
        lt->fn(lt->user);
    }
    arm(l);
}

static void arm(struct loop *l)
{
    usec at = sl_timers_deadline(&l->timers);
    if (at == l->armed)
        return;
    l->armed = at;
    if (at == USEC_NEVER) {
        (void)uv_timer_stop(&l->tick);
        return;
    }
    usec left = at - sl_loop_now();
    uv_update_time(&l->uv);
    (void)uv_timer_start(&l->tick, on_tick, left > 0 ? (uint64_t)(left + 999) / 1000 : 0,
                         0);
}

enum err sl_loop_timer_set(struct loop *l, struct loop_timer *t, usec at)
{
    enum err e = sl_timer_set(&l->timers, &t->timer, at);
    arm(l);
    return e;
}

void sl_loop_timer_stop(struct loop *l, struct loop_timer *t)
{
    sl_timer_stop(&l->timers, &t->timer);
    arm(l);
}

static void on_async(uv_async_t *async)
{
    struct loop_wake *w = async->data;
    w->fn(w->user);
}

struct loop_wake *sl_loop_wake_new(struct loop *l, void (*fn)(void *user), void *user)
{
    struct loop_wake *w = malloc(sizeof *w);
    if (!w)
        return NULL;
    *w = (struct loop_wake){.fn = fn, .user = user};
    if (uv_async_init(&l->uv, &w->async, on_async) != 0) {
        free(w);
        return NULL;
    }
    w->async.data = w;
    return w;
}

static void on_wake_closed(uv_handle_t *h)
{
    free(h->data);
}

void sl_loop_wake_free(struct loop_wake *w)
{
    if (w)
        uv_close((uv_handle_t *)&w->async, on_wake_closed);
}

void sl_loop_wake_ring(struct loop_wake *w)
{
    (void)uv_async_send(&w->async);
}

struct job {
    uv_work_t uv;
    struct loop *loop;
    void (*work)(void *user);
    void (*done)(void *user);
    void *user;
};

static void on_work(uv_work_t *uv)
{
    const struct job *j = uv->data;
    j->work(j->user);
}

static void on_worked(uv_work_t *uv, int status)
{
    struct job *j = uv->data;
    (void)status; /* nobody takes work back */
    j->loop->jobs--;
    j->done(j->user);
    free(j);
}

enum err sl_loop_work(struct loop *l, void (*work)(void *user), void (*done)(void *user),
                      void *user)
{
    struct job *j = malloc(sizeof *j);
    if (!j)
        return E_MEMORY;
    *j = (struct job){.loop = l, .work = work, .done = done, .user = user};
    j->uv.data = j;
    if (uv_queue_work(&l->uv, &j->uv, on_work, on_worked) != 0) {
        free(j);
        return E_MEMORY;
    }
    l->jobs++;
    return E_OK;
}

void sl_loop_finish_work(struct loop *l)
{
    while (l->jobs > 0)
        (void)uv_run(&l->uv, UV_RUN_ONCE);
}

struct uv_loop_s *sl_loop_uv(struct loop *l)
{
    return &l->uv;
}
