#include "service/captures.h"

#include <dirent.h>

#include "net/loop.h"
#include "node_stage.h"

/* Two workers as they run in the server, without clients (those are in tape_test). */

static struct node_stage stage;

static struct {
    struct roomapi api;
    struct captures captures;
    struct log log;
    unsigned status; /* of the last answer */
    char text[1024];
    char logged[4096];
} s;

static void take(const struct http_res *res)
{
    s.status = res->status;
    (void)snprintf(s.text, sizeof s.text, "%.*s", (int)res->body.n,
                   res->body.n > 0 ? (const char *)res->body.p : "");
}

static void reply(void *ctx, uint64_t request, const struct http_res *res)
{
    (void)ctx;
    CHECK_INT(request, 4711);
    take(res);
}

static void take_line(void *ctx, enum log_level level, struct span line)
{
    size_t n = strlen(s.logged);
    (void)ctx;
    CHECK(level >= LOG_WARN); /* never among what may be dropped */
    (void)snprintf(s.logged + n, sizeof s.logged - n, "%.*s", (int)line.n,
                   (const char *)line.p);
}

static void captured(unsigned from, const struct mail *m)
{
    (void)from;
    sl_captures_told(&s.captures, m);
}

static void begin(void)
{
    memset(&s, 0, sizeof s);
    node_stage_open(&stage);
    stage.captured = captured;
    s.log = (struct log){
        .take = take_line, .level = LOG_INFO, .wall = sl_wall_now, .thread = "test"};
    s.captures = (struct captures){.api = &s.api,
                                   .node = &stage.node,
                                   .log = &s.log,
                                   .permitted = true,
                                   .mib_max = 16,
                                   .reply = reply};
    CHECK_INT(
        sl_roomapi_init(&s.api, &(struct roomapi_conf){.captures = sl_captures_asked,
                                                       .captures_ctx = &s.captures}),
        E_OK);
}

static void end(void)
{
    sl_roomapi_fini(&s.api);
    node_stage_close(&stage);
    CHECK_INT(rmdir(stage.dir), 0); /* nothing was left there */
}

static bool answered(void)
{
    return s.status != 0;
}

static unsigned ask(enum http_method method, const char *path, const char *body)
{
    const struct http_req req = {
        .id = 4711,
        .method = method,
        .path = span_of(path),
        .headers = {{span_of("Content-Type"), span_of("application/json")}},
        .nheaders = 1,
        .body = span_of(body),
        .peer = addr_v4(192, 0, 2, 9, 99)};
    struct http_res res = sl_roomapi_answer(&s.api, &req, SEC(9), 1000);
    s.status = 0;
    if (res.status != 0)
        take(&res);
    (void)node_stage_until(&stage, answered);
    return s.status;
}

static unsigned capture(unsigned worker)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"worker\":%u,\"seconds\":600,\"mib\":16}",
                   worker);
    return ask(HTTP_POST, "/v1/captures", body);
}

static bool all_over(void)
{
    for (unsigned i = 0; i < NODE_STAGE_WORKERS; i++)
        if (stage.node.tapes[i])
            return false;
    return true;
}

static void expect(uint64_t id)
{
    const struct media_transport t = {.id = id,
                                      .ufrag = "ufrag",
                                      .pwd = "password",
                                      .peer = {.hash = MEDIA_SHA256, .n = 32}};
    CHECK_INT(stage.ops.transport_add(stage.ops.ctx, &t), E_OK);
    node_stage_control(&stage);
}

static size_t files(void)
{
    size_t n = 0;
    DIR *d = opendir(stage.dir);
    while (d && readdir(d)) // NOLINT(concurrency-mt-unsafe)
        n++;
    CHECK(d && closedir(d) == 0);
    return n - 2; /* . and .. */
}

static void remove_file(const char *name)
{
    char path[256];
    CHECK_INT(unlink(node_stage_path(&stage, name, path)), 0);
}

TEST(captures_begin_and_end)
{
    char names[NODE_STAGE_WORKERS][TAPE_NAME];
    begin();
    CHECK_INT(capture(0), 201);
    CHECK(strstr(s.text, "{\"worker\":0,\"file\":\"worker-0-2") != NULL);
    CHECK(strstr(s.text, "\"seconds\":600,\"mib\":16}") != NULL);
    CHECK_INT(capture(0), 409); /* one at a time */
    CHECK_INT(capture(1), 201);
    CHECK_INT(ask(HTTP_GET, "/v1/captures", ""), 200);
    CHECK(strstr(s.text, "worker-0-2") && strstr(s.text, "},{\"worker\":1"));
    for (unsigned i = 0; i < NODE_STAGE_WORKERS; i++)
        memcpy(names[i], stage.node.tapes[i]->name, TAPE_NAME);
    CHECK_INT(ask(HTTP_DELETE, "/v1/captures/0", ""), 204);
    CHECK_INT(ask(HTTP_DELETE, "/v1/captures/1", ""), 204);
    CHECK(node_stage_until(&stage, all_over));
    CHECK_INT(ask(HTTP_DELETE, "/v1/captures/1", ""), 404);
    CHECK_INT(ask(HTTP_DELETE, "/v1/captures/2", ""), 404);
    CHECK_INT(ask(HTTP_GET, "/v1/captures", ""), 200);
    CHECK_STR(s.text, "{\"captures\":[]}");
    /* Who asked for what. */
    CHECK(strstr(s.logged, "capture asked for") && strstr(s.logged, "192.0.2.9:99"));
    CHECK(strstr(s.logged, "capture is to end") && strstr(s.logged, "capture over"));
    CHECK_INT(files(), NODE_STAGE_WORKERS);
    for (unsigned i = 0; i < NODE_STAGE_WORKERS; i++)
        remove_file(names[i]);
    end();
}

TEST(captures_begin_with_an_empty_worker)
{
    begin();
    expect(7);
    CHECK_INT(capture(0), 409);
    CHECK_INT(capture(1), 409); /* it is expected by all */
    CHECK(strstr(s.text, "no transports") != NULL);
    CHECK_INT(files(), 0);
    CHECK(strstr(s.logged, "worker is busy") != NULL);
    stage.ops.transport_close(stage.ops.ctx, 7);
    node_stage_control(&stage);
    CHECK_INT(capture(1), 201);
    char name[TAPE_NAME];
    memcpy(name, stage.node.tapes[1]->name, sizeof name);
    expect(8); /* it may be busy now */
    atomic_store(&stage.node.tapes[1]->stop, true);
    CHECK(node_stage_until(&stage, all_over));
    remove_file(name);
    end();
}

TEST(captures_are_for_operators)
{
    static const struct {
        const char *name;
        const char *body;
        unsigned status;
    } rows[] = {
        {"no such worker", "{\"worker\":2}", 400},
        {"too long", "{\"seconds\":3601}", 400},
        {"no time at all", "{\"seconds\":0}", 400},
        {"larger than is set", "{\"mib\":17}", 400},
        {"no number", "{\"worker\":\"all\"}", 400},
    };
    begin();
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(ask(HTTP_POST, "/v1/captures", rows[i].body), rows[i].status);
    }
    s.captures.permitted = false;
    check_row("nobody shows a secret");
    CHECK_INT(capture(0), 403);
    CHECK_INT(ask(HTTP_GET, "/v1/captures", ""), 403);
    s.captures.permitted = true;
    stage.node.conf.captures = "";
    check_row("no directory is set");
    CHECK_INT(capture(0), 403);
    stage.node.conf.captures = "/nowhere/at/all";
    check_row("it is not there");
    CHECK_INT(capture(0), 500);
    CHECK(strstr(s.logged, "ENOENT") != NULL);
    end();
}
