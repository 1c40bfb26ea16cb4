#include "api/admin.h"

#include <jansson.h>
#include <stdlib.h>

void sl_admin_fini(struct admin *a)
{
    free(a->text);
    a->text = NULL;
}

static struct http_res plain(unsigned status, const char *text)
{
    return (struct http_res){.status = status,
                             .fields = {{"Content-Type", "text/plain; charset=utf-8"},
                                        {"Cache-Control", "no-store"}},
                             .body = span_of(text),
                             .body_is_static = true};
}

static struct http_res metrics(struct admin *a)
{
    size_t n = 0;
    free(a->text);
    a->text = sl_metrics_text(a->metrics, &n);
    if (!a->text)
        return plain(500, "out of memory\n");
    return (struct http_res){
        .status = 200,
        .fields = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
                   {"Cache-Control", "no-store"}},
        .body = {(const uint8_t *)a->text, n}};
}

enum { JSON_CAP = 1 << 20 };

/* The path goes on behind this. */
static bool is_below(struct span path, const char *prefix, struct span *rest)
{
    size_t n = strlen(prefix);
    if (path.n < n || memcmp(path.p, prefix, n) != 0)
        return false;
    *rest = (struct span){path.p + n, path.n - n};
    return rest->n == 0 || rest->p[0] == '/';
}

static struct http_res transports(struct admin *a, struct span rest)
{
    struct span id = rest.n > 0 ? (struct span){rest.p + 1, rest.n - 1} : rest;
    free(a->text);
    a->text = malloc(JSON_CAP);
    if (!a->text)
        return plain(500, "out of memory\n");
    struct wr w = wr_of((uint8_t *)a->text, JSON_CAP);
    if (!a->transports || (rest.n > 0 && id.n == 0) || !a->transports(a->ctx, id, &w))
        return plain(404, "no such transport\n");
    return (struct http_res){
        .status = w.bad ? 500 : 200,
        .fields = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
        .body = wr_done(&w)};
}

static bool read_ceiling(struct span body, uint32_t *ret)
{
    json_t *in = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *n = json_object_get(in, "max_bps");
    json_int_t bps = json_is_integer(n) ? json_integer_value(n) : -1;
    json_decref(in);
    if (bps < 0 || bps > UINT32_MAX)
        return false;
    *ret = (uint32_t)bps;
    return true;
}

static struct http_res set_ceiling(struct admin *a, const struct http_req *req,
                                   struct span rest)
{
    uint32_t bps;
    struct span id = rest.n > 0 ? (struct span){rest.p + 1, rest.n - 1} : rest;
    if (!span_is(sl_http_header(req, "Content-Type"), "application/json"))
        return plain(415, "application/json is wanted\n"); /* of other pages, too */
    if (!read_ceiling(req->body, &bps))
        return plain(400, "{\"max_bps\": bits/s, or 0} is wanted\n");
    if (id.n == 0 || !a->ceiling || !a->ceiling(a->ctx, id, bps))
        return plain(404, "no such transport\n");
    return (struct http_res){.status = 204};
}

struct http_res sl_admin_answer(struct admin *a, const struct http_req *req)
{
    if (req->refuse)
        return plain(req->refuse, "refused\n");
    bool live = span_is(req->path, "/health/live");
    bool ready = span_is(req->path, "/health/ready");
    bool numbers = span_is(req->path, "/metrics");
    struct span rest;
    bool who = is_below(req->path, "/admin/transports", &rest);
    if (!live && !ready && !numbers && !who)
        return plain(404, "404 page not found\n"); /* as rtcd says it */
    if (who && rest.n > 0 && req->method == HTTP_POST)
        return set_ceiling(a, req, rest);
    if (req->method != HTTP_GET && req->method != HTTP_HEAD) {
        struct http_res res = plain(405, "only GET\n");
        res.fields[2] = (struct http_field){"Allow", "GET, HEAD"};
        return res;
    }
    if (who)
        return transports(a, rest);
    if (numbers)
        return metrics(a);
    if (ready && !a->ready)
        return plain(503, "draining\n");
    return plain(200, "ok\n");
}
