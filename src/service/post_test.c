#include "service/post.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "check.h"
#include "sfu/mail.h"

enum { CONTROL = SHARD_TO_CONTROL, ASSOC = SHARD_TO_ASSOC };

static bool put(struct post *p, unsigned from, unsigned to, uint64_t id)
{
    return sl_post_put(p, from, to, &(struct mail){.type = MAIL_CLOSE, .id = id}, 0);
}

/* The next mail to `who`: its id, and from whom. */
static uint64_t take(struct post *p, unsigned who, unsigned *from)
{
    struct mail m = {.id = UINT64_MAX};
    return sl_post_take(p, who, from, &m) ? m.id : UINT64_MAX;
}

TEST(post_brings_each_mail_to_whom_it_was_written)
{
    static const unsigned all[] = {0, 1, CONTROL, ASSOC};
    struct post *p = sl_post_new(2);
    CHECK_INT(sl_post_workers(p), 2);
    for (unsigned i = 0; i < LEN(all); i++)
        for (unsigned j = 0; j < LEN(all); j++)
            CHECK(i == j || put(p, all[i], all[j], 10 * i + j));
    for (unsigned j = 0; j < LEN(all); j++) {
        unsigned from = 99, seen = 0;
        for (uint64_t id; (id = take(p, all[j], &from)) != UINT64_MAX;) {
            CHECK(id % 10 == j && id / 10 < LEN(all) && from == all[id / 10]);
            seen |= 1U << id / 10;
        }
        CHECK_INT(seen, 0xf & ~(1U << j));
    }
    sl_post_free(p);
}

TEST(post_keeps_order_and_leaves_a_batch_together)
{
    struct post *p = sl_post_new(2);
    unsigned from;
    CHECK(put(p, ASSOC, CONTROL, 10));
    CHECK_INT(take(p, CONTROL, &from), 10);
    for (uint64_t i = 0; i < 3; i++)
        CHECK(put(p, 0, CONTROL, i) && put(p, ASSOC, CONTROL, 11 + i));
    for (uint64_t i = 0; i < 3; i++)
        CHECK_INT(take(p, CONTROL, &from), 11 + i);
    CHECK_INT(from, ASSOC);
    for (uint64_t i = 0; i < 3; i++)
        CHECK_INT(take(p, CONTROL, &from), i);
    CHECK_INT(from, 0);
    sl_post_free(p);
}

/* Who writes without end does not keep others from being read. */
TEST(post_reads_all_in_turn)
{
    struct post *p = sl_post_new(2);
    unsigned from, runs = 0;
    CHECK(put(p, 0, CONTROL, 1) && put(p, ASSOC, CONTROL, 3));
    for (unsigned before = 0, i = 0; i < 4 * POST_RUN; i++) {
        CHECK(put(p, 1, CONTROL, 2));
        CHECK(take(p, CONTROL, &from) != UINT64_MAX);
        runs += from != before;
        before = from;
    }
    CHECK_INT(runs, 3); /* 0, the busy one, the association thread, the busy one */
    sl_post_free(p);
}

/* Media may fill a box but for a part, in which commands still find room. */
TEST(post_keeps_places_for_commands)
{
    struct post *p = sl_post_new(1);
    struct mail m = {.type = MAIL_PATH};
    size_t media = 0, commands = 0;
    while (sl_post_put(p, 0, ASSOC, &m, SHARD_KEEP_MEDIA))
        media++;
    while (sl_post_put(p, 0, ASSOC, &m, 0))
        commands++;
    CHECK_INT(media, POST_BOX - SHARD_KEEP_MEDIA);
    CHECK_INT(commands, SHARD_KEEP_MEDIA);
    CHECK(sl_post_put(p, 0, CONTROL, &m, 0)); /* another box is none the fuller */
    sl_post_free(p);
}

static void count(void *ctx)
{
    ++*(unsigned *)ctx;
}

TEST(post_wakes_a_sleeper_once_for_a_batch)
{
    struct post *p = sl_post_new(2);
    unsigned woken = 0, other = 0, from;
    sl_post_bell(p, 0, count, &woken);
    sl_post_bell(p, 1, count, &other);

    CHECK(put(p, CONTROL, 0, 1)); /* awake: it will look by itself */
    sl_post_ring(p, CONTROL);
    CHECK_INT(woken, 0);
    CHECK(!sl_post_may_sleep(p, 0)); /* something is there */
    CHECK_INT(take(p, 0, &from), 1);

    CHECK(sl_post_may_sleep(p, 0) && sl_post_may_sleep(p, 1));
    CHECK(put(p, CONTROL, 0, 2) && put(p, CONTROL, 0, 3));
    CHECK_INT(woken, 0); /* not yet: the batch is not whole */
    sl_post_ring(p, CONTROL);
    sl_post_ring(p, CONTROL);
    CHECK(put(p, CONTROL, 0, 4)); /* it is waking up already */
    sl_post_ring(p, CONTROL);
    CHECK_INT(woken, 1);
    CHECK_INT(other, 0);

    CHECK(sl_post_may_sleep(p, 1));
    (void)take(p, 0, &from), (void)take(p, 0, &from), (void)take(p, 0, &from);
    CHECK(sl_post_may_sleep(p, 0));
    CHECK(put(p, CONTROL, 1, 6));
    sl_post_ring(p, CONTROL);
    CHECK_INT(woken, 1); /* that was not for it */
    CHECK_INT(other, 1);
    CHECK_INT(take(p, 1, &from), 6);
    CHECK(sl_post_may_sleep(p, 1));
    sl_post_awake(p, 1); /* woke by a datagram */
    CHECK(put(p, 0, 1, 5));
    sl_post_ring(p, 0);
    CHECK_INT(other, 1);
    sl_post_free(p);
}

TEST(post_frees_what_nobody_read)
{
    struct post *p = sl_post_new(1);
    struct mail m = {.type = MAIL_EXPECT, .p = calloc(1, sizeof(struct cmd_expect))};
    CHECK(sl_post_put(p, CONTROL, 0, &m, 0)); /* the sanitizer tells of what is lost */
    sl_post_free(p);
    sl_post_free(NULL);
}

/* ---- threads that sleep ---- */

enum { ROUNDS = 20000 };

struct echo {
    struct post *post;
    unsigned who;
    sem_t bell;
};

static void ring(void *ctx)
{
    (void)sem_post(&((struct echo *)ctx)->bell);
}

/* Sleeps whenever there is nothing; so a wake-up that is lost stops it for ever. */
static uint64_t wait_for_mail(struct echo *e, unsigned *from)
{
    uint64_t id;
    while ((id = take(e->post, e->who, from)) == UINT64_MAX) {
        if (sl_post_may_sleep(e->post, e->who))
            (void)sem_wait(&e->bell);
        sl_post_awake(e->post, e->who);
    }
    return id;
}

static void *answer_all(void *arg)
{
    struct echo *e = arg;
    unsigned from;
    for (uint64_t id = 0; id != ROUNDS - 1;) {
        id = wait_for_mail(e, &from);
        while (!put(e->post, e->who, from, id))
            ;
        sl_post_ring(e->post, e->who);
    }
    return NULL;
}

TEST(post_loses_no_wake_up_between_threads)
{
    struct post *p = sl_post_new(2);
    struct echo me = {.post = p, .who = CONTROL}, peers[2];
    pthread_t threads[2];
    unsigned from;
    CHECK_INT(sem_init(&me.bell, 0, 0), 0);
    sl_post_bell(p, CONTROL, ring, &me);
    for (unsigned i = 0; i < 2; i++) {
        peers[i] = (struct echo){.post = p, .who = i};
        CHECK_INT(sem_init(&peers[i].bell, 0, 0), 0);
        sl_post_bell(p, i, ring, &peers[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, answer_all, &peers[i]), 0);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        unsigned seen = 0;
        CHECK(put(p, CONTROL, 0, round) && put(p, CONTROL, 1, round));
        sl_post_ring(p, CONTROL);
        for (int i = 0; i < 2; i++) {
            CHECK_INT(wait_for_mail(&me, &from), round);
            seen |= 1U << from;
        }
        CHECK_INT(seen, 3);
    }
    for (unsigned i = 0; i < 2; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
        CHECK_INT(sem_destroy(&peers[i].bell), 0);
    }
    CHECK_INT(sem_destroy(&me.bell), 0);
    sl_post_free(p);
}
