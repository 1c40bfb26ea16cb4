#include "api/rtcd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#include "auth/clients.h"
#include "check.h"

#define KEY   "Ey4-H_BJA00_TVByPi8DozE12ekN3S7L"
#define OTHER "Ey4-H_BJA00_TVByPi8DozE12ekN3S7M"
#define ADMIN "admin_secret_key"

enum { RUNS_MAX = 512 };

/* The API over a store in memory; work runs when the test says so. */
struct stage {
    struct kv *kv;
    struct rtcd *rtcd;
    struct rtcd_conf conf;
    struct {
        void (*work)(void *), (*done)(void *);
        void *user;
    } runs[RUNS_MAX];
    size_t runs_n;
    uint64_t id; /* of the last request */
    unsigned status;
    char type[64], body[1024];
    size_t answers;
    char upgraded[64]; /* by whom, "-" for nobody */
    char asked[128];   /* of the sessions */
    usec now;
    bool ending; /* no more work is taken */
};

static enum err run(void *ctx, void (*work)(void *), void (*done)(void *), void *user)
{
    struct stage *s = ctx;
    CHECK(s->runs_n < RUNS_MAX);
    if (s->ending)
        return E_STATE;
    s->runs[s->runs_n].work = work;
    s->runs[s->runs_n].done = done;
    s->runs[s->runs_n++].user = user;
    return E_OK;
}

static void settle(struct stage *s)
{
    for (size_t i = 0; i < s->runs_n; i++) {
        s->runs[i].work(s->runs[i].user);
        s->runs[i].done(s->runs[i].user);
    }
    s->runs_n = 0;
}

static void reply(void *ctx, uint64_t id, const struct http_res *res)
{
    struct stage *s = ctx;
    (void)id;
    s->answers++;
    s->status = res->status;
    (void)snprintf(s->type, sizeof s->type, "%s", res->fields[0].value);
    (void)snprintf(s->body, sizeof s->body, "%.*s", (int)res->body.n,
                   (const char *)res->body.p);
}

static void upgrade(void *ctx, uint64_t id, const char *accept, struct span client)
{
    struct stage *s = ctx;
    CHECK_INT(id, s->id);
    CHECK(strcmp(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == 0);
    (void)snprintf(s->upgraded, sizeof s->upgraded, "%.*s", (int)client.n,
                   (const char *)client.p);
    s->answers++;
}

static enum err sessions(void *ctx, struct span client, struct span call,
                         struct span session, struct wr *json, const char **missing)
{
    struct stage *s = ctx;
    (void)snprintf(s->asked, sizeof s->asked, "%.*s|%.*s|%.*s", (int)client.n, client.p,
                   (int)call.n, call.p, (int)session.n, session.p ? session.p : client.p);
    *missing = span_is(call, "gone") ? "call" : "session";
    if (span_is(call, "gone") || span_is(session, "gone"))
        return E_ABSENT;
    wr_str(json, session.p ? "{}\n" : "[]\n");
    return E_OK;
}

static void fill(void *ctx, void *p, size_t n)
{
    struct stage *s = ctx;
    memset(p, 7 + (int)s->answers, n);
}

static void stage_open(struct stage *s, bool self_registration, const char *admin)
{
    *s = (struct stage){.kv = sl_kv_open_memory(), .now = SEC(1000)};
    (void)snprintf(s->upgraded, sizeof s->upgraded, "-");
    s->conf = (struct rtcd_conf){.kv = s->kv,
                                 .version = "v1.2.6",
                                 .admin_secret = admin,
                                 .self_registration = self_registration,
                                 .token_lifetime = SEC(60),
                                 .cores = 1,
                                 .random = {fill, s},
                                 .ctx = s,
                                 .run = run,
                                 .reply = reply,
                                 .upgrade = upgrade,
                                 .sessions = sessions};
    s->rtcd = sl_rtcd_new(&s->conf);
}

static void stage_close(struct stage *s)
{
    CHECK_INT(sl_rtcd_stats(s->rtcd)->waiting, 0);
    sl_rtcd_free(s->rtcd);
    sl_kv_close(s->kv);
}

/* "user:key" or "Bearer TOKEN" or something else, as the header; NULL: none. */
static void header_of(const char *auth, char *ret, size_t cap)
{
    struct wr w = wr_of((uint8_t *)ret, cap - 1);
    bool plain = strncmp(auth, "Bearer ", 7) == 0 || !strchr(auth, ':');
    wr_str(&w, plain ? auth : "Basic ");
    if (!plain)
        sl_base64_write(&w, span_of(auth));
    ret[w.n] = '\0';
}

/* True: it was one of the API's, and has its answer. */
static bool ask_with(struct stage *s, struct http_req req, const char *path,
                     const char *auth, const char *body)
{
    char header[256];
    size_t before = s->answers;
    req.id = ++s->id;
    req.path = span_of(path);
    req.body = span_of(body ? body : "");
    if (auth) {
        header_of(auth, header, sizeof header);
        req.headers[req.nheaders++] =
            (struct http_header){span_of("Authorization"), span_of(header)};
    }
    s->status = 0;
    s->now += SEC(1);
    bool mine = sl_rtcd_request(s->rtcd, &req, s->now);
    settle(s);
    for (usec at; (at = sl_rtcd_deadline(s->rtcd)) != USEC_NEVER; settle(s))
        sl_rtcd_tick(s->rtcd, at);
    CHECK_INT(s->answers - before, mine);
    return mine;
}

static bool ask(struct stage *s, enum http_method method, const char *path,
                const char *auth, const char *body)
{
    return ask_with(s, (struct http_req){.method = method}, path, auth, body);
}

struct row {
    const char *name;
    const char *path, *auth, *body;
    unsigned status;
    const char *want;
};

static void check_rows(struct stage *s, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        check_row(rows[i].name);
        CHECK(ask(s, HTTP_POST, rows[i].path, rows[i].auth, rows[i].body));
        CHECK_INT(s->status, rows[i].status);
        CHECK(strcmp(s->type, "application/json") == 0);
        if (strcmp(s->body, rows[i].want) != 0)
            check_fail(__FILE__, __LINE__, "body: %s", s->body);
    }
}

#define ERR(code, text) "{\"code\":\"" code "\",\"error\":\"" text "\"}\n"
#define BODY(id, key)   "{\"clientID\":\"" id "\",\"authKey\":\"" key "\"}"

TEST(rtcd_register)
{
    static const struct row rows[] = {
        {"nobody asks", "/register", NULL, BODY("a", KEY), 401,
         ERR("401", "authentication failed: invalid auth header")},
        {"a digest", "/register", "Digest x", BODY("a", KEY), 401,
         ERR("401", "authentication failed: invalid auth header")},
        {"no user, another key", "/register", ":x", BODY("a", KEY), 401,
         ERR("401", "authentication failed: unauthorized")},
        {"an unknown client", "/register", "a:" KEY, BODY("a", KEY), 401,
         ERR("401", "authentication failed")},
        {"an unknown token", "/register", "Bearer x", BODY("a", KEY), 401,
         ERR("401", "authentication failed: token is invalid")},
        {"no body", "/register", ":" ADMIN, "", 400, ERR("400", "EOF")},
        {"half a body", "/register", ":" ADMIN, "{\"clientID\":", 400,
         ERR("400", "unexpected EOF")},
        {"a list", "/register", ":" ADMIN, "[]", 400,
         ERR("400",
             "json: cannot unmarshal array into Go value of type map[string]string")},
        {"a number", "/register", ":" ADMIN, "{\"clientID\":1}", 400,
         ERR("400", "json: cannot unmarshal number into Go value of type string")},
        {"a short key", "/register", ":" ADMIN, BODY("a", "short"), 400,
         ERR("400", "registration failed: key not long enough")},
        {"no name", "/register", ":" ADMIN, BODY("", KEY), 400,
         ERR("400", "registration failed: error: empty key")},
        {"a key of 96", "/register", ":" ADMIN, BODY("a", KEY KEY KEY), 400,
         ERR("400", "registration failed: bcrypt: password length exceeds 72 bytes")},
        {"by the admin, whatever his name", "/register", "x:" ADMIN, BODY("a", KEY), 201,
         "{\"clientID\":\"a\",\"code\":\"201\"}\n"},
        {"once more", "/register", ":" ADMIN, BODY("a", OTHER), 400,
         ERR("400", "registration failed: already registered")},
        {"by a client", "/register", "a:" KEY,
         "{\"x\":\"y\",\"clientID\":\"b\\u00e9\",\"authKey\":\"" KEY "\"} and more", 201,
         "{\"clientID\":\"b\xc3\xa9\",\"code\":\"201\"}\n"},
        {"by a client with another key", "/register", "a:" OTHER, BODY("c", KEY), 401,
         ERR("401", "authentication failed")},
    };
    struct stage s;
    stage_open(&s, false, ADMIN);
    check_rows(&s, rows, LEN(rows));
    CHECK_INT(sl_rtcd_stats(s.rtcd)->registered, 2);
    CHECK_INT(sl_rtcd_stats(s.rtcd)->refused, 6);
    stage_close(&s);

    stage_open(&s, true, NULL);
    CHECK(ask(&s, HTTP_POST, "/register", NULL, BODY("a", KEY)));
    CHECK_INT(s.status, 201);
    CHECK(ask(&s, HTTP_POST, "/register", "no:key", BODY("b", KEY)));
    CHECK_INT(s.status, 201);
    stage_close(&s);
}

TEST(rtcd_at_the_end_makes_no_hashes)
{
    struct stage s;
    stage_open(&s, true, NULL);
    s.ending = true;
    CHECK(ask(&s, HTTP_POST, "/register", NULL, BODY("a", KEY)));
    CHECK_INT(s.status, 503);
    CHECK(ask(&s, HTTP_GET, "/version", NULL, NULL));
    CHECK_INT(s.status, 200);
    stage_close(&s);
}

TEST(rtcd_unregister)
{
    static const struct row rows[] = {
        {"nobody asks", "/unregister", NULL, BODY("a", ""), 401,
         ERR("401", "authentication failed: invalid auth header")},
        {"no body", "/unregister", "a:" KEY, "", 400, ERR("400", "EOF")},
        {"no name", "/unregister", "a:" KEY, "{}", 400,
         ERR("400", "client id should not be empty")},
        {"somebody else", "/unregister", "a:" KEY, BODY("b", ""), 403,
         ERR("403", "client id not valid")},
        {"who is not there", "/unregister", ":" ADMIN, BODY("z", ""), 400,
         ERR("400", "unregister failed: error: not found")},
        {"oneself", "/unregister", "a:" KEY, BODY("a", ""), 200, "{\"code\":\"200\"}\n"},
        {"oneself once more", "/unregister", "a:" KEY, BODY("a", ""), 401,
         ERR("401", "authentication failed")},
        {"by the admin", "/unregister", ":" ADMIN, BODY("b", ""), 200,
         "{\"code\":\"200\"}\n"},
    };
    struct stage s;
    stage_open(&s, false, ADMIN);
    CHECK_INT(sl_clients_add(s.kv, span_of("a"), span_of(KEY)), E_OK);
    CHECK_INT(sl_clients_add(s.kv, span_of("b"), span_of(KEY)), E_OK);
    check_rows(&s, rows, LEN(rows));
    CHECK_INT(sl_rtcd_stats(s.rtcd)->unregistered, 2);
    stage_close(&s);

    stage_open(&s, false, NULL);
    CHECK(ask(&s, HTTP_POST, "/unregister", NULL, BODY("a", "")));
    CHECK_INT(s.status, 403);
    CHECK(strcmp(s.body, ERR("403", "unregister not enabled")) == 0);
    stage_close(&s);
}

static void token_of(const struct stage *s, char *ret, size_t cap)
{
    const char *at = strstr(s->body, "\"bearerToken\":\"");
    (void)snprintf(ret, cap, "Bearer %.32s", at ? at + 15 : "");
}

TEST(rtcd_login)
{
    static const struct row rows[] = {
        {"an unknown client", "/login", NULL, BODY("z", KEY), 400,
         ERR("400", "login failed: authentication failed: error: not found")},
        {"no name", "/login", NULL, "{}", 400,
         ERR("400", "login failed: authentication failed: error: empty key")},
        {"another key", "/login", NULL, BODY("a", OTHER), 400,
         ERR("400", "login failed: authentication failed")},
        {"no body", "/login", NULL, " \n", 400, ERR("400", "EOF")},
        {"the header is not looked at", "/login", "a:" KEY, BODY("a", OTHER), 400,
         ERR("400", "login failed: authentication failed")},
    };
    struct stage s;
    char first[64], second[64];
    stage_open(&s, true, NULL);
    CHECK_INT(sl_clients_add(s.kv, span_of("a"), span_of(KEY)), E_OK);
    check_rows(&s, rows, LEN(rows));
    CHECK(ask(&s, HTTP_POST, "/login", NULL, BODY("a", KEY)));
    CHECK_INT(s.status, 200);
    CHECK_INT(strlen(s.body), strlen("{\"bearerToken\":\"\",\"code\":\"200\"}\n") + 32);
    token_of(&s, first, sizeof first);
    CHECK(ask(&s, HTTP_GET, "/calls/c/sessions", first, NULL));
    CHECK_INT(s.status, 200);
    CHECK(strcmp(s.asked, "a|c|") == 0);

    /* A new one replaces it, and ends in time. */
    CHECK(ask(&s, HTTP_POST, "/login", NULL, BODY("a", KEY)));
    token_of(&s, second, sizeof second);
    CHECK(ask(&s, HTTP_GET, "/calls/c/sessions", first, NULL));
    CHECK_INT(s.status, 401);
    CHECK(ask(&s, HTTP_GET, "/calls/c/sessions", second, NULL));
    CHECK_INT(s.status, 200);
    s.now += SEC(60);
    CHECK(ask(&s, HTTP_POST, "/unregister", second, BODY("a", "")));
    CHECK(strcmp(s.body, ERR("401", "authentication failed: session is expired")) == 0);

    /* Who is gone has no token. */
    CHECK(ask(&s, HTTP_POST, "/login", NULL, BODY("a", KEY)));
    token_of(&s, second, sizeof second);
    CHECK(ask(&s, HTTP_POST, "/unregister", second, BODY("a", "")));
    CHECK_INT(s.status, 200);
    CHECK(ask(&s, HTTP_POST, "/unregister", second, BODY("a", "")));
    CHECK(strcmp(s.body, ERR("401", "authentication failed: token is invalid")) == 0);
    stage_close(&s);
}

TEST(rtcd_sessions)
{
    static const struct {
        const char *path, *auth;
        unsigned status;
        const char *body, *asked;
    } rows[] = {
        {"/calls/c/sessions", "a:" KEY, 200, "[]\n", "a|c|"},
        {"/calls/c%20d/sessions/s", "a:" KEY, 200, "{}\n", "a|c d|s"},
        {"/calls/gone/sessions", "a:" KEY, 404,
         "failed to get session configs: call not found\n", "a|gone|"},
        {"/calls/c/sessions/gone", "a:" KEY, 404,
         "failed to get session config: session not found\n", "a|c|gone"},
        {"/calls/c/sessions", "a:" OTHER, 401, "unauthorized\n", ""},
        {"/calls/c/sessions", NULL, 401, "unauthorized\n", ""},
        {"/calls/c/sessions", ":" ADMIN, 401, "unauthorized\n", ""},
        {"/calls/c/sessions/s/t", "a:" KEY, 404, "404 page not found\n", ""},
        {"/calls/c", "a:" KEY, 404, "404 page not found\n", ""},
    };
    struct stage s;
    stage_open(&s, false, ADMIN);
    CHECK_INT(sl_clients_add(s.kv, span_of("a"), span_of(KEY)), E_OK);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].path);
        s.asked[0] = '\0';
        CHECK(ask(&s, HTTP_GET, rows[i].path, rows[i].auth, NULL));
        CHECK_INT(s.status, rows[i].status);
        CHECK(strcmp(s.body, rows[i].body) == 0);
        CHECK(strcmp(s.asked, rows[i].asked) == 0);
        CHECK(strncmp(s.type, rows[i].status == 200 ? "application/json" : "text/plain",
                      10) == 0);
    }
    stage_close(&s);
}

TEST(rtcd_paths_and_methods)
{
    static const char *const posts[] = {"/register", "/unregister", "/login"};
    static const char *const gets[] = {"/version", "/system", "/ws", "/calls/c/sessions"};
    struct stage s;
    stage_open(&s, true, NULL);
    for (size_t i = 0; i < LEN(posts) + LEN(gets); i++) {
        bool post = i < LEN(posts);
        const char *path = post ? posts[i] : gets[i - LEN(posts)];
        check_row(path);
        CHECK(ask(&s, post ? HTTP_GET : HTTP_POST, path, NULL, NULL));
        CHECK_INT(s.status, 404);
        CHECK(strcmp(s.body, "404 page not found\n") == 0);
    }
    CHECK(!ask(&s, HTTP_GET, "/", NULL, NULL));
    CHECK(!ask(&s, HTTP_GET, "/stats", NULL, NULL));
    CHECK(!ask(&s, HTTP_GET, "/versions", NULL, NULL));
    CHECK(ask(&s, HTTP_GET, "/version", NULL, NULL));
    CHECK(strcmp(s.body,
                 "{\"buildDate\":\"\",\"buildVersion\":\"v1.2.6\",\"buildHash\":\"\","
                 "\"goVersion\":\"\",\"goOS\":\"linux\",\"goArch\":\"\"}\n") == 0);
    CHECK(ask(&s, HTTP_GET, "//version", NULL, NULL));
    CHECK_INT(s.status, 301);
    CHECK(strcmp(s.type, "/version") == 0); /* its first field: Location */
    sl_rtcd_load(s.rtcd, 0.5);
    CHECK(ask(&s, HTTP_GET, "/system", NULL, NULL));
    CHECK(strcmp(s.body, "{\"cpu_load\":0.5}\n") == 0);
    sl_rtcd_load(s.rtcd, INFINITY);
    CHECK(ask(&s, HTTP_GET, "/system", NULL, NULL));
    CHECK(strtod(s.body + strlen("{\"cpu_load\":"), NULL) > 1e300 && strchr(s.body, 'e'));
    stage_close(&s);
}

static struct http_req handshake(const char *origin)
{
    struct http_req req = {
        .method = HTTP_GET,
        .headers = {{span_of("Host"), span_of("a.example:8045")},
                    {span_of("Upgrade"), span_of("websocket")},
                    {span_of("Connection"), span_of("Upgrade")},
                    {span_of("Sec-WebSocket-Version"), span_of("13")},
                    {span_of("Sec-WebSocket-Key"), span_of("dGhlIHNhbXBsZSBub25jZQ==")}},
        .nheaders = 5};
    if (origin)
        req.headers[req.nheaders++] =
            (struct http_header){span_of("Origin"), span_of(origin)};
    return req;
}

TEST(rtcd_websocket)
{
    static const struct {
        const char *name, *auth, *origin;
        unsigned status;
        const char *upgraded;
    } rows[] = {
        {"a client", "a:" KEY, NULL, 0, "a"},
        {"a client's page", "a:" KEY, "http://A.example:8045", 0, "a"},
        {"a page of another host", "a:" KEY, "http://b.example", 403, "-"},
        {"a page of nowhere", "a:" KEY, "null", 403, "-"},
        {"another key", "a:" OTHER, NULL, 401, "-"},
        {"nobody", NULL, NULL, 401, "-"},
        {"an admin", ":" ADMIN, NULL, 0, ""},
    };
    struct stage s;
    stage_open(&s, false, ADMIN);
    CHECK_INT(sl_clients_add(s.kv, span_of("a"), span_of(KEY)), E_OK);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        (void)snprintf(s.upgraded, sizeof s.upgraded, "-");
        CHECK(ask_with(&s, handshake(rows[i].origin), "/ws", rows[i].auth, NULL));
        CHECK_INT(s.status, rows[i].status);
        CHECK(strcmp(s.upgraded, rows[i].upgraded) == 0);
    }
    CHECK(ask(&s, HTTP_GET, "/ws", "a:" KEY, NULL));
    CHECK_INT(s.status, 400);
    stage_close(&s);
}

/* Twelve hashes a second of a core; the rest wait, and who would wait too long is refused. */
TEST(rtcd_hashes_take_turns)
{
    enum { HERD = 200 };
    struct stage s;
    stage_open(&s, true, NULL);
    for (int i = 0; i < HERD; i++) {
        char body[128];
        (void)snprintf(body, sizeof body, BODY("c%d", "short"), i);
        struct http_req req = {.id = (uint64_t)i,
                               .method = HTTP_POST,
                               .path = span_of("/register"),
                               .body = span_of(body)};
        CHECK(sl_rtcd_request(s.rtcd, &req, s.now));
    }
    /* One at once, and those of ten seconds after it. */
    CHECK_INT(s.runs_n, 1);
    CHECK_INT(s.answers, HERD - 121);
    CHECK_INT(s.status, 400);
    CHECK(strncmp(s.body,
                  "{\"code\":\"400\",\"error\":\"registration failed: rate:", 48) == 0);
    CHECK_INT(sl_rtcd_deadline(s.rtcd), s.now + SEC(1) / 12);
    sl_rtcd_tick(s.rtcd, s.now + SEC(1) / 12 - 1);
    CHECK_INT(s.runs_n, 1);
    sl_rtcd_tick(s.rtcd, s.now + SEC(1));
    CHECK_INT(s.runs_n, 13);
    sl_rtcd_tick(s.rtcd, s.now + SEC(10));
    CHECK_INT(s.runs_n, 121);
    CHECK_INT(sl_rtcd_deadline(s.rtcd), USEC_NEVER);
    settle(&s);
    CHECK_INT(s.answers, HERD);
    CHECK_INT(sl_rtcd_stats(s.rtcd)->crowded, HERD - 121);

    /* Who still waits at the end gets no answer, and costs nothing. */
    struct http_req req = {
        .method = HTTP_POST, .path = span_of("/login"), .body = span_of("{}")};
    CHECK(sl_rtcd_request(s.rtcd, &req, s.now));
    sl_rtcd_free(s.rtcd);
    sl_kv_close(s.kv);
}
