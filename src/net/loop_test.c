#include "net/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "check.h"

struct world {
    struct loop *loop;
    struct loop_timer timers[3];
    struct loop_wake *wake;
    usec started;
    int order[8];
    int n;
    atomic_int rung;
};

static void note(struct world *w, int what)
{
    if (w->n < (int)LEN(w->order))
        w->order[w->n++] = what;
}

static void first(void *user)
{
    note(user, 1);
}

static void second(void *user)
{
    struct world *w = user;
    note(w, 2);
    CHECK(sl_loop_now() - w->started >= MSEC(20));
    sl_loop_stop(w->loop);
}

static void never(void *user)
{
    note(user, 3);
}

TEST(loop_timers_come_in_order_and_can_be_stopped)
{
    struct world w = {.loop = sl_loop_new()};
    w.timers[0] = (struct loop_timer){.fn = second, .user = &w};
    w.timers[1] = (struct loop_timer){.fn = first, .user = &w};
    w.timers[2] = (struct loop_timer){.fn = never, .user = &w};
    w.started = sl_loop_now();
    CHECK_INT(sl_loop_timer_set(w.loop, &w.timers[0], w.started + MSEC(20)), E_OK);
    CHECK_INT(sl_loop_timer_set(w.loop, &w.timers[2], w.started + MSEC(10)), E_OK);
    CHECK_INT(sl_loop_timer_set(w.loop, &w.timers[1], w.started + MSEC(90)), E_OK);
    CHECK_INT(sl_loop_timer_set(w.loop, &w.timers[1], w.started + MSEC(5)), E_OK);
    sl_loop_timer_stop(w.loop, &w.timers[2]);
    sl_loop_run(w.loop);
    CHECK_INT(w.n, 2);
    CHECK_INT(w.order[0], 1);
    CHECK_INT(w.order[1], 2);
    sl_loop_free(w.loop);
}

TEST(loop_ends_when_nothing_is_left_to_wait_for)
{
    struct world w = {.loop = sl_loop_new()};
    w.timers[0] = (struct loop_timer){.fn = first, .user = &w};
    CHECK_INT(sl_loop_timer_set(w.loop, &w.timers[0], sl_loop_now() + MSEC(1)), E_OK);
    sl_loop_run(w.loop);
    CHECK_INT(w.n, 1);
    sl_loop_free(w.loop);
}

static void *ring(void *user)
{
    struct world *w = user;
    for (int i = 0; i < 1000; i++) {
        atomic_fetch_add(&w->rung, 1);
        sl_loop_wake_ring(w->wake);
    }
    return NULL;
}

static void on_ring(void *user)
{
    struct world *w = user;
    if (atomic_load(&w->rung) == 2000)
        sl_loop_stop(w->loop);
}

/* Rings may come together, but the loop always sees what was there before the last. */
TEST(loop_is_woken_by_other_threads)
{
    struct world w = {.loop = sl_loop_new()};
    w.wake = sl_loop_wake_new(w.loop, on_ring, &w);
    pthread_t t[2];
    for (size_t i = 0; i < LEN(t); i++)
        CHECK_INT(pthread_create(&t[i], NULL, ring, &w), 0);
    sl_loop_run(w.loop);
    for (size_t i = 0; i < LEN(t); i++)
        CHECK_INT(pthread_join(t[i], NULL), 0);
    CHECK_INT(atomic_load(&w.rung), 2000);
    sl_loop_wake_free(w.wake);
    sl_loop_free(w.loop);
}

struct errand {
    struct loop *loop;
    pthread_t from, worked_by;
    int done;
};

static void run_errand(void *user)
{
    struct errand *e = user;
    e->worked_by = pthread_self();
}

static void end_errand(void *user)
{
    struct errand *e = user;
    CHECK(pthread_equal(pthread_self(), e->from));
    CHECK(!pthread_equal(e->worked_by, e->from));
    e->done++;
}

TEST(loop_has_work_done_elsewhere)
{
    struct errand errands[8] = {0};
    struct loop *loop = sl_loop_new();
    for (size_t i = 0; i < LEN(errands); i++) {
        errands[i] = (struct errand){.loop = loop, .from = pthread_self()};
        CHECK_INT(sl_loop_work(loop, run_errand, end_errand, &errands[i]), E_OK);
        CHECK_INT(errands[i].done, 0);
    }
    sl_loop_finish_work(loop);
    for (size_t i = 0; i < LEN(errands); i++)
        CHECK_INT(errands[i].done, 1);
    sl_loop_free(loop);
}

TEST(loop_clocks_agree_with_the_kernel)
{
    usec a = sl_loop_now();
    (void)usleep(2000);
    usec b = sl_loop_now();
    CHECK(b - a >= MSEC(2));
    CHECK(sl_wall_now() > SEC(1600000000));
}
