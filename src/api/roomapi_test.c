#include "api/roomapi.h"

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
                            .limits = {.rooms = 3, .peers = 10, .room_peers = 10}}),
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

TEST(roomapi_paths)
{
    static const char *const others[] = {"/",
                                         "/v1",
                                         "/v1/",
                                         "/v1/rooms/",
                                         "/v1/rooms/t",
                                         "/v1/rooms/t/r/peers",
                                         "/v1/rooms/t/r/peers/p/q",
                                         "/v1/rooms/t/r/peers/p/tracks/1/2",
                                         "/metrics"};
    for (size_t i = 0; i < LEN(others); i++) {
        check_row(others[i]);
        CHECK(!sl_roomapi_has(span_of(others[i])));
    }
}

TEST(roomapi_asks_who_comes)
{
    static const struct {
        const char *shown;
        unsigned status;
    } who[] = {{NULL, 401},           {"Bearer wrong", 401},  {"Bearer ", 401},
               {"Basic s3cret", 401}, {"Bearer s3cret", 200}, {"bearer s3cret", 200}};
    struct world w;
    begin(&w, "s3cret");
    for (size_t i = 0; i < LEN(who); i++) {
        struct ask q = {HTTP_GET, "/v1/rooms"};
        check_row(who[i].shown ? who[i].shown : "nothing");
        q.header = who[i].shown ? "Authorization" : NULL;
        q.value = who[i].shown;
        CHECK_INT(ask(&w.api, &q).status, who[i].status);
    }
    end(&w);
}
