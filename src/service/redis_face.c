#include "service/redis_face.h"

#include <stdlib.h>

#include "crypto/hash.h"

struct redis_face {
    struct redis_face_conf conf;
    struct redis *redis;
    struct redis_book *book;
    struct redis_hall *hall;
    struct loop_timer turn; /* of the book */
    bool away;              /* it was said */
};

void sl_redis_face_arm(struct redis_face *f)
{
    sl_redis_hall_settle(f->hall);
    usec at = sl_redis_book_deadline(f->book);
    if (at == USEC_NEVER)
        sl_loop_timer_stop(f->conf.loop, &f->turn);
    else if (sl_loop_timer_set(f->conf.loop, &f->turn, at) != E_OK)
        LOG(f->conf.log, LOG_ERROR, "out of memory");
}

static void on_turn(void *user)
{
    struct redis_face *f = user;
    sl_redis_book_tick(f->book, sl_loop_now());
    sl_redis_face_arm(f);
}

/* ---- the connection ---- */

static void on_ready(void *user)
{
    struct redis_face *f = user;
    LOG(f->conf.log, LOG_INFO, "redis connected",
        KV_STR("address", f->conf.redis.address));
    f->away = false;
    sl_redis_book_ready(f->book, sl_loop_now());
    sl_redis_face_arm(f);
}

static void on_lost(void *user, const char *why)
{
    struct redis_face *f = user;
    if (!f->away)
        LOG(f->conf.log, LOG_WARN, "redis not connected",
            KV_STR("address", f->conf.redis.address), KV_STR("why", why));
    f->away = true;
    sl_redis_book_lost(f->book);
    sl_redis_face_arm(f);
}

static void on_message(void *user, struct span channel, struct span text, bool cut)
{
    struct redis_face *f = user;
    (void)channel; /* there is one */
    sl_redis_hall_message(f->hall, text, cut, sl_loop_now());
    f->conf.settle(f->conf.settle_ctx);
}

/* An answer to the book may give it something to do. */
struct question {
    struct redis_face *f;
    book_answered *answered;
    void *user;
};

static void on_answer(void *user, const struct resp *answer, size_t n)
{
    struct question q = *(struct question *)user;
    free(user);
    q.answered(q.user, answer, n);
    sl_redis_face_arm(q.f);
}

static enum err ask(void *ctx, const struct span *words, size_t n,
                    book_answered *answered, void *user)
{
    struct redis_face *f = ctx;
    struct question *q = answered ? malloc(sizeof *q) : NULL;
    if (answered && !q)
        return E_MEMORY;
    if (q)
        *q = (struct question){f, answered, user};
    enum err e = sl_redis_ask(f->redis, words, n, q ? on_answer : NULL, q);
    if (e)
        free(q);
    return e;
}

static void publish(void *ctx, struct span channel, struct span text)
{
    const struct redis_face *f = ctx;
    const struct span words[] = {span_of("PUBLISH"), channel, text};
    if (sl_redis_ask(f->redis, words, 3, NULL, NULL) != E_OK)
        LOG(f->conf.log, LOG_DEBUG, "message for Redis lost");
}

/* ---- rooms ---- */

static bool is_present(void *ctx, const struct participant *p)
{
    (void)ctx;
    return sl_redis_hall_present(p);
}

static void changed(void *ctx, const struct room *room)
{
    const struct redis_face *f = ctx;
    sl_redis_book_touch(f->book, room, sl_loop_now());
}

void sl_redis_face_news(struct redis_face *f, const struct news *n)
{
    sl_redis_book_news(f->book, n, sl_loop_now());
}

void sl_redis_face_drain(struct redis_face *f, bool draining)
{
    sl_redis_hall_drain(f->hall, draining);
}

/* ---- start and end ---- */

static enum err make_redis(struct redis_face *f)
{
    struct redis_conf rc = f->conf.redis;
    rc.loop = f->conf.loop;
    rc.channels[0] = f->conf.requests;
    rc.ready = on_ready;
    rc.lost = on_lost;
    rc.message = on_message;
    rc.user = f;
    return sl_redis_new(&rc, &f->redis);
}

enum err sl_redis_face_new(const struct redis_face_conf *conf, struct redis_face **ret)
{
    struct redis_face *f = calloc(1, sizeof *f);
    if (!f)
        return E_MEMORY;
    f->conf = *conf;
    f->turn = (struct loop_timer){.fn = on_turn, .user = f};
    struct redis_book_conf bc = conf->book;
    bc.present = is_present;
    bc.ask = ask;
    bc.ctx = f;
    struct redis_hall_conf hc = {.rooms = conf->rooms,
                                 .log = conf->log,
                                 .answers = conf->answers,
                                 .pass_any = conf->pass_any,
                                 .wall = sl_wall_now,
                                 .publish = publish,
                                 .changed = changed,
                                 .ctx = f};
    sl_random(bc.seed, sizeof bc.seed);
    sl_random(hc.seed, sizeof hc.seed);
    f->book = sl_redis_book_new(&bc);
    f->hall = sl_redis_hall_new(&hc);
    enum err e = f->book && f->hall ? make_redis(f) : E_MEMORY;
    if (e) {
        sl_redis_face_free(f);
        return e;
    }
    *ret = f;
    return E_OK;
}

void sl_redis_face_free(struct redis_face *f)
{
    if (!f)
        return;
    sl_loop_timer_stop(f->conf.loop, &f->turn);
    sl_redis_hall_free(f->hall);
    sl_redis_book_free(f->book);
    sl_redis_free(f->redis);
    free(f);
}

const struct redis_stats *sl_redis_face_stats(const struct redis_face *f)
{
    return sl_redis_stats(f->redis);
}

const struct redis_book_stats *sl_redis_face_book(const struct redis_face *f)
{
    return sl_redis_book_stats(f->book);
}

const struct redis_hall_stats *sl_redis_face_hall(const struct redis_face *f)
{
    return sl_redis_hall_stats(f->hall);
}
