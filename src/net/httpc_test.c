#include "net/httpc.h"

#include <stdio.h>

#include "check.h"
#include "net/httpd.h"
#include "pem.h"

enum { TEXT_MAX = 1024, LONG = 256 * 1024 };

/* Server and client on one loop. */
struct world {
    struct loop *loop;
    struct httpd *httpd;
    struct httpc *client;
    struct loop_timer end;
    char url[64], heard[TEXT_MAX], why[TEXT_MAX];
    unsigned status;
    size_t requests, done;
};

static uint8_t without_end[LONG];

static void on_request(void *user, const struct http_req *req)
{
    struct world *w = user;
    struct span own = sl_http_header(req, "X-Own"), wait = sl_http_header(req, "Expect");
    struct http_res res = {.status = 200, .body = span_of("heard")};
    w->requests++;
    if (span_is(req->path, "/never"))
        return;
    if (span_is(req->path, "/broken"))
        res.status = 500;
    if (span_is(req->path, "/elsewhere"))
        res = (struct http_res){.status = 302, .fields = {{"Location", "/ok"}}};
    if (span_is(req->path, "/long"))
        res.body = (struct span){without_end, sizeof without_end};
    (void)snprintf(w->heard, sizeof w->heard, "%s %.*s %.*s %s",
                   sl_http_method_name(req->method), (int)own.n, (const char *)own.p,
                   (int)req->body.n, (const char *)req->body.p, wait.p ? "waits" : "");
    CHECK_INT(sl_httpd_reply(w->httpd, req->id, &res), E_OK);
}

static void on_done(void *user, unsigned status, const char *why)
{
    struct world *w = user;
    w->done++;
    w->status = status;
    (void)snprintf(w->why, sizeof w->why, "%s", why);
    sl_loop_stop(w->loop);
}

static void out_of_time(void *user)
{
    struct world *w = user;
    check_fail(__FILE__, __LINE__, "no answer");
    sl_loop_stop(w->loop);
}

static void world_open(struct world *w, const struct pem *pem, const char *ca)
{
    *w = (struct world){.loop = sl_loop_new()};
    w->end = (struct loop_timer){.fn = out_of_time, .user = w};
    struct httpd_conf conf = {HTTPD_CONF,
                              .addr = addr_v4(127, 0, 0, 1, 0),
                              .cert = pem ? pem->cert : NULL,
                              .key = pem ? pem->key : NULL,
                              .request = on_request,
                              .user = w};
    CHECK_INT(sl_httpd_new(w->loop, &conf, &w->httpd), E_OK);
    w->client = sl_httpc_new(w->loop, ca);
    CHECK(w->client != NULL);
    (void)snprintf(w->url, sizeof w->url, "http%s://127.0.0.1:%u", pem ? "s" : "",
                   sl_httpd_addr(w->httpd).port);
    CHECK_INT(sl_loop_timer_set(w->loop, &w->end, sl_loop_now() + SEC(60)), E_OK);
}

static void world_close(struct world *w)
{
    sl_loop_timer_stop(w->loop, &w->end);
    sl_httpc_free(w->client);
    sl_httpd_free(w->httpd);
    sl_loop_free(w->loop);
}

static const struct http_field fields[] = {{"X-Own", "mine"}, {0}};

static enum err post(struct world *w, const char *path, usec limit)
{
    char url[TEXT_MAX];
    (void)snprintf(url, sizeof url, "%s%s", w->url, path);
    return sl_httpc_post(w->client, &(struct httpc_post){.url = url,
                                                         .fields = fields,
                                                         .body = span_of("{}"),
                                                         .limit = limit,
                                                         .done = on_done,
                                                         .user = w});
}

TEST(httpc_tells_how_it_went)
{
    static const struct {
        const char *name, *path;
        usec limit;
        unsigned status;
    } rows[] = {
        {"taken", "/ok", SEC(30), 200},
        {"refused", "/broken", SEC(30), 500},
        {"a redirection is an answer", "/elsewhere", SEC(30), 302},
        {"never answered", "/never", MSEC(200), 0},
        {"an answer without end is no answer", "/long", SEC(30), 0},
        {"the next one", "/ok", SEC(30), 200},
    };
    struct world w;
    world_open(&w, NULL, NULL);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        w.heard[0] = '\0';
        CHECK_INT(post(&w, rows[i].path, rows[i].limit), E_OK);
        CHECK_INT(w.done, i); /* never from inside the call */
        sl_loop_run(w.loop);
        CHECK_INT(w.done, i + 1);
        CHECK_INT(w.status, rows[i].status);
        CHECK((w.status == 0) == (w.why[0] != '\0'));
        CHECK(!w.heard[0] || strcmp(w.heard, "POST mine {} ") == 0);
    }
    CHECK_INT(w.requests, LEN(rows));                     /* nothing was sent twice */
    CHECK(sl_httpd_stats(w.httpd)->accepted < LEN(rows)); /* connections are kept */
    world_close(&w);
}

TEST(httpc_when_nobody_is_there)
{
    struct world w;
    world_open(&w, NULL, NULL);
    sl_httpd_free(w.httpd);
    w.httpd = NULL;
    CHECK_INT(post(&w, "/ok", SEC(30)), E_OK);
    sl_loop_run(w.loop);
    CHECK_INT(w.done, 1);
    CHECK_INT(w.status, 0);
    world_close(&w);
}

TEST(httpc_is_freed_while_it_waits)
{
    struct world w;
    world_open(&w, NULL, NULL);
    CHECK_INT(post(&w, "/never", SEC(30)), E_OK);
    world_close(&w);
    CHECK_INT(w.done, 0);
}

TEST(httpc_refuses_what_is_no_request)
{
    static const struct {
        const char *url;
        bool valid;
    } rows[] = {
        {"http://a", true},      {"https://a.example:8443/b?c=d", true},
        {"http://[::1]/", true}, {"", false},
        {"a.example/b", false},  {"file:///etc/passwd", false},
        {"gopher://a/", false},  {"http://", false},
        {"https://a b/", false},
    };
    struct world w;
    world_open(&w, NULL, NULL);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].url);
        CHECK_INT(sl_httpc_url_valid(rows[i].url), rows[i].valid);
    }
    struct httpc_post p = {.url = "file:///etc/passwd", .done = on_done, .user = &w};
    CHECK_INT(sl_httpc_post(w.client, &p), E_MALFORMED);
    p.url = w.url;
    p.fields = (const struct http_field[]){{"X", "a\r\nY: b"}, {0}};
    CHECK_INT(sl_httpc_post(w.client, &p), E_MALFORMED);
    world_close(&w);
    CHECK_INT(w.done, 0);
}

TEST(httpc_believes_certificates_only)
{
    struct pem here = pem_named("IP:127.0.0.1"), other = pem_new();
    const struct {
        const char *name;
        const struct pem *shown;
        const char *trusted;
        unsigned status;
    } rows[] = {
        {"of one we trust, for this address", &here, here.cert, 200},
        {"of one we do not trust", &here, other.cert, 0},
        {"of nobody whom the machine trusts", &here, NULL, 0},
        {"for another name", &other, other.cert, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct world w;
        check_row(rows[i].name);
        world_open(&w, rows[i].shown, rows[i].trusted);
        CHECK_INT(post(&w, "/ok", SEC(30)), E_OK);
        sl_loop_run(w.loop);
        CHECK_INT(w.status, rows[i].status);
        CHECK_INT(w.requests, rows[i].status == 200);
        world_close(&w);
    }
    pem_remove(&here);
    pem_remove(&other);
}
