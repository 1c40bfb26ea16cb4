#include "bench/wsc.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/web.h"
#include "check.h"
#include "net/loop.h"
#include "net/wsd.h"
#include "pem.h"

/* An echo that says hello first, to who has the right key; "bye" is answered by a closing frame. */
struct server {
    struct loop *loop;
    struct loop_wake *stop;
    struct httpd *httpd;
    struct wsd *wsd;
    struct wsd_conn *conn;
    pthread_t thread;
    atomic_uint closed;
    char url[64];
};

static void on_request(void *user, const struct http_req *req)
{
    struct server *s = user;
    char accept[WS_ACCEPT_CAP];
    bool known = span_is(sl_http_header(req, "Authorization"), "Basic dXNlcjprZXk=");
    unsigned refuse = known ? sl_ws_accept(req, accept) : 401;
    if (refuse) {
        (void)sl_httpd_reply(s->httpd, req->id, &(struct http_res){.status = refuse});
        return;
    }
    CHECK_INT(sl_wsd_open(s->wsd, req->id, accept, s, &s->conn), E_OK);
    CHECK_INT(sl_wsd_send(s->conn, WS_BINARY, span_of("hello")), E_OK);
}

static void on_message(void *user, enum ws_op op, struct span data)
{
    struct server *s = user;
    CHECK_INT(op, WS_BINARY);
    if (span_is(data, "bye"))
        sl_wsd_close(s->conn, WS_CODE_NORMAL, "bye");
    else
        CHECK_INT(sl_wsd_send(s->conn, op, data), E_OK);
}

static void on_closed(void *user, uint16_t code)
{
    struct server *s = user;
    atomic_store(&s->closed, code);
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

static void server_start(struct server *s, usec ping_every, const struct pem *pem)
{
    const struct httpd_conf hc = {HTTPD_CONF,
                                  .addr = addr_v4(127, 0, 0, 1, 0),
                                  .cert = pem ? pem->cert : NULL,
                                  .key = pem ? pem->key : NULL,
                                  .request = on_request,
                                  .user = s};
    const struct wsd_conf wc = {.message_max = WSC_MESSAGE_MAX,
                                .queue_max = 4 << 20,
                                .ping_every = ping_every,
                                .silence = 3 * ping_every,
                                .write_time = SEC(5),
                                .close_time = SEC(1),
                                .message = on_message,
                                .closed = on_closed};
    *s = (struct server){.loop = sl_loop_new()};
    s->stop = sl_loop_wake_new(s->loop, on_stop, s);
    CHECK_INT(sl_httpd_new(s->loop, &hc, &s->httpd), E_OK);
    s->wsd = sl_wsd_new(s->loop, s->httpd, &wc);
    (void)snprintf(s->url, sizeof s->url, "http%s://127.0.0.1:%u", pem ? "s" : "",
                   sl_httpd_addr(s->httpd).port);
    CHECK_INT(pthread_create(&s->thread, NULL, run, s), 0);
}

static void server_stop(struct server *s)
{
    sl_loop_wake_ring(s->stop);
    CHECK_INT(pthread_join(s->thread, NULL), 0);
    sl_wsd_free(s->wsd);
    sl_httpd_free(s->httpd);
    sl_loop_wake_free(s->stop);
    sl_loop_free(s->loop);
}

static struct wsc *dial(const struct server *s, const struct pem *pem, struct web **web)
{
    struct wsc *w = NULL;
    unsigned status = 0;
    CHECK_INT(sl_web_new(s->url, web), E_OK);
    if (pem)
        CHECK_INT(sl_web_trust(*web, pem->cert, NULL), E_OK);
    CHECK_INT(sl_web_basic(*web, "user", "key"), E_OK);
    CHECK_INT(sl_wsc_new(*web, "/ws", &w, &status), E_OK);
    CHECK_INT(status, 101);
    return w;
}

static enum err next(struct wsc *w, usec patience, struct span *ret)
{
    struct pollfd p = {.fd = sl_wsc_fd(w), .events = POLLIN};
    usec until = sl_loop_now() + patience;
    enum err e;
    while ((e = sl_wsc_receive(w, ret)) == E_EARLY && sl_loop_now() < until)
        (void)poll(&p, 1, 10);
    return e;
}

static void talk(const struct pem *pem)
{
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, WSC_MESSAGE_MAX};
    static uint8_t big[WSC_MESSAGE_MAX];
    struct server s;
    struct web *web = NULL;
    struct span got;
    server_start(&s, SEC(10), pem);
    struct wsc *w = dial(&s, pem, &web);
    CHECK_INT(next(w, SEC(5), &got), E_OK);
    CHECK(span_is(got, "hello"));
    CHECK_INT(sl_wsc_receive(w, &got), E_EARLY);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < LEN(sizes); i++) {
        struct span out = {big, sizes[i]};
        CHECK_INT(sl_wsc_send(w, out), E_OK);
        CHECK_INT(next(w, SEC(5), &got), E_OK);
        CHECK(span_eq(got, out));
    }
    CHECK_INT(sl_wsc_send(w, span_of("bye")), E_OK);
    CHECK_INT(next(w, SEC(5), &got), E_SHORT);
    for (int i = 0; i < 500 && atomic_load(&s.closed) == 0; i++)
        (void)poll(NULL, 0, 10);
    CHECK_INT(atomic_load(&s.closed), WS_CODE_NORMAL);
    sl_wsc_free(w);
    sl_web_free(web);
    server_stop(&s);
}

TEST(wsc_talks)
{
    talk(NULL);
}

TEST(wsc_talks_by_tls)
{
    struct pem pem = pem_named("IP:127.0.0.1");
    talk(&pem);
    pem_remove(&pem);
}

/* The server would have closed it three times over. */
TEST(wsc_answers_pings)
{
    struct server s;
    struct web *web = NULL;
    struct span got;
    server_start(&s, MSEC(50), NULL);
    struct wsc *w = dial(&s, NULL, &web);
    CHECK_INT(next(w, SEC(5), &got), E_OK);
    CHECK_INT(next(w, MSEC(500), &got), E_EARLY);
    CHECK_INT(sl_wsc_send(w, span_of("x")), E_OK);
    CHECK_INT(next(w, SEC(5), &got), E_OK);
    sl_wsc_free(w);
    sl_web_free(web);
    server_stop(&s);
}

TEST(wsc_is_refused)
{
    struct server s;
    struct web *web = NULL;
    struct wsc *w = NULL;
    unsigned status = 0;
    server_start(&s, SEC(10), NULL);
    CHECK_INT(sl_web_new(s.url, &web), E_OK);
    CHECK_INT(sl_web_basic(web, "user", "other"), E_OK);
    CHECK_INT(sl_wsc_new(web, "/ws", &w, &status), E_DENIED);
    CHECK_INT(status, 401);
    server_stop(&s);
    CHECK_INT(sl_wsc_new(web, "/ws", &w, &status), E_SYS);
    CHECK(w == NULL);
    sl_web_free(web);
}
