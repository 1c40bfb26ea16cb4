#include "api/redis_book.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "dialogs.h"
#include "media_log.h"

#define LEASE SEC(30)

enum { SAID_CAP = 1 << 14 };

/* Rooms, and a book of them whose commands are kept as lines. */
struct stage {
    struct media_log log;
    struct rng rng;
    struct rooms *rooms;
    struct redis_book *book;
    usec now;
    bool away; /* there is no connection */
    char said[SAID_CAP];
    book_answered *answered; /* of the last question */
    void *user;
};

static enum err ask(void *ctx, const struct span *words, size_t n,
                    book_answered *answered, void *user)
{
    struct stage *s = ctx;
    if (s->away)
        return E_STATE;
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(s->said);
        CHECK(at + words[i].n + 2 < sizeof s->said);
        (void)snprintf(s->said + at, sizeof s->said - at, "%s%.*s", i > 0 ? " " : "",
                       (int)words[i].n, (const char *)words[i].p);
    }
    strcat(s->said, "\n");
    if (answered) {
        s->answered = answered;
        s->user = user;
    }
    return E_OK;
}

static void tell(void *ctx, const struct news *n)
{
    struct stage *s = ctx;
    if (s->book)
        sl_redis_book_news(s->book, n, s->now);
}

static struct stage *stage_new(void)
{
    static const uint8_t sha256[32] = {9};
    struct stage *s = calloc(1, sizeof *s);
    s->rng = sl_rng_of(3);
    s->now = SEC(1000);
    s->rooms = sl_rooms_new(&(struct rooms_conf){
        .media = ml_ops(&s->log),
        .random = {end_fill, &s->rng},
        .limits = {.rooms = 4, .peers = 10, .room_peers = 10},
        .local = {.sha256 = sha256},
        .news = {tell, s},
    });
    s->book = sl_redis_book_new(&(struct redis_book_conf){
        .rooms = "room:", .owned = "owned", .lease = LEASE, .ask = ask, .ctx = s});
    return s;
}

static void stage_free(struct stage *s)
{
    sl_redis_book_free(s->book);
    s->book = NULL;
    sl_rooms_free(s->rooms);
    free(s);
}

/* What it says until then, and no more of what it said before. */
static const char *run(struct stage *s, usec time)
{
    s->said[0] = '\0';
    for (usec end = s->now + time; s->now <= end;) {
        usec at = sl_redis_book_deadline(s->book);
        if (at > end) {
            s->now = end;
            break;
        }
        s->now = at > s->now ? at : s->now;
        sl_redis_book_tick(s->book, s->now);
    }
    return s->said;
}

static void answer_keys(struct stage *s, const char *const *keys, size_t n)
{
    struct resp v[8] = {{.kind = RESP_LIST, .n = n}};
    for (size_t i = 0; i < n; i++)
        v[i + 1] = (struct resp){.kind = RESP_TEXT, .text = span_of(keys[i])};
    s->said[0] = '\0';
    s->answered(s->user, v, n + 1);
}

static void connect_to(struct stage *s)
{
    s->away = false;
    sl_redis_book_ready(s->book, s->now);
    answer_keys(s, NULL, 0);
}

static void left(void *ctx, struct participant *p, enum media_gone why,
                 const char *reason)
{
    (void)ctx;
    (void)p;
    (void)why;
    (void)reason;
}

static struct participant *join(struct stage *s, const char *tenant, const char *room,
                                const char *id, enum role role)
{
    static const struct participant_events events = {left};
    struct participant *p = NULL;
    const struct admission a = {.tenant = span_of(tenant),
                                .room = span_of(room),
                                .id = span_of(id),
                                .role = role,
                                .may = MAY_PUBLISH | MAY_WATCH,
                                .create = true,
                                .events = &events};
    CHECK_INT(sl_participant_admit(s->rooms, &a, s->now, &p), E_OK);
    return p;
}

static void leave(struct stage *s, struct participant *p)
{
    sl_participant_leave(s->rooms, p, MEDIA_GONE_LEFT, "");
}

TEST(redis_book_has_rooms_as_they_are)
{
    struct stage *s = stage_new();
    connect_to(s);
    struct participant *ann = join(s, "default", "r", "ann", ROLE_HOST);
    CHECK_STR(run(s, 0), "SADD owned room:r\nPEXPIRE owned 60000\n"
                         "HSET room:r occupancyCount 1 occupants "
                         "{\"ann\":{\"IsHost\":true,\"IsPresent\":true}} viewers 0\n"
                         "PEXPIRE room:r 30000\n");
    struct participant *bob = join(s, "default", "r", "bob", ROLE_PARTICIPANT);
    struct participant *eve = join(s, "default", "r", "eve", ROLE_VIEWER);
    CHECK(strstr(run(s, BOOK_GAP),
                 "HSET room:r occupancyCount 3 occupants "
                 "{\"ann\":{\"IsHost\":true,\"IsPresent\":true},"
                 "\"bob\":{\"IsHost\":false,\"IsPresent\":true}} viewers 1\n"));
    CHECK_INT(sl_participant_role(s->rooms, bob, ROLE_HOST, s->now), E_OK);
    leave(s, ann);
    leave(s, eve);
    CHECK(strstr(run(s, BOOK_GAP),
                 "occupancyCount 1 occupants "
                 "{\"bob\":{\"IsHost\":true,\"IsPresent\":true}} viewers 0\n"));
    s->said[0] = '\0';
    leave(s, bob);
    CHECK_STR(s->said, "DEL room:r\nSREM owned room:r\n");
    CHECK_STR(run(s, SEC(60)), "");
    CHECK_INT(sl_redis_book_stats(s->book)->rooms, 0);
    stage_free(s);
}

TEST(redis_book_names_rooms_of_other_tenants)
{
    struct stage *s = stage_new();
    connect_to(s);
    struct participant *p = join(s, "acme", "r", "ann", ROLE_HOST);
    CHECK(strstr(run(s, 0), "HSET room:acme/r "));
    leave(s, p);
    stage_free(s);
}

TEST(redis_book_writes_what_comes_together_once)
{
    struct stage *s = stage_new();
    connect_to(s);
    struct participant *ann = join(s, "default", "r", "ann", ROLE_HOST);
    (void)run(s, 0);
    for (int i = 0; i < 20; i++)
        leave(s, join(s, "default", "r", "bob", ROLE_PARTICIPANT));
    CHECK_STR(run(s, BOOK_GAP - MSEC(1)), "");
    (void)run(s, MSEC(1));
    CHECK_INT(sl_redis_book_stats(s->book)->written, 2);
    leave(s, ann);
    stage_free(s);
}

TEST(redis_book_renews_its_lease)
{
    struct stage *s = stage_new();
    connect_to(s);
    struct participant *ann = join(s, "default", "r", "ann", ROLE_HOST);
    (void)run(s, 0);
    CHECK_STR(run(s, LEASE / 3 - MSEC(1)), "");
    CHECK(strstr(run(s, MSEC(1)), "PEXPIRE room:r 30000\n"));
    leave(s, ann);
    stage_free(s);
}

TEST(redis_book_takes_away_what_an_earlier_life_left)
{
    static const char *const keys[] = {"room:r", "room:ghost", "passwords", "room:"};
    struct stage *s = stage_new();
    struct participant *ann = join(s, "default", "r", "ann", ROLE_HOST);
    CHECK_STR(run(s, SEC(60)), ""); /* nobody is there to be told */
    sl_redis_book_ready(s->book, s->now);
    CHECK_STR(s->said, "SPOP owned 256\n");
    answer_keys(s, keys, LEN(keys));
    /* What is there is only written anew; what is no room's is not ours. */
    CHECK_STR(s->said, "DEL room:ghost\nSPOP owned 256\n");
    CHECK_STR(run(s, 0), ""); /* not before all was found */
    answer_keys(s, NULL, 0);
    CHECK(strstr(run(s, 0), "HSET room:r occupancyCount 1 "));
    leave(s, ann);
    stage_free(s);
}

TEST(redis_book_is_written_anew_after_a_loss)
{
    struct stage *s = stage_new();
    connect_to(s);
    struct participant *ann = join(s, "default", "r", "ann", ROLE_HOST),
                       *eve = join(s, "default", "x", "eve", ROLE_HOST);
    (void)run(s, 0);
    s->away = true;
    sl_redis_book_lost(s->book);
    CHECK_INT(sl_redis_book_deadline(s->book), USEC_NEVER);
    leave(s, ann);
    struct participant *bob = join(s, "default", "y", "bob", ROLE_HOST);
    CHECK_STR(run(s, SEC(60)), "");
    connect_to(s);
    const char *said = run(s, 0);
    CHECK(!strstr(said, "room:r") && strstr(said, "HSET room:x ") &&
          strstr(said, "HSET room:y "));
    leave(s, eve);
    leave(s, bob);
    stage_free(s);
}

TEST(redis_book_that_ends_leaves_nothing)
{
    struct stage *s = stage_new();
    connect_to(s);
    struct participant *ann = join(s, "default", "r", "ann", ROLE_HOST);
    (void)run(s, 0);
    s->said[0] = '\0';
    sl_redis_book_free(s->book);
    s->book = NULL;
    CHECK_STR(s->said, "DEL room:r\nSREM owned room:r\n");
    leave(s, ann);
    stage_free(s);
}
