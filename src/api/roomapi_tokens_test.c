#include "api/roomapi_tokens.h"

#include "check.h"
#include "room_stage.h"

enum { NOW = 1700000000 };

struct world {
    struct room_stage *s;
    struct kv *kv;
    struct token_keys keys;
    struct roomapi_conf conf;
    struct roomapi api;
};

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 0xab, n);
}

static void begin(struct world *w)
{
    static const uint64_t key[2] = {1, 2};
    *w = (struct world){.s = room_stage_new(&(struct rooms_conf){.node = 1}),
                        .kv = sl_kv_open_memory()};
    CHECK_INT(sl_token_keys_add(&w->keys, span_of("dev"),
                                span_of("a secret of this test, long enough")),
              E_OK);
    w->conf = (struct roomapi_conf){
        .rooms = w->s->rooms, .keys = &w->keys, .random = {.fill = fill}};
    CHECK_INT(sl_revoked_new(w->kv, key, NOW, &w->conf.revoked), E_OK);
    CHECK_INT(sl_roomapi_init(&w->api, &w->conf), E_OK);
}

static void end(struct world *w)
{
    sl_roomapi_fini(&w->api);
    sl_revoked_free(w->conf.revoked);
    sl_kv_close(w->kv);
    room_stage_free(w->s);
}

static struct http_res post(struct world *w, const char *path, const char *body)
{
    struct http_req req = {
        .method = HTTP_POST,
        .path = span_of(path),
        .body = span_of(body),
        .headers = {{span_of("Content-Type"), span_of("application/json")}},
        .nheaders = 1};
    return sl_roomapi_answer(&w->api, &req, 0, NOW);
}

/* The token in an answer, which is its first member. */
static struct span token_in(const struct http_res *res)
{
    size_t n = strlen("{\"token\":\"");
    const uint8_t *from = res->body.p + n;
    return (struct span){from, strcspn((const char *)from, "\"")};
}

TEST(tokens_that_are_minted)
{
    static const struct {
        const char *name, *body;
        unsigned status;
        struct token want;
    } rows[] = {
        {"the least",
         "{\"room\":\"r\",\"may\":[\"watch\"]}",
         201,
         {.tenant = "default", .room = "r", .perm = TOKEN_WATCH, .exp = NOW + 3600}},
        {"all of it",
         "{\"tenant\":\"t\",\"room\":\"team-*\",\"may\":[\"publish\",\"admin\"],"
         "\"peer\":\"ann\",\"name\":\"Ann\",\"role\":\"host\",\"seconds\":60,"
         "\"sources\":[\"camera\",\"audio\"],\"max_bps\":1000}",
         201,
         {.tenant = "t",
          .room = "team-*",
          .sub = "ann",
          .name = "Ann",
          .role = "host",
          .sources = "camera audio",
          .max_bps = 1000,
          .perm = TOKEN_PUBLISH | TOKEN_ADMIN,
          .exp = NOW + 60}},
        {"no role",
         "{\"room\":\"r\",\"may\":[\"watch\"],\"role\":\"king\"}",
         400,
         {.exp = 0}},
        {"two sources in one",
         "{\"room\":\"r\",\"may\":[\"watch\"],\"sources\":[\"a b\"]}",
         400,
         {.exp = 0}},
        {"no source",
         "{\"room\":\"r\",\"may\":[\"watch\"],\"sources\":[]}",
         400,
         {.exp = 0}},
        {"no list of sources",
         "{\"room\":\"r\",\"may\":[\"watch\"],\"sources\":\"camera\"}",
         400,
         {.exp = 0}},
        {"no room", "{\"may\":[\"watch\"]}", 400, {.exp = 0}},
        {"no pattern", "{\"room\":\"*a\",\"may\":[\"watch\"]}", 400, {.exp = 0}},
        {"nothing", "{\"room\":\"r\",\"may\":[]}", 400, {.exp = 0}},
        {"what is unknown",
         "{\"room\":\"r\",\"may\":[\"watch\",\"fly\"]}",
         400,
         {.exp = 0}},
        {"no list", "{\"room\":\"r\",\"may\":\"watch\"}", 400, {.exp = 0}},
        {"no time",
         "{\"room\":\"r\",\"may\":[\"watch\"],\"seconds\":0}",
         400,
         {.exp = 0}},
        {"for ever",
         "{\"room\":\"r\",\"may\":[\"watch\"],\"seconds\":31622401}",
         400,
         {.exp = 0}},
        {"an empty peer",
         "{\"room\":\"r\",\"may\":[\"watch\"],\"peer\":\"\"}",
         400,
         {.exp = 0}},
        {"no peer",
         "{\"room\":\"r\",\"may\":[\"watch\"],\"peer\":\"a b\"}",
         400,
         {.exp = 0}},
    };
    struct world w;
    begin(&w);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct token t;
        check_row(rows[i].name);
        struct http_res res = post(&w, "/v1/tokens", rows[i].body);
        CHECK_INT(res.status, rows[i].status);
        if (res.status != 201)
            continue;
        CHECK_INT(sl_token_verify(&w.keys, token_in(&res), NOW, &t), E_OK);
        CHECK_STR(t.tenant, rows[i].want.tenant);
        CHECK_STR(t.room, rows[i].want.room);
        CHECK_STR(t.sub, rows[i].want.sub);
        CHECK_STR(t.name, rows[i].want.name);
        CHECK_STR(t.role, rows[i].want.role);
        CHECK_STR(t.sources, rows[i].want.sources);
        CHECK_STR(t.jti, "abababababababababababababababab");
        CHECK_INT(t.perm, rows[i].want.perm);
        CHECK_INT(t.exp, rows[i].want.exp);
        CHECK_INT(t.max_bps, rows[i].want.max_bps);
    }
    end(&w);
}

TEST(tokens_that_are_revoked)
{
    struct world w;
    struct span jti = span_of("abababababababababababababababab");
    char body[TOKEN_MAX + 64];
    begin(&w);
    struct http_res res =
        post(&w, "/v1/tokens", "{\"room\":\"r\",\"may\":[\"publish\"]}");
    struct span token = token_in(&res);
    (void)snprintf(body, sizeof body, "{\"token\":\"%.*s\"}", (int)token.n,
                   (const char *)token.p);
    CHECK_INT(stage_admit(w.s, 0, "ann", ROLE_HOST, true), E_OK);
    CHECK_INT(stage_admit(w.s, 1, "bob", ROLE_HOST, true), E_OK);
    w.s->of[0].who->token = sl_revoked_number(w.conf.revoked, jti);
    CHECK(!sl_revoked_has(w.conf.revoked, jti));
    res = post(&w, "/v1/revocations", body);
    CHECK_INT(res.status, 200);
    CHECK(
        span_is(res.body, "{\"jti\":\"abababababababababababababababab\",\"ended\":1}"));
    CHECK(sl_revoked_has(w.conf.revoked, jti));
    CHECK_STR(w.s->of[0].left, "revoked");
    CHECK_STR(w.s->of[1].left, "");

    static const struct {
        const char *name, *body;
        unsigned status;
    } rows[] = {
        {"by its id", "{\"jti\":\"x\",\"expires_at\":1700000100}", 200},
        {"again", "{\"jti\":\"x\",\"expires_at\":1700000100}", 200},
        {"it is over", "{\"jti\":\"y\",\"expires_at\":1600000000}", 200},
        {"by a whole number", "{\"jti\":\"z\",\"expires_at\":1700000100.0}", 200},
        {"by a broken one", "{\"jti\":\"y\",\"expires_at\":1700000100.5}", 400},
        {"no end", "{\"jti\":\"y\"}", 400},
        {"nothing", "{}", 400},
        {"both", "{\"token\":\"x\",\"jti\":\"y\",\"expires_at\":1700000100}", 400},
        {"a forged one", "{\"token\":\"e30.e30.e30\"}", 404},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(post(&w, "/v1/revocations", rows[i].body).status, rows[i].status);
    }
    CHECK(sl_revoked_has(w.conf.revoked, span_of("x")));
    CHECK(sl_revoked_has(w.conf.revoked,
                         span_of("y"))); /* its holder may have been moved */
    end(&w);
}
