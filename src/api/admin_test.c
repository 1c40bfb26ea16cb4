#include "api/admin.h"

#include "check.h"

static const struct {
    const char *name;
    enum http_method method;
    const char *path;
    bool ready;
    unsigned want;
} rows[] = {
    {"alive", HTTP_GET, "/health/live", true, 200},
    {"alive while draining", HTTP_GET, "/health/live", false, 200},
    {"ready", HTTP_GET, "/health/ready", true, 200},
    {"not ready while draining", HTTP_GET, "/health/ready", false, 503},
    {"head", HTTP_HEAD, "/health/ready", true, 200},
    {"nothing may be posted", HTTP_POST, "/metrics", true, 405},
    {"the public face is elsewhere", HTTP_POST, "/whip/a", true, 404},
    {"a longer path", HTTP_GET, "/health/live/x", true, 404},
};

TEST(admin_answers)
{
    struct metrics *m = sl_metrics_new();
    for (size_t i = 0; i < LEN(rows); i++) {
        struct admin a = {.metrics = m, .ready = rows[i].ready};
        struct http_req req = {.method = rows[i].method, .path = span_of(rows[i].path)};
        check_row(rows[i].name);
        CHECK_INT(sl_admin_answer(&a, &req).status, rows[i].want);
        sl_admin_fini(&a);
    }
    sl_metrics_free(m);
}

TEST(admin_gives_metrics)
{
    static const struct metric of = {"x_total", "Of x.", METRIC_COUNTER, 0};
    uint64_t n = 41;
    struct metrics *m = sl_metrics_new();
    struct admin a = {.metrics = m};
    struct http_req req = {.method = HTTP_GET, .path = span_of("/metrics")};
    CHECK_INT(sl_metrics_add(m, &of, NULL, &n), E_OK);
    n++;
    struct http_res res = sl_admin_answer(&a, &req);
    CHECK_INT(res.status, 200);
    CHECK(res.body.n > 0 && strstr((const char *)res.body.p, "\nx_total 42\n"));
    sl_admin_fini(&a);
    sl_metrics_free(m);
}

static bool transports(void *ctx, struct span id, struct wr *w)
{
    (void)ctx;
    if (id.n > 0 && !span_is(id, "7f"))
        return false;
    wr_str(w, id.n > 0 ? "one" : "all");
    return true;
}

TEST(admin_tells_of_transports)
{
    static const struct {
        const char *path;
        unsigned status;
        const char *body;
    } paths[] = {
        {"/admin/transports", 200, "all"}, {"/admin/transports/7f", 200, "one"},
        {"/admin/transports/", 404, NULL}, {"/admin/transports/7f/x", 404, NULL},
        {"/admin/transportsx", 404, NULL},
    };
    for (size_t i = 0; i < LEN(paths); i++) {
        struct admin a = {.transports = transports};
        struct http_req req = {.method = HTTP_GET, .path = span_of(paths[i].path)};
        check_row(paths[i].path);
        struct http_res res = sl_admin_answer(&a, &req);
        CHECK_INT(res.status, paths[i].status);
        CHECK(!paths[i].body || span_is(res.body, paths[i].body));
        req.method = HTTP_POST;
        CHECK(sl_admin_answer(&a, &req).status >= 404);
        a.transports = NULL;
        req.method = HTTP_GET;
        CHECK_INT(sl_admin_answer(&a, &req).status, 404);
        sl_admin_fini(&a);
    }
}

static bool allow(void *ctx, struct span id, uint32_t bps)
{
    *(uint32_t *)ctx = bps;
    return span_is(id, "7f");
}

TEST(admin_sets_a_ceiling)
{
    static const struct {
        const char *name, *path, *type, *body;
        unsigned status;
        uint32_t bps;
    } asked[] = {
        {"a rate", "/admin/transports/7f", "application/json", "{\"max_bps\":500000}",
         204, 500000},
        {"none", "/admin/transports/7f", "application/json", "{\"max_bps\":0}", 204, 0},
        {"nobody", "/admin/transports/80", "application/json", "{\"max_bps\":1}", 404, 1},
        {"all", "/admin/transports/", "application/json", "{\"max_bps\":1}", 404, 9},
        {"a form", "/admin/transports/7f", "text/plain", "{\"max_bps\":1}", 415, 9},
        {"no JSON", "/admin/transports/7f", "application/json", "max_bps=1", 400, 9},
        {"a list", "/admin/transports/7f", "application/json", "[1]", 400, 9},
        {"negative", "/admin/transports/7f", "application/json", "{\"max_bps\":-1}", 400,
         9},
        {"beyond 32 bits", "/admin/transports/7f", "application/json",
         "{\"max_bps\":4294967296}", 400, 9},
        {"text", "/admin/transports/7f", "application/json", "{\"max_bps\":\"1\"}", 400,
         9},
    };
    for (size_t i = 0; i < LEN(asked); i++) {
        uint32_t bps = 9;
        struct admin a = {.ceiling = allow, .ctx = &bps};
        struct http_req req = {.method = HTTP_POST,
                               .path = span_of(asked[i].path),
                               .body = span_of(asked[i].body)};
        req.headers[req.nheaders++] =
            (struct http_header){span_of("Content-Type"), span_of(asked[i].type)};
        check_row(asked[i].name);
        CHECK_INT(sl_admin_answer(&a, &req).status, asked[i].status);
        CHECK_INT(bps, asked[i].bps);
    }
}
