#include "service/rtcd_face.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "net/loop.h"

#define KEY "Ey4-H_BJA00_TVByPi8DozE12ekN3S7L"

static struct log quiet = {.fd = -1, .level = LOG_ERROR, .wall = sl_wall_now};

struct server {
    struct loop *loop;
    struct loop_wake *stop;
    struct httpd *httpd;
    struct metrics *metrics;
    struct kv *kv;
    struct rtcd_face *face;
    pthread_t thread;
};

static void on_request(void *user, const struct http_req *req)
{
    struct server *s = user;
    if (!sl_rtcd_face_request(s->face, req))
        (void)sl_httpd_reply(s->httpd, req->id, &(struct http_res){.status = 404});
}

static void on_stop(void *user)
{
    struct server *s = user;
    sl_loop_stop(s->loop);
}

static void *run(void *user)
{
    struct server *s = user;
    sl_rtcd_face_tick(s->face);
    (void)usleep(20000);
    sl_rtcd_face_tick(s->face);
    sl_loop_run(s->loop);
    return NULL;
}

static void server_start(struct server *s)
{
    struct httpd_conf hc = {HTTPD_CONF, .addr = addr_v4(127, 0, 0, 1, 0),
                            .request = on_request, .user = s};
    *s = (struct server){
        .loop = sl_loop_new(), .kv = sl_kv_open_memory(), .metrics = sl_metrics_new()};
    const struct rtcd_face_conf fc = {.kv = s->kv,
                                      .version = "v1.2.6",
                                      .self_registration = true,
                                      .token_lifetime = SEC(60),
                                      .sessions_max = 10};
    s->stop = sl_loop_wake_new(s->loop, on_stop, s);
    CHECK_INT(sl_httpd_new(s->loop, &hc, &s->httpd), E_OK);
    CHECK_INT(sl_rtcd_face_new(s->loop, s->httpd, &quiet, s->metrics, &fc, &s->face),
              E_OK);
    CHECK_INT(pthread_create(&s->thread, NULL, run, s), 0);
}

static void server_stop(struct server *s)
{
    sl_loop_wake_ring(s->stop);
    CHECK_INT(pthread_join(s->thread, NULL), 0);
    sl_rtcd_face_free(s->face);
    sl_httpd_free(s->httpd);
    sl_loop_wake_free(s->stop);
    sl_loop_free(s->loop);
    sl_metrics_free(s->metrics);
    sl_kv_close(s->kv);
}

static int ask(const struct server *s, const char *method, const char *path,
               const char *more, const char *body)
{
    char text[1024];
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(sl_httpd_addr(s->httpd).port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int n =
        snprintf(text, sizeof text,
                 "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%sContent-Length: %zu"
                 "\r\n\r\n%s",
                 method, path, more, strlen(body), body);
    CHECK(connect(fd, (struct sockaddr *)(void *)&sa, sizeof sa) == 0);
    CHECK(send(fd, text, (size_t)n, MSG_NOSIGNAL) == n);
    return fd;
}

/* The whole answer; returns its status. */
static int answer(int fd, char *text, size_t cap)
{
    size_t n = 0;
    for (ssize_t k; (k = recv(fd, text + n, cap - 1 - n, 0)) > 0;)
        n += (size_t)k;
    text[n] = '\0';
    (void)close(fd);
    return n > 12 ? atoi(text + 9) : 0;
}

TEST(rtcd_face_answers_while_hashes_are_made)
{
    struct server s;
    char text[2048];
    server_start(&s);
    /* Registering takes a hash; meanwhile others are answered. */
    int slow =
        ask(&s, "POST", "/register", "", "{\"clientID\":\"a\",\"authKey\":\"" KEY "\"}");
    CHECK_INT(answer(ask(&s, "GET", "/version", "", ""), text, sizeof text), 200);
    CHECK(strstr(text, "\r\nContent-Type: application/json\r\n"));
    CHECK(strstr(text, "\"buildVersion\":\"v1.2.6\""));
    CHECK_INT(answer(slow, text, sizeof text), 201);
    CHECK(strstr(text, "\r\n\r\n{\"clientID\":\"a\",\"code\":\"201\"}\n"));

    /* The second hash has to wait for its turn. */
    CHECK_INT(answer(ask(&s, "POST", "/login", "",
                         "{\"clientID\":\"a\",\"authKey\":\"" KEY "\"}"),
                     text, sizeof text),
              200);
    const char *token = strstr(text, "{\"bearerToken\":\"");
    CHECK(token != NULL);
    char header[128];
    (void)snprintf(header, sizeof header, "Authorization: Bearer %.32s\r\n",
                   token ? token + 16 : "");
    CHECK_INT(answer(ask(&s, "GET", "/calls/c/sessions", header, ""), text, sizeof text),
              404);
    CHECK(strstr(text, "failed to get session configs: group not found\n"));
    CHECK_INT(answer(ask(&s, "GET", "/nothing", "", ""), text, sizeof text), 404);
    server_stop(&s);
}

TEST(rtcd_face_says_how_busy_the_machine_is)
{
    struct server s;
    char text[2048];
    server_start(&s);
    CHECK_INT(answer(ask(&s, "GET", "/system", "", ""), text, sizeof text), 200);
    const char *load = strstr(text, "{\"cpu_load\":");
    CHECK(load && strtod(load + strlen("{\"cpu_load\":"), NULL) > 0);
    server_stop(&s);
}

/* Hashes under way at the end are waited for, and their answers find nobody. */
TEST(rtcd_face_ends_amid_work)
{
    struct server s;
    server_start(&s);
    int fds[4];
    for (size_t i = 0; i < LEN(fds); i++)
        fds[i] = ask(&s, "POST", "/register", "",
                     "{\"clientID\":\"a\",\"authKey\":\"" KEY "\"}");
    (void)usleep(5000);
    server_stop(&s);
    for (size_t i = 0; i < LEN(fds); i++)
        (void)close(fds[i]);
}

/* A back end registers, connects, and is greeted; it is known to be gone when it is. */
TEST(rtcd_face_speaks_websocket)
{
    static const char handshake[] =
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Authorization: Basic YTpFeTQtSF9CSkEwMF9UVkJ5UGk4RG96RTEyZWtOM1M3TA==\r\n";
    struct server s;
    char text[2048];
    server_start(&s);
    CHECK_INT(answer(ask(&s, "POST", "/register", "",
                         "{\"clientID\":\"a\",\"authKey\":\"" KEY "\"}"),
                     text, sizeof text),
              201);
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(sl_httpd_addr(s.httpd).port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int n = snprintf(text, sizeof text,
                     "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n%s\r\n",
                     handshake);
    CHECK(connect(fd, (struct sockaddr *)(void *)&sa, sizeof sa) == 0);
    CHECK(send(fd, text, (size_t)n, MSG_NOSIGNAL) == n);
    size_t got = 0;
    const char *body = NULL;
    for (ssize_t k;
         got < 200 && (k = recv(fd, text + got, sizeof text - 1 - got, 0)) > 0;) {
        got += (size_t)k;
        text[got] = '\0';
        body = strstr(text, "\r\n\r\n");
        if (body && got - (size_t)(body - text) > 50)
            break;
    }
    CHECK(strncmp(text, "HTTP/1.1 101 ", 13) == 0);
    CHECK(body && memmem(body, got - (size_t)(body - text),
                         "\xa5hello\x82\xa8"
                         "clientID\xa1"
                         "a",
                         18));
    (void)close(fd);
    for (int i = 0; i < 100 && sl_rtcd_face_ws(s.face)->conns > 0; i++)
        (void)usleep(10000);
    server_stop(&s);
}
