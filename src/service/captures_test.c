#include "service/captures.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "net/loop.h"
#include "service/plane.h"
#include "sfu/mail.h"

/* Two workers as they run in the server, without clients (those are in tape_test). This thread
 * stands in for control. */

enum { WORKERS = 2 };

static struct {
    struct node node;
    struct plane *plane;
    struct media_ops ops;
    struct roomapi api;
    struct captures captures;
    struct log log;
    struct addr at;
    unsigned status; /* of the last answer */
    char text[1024];
    char logged[4096];
    char dir[32];
} s;

static void up(void *ctx, uint64_t transport)
{
    (void)ctx, (void)transport;
}

static void gone(void *ctx, uint64_t transport, enum media_gone why)
{
    (void)ctx, (void)transport, (void)why;
}

static void no_bell(void *ctx)
{
    (void)ctx; /* this thread looks by itself */
}

static void started(void *ctx, uint64_t producer)
{
    (void)ctx, (void)producer;
}

static void wanted(void *ctx, uint64_t transport, uint64_t producer, uint8_t encodings,
                   uint32_t most_bps)
{
    (void)ctx, (void)transport, (void)producer, (void)encodings, (void)most_bps;
}

static void voice(void *ctx, uint64_t transport, uint64_t producer, const struct voice *v)
{
    (void)ctx, (void)transport, (void)producer, (void)v;
}

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

static struct addr free_port(void)
{
    struct addr at = addr_v4(127, 0, 0, 1, 0);
    for (uint16_t port = 20000; port < 30000; port++) {
        struct udp *u = NULL;
        at.port = (uint16_t)(port + sl_udp_now() % 10000);
        if (sl_udp_new(&at, 1, 0, &u) == E_OK) {
            sl_udp_free(u);
            return at;
        }
    }
    CHECK(!"a free port");
    return at;
}

static void begin(void)
{
    memset(&s, 0, sizeof s);
    s.at = free_port();
    (void)snprintf(s.dir, sizeof s.dir, "/tmp/sluice-captures-XXXXXX");
    CHECK(mkdtemp(s.dir) != NULL);
    const struct node_conf conf = {.at = {s.at},
                                   .at_n = 1,
                                   .captures = s.dir,
                                   .workers = WORKERS,
                                   .packets = 1024,
                                   .socket_buffer = 1 << 20,
                                   .profiles = {SRTP_GCM_128},
                                   .profiles_n = 1,
                                   .srtp = sl_srtp_backend_best(),
                                   .handshakes_per_s = 1000,
                                   .handshakes_pending = 1000};
    const struct plane_events events = {
        .up = up, .gone = gone, .started = started, .wanted = wanted, .voice = voice};
    CHECK_INT(sl_node_init(&s.node, &conf), E_OK);
    sl_post_bell(s.node.post, SHARD_TO_CONTROL, no_bell, NULL);
    s.plane = sl_plane_new(s.node.post, (const uint64_t[2]){1, 2}, &events);
    s.ops = sl_plane_ops(s.plane);
    s.log = (struct log){
        .take = take_line, .level = LOG_INFO, .wall = sl_wall_now, .thread = "test"};
    s.captures = (struct captures){.api = &s.api,
                                   .node = &s.node,
                                   .log = &s.log,
                                   .permitted = true,
                                   .mib_max = 16,
                                   .reply = reply};
    CHECK_INT(
        sl_roomapi_init(&s.api, &(struct roomapi_conf){.captures = sl_captures_asked,
                                                       .captures_ctx = &s.captures}),
        E_OK);
    CHECK_INT(sl_node_start(&s.node), E_OK);
}

static void end(void)
{
    sl_roomapi_fini(&s.api);
    sl_plane_free(s.plane);
    sl_node_fini(&s.node);
    CHECK_INT(rmdir(s.dir), 0); /* nothing was left there */
}

/* What control does in a round. */
static void control(void)
{
    struct mail m;
    unsigned from;
    while (sl_post_take(s.node.post, SHARD_TO_CONTROL, &from, &m)) {
        if (m.type == MAIL_STATS)
            sl_node_answered(&s.node, &m);
        else if (m.type == MAIL_CAPTURE)
            sl_captures_told(&s.captures, &m);
        else
            sl_plane_mail(s.plane, from, &m);
    }
    sl_plane_flush(s.plane);
    sl_node_ask(&s.node);
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
    for (usec until = sl_udp_now() + SEC(20); s.status == 0 && sl_udp_now() < until;) {
        control();
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return s.status;
}

static unsigned capture(unsigned worker)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"worker\":%u,\"seconds\":600,\"mib\":16}",
                   worker);
    return ask(HTTP_POST, "/v1/captures", body);
}

static bool running(void)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (s.node.tapes[i])
            return true;
    return false;
}

static void wait_for_the_end(void)
{
    for (usec until = sl_udp_now() + SEC(20); running() && sl_udp_now() < until;) {
        control();
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    CHECK(!running());
}

static void expect(uint64_t id)
{
    const struct media_transport t = {.id = id,
                                      .ufrag = "ufrag",
                                      .pwd = "password",
                                      .peer = {.hash = MEDIA_SHA256, .n = 32}};
    CHECK_INT(s.ops.transport_add(s.ops.ctx, &t), E_OK);
    control();
}

static size_t files(void)
{
    size_t n = 0;
    DIR *d = opendir(s.dir);
    while (d && readdir(d)) // NOLINT(concurrency-mt-unsafe)
        n++;
    CHECK(d && closedir(d) == 0);
    return n - 2; /* . and .. */
}

static void remove_file(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", s.dir, name);
    CHECK_INT(unlink(path), 0);
}

TEST(captures_begin_and_end)
{
    char names[WORKERS][TAPE_NAME];
    begin();
    CHECK_INT(capture(0), 201);
    CHECK(strstr(s.text, "{\"worker\":0,\"file\":\"worker-0-2") != NULL);
    CHECK(strstr(s.text, "\"seconds\":600,\"mib\":16}") != NULL);
    CHECK_INT(capture(0), 409); /* one at a time */
    CHECK_INT(capture(1), 201);
    CHECK_INT(ask(HTTP_GET, "/v1/captures", ""), 200);
    CHECK(strstr(s.text, "worker-0-2") && strstr(s.text, "},{\"worker\":1"));
    for (unsigned i = 0; i < WORKERS; i++)
        memcpy(names[i], s.node.tapes[i]->name, TAPE_NAME);
    CHECK_INT(ask(HTTP_DELETE, "/v1/captures/0", ""), 204);
    CHECK_INT(ask(HTTP_DELETE, "/v1/captures/1", ""), 204);
    wait_for_the_end();
    CHECK_INT(ask(HTTP_DELETE, "/v1/captures/1", ""), 404);
    CHECK_INT(ask(HTTP_DELETE, "/v1/captures/2", ""), 404);
    CHECK_INT(ask(HTTP_GET, "/v1/captures", ""), 200);
    CHECK_STR(s.text, "{\"captures\":[]}");
    /* Who asked for what. */
    CHECK(strstr(s.logged, "capture asked for") && strstr(s.logged, "192.0.2.9:99"));
    CHECK(strstr(s.logged, "capture is to end") && strstr(s.logged, "capture over"));
    CHECK_INT(files(), WORKERS);
    for (unsigned i = 0; i < WORKERS; i++)
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
    s.ops.transport_close(s.ops.ctx, 7);
    control();
    CHECK_INT(capture(1), 201);
    char name[TAPE_NAME];
    memcpy(name, s.node.tapes[1]->name, sizeof name);
    expect(8); /* it may be busy now */
    atomic_store(&s.node.tapes[1]->stop, true);
    wait_for_the_end();
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
    s.node.conf.captures = "";
    check_row("no directory is set");
    CHECK_INT(capture(0), 403);
    s.node.conf.captures = "/nowhere/at/all";
    check_row("it is not there");
    CHECK_INT(capture(0), 500);
    CHECK(strstr(s.logged, "ENOENT") != NULL);
    end();
}
