#include "api/roomapi_talk.h"

#include <inttypes.h>

#include "check.h"
#include "room_stage.h"

static void fill(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 0xab, n);
}

/* What was said to whom, one line for each. */
static char said[1024];
static char token[TOKEN_MAX + 1];

static void say(const char *what, const struct participant *who, struct span more)
{
    size_t at = strlen(said);
    (void)snprintf(said + at, sizeof said - at, "%s %s %.*s\n", what,
                   who ? who->id : "all", (int)more.n, (const char *)more.p);
}

/* All but "deaf", who came another way. */
static bool hears(void *ctx, const struct participant *who)
{
    (void)ctx;
    return strcmp(who->id, "deaf") != 0;
}

static void data(void *ctx, const struct room *room, const struct participant *who,
                 struct span text)
{
    (void)ctx, (void)room;
    say("data", who, text);
}

static void moved(void *ctx, const struct participant *who, struct span room,
                  struct span with)
{
    (void)ctx;
    (void)snprintf(token, sizeof token, "%.*s", (int)with.n, (const char *)with.p);
    say("moved", who, room);
}

struct world {
    struct room_stage *s;
    struct kv *kv;
    struct token_keys keys;
    struct roomapi api;
    struct roomapi_conf conf;
};

/* Ann and bob are in t/r, by signalling of their own. */
static void begin(struct world *w)
{
    static const uint64_t key[2] = {1, 2};
    *w = (struct world){.s = room_stage_new(&(struct rooms_conf){
                            .limits = {.rooms = 3, .peers = 10, .room_peers = 10}}),
                        .kv = sl_kv_open_memory()};
    CHECK_INT(sl_token_keys_add(&w->keys, span_of("dev"),
                                span_of("a secret of this test, long enough")),
              E_OK);
    w->conf =
        (struct roomapi_conf){.rooms = w->s->rooms,
                              .keys = &w->keys,
                              .random = {.fill = fill},
                              .talk = {.hears = hears, .data = data, .moved = moved}};
    CHECK_INT(sl_revoked_new(w->kv, key, 1000, &w->conf.revoked), E_OK);
    CHECK_INT(sl_roomapi_init(&w->api, &w->conf), E_OK);
    said[0] = '\0';
}

static void end(struct world *w)
{
    sl_roomapi_fini(&w->api);
    sl_revoked_free(w->conf.revoked);
    sl_kv_close(w->kv);
    room_stage_free(w->s);
}

static struct http_res ask(struct roomapi *a, enum http_method method, const char *path,
                           const char *query, const char *body)
{
    struct http_req req = {.method = method,
                           .path = span_of(path),
                           .query = span_of(query),
                           .body = span_of(body)};
    req.headers[req.nheaders++] =
        (struct http_header){span_of("Content-Type"), span_of("application/json")};
    return sl_roomapi_answer(a, &req, SEC(10), 1000);
}

TEST(roomapi_sends_data)
{
    static const struct {
        const char *name, *body;
        unsigned status;
        const char *said;
    } rows[] = {
        {"to all", "{\"text\":\"hi\"}", 204, "data all hi\n"},
        {"to some", "{\"text\":\"hi\",\"to\":[\"ann\",\"bob\"]}", 204,
         "data ann hi\ndata bob hi\n"},
        {"to nobody", "{\"text\":\"hi\",\"to\":[]}", 204, ""},
        {"one cannot hear it", "{\"text\":\"hi\",\"to\":[\"ann\",\"deaf\"]}", 404, ""},
        {"one is not there", "{\"text\":\"hi\",\"to\":[\"ann\",\"eve\"]}", 404, ""},
        {"no names", "{\"text\":\"hi\",\"to\":[1]}", 400, ""},
        {"no list", "{\"text\":\"hi\",\"to\":\"ann\"}", 400, ""},
        {"nothing", "{}", 400, ""},
    };
    struct world w;
    begin(&w);
    CHECK_INT(stage_admit(w.s, 0, "ann", ROLE_HOST, true), E_OK);
    CHECK_INT(stage_admit(w.s, 1, "bob", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(stage_admit(w.s, 2, "deaf", ROLE_PARTICIPANT, true), E_OK);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        said[0] = '\0';
        CHECK_INT(ask(&w.api, HTTP_POST, "/v1/rooms/t/r/data", "", rows[i].body).status,
                  rows[i].status);
        CHECK_STR(said, rows[i].said);
    }
    end(&w);
}

TEST(roomapi_moves_a_peer)
{
    static const struct {
        const char *name, *body;
        unsigned status;
        const char *said;
    } rows[] = {
        {"where it is", "{\"room\":\"r\"}", 409, ""},
        {"no name", "{\"room\":\"a b\"}", 400, ""},
        {"nowhere", "{}", 400, ""},
        {"elsewhere", "{\"room\":\"other\"}", 204, "moved ann other\n"},
        {"it is gone from here", "{\"room\":\"other\"}", 404, ""},
    };
    struct world w;
    struct token t = {.perm = 0};
    begin(&w);
    CHECK_INT(stage_admit(w.s, 0, "ann", ROLE_HOST, true), E_OK);
    CHECK_INT(stage_admit(w.s, 1, "bob", ROLE_PARTICIPANT, true), E_OK);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        said[0] = '\0';
        CHECK_INT(ask(&w.api, HTTP_POST, "/v1/rooms/t/r/peers/ann/move", "", rows[i].body)
                      .status,
                  rows[i].status);
        CHECK_STR(said, rows[i].said);
    }
    CHECK(strstr(w.s->news, "left ann moved\n"));
    CHECK_INT(sl_token_verify(&w.keys, span_of(token), 1000, &t), E_OK);
    CHECK_STR(t.room, "other");
    CHECK_STR(t.tenant, "t");
    CHECK_STR(t.sub, "ann");
    CHECK_STR(t.role, "host");
    CHECK_INT(t.perm, TOKEN_PUBLISH | TOKEN_WATCH);
    CHECK(t.jti[0]);
    end(&w);
}

/* By the token's id everybody can be sent away who came by it, wherever he was moved. */
TEST(roomapi_moves_with_the_id_of_the_token)
{
    struct world w;
    struct token t = {.perm = 0};
    begin(&w);
    CHECK_INT(stage_admit(w.s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    (void)snprintf(w.s->of[0].who->jti, sizeof w.s->of[0].who->jti, "of-ann");
    CHECK_INT(
        ask(&w.api, HTTP_POST, "/v1/rooms/t/r/peers/ann/move", "", "{\"room\":\"other\"}")
            .status,
        204);
    CHECK_INT(sl_token_verify(&w.keys, span_of(token), 1000, &t), E_OK);
    CHECK_STR(t.jti, "of-ann");
    /* That it is over itself does not end what it led to. */
    CHECK_INT(ask(&w.api, HTTP_POST, "/v1/revocations", "",
                  "{\"jti\":\"of-ann\",\"expires_at\":900}")
                  .status,
              200);
    CHECK(sl_revoked_has(w.conf.revoked, span_of(t.jti)));
    end(&w);
}

/* Nobody leaves for a room that does not take him. */
TEST(roomapi_moves_nobody_in_vain)
{
    static const struct room_settings full = {.peers_max = 1, .empty_time = SEC(60)};
    struct world w;
    struct room *small, *shut;
    begin(&w);
    CHECK_INT(stage_admit(w.s, 0, "ann", ROLE_PARTICIPANT, true), E_OK);
    CHECK_INT(stage_admit(w.s, 1, "deaf", ROLE_PARTICIPANT, true), E_OK);
    const struct admission eve = {.tenant = span_of("t"),
                                  .room = span_of("small"),
                                  .role = ROLE_PARTICIPANT,
                                  .events = &stage_events,
                                  .ctx = &w.s->of[2]};
    CHECK_INT(sl_rooms_create(w.s->rooms, span_of("t"), eve.room, &full, 0, &small),
              E_OK);
    CHECK_INT(sl_rooms_create(w.s->rooms, span_of("t"), span_of("shut"), &full, 0, &shut),
              E_OK);
    CHECK_INT(sl_participant_admit(w.s->rooms, &eve, 0, &w.s->of[2].who), E_OK);
    sl_rooms_lock(w.s->rooms, shut, true);
    static const struct {
        const char *name, *path, *body;
        unsigned status;
    } rows[] = {
        {"full", "/v1/rooms/t/r/peers/ann/move", "{\"room\":\"small\"}", 503},
        {"locked", "/v1/rooms/t/r/peers/ann/move", "{\"room\":\"shut\"}", 409},
        {"who cannot be told", "/v1/rooms/t/r/peers/deaf/move", "{\"room\":\"x\"}", 409},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(ask(&w.api, HTTP_POST, rows[i].path, "", rows[i].body).status,
                  rows[i].status);
        CHECK_STR(said, "");
        CHECK(w.s->of[0].who && w.s->of[1].who && !w.s->of[0].left[0]);
    }
    end(&w);
}

static void watch(struct world *w)
{
    static uint8_t answer[NEGOTIATE_ANSWER_MAX];
    struct wr out = wr_of(answer, sizeof answer);
    struct refused why;
    struct peer *p;
    const struct join j = {.job = NEGOTIATE_WATCH,
                           .tenant = span_of("t"),
                           .room = span_of("r"),
                           .stream = span_of("x"),
                           .offer = check_file("tests/sdp/chromium-recvonly.sdp")};
    CHECK_INT(sl_rooms_join(w->s->rooms, &j, SEC(1), &out, &why, &p), E_OK);
}

TEST(roomapi_lists_viewers)
{
    struct world w;
    begin(&w);
    for (int i = 0; i < 3; i++)
        watch(&w);
    static const struct {
        const char *name, *query;
        unsigned status;
        int viewers;
        const char *says;
    } rows[] = {
        {"all", "", 200, 3, "],\"more\":false}"},
        {"two", "limit=2", 200, 2, "],\"more\":true}"},
        {"behind all", "after=ffffffffffffffff", 200, 0,
         "{\"viewers\":[],\"more\":false}"},
        {"what each is", "limit=1", 200, 1,
         "\"stream\":\"x\",\"connected\":false,\"joined_ms\":9000}"},
        {"no page", "limit=0", 400, 0, "limit"},
        {"behind nothing", "after=1", 400, 0, "after"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        struct http_res res =
            ask(&w.api, HTTP_GET, "/v1/rooms/t/r/viewers", rows[i].query, "");
        int n = 0;
        CHECK_INT(res.status, rows[i].status);
        CHECK(memmem(res.body.p, res.body.n, rows[i].says, strlen(rows[i].says)));
        for (size_t k = 0; k + 9 < res.body.n; k++)
            n += memcmp(res.body.p + k, "\"viewer\":", 9) == 0;
        CHECK_INT(n, rows[i].viewers);
    }

    char path[64];
    const struct room *room = sl_rooms_room(w.s->rooms, span_of("t"), span_of("r"));
    const struct peer *first = list_entry(room->viewers.next, struct peer, by_room);
    (void)snprintf(path, sizeof path, "/v1/rooms/t/r/viewers/%016" PRIx64,
                   first->transport);
    CHECK_INT(ask(&w.api, HTTP_DELETE, path, "", "").status, 204);
    CHECK_INT(ask(&w.api, HTTP_DELETE, path, "", "").status, 404);
    CHECK_INT(ask(&w.api, HTTP_DELETE, "/v1/rooms/t/r/viewers/x", "", "").status, 404);
    CHECK_INT(sl_rooms_stats(w.s->rooms)->viewers, 2);
    end(&w);
}
