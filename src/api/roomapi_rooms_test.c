#include "api/roomapi_rooms.h"

#include "check.h"
#include "room_stage.h"

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 0xab, n);
}

struct ask {
    enum http_method method;
    const char *path, *body; /* body NULL: none, and no type */
    const char *query, *header, *value;
};

static struct http_res ask(struct roomapi *a, const struct ask *q)
{
    struct http_req req = {.method = q->method,
                           .path = span_of(q->path),
                           .query = span_of(q->query ? q->query : ""),
                           .body = span_of(q->body ? q->body : "")};
    if (q->body)
        req.headers[req.nheaders++] = (struct http_header){
            span_of("Content-Type"), span_of("application/json; charset=utf-8")};
    if (q->header)
        req.headers[req.nheaders++] =
            (struct http_header){span_of(q->header), span_of(q->value)};
    return sl_roomapi_answer(a, &req, SEC(10), 1000);
}

static const char *said(const struct http_res *res)
{
    static char text[(1 << 20) + 1];
    (void)snprintf(text, sizeof text, "%.*s", (int)res->body.n,
                   res->body.n > 0 ? (const char *)res->body.p : "");
    return text;
}

struct world {
    struct room_stage *s;
    struct kv *kv;
    struct token_keys keys;
    struct roomapi api;
    struct roomapi_conf conf;
};

static void begin(struct world *w, const char *secret)
{
    static const uint64_t key[2] = {1, 2};
    *w = (struct world){.s = room_stage_new(&(struct rooms_conf){
                            .limits = {.rooms = 3, .peers = 200, .room_peers = 200}}),
                        .kv = sl_kv_open_memory()};
    CHECK_INT(sl_token_keys_add(&w->keys, span_of("dev"),
                                span_of("a secret of this test, long enough")),
              E_OK);
    w->conf = (struct roomapi_conf){.rooms = w->s->rooms,
                                    .keys = &w->keys,
                                    .secret = secret,
                                    .random = {.fill = fill}};
    CHECK_INT(sl_revoked_new(w->kv, key, 1000, &w->conf.revoked), E_OK);
    CHECK_INT(sl_roomapi_init(&w->api, &w->conf), E_OK);
}

static void end(struct world *w)
{
    sl_roomapi_fini(&w->api);
    sl_revoked_free(w->conf.revoked);
    sl_kv_close(w->kv);
    room_stage_free(w->s);
}

#define R(tail)       "{\"tenant\":\"t\",\"room\":\"r\",\"metadata\":\"" tail
#define PROBLEM(code) "\"code\":\"" code "\""
#define ANN                                                                              \
    "{\"peer\":\"ann\",\"name\":\"Name\",\"role\":\"host\",\"metadata\":\"\","           \
    "\"tracks\":[]}"

/* One after the other, on the same rooms: ann is in t/r. */
static const struct {
    const char *name;
    struct ask ask;
    unsigned status;
    const char *says; /* somewhere in the answer */
} rows[] = {
    {"all rooms",
     {HTTP_GET, "/v1/rooms"},
     200,
     "{\"rooms\":[" R(
         "\",\"locked\":false,\"peers_n\":1,\"viewers\":0,\"peers_max\":0,"
         "\"publishers_max\":0,\"max_bps\":0,\"empty_s\":0}") "],\"more\":false}"},
    {"of another tenant", {HTTP_GET, "/v1/rooms", NULL, "tenant=u"}, 200, "\"rooms\":[]"},
    {"behind it", {HTTP_GET, "/v1/rooms", NULL, "a=b&after=t%2fr"}, 200, "\"rooms\":[]"},
    {"behind no room",
     {HTTP_GET, "/v1/rooms", NULL, "after=%c2%84"},
     400,
     PROBLEM("request")},
    {"of no tenant", {HTTP_GET, "/v1/rooms", NULL, "tenant="}, 400, PROBLEM("request")},
    {"created",
     {HTTP_POST, "/v1/rooms", "{\"room\":\"q\",\"metadata\":\"m\",\"locked\":true}"},
     201,
     "{\"tenant\":\"default\",\"room\":\"q\",\"metadata\":\"m\",\"locked\":true"},
    {"again", {HTTP_POST, "/v1/rooms", "{\"room\":\"q\"}"}, 409, PROBLEM("exists")},
    {"by any name",
     {HTTP_POST, "/room/create"},
     201,
     "{\"roomID\":\"abababab-abab-4bab-9bab-abababababab\",\"occupancyCount\":0,"
     "\"occupants\":{}}"},
    {"by the same chance", {HTTP_POST, "/v1/rooms", "{}"}, 409, PROBLEM("exists")},
    {"one too many, by name",
     {HTTP_POST, "/v1/rooms", "{\"room\":\"z\"}"},
     503,
     PROBLEM("full")},
    {"in order", {HTTP_GET, "/v1/rooms"}, 200, "\"room\":\"q\",\"metadata\":\"m\""},
    {"no name", {HTTP_POST, "/v1/rooms", "{\"room\":\"a b\"}"}, 400, PROBLEM("name")},
    {"no number",
     {HTTP_POST, "/v1/rooms", "{\"peers_max\":\"2\"}"},
     400,
     PROBLEM("request")},
    {"out of range",
     {HTTP_POST, "/v1/rooms", "{\"peers_max\":1000001}"},
     400,
     "peers_max: at most 1000000"},
    {"below range",
     {HTTP_POST, "/v1/rooms", "{\"peers_max\":-1}"},
     400,
     PROBLEM("request")},
    {"gone at once",
     {HTTP_POST, "/v1/rooms", "{\"empty_s\":0}"},
     400,
     PROBLEM("request")},
    {"unknown", {HTTP_POST, "/v1/rooms", "{\"colour\":1}"}, 400, PROBLEM("request")},
    {"no object", {HTTP_POST, "/v1/rooms", "[]"}, 400, PROBLEM("request")},
    {"no JSON", {HTTP_POST, "/v1/rooms", "{"}, 400, PROBLEM("request")},
    {"no type", {HTTP_POST, "/v1/rooms"}, 415, PROBLEM("media-type")},
    {"of a foreign page",
     {HTTP_POST, "/v1/rooms", "{}", NULL, "Origin", "https://evil.example"},
     403,
     PROBLEM("origin")},
    {"no method", {HTTP_PUT, "/v1/rooms", "{}"}, 405, PROBLEM("method")},
    {"one room", {HTTP_GET, "/v1/rooms/t/r"}, 200, "\"peers\":[" ANN "],\"more\":false}"},
    {"behind ann",
     {HTTP_GET, "/v1/rooms/t/r", NULL, "after=ann"},
     200,
     "\"peers\":[],\"more\":false}"},
    {"behind nobody",
     {HTTP_GET, "/v1/rooms/t/r", NULL, "after=eve"},
     404,
     PROBLEM("not-found")},
    {"its head", {HTTP_HEAD, "/v1/rooms/t/r"}, 200, "\"peers\":["},
    {"no room", {HTTP_GET, "/v1/rooms/t/x"}, 404, PROBLEM("not-found")},
    {"no name of a room", {HTTP_GET, "/v1/rooms/t/a%20b"}, 400, PROBLEM("name")},
    {"locked and described",
     {HTTP_PATCH, "/v1/rooms/t/r", "{\"locked\":true,\"metadata\":\"x\",\"empty_s\":5}"},
     200,
     R("x\",\"locked\":true")},
    {"nothing changes",
     {HTTP_PATCH, "/v1/rooms/t/r", "{}"},
     200,
     R("x\",\"locked\":true")},
    {"one peer", {HTTP_GET, "/v1/rooms/t/r/peers/ann"}, 200, ANN},
    {"no peer", {HTTP_GET, "/v1/rooms/t/r/peers/bob"}, 404, PROBLEM("not-found")},
    {"renamed",
     {HTTP_PATCH, "/v1/rooms/t/r/peers/ann", "{\"name\":\"Zo\xc3\xab\"}"},
     200,
     "\"name\":\"Zo\xc3\xab\",\"role\":\"host\""},
    {"another role",
     {HTTP_PATCH, "/v1/rooms/t/r/peers/ann", "{\"role\":\"participant\"}"},
     200,
     "\"role\":\"participant\""},
    {"no role",
     {HTTP_PATCH, "/v1/rooms/t/r/peers/ann", "{\"role\":\"king\"}"},
     400,
     PROBLEM("request")},
    {"no track",
     {HTTP_PATCH, "/v1/rooms/t/r/peers/ann/tracks/00", "{\"muted\":true}"},
     404,
     PROBLEM("not-found")},
    {"a reason without end",
     {HTTP_DELETE, "/v1/rooms/t/r/peers/ann", NULL, "reason=%2"},
     400,
     PROBLEM("request")},
    {"removed",
     {HTTP_DELETE, "/v1/rooms/t/r/peers/ann", NULL, "reason=too%20loud"},
     204,
     ""},
    {"and gone", {HTTP_GET, "/v1/rooms/t/r/peers/ann"}, 404, PROBLEM("not-found")},
    {"closed", {HTTP_DELETE, "/v1/rooms/default/q"}, 204, ""},
    {"and gone", {HTTP_DELETE, "/v1/rooms/default/q"}, 404, PROBLEM("not-found")},
};

TEST(roomapi_answers)
{
    struct world w;
    begin(&w, NULL);
    CHECK_INT(stage_admit(w.s, 0, "ann", ROLE_HOST, true), E_OK);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK(sl_roomapi_has(span_of(rows[i].ask.path)));
        struct http_res res = ask(&w.api, &rows[i].ask);
        CHECK_INT(res.status, rows[i].status);
        if (!strstr(said(&res), rows[i].says))
            check_fail(__FILE__, __LINE__, "said %s", said(&res));
    }
    CHECK_STR(w.s->of[0].left, "removedtoo loud");
    end(&w);
}

/* More than an answer holds is read page by page: each peer once, in order. */
TEST(roomapi_pages_of_peers)
{
    enum { PEERS = 100 };
    static char metadata[METADATA_MAX + 1];
    struct world w;
    unsigned pages = 0, seen = 0;
    char query[32] = "";
    begin(&w, NULL);
    memset(metadata, 1, METADATA_MAX); /* six octets each, as JSON */
    for (unsigned i = 0; i < PEERS; i++) {
        char id[16];
        struct participant *p;
        (void)snprintf(id, sizeof id, "p%u", i);
        const struct admission a = {.tenant = span_of("t"),
                                    .room = span_of("r"),
                                    .id = span_of(id),
                                    .metadata = span_of(metadata),
                                    .role = i % 2 ? ROLE_VIEWER : ROLE_PARTICIPANT,
                                    .create = true,
                                    .events = &stage_events,
                                    .ctx = &w.s->of[0]};
        CHECK_INT(sl_participant_admit(w.s->rooms, &a, 0, &p), E_OK);
    }
    for (bool more = true; more && pages < PEERS; pages++) {
        struct http_res res =
            ask(&w.api, &(struct ask){HTTP_GET, "/v1/rooms/t/r", NULL, query});
        const char *text = said(&res);
        CHECK_INT(res.status, 200);
        for (const char *at = text; (at = strstr(at, "{\"peer\":\"p")); at += 10, seen++)
            CHECK_INT(strtoul(at + 10, NULL, 10), seen);
        more = strstr(text, "],\"more\":true}") != NULL;
        CHECK(more || strstr(text, "],\"more\":false}"));
        (void)snprintf(query, sizeof query, "after=p%u", seen - 1);
    }
    CHECK_INT(seen, PEERS);
    CHECK_INT(pages, 3);
    end(&w);
}
