#include "service/hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "net/httpd.h"

#define SECRET "a secret of this test, long enough"

enum { TEXT = 4096 };

static struct log quiet = {.fd = -1, .level = LOG_ERROR, .wall = sl_wall_now};

/* A server and its back end on one loop. */
struct world {
    struct loop *loop;
    struct httpd *httpd;
    struct kv *kv;
    struct hooks *hooks;
    struct loop_timer end;
    char url[64], other[64];
    const char *urls[2];
    unsigned status;      /* that the back end answers; 0: nothing */
    char heard[TEXT];     /* types of events in requests that were taken, "a b " */
    size_t asked, enough; /* requests; so many, and the loop ends */
    size_t signed_n;
};

static bool is_signed(const struct http_req *req)
{
    struct span id = sl_http_header(req, "webhook-id"),
                at = sl_http_header(req, "webhook-timestamp"),
                sign = sl_http_header(req, "webhook-signature");
    struct hmac_sha256 key;
    char text[24] = "", want[SIGNATURE_LEN + 1] = "";
    struct wr w = wr_of((uint8_t *)want, SIGNATURE_LEN);
    CHECK_INT(sl_signature_key(span_of(SECRET), &key), E_OK);
    memcpy(text, at.p, at.n < sizeof text ? at.n : 0);
    long long sent = strtoll(text, NULL, 10), now = sl_wall_now() / SEC(1);
    sl_signature_write(&w, &key, id, sent, req->body);
    return span_is(sign, want) && sent <= now && sent > now - 60;
}

/* What comes again is as good as once. */
static void hear(struct world *w, struct span body)
{
    static const char what[] = "\"type\":\"";
    const char *at = (const char *)body.p, *last = at + body.n;
    while ((at = memmem(at, (size_t)(last - at), what, sizeof what - 1))) {
        char type[32];
        at += sizeof what - 1;
        (void)snprintf(type, sizeof type, "%.*s ", (int)strcspn(at, "\""), at);
        if (!strstr(w->heard, type))
            (void)strncat(w->heard, type, TEXT - strlen(w->heard) - 1);
    }
}

static void on_request(void *user, const struct http_req *req)
{
    struct world *w = user;
    w->signed_n += is_signed(req);
    if (w->status >= 200 && w->status < 300)
        hear(w, req->body);
    if (w->status > 0)
        CHECK_INT(
            sl_httpd_reply(w->httpd, req->id, &(struct http_res){.status = w->status}),
            E_OK);
    if (++w->asked >= w->enough)
        sl_loop_stop(w->loop);
}

static void out_of_time(void *user)
{
    struct world *w = user;
    check_fail(__FILE__, __LINE__, "%zu requests, %zu wanted", w->asked, w->enough);
    sl_loop_stop(w->loop);
}

static void stop(void *user)
{
    const struct world *w = user;
    sl_loop_stop(w->loop);
}

/* Whatever happens in that time. */
static void pass(struct world *w, usec time)
{
    struct loop_timer t = {.fn = stop, .user = w};
    CHECK_INT(sl_loop_timer_set(w->loop, &t, sl_loop_now() + time), E_OK);
    sl_loop_run(w->loop);
    sl_loop_timer_stop(w->loop, &t);
}

static void serve(struct world *w, uint16_t port)
{
    struct httpd_conf conf = {HTTPD_CONF, .addr = addr_v4(127, 0, 0, 1, port),
                              .request = on_request, .user = w};
    CHECK_INT(sl_httpd_new(w->loop, &conf, &w->httpd), E_OK);
}

static void start(struct world *w, size_t urls)
{
    const struct hooks_conf conf = {.loop = w->loop,
                                    .log = &quiet,
                                    .kv = w->kv,
                                    .urls = w->urls,
                                    .urls_n = urls,
                                    .secret = SECRET,
                                    .keep = SEC(3600),
                                    .limit = SEC(1),
                                    .most = 100};
    CHECK_INT(sl_hooks_new(&conf, &w->hooks), E_OK);
}

static void open_world(struct world *w)
{
    *w = (struct world){.loop = sl_loop_new(), .kv = sl_kv_open_memory(), .status = 200};
    w->end = (struct loop_timer){.fn = out_of_time, .user = w};
    serve(w, 0);
    (void)snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u/a",
                   sl_httpd_addr(w->httpd).port);
    (void)snprintf(w->other, sizeof w->other, "http://127.0.0.1:%u/b",
                   sl_httpd_addr(w->httpd).port);
    w->urls[0] = w->url;
    w->urls[1] = w->other;
    start(w, 1);
}

static void close_world(struct world *w)
{
    sl_loop_timer_stop(w->loop, &w->end);
    sl_hooks_free(w->hooks);
    sl_httpd_free(w->httpd);
    sl_loop_free(w->loop);
    sl_kv_close(w->kv);
}

static void put(struct world *w, const char *type)
{
    char text[64];
    (void)snprintf(text, sizeof text, "\"type\":\"%s\"", type);
    sl_hooks_put(w->hooks, span_of(text));
}

static void run(struct world *w, size_t requests)
{
    w->enough = w->asked + requests;
    CHECK_INT(sl_loop_timer_set(w->loop, &w->end, sl_loop_now() + SEC(60)), E_OK);
    sl_loop_run(w->loop);
    sl_loop_timer_stop(w->loop, &w->end);
    CHECK(w->asked >= w->enough);
}

static void run_dry(struct world *w)
{
    usec end = sl_loop_now() + SEC(60);
    w->enough = SIZE_MAX;
    while (sl_hooks_stats(w->hooks, 0)->waiting > 0 && sl_loop_now() < end)
        pass(w, MSEC(5));
    CHECK_INT(sl_hooks_stats(w->hooks, 0)->waiting, 0);
}

/* Events; what is written besides is the last id. */
static bool count(void *ctx, struct span key, struct span value)
{
    *(size_t *)ctx += key.n < 4 || memcmp(key.p + key.n - 4, "last", 4) != 0;
    (void)value;
    return true;
}

static size_t stored(const struct world *w)
{
    size_t n = 0;
    CHECK_INT(sl_kv_each(w->kv, span_of("webhook/"), count, &n), E_OK);
    return n;
}

TEST(hooks_tell_signed_and_in_order)
{
    struct world w;
    open_world(&w);
    put(&w, "a");
    put(&w, "b");
    run(&w, 1);
    put(&w, "c");
    run_dry(&w);
    CHECK(strcmp(w.heard, "a b c ") == 0);
    CHECK(w.asked >= 2);
    CHECK_INT(w.signed_n, w.asked);
    sl_hooks_free(w.hooks);
    w.hooks = NULL;
    CHECK_INT(stored(&w), 0);
    close_world(&w);
}

TEST(hooks_outlast_a_back_end_that_fails_or_is_slow)
{
    struct world w;
    open_world(&w);
    w.status = 500;
    put(&w, "a");
    run(&w, 1);
    put(&w, "b");
    w.status = 0; /* until our patience ends */
    run(&w, 1);
    w.status = 200;
    run_dry(&w);
    CHECK(strcmp(w.heard, "a b ") == 0);
    CHECK(sl_hooks_stats(w.hooks, 0)->refused >= 2);
    close_world(&w);
}

TEST(hooks_outlast_a_back_end_that_dies)
{
    struct world w;
    open_world(&w);
    uint16_t port = sl_httpd_addr(w.httpd).port;
    put(&w, "a");
    run_dry(&w);
    sl_httpd_free(w.httpd);
    put(&w, "b");
    pass(&w, MSEC(300));
    CHECK(sl_hooks_stats(w.hooks, 0)->waiting > 0);
    serve(&w, port);
    run_dry(&w);
    CHECK(strcmp(w.heard, "a b ") == 0);
    close_world(&w);
}

/* It ends before anything was stored or told; what starts next tells it all, but for what was to
 * go to a back end that is told nothing any more. */
TEST(hooks_outlast_this_process)
{
    struct world w;
    open_world(&w);
    sl_hooks_free(w.hooks);
    start(&w, 2);
    put(&w, "a");
    put(&w, "b");
    sl_hooks_free(w.hooks);
    CHECK_INT(stored(&w), 4);
    start(&w, 1);
    CHECK_INT(stored(&w), 2);
    put(&w, "c");
    run_dry(&w);
    CHECK(strcmp(w.heard, "a b c ") == 0);
    close_world(&w);
}

TEST(hooks_need_a_secret)
{
    struct hooks *h = NULL;
    const struct hooks_conf conf = {.secret = "short"};
    CHECK_INT(sl_hooks_new(&conf, &h), E_SHORT);
    sl_hooks_free(NULL);
    CHECK(sl_hooks_stats(NULL, 0) == NULL);
}
