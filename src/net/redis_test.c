#include "net/redis.h"

#include "pem.h"
#include "redis_server.h"

#define PATIENCE SEC(60) /* bounds a failure only */

enum { LONG = 600 * 1024 };

/* A client and its loop, which runs until something was waited for. */
struct world {
    struct loop *loop;
    struct redis *r;
    struct loop_timer end;
    int ready, lost, answers, nothing, messages, cut;
    enum resp_kind kind;
    char text[64], said[64], why[REDIS_WHY_CAP], channel[16];
    bool late;
};

static void on_ready(void *user)
{
    struct world *w = user;
    w->ready++;
    sl_loop_stop(w->loop);
}

static void on_lost(void *user, const char *why)
{
    struct world *w = user;
    w->lost++;
    (void)snprintf(w->why, sizeof w->why, "%s", why);
    sl_loop_stop(w->loop);
}

static void on_message(void *user, struct span channel, struct span text, bool cut)
{
    struct world *w = user;
    w->messages++;
    w->cut += cut;
    (void)snprintf(w->channel, sizeof w->channel, "%.*s", (int)channel.n,
                   (const char *)channel.p);
    (void)snprintf(w->said, sizeof w->said, "%.*s", (int)text.n, (const char *)text.p);
    sl_loop_stop(w->loop);
}

static void on_answer(void *user, const struct resp *v, size_t n)
{
    struct world *w = user;
    w->answers += v != NULL;
    w->nothing += v == NULL;
    if (!v)
        return;
    CHECK(n >= 1);
    w->kind = v->kind;
    (void)snprintf(w->text, sizeof w->text, "%.*s", (int)v->text.n,
                   (const char *)v->text.p);
    sl_loop_stop(w->loop);
}

static void out_of_time(void *user)
{
    struct world *w = user;
    w->late = true;
    check_fail(__FILE__, __LINE__, "nothing came");
    sl_loop_stop(w->loop);
}

static struct redis_conf conf_of(struct world *w, const char *address)
{
    return (struct redis_conf){.loop = w->loop,
                               .address = address,
                               .channels = {"one", "two"},
                               .ready = on_ready,
                               .lost = on_lost,
                               .message = on_message,
                               .user = w};
}

static void world_open(struct world *w)
{
    *w = (struct world){.loop = sl_loop_new()};
    w->end = (struct loop_timer){.fn = out_of_time, .user = w};
    CHECK_INT(sl_loop_timer_set(w->loop, &w->end, sl_loop_now() + PATIENCE), E_OK);
}

static void world_close(struct world *w)
{
    sl_redis_free(w->r);
    sl_loop_timer_stop(w->loop, &w->end);
    sl_loop_free(w->loop);
}

static void until(struct world *w, const int *count, int is)
{
    while (*count < is && !w->late)
        sl_loop_run(w->loop);
}

static enum err ask(struct world *w, const char *a, const char *b, const char *c)
{
    const struct span words[] = {span_of(a), span_of(b ? b : ""), span_of(c ? c : "")};
    return sl_redis_ask(w->r, words, 1U + (b != NULL) + (c != NULL), on_answer, w);
}

TEST(redis_is_asked_and_listened_to)
{
    struct redis_server s = {0};
    struct world w;
    world_open(&w);
    redis_server_start(&s);
    struct redis_conf conf = conf_of(&w, s.address);
    conf.database = 3;
    CHECK_INT(sl_redis_new(&conf, &w.r), E_OK);
    CHECK_INT(ask(&w, "PING", NULL, NULL), E_STATE); /* not yet */
    until(&w, &w.ready, 1);
    int lost = w.lost; /* before the server was there */

    CHECK_INT(ask(&w, "SET", "k", "v"), E_OK);
    CHECK_INT(ask(&w, "GET", "k", NULL), E_OK);
    until(&w, &w.answers, 2);
    CHECK_STR(w.text, "v");
    CHECK_INT(ask(&w, "NONSENSE", NULL, NULL), E_OK);
    until(&w, &w.answers, 3);
    CHECK_INT(w.kind, RESP_ERROR);
    CHECK_INT(sl_redis_stats(w.r)->refused, 1);
    CHECK_INT(ask(&w, "MOVE", "k", "3"), E_OK); /* it is there already */
    until(&w, &w.answers, 4);
    CHECK_INT(w.kind, RESP_ERROR);

    CHECK_INT(ask(&w, "PUBLISH", "elsewhere", "x"), E_OK);
    CHECK_INT(ask(&w, "PUBLISH", "two", "hello"), E_OK);
    until(&w, &w.messages, 1);
    CHECK_STR(w.channel, "two");
    CHECK_STR(w.said, "hello");

    char *text = malloc(LONG);
    memset(text, 'x', LONG);
    text[LONG - 1] = '\0';
    CHECK_INT(ask(&w, "PUBLISH", "one", text), E_OK);
    CHECK_INT(ask(&w, "PUBLISH", "one", "after it"), E_OK);
    until(&w, &w.messages, 3);
    CHECK_INT(w.cut, 1);
    CHECK_STR(w.said, "after it");
    CHECK_INT(w.lost, lost);
    free(text);
    world_close(&w);
    redis_server_kill(&s);
}

TEST(redis_comes_back)
{
    struct redis_server s = {0};
    struct world w;
    world_open(&w);
    s.port = free_port();
    (void)snprintf(s.address, sizeof s.address, "127.0.0.1:%u", s.port);
    struct redis_conf conf = conf_of(&w, s.address);
    CHECK_INT(sl_redis_new(&conf, &w.r), E_OK);
    until(&w, &w.lost, 1); /* nobody is there */
    CHECK_STR(w.why, "no connection");
    redis_server_start(&s);
    until(&w, &w.ready, 1);

    int lost = w.lost;
    (void)kill(s.pid, SIGSTOP);
    CHECK_INT(ask(&w, "PING", NULL, NULL), E_OK);
    redis_server_kill(&s);
    until(&w, &w.lost, lost + 1);
    CHECK_INT(w.nothing, 1); /* who asked is told */
    CHECK_INT(w.answers, 0);
    CHECK_INT(ask(&w, "PING", NULL, NULL), E_STATE);
    CHECK_INT(sl_redis_stats(w.r)->ready, 0);

    redis_server_start(&s);
    until(&w, &w.ready, 2);
    CHECK_INT(ask(&w, "PUBLISH", "one", "again"), E_OK); /* it listens, too */
    until(&w, &w.messages, 1);
    CHECK_STR(w.said, "again");
    world_close(&w);
    redis_server_kill(&s);
}

TEST(redis_asks_who_may)
{
    static const struct {
        const char *name, *user, *password, *why;
    } rows[] = {
        {"the password", "", "secret", NULL},
        {"of the user that there is", "default", "secret", NULL},
        {"another", "", "other", "WRONGPASS"},
        {"of nobody", "nobody", "secret", "WRONGPASS"},
        {"none", "", "", "NOAUTH"},
    };
    struct redis_server s = {.password = "secret"};
    redis_server_start(&s);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct world w;
        check_row(rows[i].name);
        world_open(&w);
        struct redis_conf conf = conf_of(&w, s.address);
        conf.username = rows[i].user;
        conf.password = rows[i].password;
        CHECK_INT(sl_redis_new(&conf, &w.r), E_OK);
        /* It may be starting still. */
        do
            sl_loop_run(w.loop);
        while (w.lost > 0 && strcmp(w.why, "no connection") == 0 && !w.late && !w.ready);
        CHECK_INT(w.ready, rows[i].why == NULL);
        if (rows[i].why)
            CHECK(strncmp(w.why, rows[i].why, strlen(rows[i].why)) == 0);
        world_close(&w);
    }
    redis_server_kill(&s);
}

TEST(redis_by_tls)
{
    struct pem here = pem_named("IP:127.0.0.1"), other = pem_new();
    struct redis_server s = {.cert = here.cert, .key = here.key};
    const struct {
        const char *name, *ca;
        bool good;
    } rows[] = {
        {"trusted", here.cert, true},
        {"not trusted", other.cert, false},
        {"trusted by nobody", NULL, false},
    };
    redis_server_start(&s);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct world w;
        check_row(rows[i].name);
        world_open(&w);
        struct redis_conf conf = conf_of(&w, s.address);
        conf.tls = true;
        conf.ca = rows[i].ca;
        CHECK_INT(sl_redis_new(&conf, &w.r), E_OK);
        if (rows[i].good) {
            until(&w, &w.ready, 1);
            CHECK_INT(ask(&w, "PUBLISH", "one", "secretly"), E_OK);
            until(&w, &w.messages, 1);
            CHECK_STR(w.said, "secretly");
        } else {
            until(&w, &w.lost, 2);
            CHECK_INT(w.ready, 0);
        }
        world_close(&w);
    }
    redis_server_kill(&s);
    pem_remove(&here);
    pem_remove(&other);
}

TEST(redis_addresses)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"127.0.0.1:6379", true},
        {"redis.example:6379", true},
        {"[::1]:6379", true},
        {"localhost", false},
        {":6379", false},
        {"host:", false},
        {"host:0", false},
        {"host:65536", false},
        {"::1:6379", false},
        {"[]:6379", false},
        {"", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].text);
        CHECK_INT(sl_redis_address_valid(rows[i].text), rows[i].good);
    }
    struct world w;
    world_open(&w);
    struct redis_conf conf = conf_of(&w, "no-such-host.invalid:1");
    CHECK_INT(sl_redis_new(&conf, &w.r), E_OK);
    until(&w, &w.lost, 1);
    CHECK_STR(w.why, "no such host");
    conf.address = "nowhere";
    struct redis *none = NULL;
    CHECK_INT(sl_redis_new(&conf, &none), E_MALFORMED);
    world_close(&w);
}

static void stop(void *user)
{
    struct world *w = user;
    sl_loop_stop(w->loop);
}

TEST(redis_is_freed_while_it_looks_for_a_name)
{
    struct world w;
    world_open(&w);
    struct redis_conf conf = conf_of(&w, "no-such-host.invalid:1");
    CHECK_INT(sl_redis_new(&conf, &w.r), E_OK);
    world_close(&w); /* not begun */
    world_open(&w);
    conf.loop = w.loop;
    CHECK_INT(sl_redis_new(&conf, &w.r), E_OK);
    CHECK_INT(sl_loop_timer_set(w.loop, &w.end, sl_loop_now()), E_OK);
    w.end.fn = stop;
    sl_loop_run(w.loop);
    world_close(&w);
    CHECK_INT(w.ready, 0);
}
