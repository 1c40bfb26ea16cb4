#include "net/wsd.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"

enum { BIG = 1 << 20, QUEUE = 4 << 20, MESSAGE = 2 << 20 };

/* An echo. "flood" is answered by more than may wait; "bye" by a closing frame; "gone" by
 * freeing the connection; after "yield" it does, until "stay". "/later" is upgraded after its handler has returned. */
struct server {
    struct user {
        struct server *s;
        struct wsd_conn *c;
    } users[16];
    size_t users_n;
    struct loop *loop;
    struct loop_wake *stop;
    struct httpd *httpd;
    struct wsd *wsd;
    pthread_t thread;
    uint16_t port;
    struct loop_timer later;
    uint64_t later_id;
    char later_accept[WS_ACCEPT_CAP];
    struct httpd_stats http;
    struct wsd_stats stats; /* after server_stop */
    uint16_t codes[16];     /* that connections ended with */
    size_t ended;
};

static uint8_t big[BIG];

static void open_ws(struct server *s, uint64_t id, const char *accept)
{
    struct user *u = &s->users[s->users_n];
    u->s = s;
    if (sl_wsd_open(s->wsd, id, accept, u, &u->c) == E_OK)
        s->users_n++;
    else
        (void)sl_httpd_reply(s->httpd, id, &(struct http_res){.status = 400});
}

static void on_later(void *user)
{
    struct server *s = user;
    open_ws(s, s->later_id, s->later_accept);
}

static void on_request(void *user, const struct http_req *req)
{
    struct server *s = user;
    char accept[WS_ACCEPT_CAP];
    unsigned refuse = sl_ws_accept(req, accept);
    if (refuse) {
        (void)sl_httpd_reply(s->httpd, req->id, &(struct http_res){.status = refuse});
    } else if (span_is(req->path, "/later")) {
        s->later_id = req->id;
        memcpy(s->later_accept, accept, sizeof accept);
        CHECK_INT(sl_loop_timer_set(s->loop, &s->later, sl_loop_now() + MSEC(20)), E_OK);
    } else {
        open_ws(s, req->id, accept);
    }
}

static void on_message(void *user, enum ws_op op, struct span data)
{
    struct user *u = user;
    struct wsd_conn *c = u->c;
    if (span_is(data, "flood")) {
        while (sl_wsd_send(c, WS_BINARY, (struct span){big, sizeof big}) == E_OK) {}
    } else if (span_is(data, "bye")) {
        sl_wsd_close(c, WS_CODE_GOING_AWAY, "bye");
        CHECK_INT(sl_wsd_send(c, WS_TEXT, span_of("more")), E_STATE);
    } else if (span_is(data, "gone")) {
        sl_wsd_conn_free(c);
    } else {
        if (span_is(data, "yield") || span_is(data, "stay"))
            sl_wsd_yield(c, span_is(data, "yield"));
        CHECK_INT(sl_wsd_send(c, op, data), E_OK);
    }
}

static void on_closed(void *user, uint16_t code)
{
    struct user *u = user;
    if (u->s->ended < LEN(u->s->codes))
        u->s->codes[u->s->ended++] = code;
}

static void on_stop(void *user)
{
    struct server *s = user;
    sl_loop_stop(s->loop);
}

static void *run(void *user)
{
    struct server *s = user;
    sl_loop_run(s->loop);
    return NULL;
}

static const struct wsd_conf slow = {.message_max = MESSAGE,
                                     .queue_max = QUEUE,
                                     .ping_every = SEC(30),
                                     .silence = SEC(60),
                                     .write_time = SEC(30),
                                     .close_time = MSEC(200)};

static void server_start_of(struct server *s, struct wsd_conf conf, uint32_t conns_max)
{
    struct httpd_conf hc = {HTTPD_CONF, .addr = addr_v4(127, 0, 0, 1, 0),
                            .request = on_request, .user = s};
    hc.conns_max = conns_max;
    *s = (struct server){.loop = sl_loop_new()};
    s->later = (struct loop_timer){.fn = on_later, .user = s};
    s->stop = sl_loop_wake_new(s->loop, on_stop, s);
    CHECK_INT(sl_httpd_new(s->loop, &hc, &s->httpd), E_OK);
    conf.message = on_message;
    conf.closed = on_closed;
    s->wsd = sl_wsd_new(s->loop, s->httpd, &conf);
    s->port = sl_httpd_addr(s->httpd).port;
    CHECK_INT(pthread_create(&s->thread, NULL, run, s), 0);
}

static void server_start(struct server *s, struct wsd_conf conf)
{
    server_start_of(s, conf, 100);
}

static void server_stop(struct server *s)
{
    sl_loop_wake_ring(s->stop);
    CHECK_INT(pthread_join(s->thread, NULL), 0);
    s->stats = *sl_wsd_stats(s->wsd);
    s->http = *sl_httpd_stats(s->httpd);
    CHECK_INT(s->stats.conns, s->stats.opened - s->ended - (s->later_id == 999));
    sl_wsd_free(s->wsd);
    sl_httpd_free(s->httpd);
    sl_loop_timer_stop(s->loop, &s->later);
    sl_loop_wake_free(s->stop);
    sl_loop_free(s->loop);
}

/* ---- a client ---- */

static void say(int fd, struct span what)
{
    while (what.n > 0) {
        ssize_t n = send(fd, what.p, what.n, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        what = (struct span){what.p + n, what.n - (size_t)n};
    }
}

static int dial(const struct server *s)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(s->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(fd, (struct sockaddr *)(void *)&sa, sizeof sa) == 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static void ask(int fd, const char *path, const char *more)
{
    char text[512];
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n%s",
                     path, more);
    say(fd, (struct span){(uint8_t *)text, (size_t)n});
}

/* The head of the answer, octet by octet, so that nothing behind it is taken. */
static void read_head(int fd, char *text, size_t cap)
{
    size_t n = 0;
    while (n + 1 < cap && recv(fd, text + n, 1, 0) == 1) {
        n++;
        text[n] = '\0';
        if (n >= 4 && strcmp(text + n - 4, "\r\n\r\n") == 0)
            return;
    }
    text[n] = '\0';
}

static int dial_ws(const struct server *s, const char *path)
{
    char head[512];
    int fd = dial(s);
    ask(fd, path, "");
    read_head(fd, head, sizeof head);
    CHECK(strncmp(head, "HTTP/1.1 101 Switching Protocols\r\n", 34) == 0);
    CHECK(strstr(head, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    CHECK(strstr(head, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
    CHECK(!strstr(head, "Content-Length"));
    return fd;
}

static void send_frame(int fd, enum ws_op op, struct span data)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t *buf = malloc(data.n + WS_HEAD_MAX);
    struct wr w = wr_of(buf, data.n + WS_HEAD_MAX);
    sl_ws_write_head(&w, op, data.n, mask);
    uint8_t *at = w.p + w.n;
    wr_span(&w, data);
    sl_ws_mask(at, data.n, mask, 0);
    say(fd, wr_done(&w));
    free(buf);
}

/* The next message; op WS_CONTINUED: the connection is gone. */
static struct ws_msg next(int fd, struct ws *ws)
{
    struct ws_msg m = {0};
    uint8_t octet;
    enum err e = E_SHORT;
    while (e == E_SHORT && recv(fd, &octet, 1, 0) == 1) {
        struct rd in = rd_of((struct span){&octet, 1});
        e = sl_ws_read(ws, &in, &m);
    }
    CHECK(e == E_OK || e == E_SHORT);
    return e == E_OK ? m : (struct ws_msg){0};
}

static struct ws reader(void)
{
    struct ws ws;
    sl_ws_init(&ws, QUEUE, false);
    return ws;
}

/* What comes next is this, and nothing else. */
static void expect(int fd, struct ws *ws, enum ws_op op, const char *text, uint16_t code)
{
    struct ws_msg m = next(fd, ws);
    CHECK_INT(m.op, op);
    CHECK_INT(m.code, code);
    CHECK(span_is(m.data, text));
}

TEST(messages_and_control_frames)
{
    struct server s;
    server_start(&s, slow);
    struct ws ws = reader();
    int fd = dial_ws(&s, "/");
    send_frame(fd, WS_TEXT, span_of("a"));
    expect(fd, &ws, WS_TEXT, "a", 0);
    send_frame(fd, WS_PING, span_of("p"));
    send_frame(fd, WS_BINARY, span_of("b"));
    expect(fd, &ws, WS_PONG, "p", 0);
    expect(fd, &ws, WS_BINARY, "b", 0);
    send_frame(fd, WS_BINARY, (struct span){big, sizeof big});
    CHECK_INT(next(fd, &ws).data.n, sizeof big);

    /* Closing: the code comes back, then the server closes. */
    send_frame(fd, WS_CLOSE, (struct span){(const uint8_t *)"\x0f\xa0zz", 4});
    expect(fd, &ws, WS_CLOSE, "", 4000);
    expect(fd, &ws, WS_CONTINUED, "", 0);
    (void)close(fd);
    sl_ws_fini(&ws);
    server_stop(&s);
    CHECK_INT(s.ended, 1);
    CHECK_INT(s.codes[0], 4000);
    CHECK_INT(s.stats.messages_in, 3);
    CHECK_INT(s.http.conns, 0);
}

/* The first that yields goes, and nobody who stays. */
TEST(who_makes_place)
{
    static const char *const words[] = {"yield", "yield", "stay"};
    struct server s;
    int fd[LEN(words)];
    struct ws ws = reader();
    server_start_of(&s, slow, LEN(words));
    for (size_t i = 0; i < LEN(words); i++) {
        fd[i] = dial_ws(&s, "/");
        send_frame(fd[i], WS_TEXT, span_of(words[i]));
        expect(fd[i], &ws, WS_TEXT, words[i], 0);
    }
    int fourth = dial_ws(&s, "/");
    expect(fd[0], &ws, WS_CONTINUED, "", 0);
    send_frame(fd[1], WS_TEXT, span_of("stay"));
    expect(fd[1], &ws, WS_TEXT, "stay", 0);
    int fifth = dial(&s);
    expect(fifth, &ws, WS_CONTINUED, "", 0);
    send_frame(fourth, WS_TEXT, span_of("a"));
    expect(fourth, &ws, WS_TEXT, "a", 0);
    (void)close(fifth);
    (void)close(fourth);
    for (size_t i = 0; i < LEN(fd); i++)
        (void)close(fd[i]);
    sl_ws_fini(&ws);
    server_stop(&s);
    CHECK_INT(s.codes[0], WS_CODE_ABNORMAL);
    CHECK_INT(s.http.evicted, 1);
    CHECK_INT(s.http.full, 1);
}

TEST(what_is_wrong_is_answered_with_its_code)
{
    static const struct {
        const char *name, *hex;
        uint16_t code;
    } rows[] = {
        {"not masked", "81 02 68 69", WS_CODE_PROTOCOL},
        {"too big", "82 ff 00 00 00 00 00 20 00 01 00 00 00 00", WS_CODE_TOO_BIG},
        {"no text", "81 81 00 00 00 00 ff", WS_CODE_NO_TEXT},
    };
    struct server s;
    server_start(&s, slow);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct ws ws = reader();
        int fd = dial_ws(&s, "/");
        check_row(rows[i].name);
        say(fd, check_hex(rows[i].hex));
        send_frame(fd, WS_TEXT, span_of("never heard"));
        expect(fd, &ws, WS_CLOSE, "", rows[i].code);
        expect(fd, &ws, WS_CONTINUED, "", 0);
        (void)close(fd);
        sl_ws_fini(&ws);
    }
    server_stop(&s);
    CHECK_INT(s.stats.wrong, LEN(rows));
    CHECK_INT(s.stats.messages_in, 0);
    CHECK_INT(s.codes[1], WS_CODE_TOO_BIG);
}

TEST(closing_from_here)
{
    struct server s;
    server_start(&s, slow);
    struct ws ws = reader();
    int fd = dial_ws(&s, "/");
    send_frame(fd, WS_TEXT, span_of("bye"));
    expect(fd, &ws, WS_CLOSE, "bye", WS_CODE_GOING_AWAY);
    send_frame(fd, WS_TEXT, span_of("never heard"));
    send_frame(fd, WS_CLOSE, (struct span){(const uint8_t *)"\x03\xe9", 2});
    expect(fd, &ws, WS_CONTINUED, "", 0);
    (void)close(fd);

    /* One that does not answer is closed when its time is over. */
    fd = dial_ws(&s, "/");
    send_frame(fd, WS_TEXT, span_of("bye"));
    expect(fd, &ws, WS_CLOSE, "bye", WS_CODE_GOING_AWAY);
    expect(fd, &ws, WS_CONTINUED, "", 0);
    (void)close(fd);
    server_stop(&s);
    CHECK_INT(s.ended, 2);
    CHECK_INT(s.codes[0], WS_CODE_GOING_AWAY);
    CHECK_INT(s.codes[1], WS_CODE_GOING_AWAY);
    CHECK_INT(s.stats.messages_in, 2);
    sl_ws_fini(&ws);
}

TEST(the_silent_are_pinged_and_then_gone)
{
    struct server s;
    struct wsd_conf conf = slow;
    conf.ping_every = MSEC(400);
    conf.silence = MSEC(1300); /* by which the lively must have been run */
    server_start(&s, conf);
    struct ws ws = reader(), other = reader();
    int fd = dial_ws(&s, "/"), lively = dial_ws(&s, "/");
    usec from = sl_loop_now();
    expect(fd, &ws, WS_PING, "", 0);
    CHECK(sl_loop_now() - from >= MSEC(320));
    for (int i = 0; i < 4; i++) {
        expect(lively, &other, WS_PING, "", 0);
        send_frame(lively, WS_PONG, (struct span){0});
    }
    expect(fd, &ws, WS_PING, "", 0);
    expect(fd, &ws, WS_PING, "", 0);
    expect(fd, &ws, WS_CONTINUED, "", 0);
    CHECK(sl_loop_now() - from < SEC(10));
    (void)close(fd);
    server_stop(&s);
    CHECK_INT(s.ended, 1);
    CHECK_INT(s.codes[0], WS_CODE_ABNORMAL);
    CHECK_INT(s.stats.silent, 1);
    (void)close(lively);
    sl_ws_fini(&ws);
    sl_ws_fini(&other);
}

/* More than may wait closes the one that does not read, and delays nobody. */
TEST(a_slow_reader_is_closed_and_delays_nobody)
{
    struct server s;
    server_start(&s, slow);
    struct ws ws = reader();
    int stuck = dial_ws(&s, "/"), fd = dial_ws(&s, "/");
    send_frame(stuck, WS_TEXT, span_of("flood"));
    usec from = sl_loop_now();
    send_frame(fd, WS_TEXT, span_of("a"));
    expect(fd, &ws, WS_TEXT, "a", 0);
    CHECK(sl_loop_now() - from < SEC(1));
    (void)close(fd);
    server_stop(&s);
    CHECK_INT(s.stats.slow, 1);
    CHECK(s.ended >= 1);
    CHECK_INT(s.codes[0], WS_CODE_ABNORMAL);
    CHECK(s.stats.messages_out < 16);
    (void)close(stuck);
    sl_ws_fini(&ws);
}

/* Answers to pings are no messages, but they wait as messages do. */
TEST(who_pings_and_does_not_read_is_closed)
{
    struct server s;
    struct wsd_conf conf = slow;
    conf.queue_max = 64 << 10;
    server_start(&s, conf);
    int stuck = dial_ws(&s, "/");
    usec end = sl_loop_now() + SEC(30);
    while (s.ended == 0 && sl_loop_now() < end)
        send_frame(stuck, WS_PING, (struct span){big, WS_CONTROL_MAX});
    server_stop(&s);
    CHECK_INT(s.ended, 1);
    CHECK_INT(s.codes[0], WS_CODE_ABNORMAL);
    CHECK_INT(s.stats.slow, 1);
    (void)close(stuck);
}

/* Little waits, but nothing of it is taken. */
TEST(who_takes_nothing_is_closed)
{
    struct server s;
    struct wsd_conf conf = slow;
    conf.write_time = MSEC(150);
    conf.queue_max = 64U << 20;
    server_start(&s, conf);
    int stuck = dial_ws(&s, "/");
    for (int i = 0; i < 12; i++)
        send_frame(stuck, WS_BINARY, (struct span){big, sizeof big});
    for (int i = 0; i < 1500 && s.ended == 0; i++)
        (void)usleep(20000);
    server_stop(&s);
    CHECK_INT(s.ended, 1);
    CHECK_INT(s.stats.slow, 1);
    (void)close(stuck);
}

TEST(upgrades_that_come_late_or_not)
{
    char head[512];
    struct server s;
    server_start(&s, slow);
    struct ws ws = reader();
    int fd = dial_ws(&s, "/later");
    send_frame(fd, WS_TEXT, span_of("a"));
    expect(fd, &ws, WS_TEXT, "a", 0);
    (void)close(fd);

    /* Frames before the answer: whose they are, nobody can say (RFC 6455 §4.1). */
    fd = dial(&s);
    ask(fd, "/", "\x81");
    read_head(fd, head, sizeof head);
    CHECK(strncmp(head, "HTTP/1.1 400 ", 13) == 0);
    (void)close(fd);

    fd = dial(&s);
    say(fd, span_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    read_head(fd, head, sizeof head);
    CHECK(strncmp(head, "HTTP/1.1 400 ", 13) == 0);
    (void)close(fd);

    /* The connection goes while its upgrade is being decided. */
    fd = dial(&s);
    ask(fd, "/later", "");
    (void)close(fd);
    fd = dial_ws(&s, "/later");
    (void)close(fd);
    sl_ws_fini(&ws);
    server_stop(&s);
}

TEST(a_handler_may_free_its_connection)
{
    struct server s;
    server_start(&s, slow);
    struct ws ws = reader();
    int fd = dial_ws(&s, "/");
    s.later_id = 999; /* one connection ends without a word */
    uint8_t two[64];
    struct wr w = wr_of(two, sizeof two);
    for (int i = 0; i < 2; i++) {
        sl_ws_write_head(&w, WS_TEXT, 4, (const uint8_t[4]){0});
        wr_str(&w, "gone");
    }
    say(fd, wr_done(&w));
    expect(fd, &ws, WS_CONTINUED, "", 0);
    (void)close(fd);
    server_stop(&s);
    CHECK_INT(s.ended, 0);
    CHECK_INT(s.stats.messages_in, 1);
    CHECK_INT(s.http.conns, 0);
    sl_ws_fini(&ws);
}
