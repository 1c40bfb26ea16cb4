#include "service/objects.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#include "check.h"
#include "service/wiring.h"
#include "sfu/look.h"

/* Rooms over a plane whose two workers are this test. In room b nobody is yet; in room a a publisher
 * lives on worker 0, a viewer on each of them. */
static struct {
    struct node node;
    struct plane *plane;
    struct rooms *rooms;
    struct roomapi api;
    struct objects objects;
    struct rng rng;
    struct peer *pub, *near, *far;
    unsigned status; /* of the last answer */
    uint64_t request;
    char text[1 << 16];
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
    s.request = request;
    take(res);
}

static struct peer *join(enum negotiate_job job, const char *sdp, unsigned worker)
{
    static uint8_t answer[NEGOTIATE_ANSWER_MAX];
    struct wr w = wr_of(answer, sizeof answer);
    struct refused why;
    struct peer *p = NULL;
    char file[96];
    (void)snprintf(file, sizeof file, "tests/sdp/%s.sdp", sdp);
    struct join j = {.job = job,
                     .tenant = span_of("default"),
                     .room = span_of("a"),
                     .stream = span_of("x"),
                     .offer = check_file(file)};
    CHECK_INT(sl_rooms_join(s.rooms, &j, SEC(1), &w, &why, &p), E_OK);
    if (worker < 2) {
        sl_plane_mail(s.plane, SHARD_TO_ASSOC,
                      &(struct mail){.type = MAIL_UP, .id = p->transport, .arg = worker});
        sl_rooms_transport_up(s.rooms, p->transport, SEC(1));
    }
    return p;
}

/* What workers were told is none of our business. */
static void drain(void)
{
    struct mail m;
    unsigned from;
    sl_plane_flush(s.plane);
    for (unsigned to = 0; to < SHARD_PEERS; to++)
        while (sl_post_take(s.node.post, to, &from, &m))
            sl_mail_free(&m);
}

static void begin(void)
{
    static const uint8_t sha256[32] = {1};
    struct room *empty;
    memset(&s, 0, sizeof s);
    s.rng = sl_rng_of(3);
    s.node.conf.workers = 2;
    s.node.stats.workers[1].shard.rtp = 77;
    s.node.post = sl_post_new(2);
    s.plane = sl_plane_new(s.node.post, (const uint64_t[2]){1, 2},
                           &(struct plane_events){.up = nothing});
    s.rooms = sl_rooms_new(&(struct rooms_conf){.media = sl_plane_ops(s.plane),
                                                .random = {fill, &s.rng},
                                                .limits = {9, 9, 9},
                                                .local = {.sha256 = sha256}});
    CHECK_INT(sl_roomapi_init(&s.api, &(struct roomapi_conf){.rooms = s.rooms,
                                                             .objects = sl_objects_asked,
                                                             .objects_ctx = &s.objects}),
              E_OK);
    s.objects.conf = (struct objects_conf){.api = &s.api,
                                           .rooms = s.rooms,
                                           .plane = s.plane,
                                           .node = &s.node,
                                           .reply = reply};
    s.pub = join(NEGOTIATE_PUBLISH, "chromium-sendonly-simulcast", 0);
    s.near = join(NEGOTIATE_WATCH, "chromium-recvonly", 0);
    s.far = join(NEGOTIATE_WATCH, "chromium-recvonly", 1);
    CHECK_INT(sl_rooms_create(s.rooms, span_of("default"), span_of("b"),
                              &(struct room_settings){.empty_time = SEC(9)}, SEC(1),
                              &empty),
              E_OK);
    drain();
}

static void end(void)
{
    sl_roomapi_fini(&s.api);
    sl_rooms_free(s.rooms);
    drain();
    sl_plane_free(s.plane);
    sl_post_free(s.node.post);
}

/* False: the answer comes later. */
static bool ask(const char *path, const char *query)
{
    struct http_req req = {
        .id = 4711, .method = HTTP_GET, .path = span_of(path), .query = span_of(query)};
    struct http_res res = sl_roomapi_answer(&s.api, &req, SEC(9), 1000);
    s.request = 0;
    if (res.status != 0)
        take(&res);
    return res.status != 0;
}

/* The worker that was asked says that each thing has `packets`, by what it is. */
static bool look(unsigned worker, struct mail *m)
{
    unsigned from;
    if (!sl_post_take(s.node.post, worker, &from, m) || m->type != MAIL_LOOK)
        return false;
    struct look *l = m->p;
    for (size_t i = 0; i < l->n; i++) {
        struct look_item *at = &l->at[i];
        at->found = true;
        if (at->kind == LOOK_TRANSPORT)
            at->transport.packets_in = 1001;
        else if (at->kind == LOOK_CONSUMER)
            at->consumer.packets = 1003;
        else
            at->producer = (struct look_producer){
                .encodings_n = 1, .consumers = 2, .encodings = {{.packets = 1002}}};
    }
    return true;
}

static void answered(const char *path, const char *query)
{
    struct mail m;
    if (ask(path, query))
        return;
    for (unsigned i = 0; i < 2; i++)
        if (look(i, &m)) {
            sl_objects_looked(&s.objects, &m);
            CHECK_INT(s.request, 4711);
            return;
        }
    check_fail(__FILE__, __LINE__, "no worker was asked for %s", path);
}

#define ROUTER(worker) "/v1/workers/" #worker "/routers/default/a"

static const struct {
    const char *name, *path, *query;
    unsigned status;
    const char *says[3];
} tree[] = {
    {"workers",
     "/v1/workers",
     "",
     200,
     {"{\"worker\":0,\"routers_n\":1,", "{\"worker\":1,\"routers_n\":1,",
      "\"packets_received\":77,"}},
    {"routers; an empty room is none",
     "/v1/workers/0/routers",
     "",
     200,
     {"{\"routers\":[{\"worker\":0,\"tenant\":\"default\",\"room\":\"a\"",
      "\"transports_n\":2,\"producers_n\":2,\"consumers_n\":2,\"pipes_n\":0}],",
      "\"more\":false}"}},
    {"the same room elsewhere",
     "/v1/workers/1/routers",
     "",
     200,
     {"\"transports_n\":1,\"producers_n\":0,\"consumers_n\":2,\"pipes_n\":2}"}},
    {"the last page",
     "/v1/workers/0/routers",
     "after=default/a",
     200,
     {"{\"routers\":[],\"more\":false}"}},
    {"a router", ROUTER(1), "", 200, {"\"pipes_n\":2}"}},
    {"its transports",
     ROUTER(0) "/transports",
     "",
     200,
     {"{\"transports\":[{\"transport\":\"", "\"packets_received\":1001,",
      "\"more\":false}"}},
    {"one of them", ROUTER(0) "/transports", "limit=1", 200, {"\"more\":true}"}},
    {"no pipes where the publisher is",
     ROUTER(0) "/pipes",
     "",
     200,
     {"{\"pipes\":[],\"more\":false}"}},
    {"where they end",
     ROUTER(1) "/pipes",
     "",
     200,
     {"\"from\":0,\"to\":1,\"kind\":\"audio\",\"consumers_n\":2,\"encodings\":[{",
      "\"packets\":1002,"}},
    {"no such worker", "/v1/workers/2/routers", "", 404, {"not-found"}},
    {"a worker is a number", "/v1/workers/one/routers", "", 404, {"not-found"}},
    {"the room is empty", "/v1/workers/0/routers/default/b", "", 404, {"not-found"}},
    {"no such room", "/v1/workers/0/routers/default/c/pipes", "", 404, {"not-found"}},
    {"no name", "/v1/workers/0/routers/default/%20", "", 404, {"not-found"}},
    {"no transport", "/v1/transports/0000000000000001", "", 404, {"not-found"}},
    {"no id", "/v1/producers/1", "", 404, {"not-found"}},
    {"none of it", "/v1/consumers/0000000000000001", "", 404, {"not-found"}},
    {"too long a page", ROUTER(0) "/transports", "limit=101", 400, {"limit"}},
    {"too short", "/v1/workers/0/routers", "limit=0", 400, {"limit"}},
    {"behind nothing", ROUTER(0) "/transports", "after=x", 400, {"after"}},
    {"behind no room", "/v1/workers/0/routers", "after=x", 400, {"after"}},
};

TEST(objects_are_a_tree)
{
    begin();
    for (size_t i = 0; i < LEN(tree); i++) {
        check_row(tree[i].name);
        answered(tree[i].path, tree[i].query);
        CHECK_INT(s.status, tree[i].status);
        for (size_t k = 0; k < LEN(tree[i].says) && tree[i].says[k]; k++)
            if (!strstr(s.text, tree[i].says[k]))
                check_fail(__FILE__, __LINE__, "no %s in %s", tree[i].says[k], s.text);
    }
    end();
}

static json_t *shown(const char *kind, uint64_t id)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/v1/%s/%016llx", kind, (unsigned long long)id);
    answered(path, "");
    return json_loads(s.text, 0, NULL);
}

static json_int_t number(const json_t *in, const char *name)
{
    return json_integer_value(json_object_get(in, name));
}

TEST(objects_of_a_transport)
{
    begin();
    json_t *all = shown("transports", s.near->transport);
    json_t *consumers = json_object_get(all, "consumers");
    json_t *one = json_array_get(consumers, 0);
    CHECK_INT(json_array_size(json_object_get(all, "producers")), 0);
    CHECK_INT(json_array_size(consumers), 2);
    CHECK_INT(number(json_object_get(all, "transport"), "packets_received"), 1001);
    CHECK_INT(number(one, "packets"), 1003);
    const char *from = json_string_value(json_object_get(one, "producer"));
    json_t *pr = shown("producers", from ? strtoull(from, NULL, 16) : 0);
    CHECK_INT(s.status, 200);
    CHECK_INT(number(pr, "consumers_n"), 2);
    CHECK_INT(json_array_size(json_object_get(pr, "pipes")), 1);
    CHECK_INT(number(json_array_get(json_object_get(pr, "encodings"), 0), "packets"),
              1002);
    json_decref(pr);
    json_decref(all);
    json_t *k = shown("consumers", s.far->view.slots[0]->consumer);
    CHECK_INT(number(k, "packets"), 1003);
    json_decref(k);
    end();
}

/* Pages follow each other by the last id, and each has what is behind that. */
TEST(objects_by_pages)
{
    uint64_t last = 0;
    unsigned n = 0;
    bool more = true;
    begin();
    while (more && n < 9) {
        char query[48];
        (void)snprintf(query, sizeof query, "limit=1&after=%016llx",
                       (unsigned long long)last);
        answered(ROUTER(0) "/transports", query);
        json_t *doc = json_loads(s.text, 0, NULL);
        json_t *page = json_object_get(doc, "transports");
        const char *id =
            json_string_value(json_object_get(json_array_get(page, 0), "transport"));
        uint64_t next = id ? strtoull(id, NULL, 16) : 0;
        CHECK(json_array_size(page) == 1 && next > last);
        last = next;
        more = json_is_true(json_object_get(doc, "more"));
        json_decref(doc);
        n++;
    }
    CHECK_INT(n, 2);
    end();
}

/* Whoever is not connected lives nowhere, and is shown without asking. */
TEST(objects_that_live_nowhere_yet)
{
    begin();
    const struct peer *p = join(NEGOTIATE_WATCH, "chromium-recvonly", 2);
    char path[64];
    (void)snprintf(path, sizeof path, "/v1/transports/%016llx",
                   (unsigned long long)p->transport);
    CHECK(ask(path, ""));
    CHECK(s.status == 200 && strstr(s.text, "\"worker\":null") &&
          strstr(s.text, "\"state\":\"new\""));
    end();
}

/* While the worker looked, who was looked at left. */
TEST(objects_that_end_meanwhile)
{
    static const struct {
        const char *name;
        bool show;
        unsigned status;
        const char *says;
    } rows[] = {
        {"on a page", false, 200, "{\"transports\":[],\"more\":false}"},
        {"by itself", true, 404, "not-found"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct mail m;
        char path[64];
        check_row(rows[i].name);
        begin();
        (void)snprintf(path, sizeof path, "/v1/transports/%016llx",
                       (unsigned long long)s.far->transport);
        CHECK(!ask(rows[i].show ? path : ROUTER(1) "/transports", ""));
        CHECK(look(1, &m));
        sl_rooms_leave(s.rooms, s.far, MEDIA_GONE_LEFT);
        sl_objects_looked(&s.objects, &m);
        CHECK_INT(s.status, rows[i].status);
        CHECK(strstr(s.text, rows[i].says));
        end();
    }
}

TEST(objects_of_a_worker_that_does_not_read)
{
    begin();
    while (sl_post_put(s.node.post, SHARD_TO_CONTROL, 0, &(struct mail){MAIL_NONE}, 0))
        ;
    CHECK(ask(ROUTER(0) "/transports", ""));
    CHECK_INT(s.status, 503);
    end();
}
