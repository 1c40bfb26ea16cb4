#include "net/httpd.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"
#include "pem.h"

enum { LATER_MAX = 8, BIG = 4 * 1024 * 1024, TEXT_MAX = 64 * 1024 };

struct server {
    struct loop *loop;
    struct loop_wake *stop, *drain, *late;
    struct httpd *httpd;
    pthread_t thread;
    uint16_t port;
    struct loop_timer later;
    uint64_t later_ids[LATER_MAX];
    size_t laters;
    atomic_bool holds;   /* what is asked for later is answered when the test says so */
    atomic_uint waiting; /* requests that are not answered yet, or never */
    struct httpd_stats stats; /* after server_stop */
    enum err last_reply;
};

static uint8_t big[BIG];

static void answer(struct server *s, uint64_t id, const struct http_res *res)
{
    s->last_reply = sl_httpd_reply(s->httpd, id, res);
}

static void on_later(void *user)
{
    struct server *s = user;
    for (size_t i = 0; i < s->laters; i++)
        answer(s, s->later_ids[i],
               &(struct http_res){.status = 200, .body = span_of("later")});
    s->laters = 0;
    s->waiting = 0;
}

static void echo(struct server *s, const struct http_req *req)
{
    char text[1024];
    int n =
        snprintf(text, sizeof text, "%s %.*s?%.*s %.*s", sl_http_method_name(req->method),
                 (int)req->path.n, (const char *)req->path.p, (int)req->query.n,
                 (const char *)req->query.p, (int)req->body.n, (const char *)req->body.p);
    answer(s, req->id,
           &(struct http_res){.status = 200, .body = {(const uint8_t *)text, (size_t)n}});
}

static void on_request(void *user, const struct http_req *req)
{
    struct server *s = user;
    CHECK(sl_addr_is_loopback(&req->peer) && sl_addr_is_loopback(&req->local));
    CHECK_INT(req->local.port, s->port);
    if (span_is(req->path, "/later") && s->laters < LATER_MAX) {
        s->later_ids[s->laters++] = req->id;
        s->waiting++;
        if (!s->holds)
            CHECK_INT(sl_loop_timer_set(s->loop, &s->later, sl_loop_now() + MSEC(50)),
                      E_OK);
    } else if (span_is(req->path, "/big")) {
        answer(s, req->id,
               &(struct http_res){
                   .status = 200, .body = {big, sizeof big}, .body_is_static = true});
    } else if (span_is(req->path, "/none")) {
        answer(s, req->id, &(struct http_res){.status = 204});
    } else if (span_is(req->path, "/split")) {
        answer(s, req->id,
               &(struct http_res){.status = 200, .fields = {{"Location", "a\r\nb: c"}}});
    } else if (span_is(req->path, "/never")) {
        s->waiting++;
    } else {
        echo(s, req);
    }
}

static void on_stop(void *user)
{
    struct server *s = user;
    sl_loop_stop(s->loop);
}

static void on_drain(void *user)
{
    struct server *s = user;
    sl_httpd_drain(s->httpd);
}

static void *run(void *user)
{
    struct server *s = user;
    sl_loop_run(s->loop);
    return NULL;
}

/* Times are short, so that a test of a limit need not wait long for it. */
static struct httpd_conf quick(void)
{
    return (struct httpd_conf){.addr = addr_v4(127, 0, 0, 1, 0),
                               .body_max = 1000,
                               .conns_max = 64,
                               .conns_per_ip = 64,
                               .head_time = MSEC(400),
                               .body_time = MSEC(400),
                               .reply_time = MSEC(400),
                               .write_time = MSEC(400),
                               .idle_time = MSEC(400)};
}

static void server_start(struct server *s, struct httpd_conf conf)
{
    *s = (struct server){.loop = sl_loop_new()};
    s->later = (struct loop_timer){.fn = on_later, .user = s};
    s->stop = sl_loop_wake_new(s->loop, on_stop, s);
    s->drain = sl_loop_wake_new(s->loop, on_drain, s);
    s->late = sl_loop_wake_new(s->loop, on_later, s);
    conf.request = on_request;
    conf.user = s;
    CHECK_INT(sl_httpd_new(s->loop, &conf, &s->httpd), E_OK);
    s->port = sl_httpd_addr(s->httpd).port;
    CHECK_INT(pthread_create(&s->thread, NULL, run, s), 0);
}

static void server_stop(struct server *s)
{
    sl_loop_wake_ring(s->stop);
    CHECK_INT(pthread_join(s->thread, NULL), 0);
    s->stats = *sl_httpd_stats(s->httpd);
    sl_httpd_free(s->httpd);
    sl_loop_wake_free(s->stop);
    sl_loop_wake_free(s->drain);
    sl_loop_wake_free(s->late);
    sl_loop_timer_stop(s->loop, &s->later);
    sl_loop_free(s->loop);
}

/* Until n requests are with the server's user, or none is. */
static void wait_for(const struct server *s, unsigned n)
{
    for (int i = 0; i < 30000 && s->waiting != n; i++)
        (void)usleep(1000);
    CHECK_INT(s->waiting, n);
}

static int dial(const struct server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(s->port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = 30};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void say(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Everything up to the end of the stream, without Date lines; "..." if it does not end. */
static const char *hear_all(int fd)
{
    static char buf[TEXT_MAX], *at;
    size_t n = 0;
    ssize_t got = 0;
    while (n < sizeof buf - 8 && (got = recv(fd, buf + n, sizeof buf - 8 - n, 0)) > 0)
        n += (size_t)got;
    buf[n] = '\0';
    if (got < 0 && errno == EAGAIN)
        strcat(buf, "...");
    while ((at = strstr(buf, "Date: ")) != NULL) {
        char *end = strstr(at, "\r\n");
        memmove(at, end + 2, strlen(end + 2) + 1);
    }
    return buf;
}

/* One answer with a body of known end: what ends with `tail`. */
static bool hear(int fd, const char *tail)
{
    char buf[TEXT_MAX];
    size_t n = 0, want = strlen(tail);
    while (n < sizeof buf && recv(fd, buf + n, 1, 0) == 1) {
        n++;
        if (n >= want && memcmp(buf + n - want, tail, want) == 0)
            return true;
    }
    return false;
}

static bool at_end(int fd)
{
    char c;
    return recv(fd, &c, 1, 0) == 0;
}

#define HOST         "Host: a\r\n"
#define OK_(n, text) "HTTP/1.1 200 OK\r\nContent-Length: " #n "\r\n\r\n" text
#define REFUSED(status, reason, n)                                                       \
    "HTTP/1.1 " #status " " reason "\r\nContent-Type: application/problem+json\r\n"      \
    "Connection: close\r\nContent-Length: " #n "\r\n\r\n"                                \
    "{\"title\":\"" reason "\",\"status\":" #status "}\n"

static const struct {
    const char *name, *says, *hears;
} rows[] = {
    {"GET", "GET /a?b HTTP/1.1\r\n" HOST "\r\n", OK_(9, "GET /a?b ")},
    {"PATCH with a body", "PATCH /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxyz",
     OK_(13, "PATCH /a? xyz")},
    {"DELETE", "DELETE /a HTTP/1.1\r\n" HOST "\r\n", OK_(11, "DELETE /a? ")},
    {"OPTIONS", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", OK_(11, "OPTIONS *? ")},
    {"HEAD has a length and no body", "HEAD /a HTTP/1.1\r\n" HOST "\r\n", OK_(9, "")},
    {"204 has neither", "GET /none HTTP/1.1\r\n" HOST "\r\n",
     "HTTP/1.1 204 No Content\r\n\r\n"},
    {"chunks",
     "POST /a HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n1\r\nz\r\n0\r\n\r\n",
     OK_(12, "POST /a? xyz")},
    {"one after the other, though the first is answered late",
     "GET /later HTTP/1.1\r\n" HOST "\r\nPOST /b HTTP/1.1\r\n" HOST
     "Content-Length: 1\r\n\r\nxGET /c HTTP/1.1\r\n" HOST "\r\n",
     OK_(5, "later") OK_(10, "POST /b? x") OK_(8, "GET /c? ")},
    {"a request behind it that breaks off",
     "GET /later HTTP/1.1\r\n" HOST "\r\nGET /b HTT", OK_(5, "later")},
    {"nothing is read after a close",
     "GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nGET /b HTTP/1.1\r\n" HOST
     "\r\n",
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\r\nGET /a? "},
    {"an old client", "GET /a HTTP/1.0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\r\nGET /a? "},
    {"a length over the limit",
     "POST /a HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\nGET /b HTTP/1.1\r\n" HOST
     "\r\n",
     "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
     "POST /a? "},
    {"a chunk over the limit",
     "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1000\r\n", ""},
    {"garbage", "\x16\x03\x01\x02\n\r\n\r\n", REFUSED(400, "Bad Request", 37)},
    {"an unknown method", "BREW /a HTTP/1.1\r\n" HOST "\r\n",
     REFUSED(501, "Not Implemented", 41)},
    {"two lengths",
     "POST /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
     REFUSED(400, "Bad Request", 37)},
    {"a length and chunks",
     "POST /a HTTP/1.1\r\n" HOST
     "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     REFUSED(400, "Bad Request", 37)},
    {"a line without a colon",
     "POST /a HTTP/1.1\r\n" HOST
     "foo\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"
     "GET /smuggled HTTP/1.1\r\n" HOST "\r\n",
     REFUSED(400, "Bad Request", 37)},
    {"an answer that would be two", "GET /split HTTP/1.1\r\n" HOST "\r\n",
     REFUSED(500, "Internal Server Error", 47)},
    {"a body that is waited for",
     "POST /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
     "HTTP/1.1 100 Continue\r\n\r\n"},
    {"no body to wait for: it came",
     "POST /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nxyz",
     OK_(12, "POST /a? xyz")},
    {"a head that breaks off", "GET /a HTT", ""},
    {"a body that breaks off", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nx",
     ""},
};

/* The client says it all, ends its direction, and hears everything. */
TEST(httpd_answers)
{
    struct server s;
    server_start(&s, quick());
    for (size_t i = 0; i < LEN(rows); i++) {
        int fd = dial(&s);
        check_row(rows[i].name);
        say(fd, rows[i].says);
        (void)shutdown(fd, SHUT_WR);
        const char *heard = hear_all(fd);
        if (strcmp(heard, rows[i].hears) != 0)
            check_fail(__FILE__, __LINE__, "heard '%s'", heard);
        (void)close(fd);
    }
    server_stop(&s);
    CHECK_INT(s.stats.accepted, LEN(rows));
    CHECK_INT(s.stats.conns, 0);
    CHECK_INT(s.stats.waiting, 0);
    CHECK_INT(s.stats.too_large, 1);
    CHECK_INT(s.stats.malformed, 5);
}

TEST(httpd_takes_a_request_octet_by_octet)
{
    static const char text[] = "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxyz";
    struct server s;
    server_start(&s, quick());
    int fd = dial(&s);
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
    for (size_t i = 0; i < sizeof text - 1; i++)
        CHECK_INT(send(fd, text + i, 1, MSG_NOSIGNAL), 1);
    CHECK(hear(fd, "POST /a? xyz"));
    (void)close(fd);
    server_stop(&s);
}

TEST(httpd_closes_who_is_slow)
{
    static const struct {
        const char *name, *says, *hears;
        uint64_t slow;
    } slow[] = {
        {"says nothing", "", "", 0},
        {"half a head", "GET / HTTP/1.1\r\nHo", REFUSED(408, "Request Timeout", 41), 1},
        {"half a body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nx",
         REFUSED(408, "Request Timeout", 41), 1},
        {"a chunk without end",
         "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nx",
         REFUSED(408, "Request Timeout", 41), 1},
        {"idle after an answer", "GET /a HTTP/1.1\r\n" HOST "\r\n", OK_(8, "GET /a? "),
         0},
        {"a handler that never answers", "GET /never HTTP/1.1\r\n" HOST "\r\n",
         REFUSED(503, "Service Unavailable", 45), 1},
    };
    for (size_t i = 0; i < LEN(slow); i++) {
        struct server s;
        server_start(&s, quick());
        check_row(slow[i].name);
        usec start = sl_loop_now();
        int fd = dial(&s);
        say(fd, slow[i].says);
        const char *heard = hear_all(fd);
        if (strcmp(heard, slow[i].hears) != 0)
            check_fail(__FILE__, __LINE__, "heard '%s'", heard);
        CHECK(sl_loop_now() - start >= MSEC(400));
        CHECK(sl_loop_now() - start < SEC(4));
        (void)close(fd);
        server_stop(&s);
        CHECK_INT(s.stats.slow, slow[i].slow);
        CHECK_INT(s.stats.conns, 0);
    }
}

/* An octet now and then does not make the time of a head longer. */
TEST(httpd_counts_a_head_from_its_start)
{
    struct server s;
    server_start(&s, quick());
    int fd = dial(&s);
    usec start = sl_loop_now();
    say(fd, "GET / HTTP/1.1\r\nX: ");
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1 && sl_loop_now() - start < SEC(4))
        (void)usleep(50000);
    CHECK(sl_loop_now() - start < SEC(3));
    (void)close(fd);
    server_stop(&s);
    CHECK_INT(s.stats.slow, 1);
}

TEST(httpd_sends_much_to_who_reads_and_drops_who_does_not)
{
    struct server s;
    server_start(&s, quick());
    for (int reads = 0; reads <= 1; reads++) {
        int fd = dial(&s);
        size_t n = 0;
        char buf[16384];
        say(fd, "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
        if (!reads)
            (void)usleep(1200000);
        for (ssize_t got; (got = recv(fd, buf, sizeof buf, 0)) > 0;)
            n += (size_t)got;
        if (reads)
            CHECK(n > BIG);
        else
            CHECK(n < BIG);
        (void)close(fd);
    }
    server_stop(&s);
    CHECK_INT(s.stats.slow, 1);
}

TEST(httpd_limits_connections_of_one_address)
{
    struct httpd_conf conf = quick();
    struct server s;
    int fd[5];
    conf.conns_per_ip = LEN(fd) - 1;
    conf.head_time = conf.idle_time = SEC(60);
    server_start(&s, conf);
    for (size_t i = 0; i < LEN(fd); i++)
        fd[i] = dial(&s);
    CHECK(at_end(fd[LEN(fd) - 1]));
    say(fd[0], "GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    CHECK(hear(fd[0], "GET /a? "));
    (void)close(fd[0]);
    say(fd[1], "GET /c HTTP/1.1\r\n" HOST "\r\n");
    CHECK(hear(fd[1], "GET /c? ")); /* what came before it is known, too */
    fd[0] = dial(&s);               /* there is a place again */
    say(fd[0], "GET /b HTTP/1.1\r\n" HOST "\r\n");
    CHECK(hear(fd[0], "GET /b? "));
    for (size_t i = 0; i < LEN(fd); i++)
        (void)close(fd[i]);
    server_stop(&s);
    CHECK_INT(s.stats.full_ip, 1);
}

TEST(httpd_makes_place_by_closing_what_is_idle)
{
    struct httpd_conf conf = quick();
    struct server s;
    int fd[4];
    conf.conns_max = 3;
    conf.head_time = conf.idle_time = conf.reply_time = SEC(60);
    server_start(&s, conf);
    for (size_t i = 0; i < 3; i++) {
        fd[i] = dial(&s);
        say(fd[i], "GET /a HTTP/1.1\r\n" HOST "\r\n");
        CHECK(hear(fd[i], "GET /a? "));
    }
    fd[3] = dial(&s);
    CHECK(at_end(fd[0]));
    say(fd[3], "GET /b HTTP/1.1\r\n" HOST "\r\n");
    CHECK(hear(fd[3], "GET /b? "));
    /* Who waits for an answer is not idle. */
    for (size_t i = 1; i < 4; i++)
        say(fd[i], "GET /never HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&s, 3);
    int late = dial(&s);
    CHECK(at_end(late));
    (void)close(late);
    for (size_t i = 0; i < LEN(fd); i++)
        (void)close(fd[i]);
    server_stop(&s);
    CHECK_INT(s.stats.evicted, 1);
    CHECK_INT(s.stats.full, 1);
}

TEST(httpd_answer_to_a_client_that_is_gone)
{
    struct httpd_conf conf = quick();
    struct server s;
    conf.head_time = conf.idle_time = conf.reply_time = SEC(60);
    server_start(&s, conf);
    s.holds = true;
    int fd = dial(&s), other = dial(&s);
    say(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&s, 1);
    struct linger reset = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    (void)close(fd);
    say(other, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    CHECK(hear(other, "GET /a? ")); /* what came before it is known, too */
    sl_loop_wake_ring(s.late);
    wait_for(&s, 0);
    (void)close(other);
    server_stop(&s);
    CHECK_INT(s.last_reply, E_ABSENT);
    CHECK_INT(s.stats.gone, 1);
    CHECK_INT(s.stats.broken, 1);
    CHECK_INT(s.stats.waiting, 0);
}

TEST(httpd_drains)
{
    struct httpd_conf conf = quick();
    struct server s;
    conf.head_time = conf.idle_time = conf.reply_time = SEC(60);
    server_start(&s, conf);
    s.holds = true;
    int idle = dial(&s), busy = dial(&s);
    say(idle, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    CHECK(hear(idle, "GET /a? "));
    say(busy, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&s, 1);
    sl_loop_wake_ring(s.drain);
    CHECK(at_end(idle));
    CHECK_INT(dial(&s), -1);
    sl_loop_wake_ring(s.late);
    CHECK(strstr(hear_all(busy), "Connection: close\r\nContent-Length: 5\r\n\r\nlater"));
    (void)close(idle);
    (void)close(busy);
    server_stop(&s);
}

TEST(httpd_says_why_it_cannot_listen)
{
    struct server s;
    server_start(&s, quick());
    struct httpd_conf conf = quick();
    struct httpd *other;
    struct loop *loop = sl_loop_new();
    conf.addr.port = s.port;
    CHECK_INT(sl_httpd_new(loop, &conf, &other), E_EXISTS);
    conf.addr = addr_v4(192, 0, 2, 1, 0);
    CHECK_INT(sl_httpd_new(loop, &conf, &other), E_ABSENT);
    conf = quick();
    conf.cert = conf.key = "/nonexistent";
    CHECK_INT(sl_httpd_new(loop, &conf, &other), E_CRYPTO);
    sl_loop_free(loop);
    server_stop(&s);
}

static void start_tls(struct server *s, usec patience)
{
    struct pem pem = pem_new();
    struct httpd_conf conf = quick();
    conf.cert = pem.cert;
    conf.key = pem.key;
    conf.head_time = conf.idle_time = conf.reply_time = conf.write_time = patience;
    server_start(s, conf);
    pem_remove(&pem);
}

static const char *tls_answer(SSL *ssl, const char *says, const char *tail)
{
    static char buf[1024];
    int n = 0;
    CHECK(SSL_write(ssl, says, (int)strlen(says)) > 0);
    while (n < (int)sizeof buf - 1 && SSL_read(ssl, buf + n, 1) == 1) {
        buf[++n] = '\0';
        if (strstr(buf, tail))
            break;
    }
    return buf;
}

TEST(httpd_speaks_tls)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct server s;
    start_tls(&s, SEC(60));
    for (size_t i = 0; i < LEN(versions); i++) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        SSL *ssl = SSL_new(ctx);
        int fd = dial(&s);
        (void)SSL_set_min_proto_version(ssl, versions[i]);
        (void)SSL_set_max_proto_version(ssl, versions[i]);
        (void)SSL_set_alpn_protos(ssl, (const uint8_t *)"\2h2\10http/1.1", 12);
        (void)SSL_set_fd(ssl, fd);
        CHECK_INT(SSL_connect(ssl), 1);
        const uint8_t *alpn;
        unsigned len;
        SSL_get0_alpn_selected(ssl, &alpn, &len);
        CHECK(span_is((struct span){alpn, len}, "http/1.1"));
        CHECK(
            strstr(tls_answer(ssl, "GET /a HTTP/1.1\r\n" HOST "\r\n", "/a? "), "200 OK"));
        CHECK(strstr(tls_answer(ssl, "GET /later HTTP/1.1\r\n" HOST "\r\n", "later"),
                     "200 OK"));
        static const char get_big[] =
            "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
        CHECK(SSL_write(ssl, get_big, (int)strlen(get_big)) > 0);
        size_t n = 0;
        char buf[16384];
        for (int got; (got = SSL_read(ssl, buf, sizeof buf)) > 0;)
            n += (size_t)got;
        CHECK(n > BIG);
        CHECK_INT(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
        SSL_free(ssl);
        SSL_CTX_free(ctx);
        (void)close(fd);
    }
    server_stop(&s);
    CHECK_INT(s.stats.requests, 6);
}

TEST(httpd_closes_who_does_not_speak_tls)
{
    static const struct {
        const char *name, *says;
        uint64_t broken;
    } strangers[] = {
        {"plain HTTP", "GET / HTTP/1.1\r\n" HOST "\r\n", 1},
        {"half a ClientHello", "\x16\x03\x01\x02", 0},
        {"nothing", "", 0},
    };
    for (size_t i = 0; i < LEN(strangers); i++) {
        struct server s;
        start_tls(&s, MSEC(400));
        check_row(strangers[i].name);
        int fd = dial(&s);
        say(fd, strangers[i].says);
        CHECK(!strstr(hear_all(fd), "..."));
        (void)close(fd);
        server_stop(&s);
        CHECK_INT(s.stats.broken, strangers[i].broken);
        CHECK_INT(s.stats.requests, 0);
        CHECK_INT(s.stats.conns, 0);
    }
}
