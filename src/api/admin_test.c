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
