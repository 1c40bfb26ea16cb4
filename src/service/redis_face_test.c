#include "service/redis_face.h"

#include "check.h"
#include "dialogs.h"
#include "media_log.h"
#include "redis_server.h"

#define PATIENCE SEC(60) /* bounds a failure only */
#define AGAIN    MSEC(20)

/* Rooms, their face, and somebody else at the same server who looks on. */
struct world {
    struct loop *loop;
    struct loop_timer end, again;
    struct media_log log;
    struct rng rng;
    struct rooms *rooms;
    struct redis_face *face;
    struct redis *eye;
    bool late;
    const char *question[3]; /* asked again and again */
    char answer[64], heard[256];
};

static struct log quiet = {.fd = -1, .level = LOG_ERROR, .wall = sl_wall_now};

static void on_answer(void *user, const struct resp *v, size_t n)
{
    struct world *w = user;
    (void)n;
    if (!v)
        return;
    (void)snprintf(w->answer, sizeof w->answer, "%.*s", (int)v->text.n,
                   v->text.n > 0 ? (const char *)v->text.p : "");
    sl_loop_stop(w->loop);
}

static void ask_again(void *user)
{
    struct world *w = user;
    const struct span words[] = {span_of(w->question[0]), span_of(w->question[1]),
                                 span_of(w->question[2])};
    enum err e = sl_redis_ask(w->eye, words, 3, on_answer, w);
    CHECK(e == E_OK || e == E_STATE); /* it is not connected yet */
    CHECK_INT(sl_loop_timer_set(w->loop, &w->again, sl_loop_now() + AGAIN), E_OK);
}

static void out_of_time(void *user)
{
    struct world *w = user;
    w->late = true;
    sl_loop_stop(w->loop);
}

static void on_eye(void *user)
{
    (void)user;
}

static void on_eye_lost(void *user, const char *why)
{
    (void)user;
    (void)why;
}

static void on_heard(void *user, struct span channel, struct span text, bool cut)
{
    struct world *w = user;
    (void)cut;
    (void)snprintf(w->heard, sizeof w->heard, "%.*s %.*s", (int)channel.n,
                   (const char *)channel.p, (int)text.n, (const char *)text.p);
    sl_loop_stop(w->loop);
}

static void settle(void *ctx)
{
    const struct world *w = ctx;
    sl_redis_face_arm(w->face);
}

static void tell(void *ctx, const struct news *n)
{
    const struct world *w = ctx;
    if (w->face)
        sl_redis_face_news(w->face, n);
}

static void world_open(struct world *w, const struct redis_server *s)
{
    static const uint8_t sha256[32] = {9};
    *w = (struct world){.loop = sl_loop_new(), .rng = sl_rng_of(1)};
    w->end = (struct loop_timer){.fn = out_of_time, .user = w};
    w->again = (struct loop_timer){.fn = ask_again, .user = w};
    CHECK_INT(sl_loop_timer_set(w->loop, &w->end, sl_loop_now() + PATIENCE), E_OK);
    w->rooms = sl_rooms_new(&(struct rooms_conf){.media = ml_ops(&w->log),
                                                 .random = {end_fill, &w->rng},
                                                 .limits = {1, 1, 1, 0},
                                                 .local = {.sha256 = sha256},
                                                 .news = {tell, w}});
    const struct redis_face_conf fc = {
        .redis = {.address = s->address},
        .book = {.rooms = "room:", .owned = "owned", .lease = SEC(30)},
        .requests = "requests",
        .answers = "answers:",
        .loop = w->loop,
        .log = &quiet,
        .rooms = w->rooms,
        .settle = settle,
        .settle_ctx = w};
    CHECK_INT(sl_redis_face_new(&fc, &w->face), E_OK);
    const struct redis_conf ec = {.loop = w->loop,
                                  .address = s->address,
                                  .channels = {"answers:errors"},
                                  .ready = on_eye,
                                  .lost = on_eye_lost,
                                  .message = on_heard,
                                  .user = w};
    CHECK_INT(sl_redis_new(&ec, &w->eye), E_OK);
}

static void world_close(struct world *w)
{
    sl_redis_face_free(w->face);
    w->face = NULL;
    sl_redis_free(w->eye);
    sl_rooms_free(w->rooms);
    sl_loop_timer_stop(w->loop, &w->end);
    sl_loop_timer_stop(w->loop, &w->again);
    sl_loop_free(w->loop);
}

/* Until Redis answers so. */
static void until(struct world *w, const char *a, const char *b, const char *c,
                  const char *want)
{
    w->question[0] = a;
    w->question[1] = b;
    w->question[2] = c;
    (void)snprintf(w->answer, sizeof w->answer, "nothing");
    ask_again(w);
    while (strcmp(w->answer, want) != 0 && !w->late)
        sl_loop_run(w->loop);
    CHECK_STR(w->answer, want);
    sl_loop_timer_stop(w->loop, &w->again);
}

static void left(void *ctx, struct participant *p, enum media_gone why,
                 const char *reason)
{
    (void)ctx;
    (void)p;
    (void)why;
    (void)reason;
}

TEST(redis_face_has_rooms_in_redis_and_hears_who_publishes)
{
    static const struct participant_events events = {left};
    struct redis_server s = {0};
    struct participant *ann = NULL;
    struct world w;
    redis_server_start(&s);
    world_open(&w, &s);
    const struct admission a = {.tenant = span_of("default"),
                                .room = span_of("r"),
                                .id = span_of("ann"),
                                .role = ROLE_HOST,
                                .create = true,
                                .events = &events};
    CHECK_INT(sl_participant_admit(w.rooms, &a, sl_loop_now(), &ann), E_OK);
    sl_redis_face_arm(w.face);
    until(&w, "HGET", "room:r", "occupancyCount", "1");
    CHECK_INT(sl_redis_face_stats(w.face)->ready, 1);
    CHECK_INT(sl_redis_face_book(w.face)->rooms, 1);

    until(&w, "PUBLISH", "requests", "x", "1"); /* one hears it */
    while (w.heard[0] == '\0' && !w.late)
        sl_loop_run(w.loop);
    CHECK(strstr(w.heard, "answers:errors {\"type\":\"error\""));
    CHECK(sl_redis_face_hall(w.face)->malformed > 0);

    sl_participant_leave(w.rooms, ann, MEDIA_GONE_LEFT, "");
    until(&w, "HGET", "room:r", "occupancyCount", "");
    CHECK(!w.late);
    world_close(&w);
    redis_server_kill(&s);
}

TEST(redis_face_that_ends_takes_its_rooms_away)
{
    const struct room_settings settings = {.empty_time = SEC(600)};
    struct redis_server s = {0};
    struct room *room = NULL;
    struct world w;
    redis_server_start(&s);
    world_open(&w, &s);
    CHECK_INT(sl_rooms_create(w.rooms, span_of("default"), span_of("r"), &settings,
                              sl_loop_now(), &room),
              E_OK);
    sl_redis_face_arm(w.face);
    until(&w, "HGET", "room:r", "occupancyCount", "0");
    sl_redis_face_free(w.face);
    w.face = NULL;
    until(&w, "HGET", "room:r", "occupancyCount", "");
    CHECK(!w.late);
    world_close(&w);
    redis_server_kill(&s);
}
