#include "api/face.h"

#include <stdio.h>

#include "check.h"
#include "face_stage.h"

static void check_field(const struct stage *s, const char *name, const char *want)
{
    const char *got = stage_field(s, name);
    if (strcmp(got, want) != 0)
        check_fail(__FILE__, __LINE__, "%s: got %s, want %s", name, got, want);
}

TEST(paths_and_methods)
{
    static const struct {
        enum http_method method;
        const char *path;
        unsigned want;
        const char *allow;
    } rows[] = {
        {HTTP_GET, "/", 404, ""},
        {HTTP_GET, "/whip", 404, ""},
        {HTTP_GET, "/whip/a", 204, ""},
        {HTTP_HEAD, "/whip/a/b", 204, ""},
        {HTTP_GET, "/whip/a/b/c", 404, ""},
        {HTTP_POST, "/whip/", 400, ""},
        {HTTP_POST, "/whip/a/", 400, ""},
        {HTTP_POST, "/whip/..", 400, ""},
        {HTTP_POST, "/whip/a%2f", 400, ""},
        {HTTP_POST, "/whep/a/b%20c", 400, ""},
        {HTTP_GET, "/whep/a", 204, ""},
        {HTTP_PUT, "/whip/a", 405, "GET, HEAD, OPTIONS, POST"},
        {HTTP_DELETE, "/whip/a", 405, "GET, HEAD, OPTIONS, POST"},
        {HTTP_PATCH, "/whep/a", 405, "GET, HEAD, OPTIONS, POST"},
        {HTTP_PUT, "/session/0", 405, "DELETE, GET, HEAD, OPTIONS, PATCH"},
        {HTTP_POST, "/session/0", 405, "DELETE, GET, HEAD, OPTIONS, PATCH"},
        {HTTP_DELETE, "/session/0", 404, ""},
        {HTTP_GET, "/session", 404, ""},
        {HTTP_GET, "/session/0/1", 404, ""},
        {HTTP_POST, "/rooms/a/streams", 405, "GET, HEAD, OPTIONS"},
        {HTTP_GET, "/rooms/a", 404, ""},
        {HTTP_GET, "/rooms/a/peers", 404, ""},
        {HTTP_GET, "/metrics", 404, ""},
    };
    struct stage *s = stage_new(NULL, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s %s", sl_http_method_name(rows[i].method),
                 rows[i].path);
        check_row(name);
        CHECK_INT(stage_ask(s, (struct asked){rows[i].method, rows[i].path}),
                  rows[i].want);
        check_field(s, "Allow", rows[i].allow);
        check_field(s, "Access-Control-Allow-Origin", "*");
        check_field(s, "Content-Type",
                    rows[i].want >= 400 ? "application/problem+json" : "");
        CHECK_INT(sl_face_has(span_of(rows[i].path)),
                  rows[i].want != 404 || strcmp(rows[i].path, "/session/0") == 0);
    }
    stage_free(s);
}

TEST(preflight)
{
    static const struct {
        const char *path, *methods, *post, *patch;
    } rows[] = {
        {"/whip/a", "GET, HEAD, OPTIONS, POST", "application/sdp", ""},
        {"/whep/a/b", "GET, HEAD, OPTIONS, POST", "application/sdp", ""},
        {"/session/0", "DELETE, GET, HEAD, OPTIONS, PATCH", "",
         "application/trickle-ice-sdpfrag"},
        {"/rooms/a/streams", "GET, HEAD, OPTIONS", "", ""},
    };
    struct stage *s = stage_new(NULL, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].path);
        CHECK_INT(stage_ask(s, (struct asked){HTTP_OPTIONS, rows[i].path}), 200);
        check_field(s, "Access-Control-Allow-Origin", "*");
        check_field(s, "Access-Control-Allow-Methods", rows[i].methods);
        check_field(s, "Access-Control-Allow-Headers",
                    "Authorization, Content-Type, If-Match");
        check_field(s, "Accept-Post", rows[i].post);
        check_field(s, "Accept-Patch", rows[i].patch);
        CHECK_INT(s->res.body.n, 0);
    }
    stage_free(s);
}

TEST(origins)
{
    static const char *const list[] = {"https://x.org"};
    static const struct {
        const char *name, *origin;
        unsigned want;
        const char *allow, *vary;
    } rows[] = {
        {"no page", NULL, 204, "", "Origin"},
        {"our own", "http://a.org", 204, "", "Origin"},
        {"in the list", "https://x.org", 204, "https://x.org", "Origin"},
        {"not in the list", "https://y.org", 403, "", "Origin"},
    };
    struct stage *s = stage_new(NULL, 0);
    s->face.conf.origins = list;
    s->face.conf.origins_n = LEN(list);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(stage_ask(s, (struct asked){.path = "/whip/a",
                                              .origin = rows[i].origin,
                                              .host = "a.org"}),
                  rows[i].want);
        check_field(s, "Access-Control-Allow-Origin", rows[i].allow);
        check_field(s, "Vary", rows[i].vary);
    }
    CHECK(stage_said(s, "\"code\":\"origin\""));
    /* A preflight is refused before the request that it asks for. */
    CHECK_INT(stage_ask(s, (struct asked){.method = HTTP_OPTIONS,
                                          .path = "/whip/a",
                                          .origin = "https://y.org",
                                          .host = "a.org"}),
              403);
    stage_free(s);
}

TEST(tokens)
{
    static const struct {
        const char *name;
        const char *path, *token;
        unsigned want; /* 415 is what a permitted request without a type gets */
        const char *code, *authenticate;
    } rows[] = {
        {"none", "/whip/a", NULL, 401, "token-missing", "Bearer realm=\"sluice\""},
        {"empty", "/whip/a", "", 401, "token-missing", "Bearer realm=\"sluice\""},
        {"unknown", "/whip/a", "zzz", 401, "token-invalid",
         "Bearer realm=\"sluice\", error=\"invalid_token\""},
        {"expired", "/whip/a", "old", 401, "token-expired",
         "Bearer realm=\"sluice\", error=\"invalid_token\""},
        {"not valid yet", "/whip/a", "soon", 401, "token-early",
         "Bearer realm=\"sluice\", error=\"invalid_token\""},
        {"to watch only", "/whip/a", "see", 403, "forbidden",
         "Bearer realm=\"sluice\", error=\"insufficient_scope\""},
        {"to publish only", "/whep/a", "pub", 403, "forbidden",
         "Bearer realm=\"sluice\", error=\"insufficient_scope\""},
        {"for another room", "/whip/b", "a", 403, "forbidden",
         "Bearer realm=\"sluice\", error=\"insufficient_scope\""},
        {"right", "/whip/a", "a", 415, "media-type", ""},
    };
    struct stage *s = stage_new(NULL, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        char code[64];
        snprintf(code, sizeof code, "\"code\":\"%s\"", rows[i].code);
        check_row(rows[i].name);
        CHECK_INT(stage_ask(s, (struct asked){HTTP_POST, rows[i].path, rows[i].token}),
                  rows[i].want);
        CHECK(stage_said(s, code));
        check_field(s, "WWW-Authenticate", rows[i].authenticate);
    }
    CHECK_INT(s->face.refused[PROBLEM_FORBIDDEN], 3);
    stage_free(s);
}

/* Other forms of the same header. */
TEST(bearer)
{
    static const struct {
        const char *value;
        unsigned want;
    } rows[] = {
        {"Bearer a", 415}, {"bearer a", 415},   {"BEARER   a", 415}, {"Bearer", 401},
        {"Bearera", 401},  {"Basic YTph", 401}, {"a", 401},          {"", 401},
    };
    struct stage *s = stage_new(NULL, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct http_req r = {.method = HTTP_POST, .path = span_of("/whip/a")};
        stage_header(&r, "Authorization", rows[i].value);
        check_row(rows[i].value);
        CHECK_INT(sl_face_answer(&s->face, &r, 0).status, rows[i].want);
    }
    stage_free(s);
}

TEST(what_the_server_refused)
{
    static const struct {
        unsigned refuse;
        const char *code;
    } rows[] = {{413, "too-large"}, {400, "request"}, {417, "request"}};
    struct stage *s = stage_new(NULL, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        char code[64];
        snprintf(code, sizeof code, "\"code\":\"%s\"", rows[i].code);
        CHECK_INT(stage_ask(s, (struct asked){HTTP_POST, "/whip/a", "a",
                                              .refuse = rows[i].refuse}),
                  rows[i].refuse);
        CHECK(stage_said(s, code));
    }
    stage_free(s);
}

/* Whose bucket a request empties. */
TEST(who_asks)
{
    static const struct {
        const char *name;
        bool proxied;
        const char *forwarded[2];
        uint8_t last; /* 192.0.2.last */
    } rows[] = {
        {"the address of the connection", false, {NULL}, 99},
        {"whatever a client claims", false, {"192.0.2.5"}, 99},
        {"what the proxy saw", true, {"192.0.2.5"}, 5},
        {"what the proxy saw, not what the client said",
         true,
         {"192.0.2.6, 192.0.2.5"},
         5},
        {"in a field of its own", true, {"192.0.2.6", "192.0.2.5"}, 5},
        {"not an address", true, {"unknown"}, 99},
        {"nothing said", true, {NULL}, 99},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new(NULL, 0);
        struct asked a = {
            HTTP_POST,
            "/whep/a",
            "a",
            "application/sdp",
            NULL,
            NULL,
            {rows[i].forwarded[0], rows[i].forwarded[1]},
        };
        struct addr from = addr_v4(192, 0, 2, rows[i].last, 0);
        s->face.conf.proxied = rows[i].proxied;
        check_row(rows[i].name);
        CHECK_INT(stage_ask(s, a), 400);
        for (int k = 1; k < 50; k++)
            CHECK_INT(sl_limit_take(s->joins, &from, s->now), 0);
        CHECK_INT(stage_ask(s, a), 429);
        check_field(s, "Retry-After", "1");
        stage_free(s);
    }
}

static bool lend(void *ctx, uint64_t transport, struct turn_credentials *ret)
{
    *ret = (struct turn_credentials){.username = "", .password = "pw"};
    (void)snprintf(ret->username, sizeof ret->username, "u%d", (int)transport);
    return *(bool *)ctx;
}

TEST(link_field_has_credentials_of_its_session)
{
    static const struct ice_server ice[] = {
        {"stun:a"}, {"turn:b"}, {"turns:c", "own", "secret"}};
    bool may = true;
    struct face f;
    struct face_conf conf = {
        .ice = ice, .ice_n = LEN(ice), .turn = lend, .turn_ctx = &may};
    CHECK_INT(sl_face_init(&f, &conf), E_OK);
    for (uint64_t i = 1; i < 3; i++) {
        char want[64];
        const char *link = sl_face_link(&f, i);
        (void)snprintf(want, sizeof want, "username=\"u%d\"; credential=\"pw\";", (int)i);
        CHECK(link && strstr(link, want) && strstr(link, "username=\"own\""));
        CHECK(link && !strstr(link, "<stun:a>; rel=\"ice-server\"; "));
    }
    sl_face_fini(&f);
}

TEST(link_field)
{
    static const struct {
        const char *name;
        struct ice_server ice[2];
        size_t n;
        enum err want;
        const char *link;
    } rows[] = {
        {"none", {{0}}, 0, E_OK, NULL},
        {"stun",
         {{"stun:stun.example.net"}},
         1,
         E_OK,
         "<stun:stun.example.net>; rel=\"ice-server\""},
        {"stun and turn",
         {{"stun:stun.example.net"},
          {"turn:turn.example.net?transport=udp", "u", "p\"\\"}},
         2,
         E_OK,
         "<stun:stun.example.net>; rel=\"ice-server\", "
         "<turn:turn.example.net?transport=udp>; rel=\"ice-server\"; username=\"u\"; "
         "credential=\"p\\\"\\\\\"; credential-type=\"password\""},
        {"a broken URL", {{"stun:a>b"}}, 1, E_MALFORMED, NULL},
        {"a line end", {{"turn:a", "u\r\nX: y", "p"}}, 1, E_MALFORMED, NULL},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct face f;
        struct face_conf conf = {.ice = rows[i].ice, .ice_n = rows[i].n};
        check_row(rows[i].name);
        CHECK_INT(sl_face_init(&f, &conf), rows[i].want);
        CHECK(rows[i].link ? f.link && strcmp(f.link, rows[i].link) == 0 : !f.link);
        sl_face_fini(&f);
    }
}
