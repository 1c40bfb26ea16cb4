#include "service/traces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"

#include "check.h"
#include "net/loop.h"
#include "service/wiring.h"
#include "sfu/mail.h"

/* Rooms over a plane whose two workers are this test (with real ones: tape_test). In the room a
 * publisher lives on worker 0, and viewers on both. */
enum { VIEWERS = 5 };

static struct {
    struct node node;
    struct plane *plane;
    struct rooms *rooms;
    struct roomapi api;
    struct captures captures;
    struct log log;
    struct rng rng;
    struct peer *pub, *viewers[VIEWERS];
    char dir[32];
    unsigned status; /* of the last answer; 0: there is none yet */
    uint64_t asked;  /* requests */
    char text[1024], logged[8192];
} s;

static void fill(void *ctx, void *p, size_t n)
{
    for (uint8_t *to = p; n > 0; to++, n--)
        *to = (uint8_t)sl_rng_u64(ctx);
}

static void nothing(void *ctx, uint64_t id)
{
    (void)ctx, (void)id;
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
    CHECK_INT(request, s.asked);
    CHECK_INT(s.status, 0); /* one answer */
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

static struct peer *join(enum negotiate_job job, const char *sdp, unsigned worker)
{
    static uint8_t answer[NEGOTIATE_ANSWER_MAX];
    struct wr w = wr_of(answer, sizeof answer);
    struct refused why;
    struct peer *p = NULL;
    char file[96];
    (void)snprintf(file, sizeof file, "tests/sdp/%s.sdp", sdp);
    const struct join j = {.job = job,
                           .tenant = span_of("default"),
                           .room = span_of("a"),
                           .stream = span_of("x"),
                           .offer = check_file(file)};
    CHECK_INT(sl_rooms_join(s.rooms, &j, SEC(1), &w, &why, &p), E_OK);
    sl_plane_mail(s.plane, SHARD_TO_ASSOC,
                  &(struct mail){.type = MAIL_UP, .id = p->transport, .arg = worker});
    sl_rooms_transport_up(s.rooms, p->transport, SEC(1));
    return p;
}

/* The next tape that a worker was lent, if any; what else it was told is none of our business. */
static struct tape *lent(unsigned worker)
{
    struct mail m;
    unsigned from;
    sl_plane_flush(s.plane);
    while (sl_post_take(s.node.post, worker, &from, &m)) {
        if (m.type == MAIL_CAPTURE)
            return m.p;
        sl_mail_free(&m);
    }
    return NULL;
}

static void drain(void)
{
    struct mail m;
    unsigned from;
    sl_plane_flush(s.plane);
    for (unsigned to = 0; to < SHARD_PEERS; to++)
        while (sl_post_take(s.node.post, to, &from, &m))
            sl_mail_free(&m);
}

/* As its worker does. */
static void say(struct tape *t, enum tape_state state)
{
    const struct trace_conf conf = {.about = t->about};
    if (state == TAPE_RUNS)
        sl_trace_init(&t->trace, wr_of(t->memory, t->size), &conf);
    t->state = state;
    sl_traces_told(&s.captures,
                   &(struct mail){.type = MAIL_CAPTURE, .arg = state, .p = t});
}

static void begin(void)
{
    static const uint8_t sha256[32] = {1};
    memset(&s, 0, sizeof s);
    (void)snprintf(s.dir, sizeof s.dir, "/tmp/sluice-traces-XXXXXX");
    CHECK(mkdtemp(s.dir) != NULL);
    s.rng = sl_rng_of(3);
    s.node.conf.workers = 2;
    s.node.conf.captures = s.dir;
    s.node.post = sl_post_new(2);
    s.plane = sl_plane_new(s.node.post, (const uint64_t[2]){1, 2},
                           &(struct plane_events){.up = nothing});
    s.rooms = sl_rooms_new(&(struct rooms_conf){.media = sl_plane_ops(s.plane),
                                                .random = {fill, &s.rng},
                                                .limits = {9, 9, 9},
                                                .local = {.sha256 = sha256}});
    s.log = (struct log){
        .take = take_line, .level = LOG_INFO, .wall = sl_wall_now, .thread = "test"};
    s.captures = (struct captures){.api = &s.api,
                                   .node = &s.node,
                                   .plane = s.plane,
                                   .log = &s.log,
                                   .permitted = true,
                                   .mib_max = 4,
                                   .reply = reply};
    CHECK_INT(sl_roomapi_init(&s.api, &(struct roomapi_conf){.rooms = s.rooms,
                                                             .traces = sl_traces_asked,
                                                             .traces_ctx = &s.captures}),
              E_OK);
    s.pub = join(NEGOTIATE_PUBLISH, "chromium-sendonly-simulcast", 0);
    for (unsigned i = 0; i < VIEWERS; i++)
        s.viewers[i] = join(NEGOTIATE_WATCH, "chromium-recvonly", (i + 1) % 2);
    drain();
}

static void end(void)
{
    sl_roomapi_fini(&s.api);
    sl_rooms_free(s.rooms);
    drain();
    sl_plane_free(s.plane);
    sl_post_free(s.node.post);
    CHECK_INT(rmdir(s.dir), 0); /* nothing was left there */
}

/* 0: the answer comes later. */
static unsigned ask(enum http_method method, const char *path, const char *body)
{
    const struct http_req req = {
        .id = ++s.asked,
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
    return s.status;
}

static unsigned trace(uint64_t transport, const char *body)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/v1/transports/%016" PRIx64 "/traces", transport);
    return ask(HTTP_POST, path, body);
}

static unsigned trace_publisher(void)
{
    char path[64 + NAME_CAP];
    (void)snprintf(path, sizeof path, "/v1/rooms/default/a/peers/%s/traces",
                   s.pub->who->id);
    return ask(HTTP_POST, path, "{}");
}

static void remove_file(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", s.dir, name);
    CHECK_INT(unlink(path), 0);
}

/* Its worker ends it, and the file goes. */
static void finish(struct tape *t)
{
    char name[TAPE_NAME];
    memcpy(name, t->name, sizeof name);
    say(t, TAPE_OVER);
    remove_file(name);
}

static bool logged(const char *what)
{
    return strstr(s.logged, what) != NULL;
}

TEST(traces_begin_and_end)
{
    char path[64];
    begin();
    CHECK_INT(trace(s.viewers[0]->transport, "{\"seconds\":5,\"mib\":1}"), 0);
    struct tape *t = lent(1);
    CHECK(t && t->transport == s.viewers[0]->transport && t->length == SEC(5));
    if (!t)
        return;
    CHECK(lent(0) == NULL);
    CHECK_INT(ask(HTTP_GET, "/v1/traces", ""), 200);
    CHECK_STR(s.text, "{\"traces\":[]}"); /* not yet */
    s.status = 0;
    s.asked = t->request;
    say(t, TAPE_RUNS);
    CHECK_INT(s.status, 201);
    CHECK(strstr(s.text, "{\"traces\":[{\"transport\":\"") == s.text);
    CHECK(strstr(s.text, t->name) && strstr(s.text, "\"seconds\":5,\"mib\":1}]}"));
    CHECK_INT(ask(HTTP_GET, "/v1/traces", ""), 200);
    CHECK(strstr(s.text, t->name) != NULL);
    (void)snprintf(path, sizeof path, "/v1/traces/%016" PRIx64, t->transport);
    CHECK(!atomic_load(&t->stop));
    CHECK_INT(ask(HTTP_DELETE, path, ""), 204);
    CHECK(atomic_load(&t->stop));
    finish(t);
    CHECK_INT(ask(HTTP_DELETE, path, ""), 404);
    CHECK(logged("trace asked for") && logged("192.0.2.9:99"));
    CHECK(logged("trace is to end") && logged("trace over"));
    end();
}

/* Both of its transports, whichever workers they live on; the answer waits for both. */
TEST(traces_of_a_participant)
{
    static const struct {
        const char *name;
        enum tape_state sends, receives;
        unsigned status;
        unsigned listed;
    } rows[] = {
        {"both", TAPE_RUNS, TAPE_RUNS, 201, 2},
        {"one is gone", TAPE_RUNS, TAPE_REFUSED, 201, 1},
        {"the other is", TAPE_REFUSED, TAPE_RUNS, 201, 1},
        {"it has left", TAPE_REFUSED, TAPE_REFUSED, 409, 0},
    };
    begin();
    struct participant *who = s.pub->who;
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        who->receives = s.viewers[0];
        CHECK_INT(trace_publisher(), 0);
        who->receives = NULL;
        struct tape *a = lent(0), *b = lent(1);
        CHECK(a && a->transport == s.pub->transport);
        CHECK(b && b->transport == s.viewers[0]->transport);
        if (!a || !b)
            return;
        CHECK(strstr(a->about, who->id) && strstr(a->about, "default/a"));
        CHECK(logged(who->id) && logged("default/a"));
        say(a, rows[i].sends);
        CHECK_INT(s.status, 0); /* of one nothing is known */
        say(b, rows[i].receives);
        CHECK_INT(s.status, rows[i].status);
        unsigned listed = 0;
        for (const char *at = s.text; (at = strstr(at, ".pcapng")); at++)
            listed++;
        CHECK_INT(listed, rows[i].listed);
        if (rows[i].sends == TAPE_RUNS)
            finish(a);
        if (rows[i].receives == TAPE_RUNS)
            finish(b);
    }
    CHECK(logged("no trace"));
    end();
}

TEST(traces_are_few)
{
    struct tape *t[TAPE_TRACES_MAX];
    begin();
    for (unsigned i = 0; i < TAPE_TRACES_MAX; i++) {
        CHECK_INT(trace(s.viewers[i]->transport, "{\"mib\":1}"), 0);
        if (!(t[i] = lent((i + 1) % 2)))
            return;
        say(t[i], TAPE_RUNS);
        CHECK_INT(s.status, 201);
    }
    CHECK_INT(trace(s.viewers[1]->transport, "{\"mib\":1}"), 409);
    CHECK(strstr(s.text, "not over") != NULL);
    CHECK_INT(trace_publisher(), 409);
    CHECK(strstr(s.text, "as many run") != NULL);
    finish(t[0]);
    CHECK_INT(trace_publisher(), 0);
    if (!(t[0] = lent(0)))
        return;
    say(t[0], TAPE_RUNS);
    CHECK_INT(s.status, 201);
    for (unsigned i = 0; i < TAPE_TRACES_MAX; i++)
        finish(t[i]);
    end();
}

TEST(traces_are_for_operators)
{
    static const struct {
        const char *name, *body;
        unsigned status;
    } rows[] = {
        {"too long", "{\"seconds\":3601}", 400},
        {"no time at all", "{\"seconds\":0}", 400},
        {"larger than is set", "{\"mib\":5}", 400},
        {"no number", "{\"mib\":\"all\"}", 400},
    };
    begin();
    uint64_t id = s.pub->transport;
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(trace(id, rows[i].body), rows[i].status);
    }
    check_row("nobody");
    CHECK_INT(trace(id + 1000, "{}"), 409);
    CHECK_INT(ask(HTTP_POST, "/v1/transports/self/traces", "{}"), 409);
    CHECK_INT(ask(HTTP_POST, "/v1/rooms/default/a/peers/nobody/traces", "{}"), 404);
    CHECK_INT(ask(HTTP_DELETE, "/v1/traces/self", ""), 404);
    check_row("nobody shows a secret");
    s.captures.permitted = false;
    CHECK_INT(trace(id, "{}"), 403);
    CHECK_INT(ask(HTTP_GET, "/v1/traces", ""), 403);
    s.captures.permitted = true;
    check_row("no directory is set");
    s.node.conf.captures = "";
    CHECK_INT(trace(id, "{}"), 403);
    check_row("it is not there");
    s.node.conf.captures = "/nowhere/at/all";
    CHECK_INT(trace(id, "{}"), 500);
    CHECK(logged("ENOENT"));
    s.node.conf.captures = s.dir;
    CHECK(lent(0) == NULL && lent(1) == NULL);
    end();
}
