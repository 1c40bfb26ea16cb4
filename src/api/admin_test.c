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
