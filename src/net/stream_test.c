#include "net/stream.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* Client and server are one thread: what the client says lies in the kernel until the loop
 * runs, and it runs until nothing happened for a while. */
struct world {
    struct loop *loop;
    struct listener *listener;
    struct stream *s;
    struct loop_timer quiet;
    uint8_t buf[64];
    size_t n, cap;
    int sent, ended, broken;
    bool frees; /* the stream, as soon as anything comes */
    int client;
};

static struct room room(void *user)
{
    struct world *w = user;
    return (struct room){w->buf + w->n, w->cap - w->n};
}

static void on_data(void *user, size_t n)
{
    struct world *w = user;
    w->n += n;
    if (w->frees) {
        sl_stream_free(w->s);
        w->s = NULL;
    }
}

static void on_sent(void *user)
{
    struct world *w = user;
    w->sent++;
}

static void on_ended(void *user, bool broken)
{
    struct world *w = user;
    w->ended += !broken;
    w->broken += broken;
}

static void on_accepted(void *user, struct stream *s)
{
    static const struct stream_handler h = {room, on_data, on_sent, on_ended};
    struct world *w = user;
    w->s = s;
    sl_stream_start(s, &h, w);
}

static void on_quiet(void *user)
{
    struct world *w = user;
    sl_loop_stop(w->loop);
}

static void settle(struct world *w)
{
    CHECK_INT(sl_loop_timer_set(w->loop, &w->quiet, sl_loop_now() + MSEC(30)), E_OK);
    sl_loop_run(w->loop);
}

/* A client that is connected, and not yet accepted. */
static void knock(struct world *w, size_t cap)
{
    *w = (struct world){.loop = sl_loop_new(), .cap = cap};
    w->quiet = (struct loop_timer){.fn = on_quiet, .user = w};
    struct addr at = addr_v4(127, 0, 0, 1, 0);
    CHECK_INT(sl_listener_new(w->loop, &at, NULL, on_accepted, w, &w->listener), E_OK);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(sl_listener_addr(w->listener).port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    w->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(connect(w->client, (struct sockaddr *)&to, sizeof to), 0);
}

static void begin(struct world *w, size_t cap)
{
    knock(w, cap);
    settle(w);
    CHECK(w->s);
}

static void finish(struct world *w)
{
    (void)close(w->client);
    sl_stream_free(w->s);
    sl_listener_free(w->listener);
    sl_loop_free(w->loop);
}

static void say(struct world *w, const char *text)
{
    CHECK_INT(send(w->client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    settle(w);
}

/* It has no address any more, by which limits go. */
TEST(stream_of_who_was_reset_is_not_accepted)
{
    struct world w;
    struct linger reset = {.l_onoff = 1};
    knock(&w, sizeof w.buf);
    CHECK_INT(send(w.client, "a", 1, MSG_NOSIGNAL), 1);
    CHECK_INT(setsockopt(w.client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    CHECK_INT(close(w.client), 0);
    settle(&w);
    CHECK(!w.s);
    w.client = -1;
    finish(&w);
}

TEST(stream_reads_no_more_than_there_is_room_for)
{
    struct world w;
    begin(&w, 4);
    say(&w, "abcdefgh");
    CHECK(span_is((struct span){w.buf, w.n}, "abcd"));
    settle(&w);
    CHECK_INT(w.n, 4);
    w.cap = 6;
    sl_stream_resume(w.s);
    settle(&w);
    CHECK(span_is((struct span){w.buf, w.n}, "abcdef"));
    w.cap = sizeof w.buf;
    sl_stream_resume(w.s);
    (void)shutdown(w.client, SHUT_WR);
    settle(&w);
    CHECK(span_is((struct span){w.buf, w.n}, "abcdefgh"));
    CHECK_INT(w.ended, 1);
    CHECK_INT(w.broken, 0);
    finish(&w);
}

TEST(stream_writes_in_order_and_ends)
{
    static const char kept[] = "static";
    struct world w;
    char got[64];
    begin(&w, sizeof w.buf);
    char head[] = "head ", body[] = "body ";
    CHECK_INT(sl_stream_write(w.s, span_of(head), span_of(body), false), E_OK);
    memset(head, 'x', sizeof head - 1); /* both were copied */
    memset(body, 'x', sizeof body - 1);
    CHECK_INT(sl_stream_write(w.s, span_of("and "), span_of(kept), true), E_OK);
    CHECK_INT(w.sent, 0);
    settle(&w);
    CHECK_INT(w.sent, 1);
    CHECK_INT(sl_stream_queued(w.s), 0);
    ssize_t n = recv(w.client, got, sizeof got, 0);
    CHECK(n > 0 &&
          span_is((struct span){(uint8_t *)got, (size_t)n}, "head body and static"));
    sl_stream_shutdown(w.s);
    settle(&w);
    CHECK_INT(recv(w.client, got, sizeof got, 0), 0);
    say(&w, "still heard");
    CHECK_INT(w.n, strlen("still heard"));
    finish(&w);
}

TEST(stream_tells_of_a_reset)
{
    struct world w;
    begin(&w, sizeof w.buf);
    struct linger reset = {.l_onoff = 1};
    (void)setsockopt(w.client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    (void)close(w.client);
    w.client = -1;
    /* Nobody was told yet. The second write meets a closed pipe, and no signal. */
    for (int i = 0; i < 2; i++)
        CHECK_INT(sl_stream_write(w.s, span_of("x"), (struct span){0}, false), E_OK);
    settle(&w);
    CHECK_INT(w.broken, 1);
    CHECK_INT(w.sent, 0);
    finish(&w);
}

TEST(stream_may_be_freed_by_its_own_handler)
{
    struct world w;
    begin(&w, sizeof w.buf);
    w.frees = true;
    say(&w, "abc");
    CHECK(!w.s);
    CHECK_INT(w.n, 3);
    CHECK_INT(w.ended + w.broken, 0);
    finish(&w);
}

TEST(stream_knows_both_ends)
{
    struct world w;
    struct sockaddr_in me;
    socklen_t len = sizeof me;
    begin(&w, sizeof w.buf);
    CHECK_INT(getsockname(w.client, (struct sockaddr *)&me, &len), 0);
    struct addr peer = addr_v4(127, 0, 0, 1, ntohs(me.sin_port)),
                got = sl_stream_peer(w.s), local = sl_stream_local(w.s),
                at = sl_listener_addr(w.listener);
    CHECK(addr_eq(&got, &peer));
    CHECK(addr_eq(&local, &at));
    CHECK(!sl_stream_secure(w.s));
    finish(&w);
}
