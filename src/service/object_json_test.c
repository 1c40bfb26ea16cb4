#include "service/object_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "media/allocate.h"

static char text[1 << 14];

/* What was written, to be freed. */
static json_t *read_back(const struct wr *w)
{
    json_error_t why;
    json_t *doc = json_loadb(text, w->n, JSON_REJECT_DUPLICATES, &why);
    if (!doc || w->bad)
        check_fail(__FILE__, __LINE__, "%s: %.*s", why.text, (int)w->n, text);
    return doc;
}

static bool is_null(const json_t *in, const char *name)
{
    return json_is_null(json_object_get(in, name));
}

static json_int_t number(const json_t *in, const char *name)
{
    return json_integer_value(json_object_get(in, name));
}

static bool says(const json_t *in, const char *name, const char *want)
{
    const char *got = json_string_value(json_object_get(in, name));
    return got && strcmp(got, want) == 0;
}

static void check_nulls(const json_t *doc)
{
    static const char *const names[] = {"room", "peer", "remote", "estimate_bps",
                                        "max_bps"};
    for (size_t i = 0; i < LEN(names); i++)
        CHECK(is_null(doc, names[i]));
}

TEST(object_transport)
{
    static const struct {
        const char *name;
        unsigned owner;
        bool sendable;
        const char *state;
    } rows[] = {{"nobody has its keys", SHARD_WORKERS_MAX, false, "new"},
                {"it is up", 1, true, "connected"},
                {"consent has ended", 1, false, "disconnected"}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct pl_transport t = {.id = 0xab, .owner = rows[i].owner};
        struct look_transport l = {.sendable = rows[i].sendable};
        struct wr w = wr_of((uint8_t *)text, sizeof text);
        list_init(&t.producers);
        list_init(&t.consumers);
        check_row(rows[i].name);
        sl_object_transport(&w, &t, NULL, &l);
        json_t *doc = read_back(&w);
        CHECK(says(doc, "transport", "00000000000000ab"));
        CHECK(says(doc, "state", rows[i].state));
        CHECK(is_null(doc, "worker") == (rows[i].owner == SHARD_WORKERS_MAX));
        check_nulls(doc);
        json_decref(doc);
    }
}

TEST(object_transport_by_its_path)
{
    struct room room = {.name = "t/r"};
    struct participant who = {.id = "ann"};
    struct peer peer = {.room = &room, .who = &who};
    struct pl_transport t = {
        .path = {.cause = "delay", .bps = 500}, .ceiling_bps = 9, .owner = 0};
    struct look_transport l = {.remote = addr_v4(192, 0, 2, 1, 5), .stream = true};
    struct wr w = wr_of((uint8_t *)text, sizeof text);
    list_init(&t.producers);
    list_init(&t.consumers);
    sl_object_transport(&w, &t, &peer, &l);
    json_t *doc = read_back(&w);
    CHECK(says(doc, "tenant", "t") && says(doc, "room", "r") && says(doc, "peer", "ann"));
    CHECK(says(doc, "remote", "192.0.2.1:5") && says(doc, "protocol", "tcp"));
    CHECK_INT(number(doc, "estimate_bps"), 500);
    CHECK_INT(number(doc, "max_bps"), 9);
    json_decref(doc);
}

TEST(object_producer_and_its_pipe)
{
    struct pl_transport t = {.id = 1, .owner = 3};
    struct pl_producer pr = {.id = 2, .transport = &t, .piped = {[5] = 1, [6] = 2}};
    struct look_producer l = {.encodings_n = 2, .consumers = 4};
    struct wr w = wr_of((uint8_t *)text, sizeof text);
    list_init(&pr.consumers);
    pr.receive.encodings_n = 2;
    pr.receive.params.codecs_n = 1;
    pr.receive.params.codecs[0].codec = CODEC_VP8;
    memcpy(pr.receive.encodings[1].rid, "h\"", 2);
    l.encodings[0] = (struct look_encoding){.lost = -1, .silent = USEC_NEVER};
    l.encodings[1] = (struct look_encoding){.ssrc = 4000000000,
                                            .packets = 7,
                                            .jitter = 1500,
                                            .silent = MSEC(20),
                                            .resumed = MSEC(90)};
    sl_object_producer(&w, &pr, NULL, &l);
    json_t *doc = read_back(&w), *encodings = json_object_get(doc, "encodings");
    json_t *a = json_array_get(encodings, 0), *b = json_array_get(encodings, 1);
    CHECK_INT(json_array_size(json_object_get(doc, "pipes")), 2);
    CHECK_INT(json_integer_value(json_array_get(json_object_get(doc, "pipes"), 1)), 6);
    CHECK(memmem(text, w.n, "\"codecs\":[\"VP8\"]", 16));
    CHECK(is_null(a, "ssrc") && is_null(a, "silent_ms"));
    CHECK_INT(number(a, "packets_lost"), -1);
    CHECK_INT(number(b, "ssrc"), 4000000000);
    CHECK_INT(number(b, "silent_ms"), 20);
    CHECK(is_null(a, "resumed_ms"));
    CHECK_INT(number(b, "resumed_ms"), 90);
    CHECK(says(b, "rid", "h\""));
    CHECK(json_real_value(json_object_get(b, "jitter_ms")) == 1.5);
    json_decref(doc);
    w = wr_of((uint8_t *)text, sizeof text);
    sl_object_pipe(&w, &pr, 5, &l);
    doc = read_back(&w);
    CHECK_INT(number(doc, "from"), 3);
    CHECK_INT(number(doc, "to"), 5);
    CHECK_INT(number(doc, "consumers_n"), 4);
    json_decref(doc);
}

TEST(object_consumer)
{
    struct pl_transport t = {.id = 1};
    struct pl_producer pr = {.id = 2};
    static const struct {
        const char *name;
        bool source, told;
        uint8_t encoding;
        const char *cause;
        bool sent, unheard;
    } rows[] = {
        {"there is nothing to send", false, true, 0, "not_published", false, false},
        {"the worker has not said yet", true, false, 0, "not_published", false, false},
        {"a layer is sent", true, true, 1, "subscriber_bandwidth", true, false},
        {"none is", true, true, LAYER_NONE, "subscriber_bandwidth", false, false},
        {"others are", false, true, 0, "not_among_the_loudest", false, true},
    };
    struct track track = {0};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct pl_consumer c = {.id = 3,
                                .transport = &t,
                                .source = rows[i].source ? &pr : NULL,
                                .told = rows[i].told};
        struct look_consumer l = {.packets = 5, .waits = true};
        struct wr w = wr_of((uint8_t *)text, sizeof text);
        c.share.now = (struct mail_share){.cause = ALLOCATE_BANDWIDTH,
                                          .sent.encoding = rows[i].encoding};
        check_row(rows[i].name);
        sl_object_consumer(
            &w, &c, &(struct slot){.track = &track, .unheard = rows[i].unheard}, &l);
        json_t *doc = read_back(&w);
        CHECK(is_null(doc, "producer") == !rows[i].source);
        CHECK(says(doc, "cause", rows[i].cause));
        CHECK(is_null(doc, "encoding") == !rows[i].sent);
        CHECK_INT(number(doc, "packets"), 5);
        CHECK(json_is_true(json_object_get(doc, "waits_for_keyframe")));
        json_decref(doc);
    }
}

TEST(object_worker_and_router)
{
    struct room room = {.name = "default/standup"};
    struct worker_stats s = {
        .shard = {.rtp = 7, .piped_in = 8, .delay = sl_delay_histogram()},
        .cpu_ns = 5000000};
    struct wr w = wr_of((uint8_t *)text, sizeof text);
    sl_object_worker(&w, 2, 9, &s);
    json_t *doc = read_back(&w);
    CHECK(is_null(doc, "delay_p50_us") && is_null(doc, "delay_p999_us"));
    json_decref(doc);
    for (usec d = 1; d <= 1000; d++)
        delay_add(&s.shard.delay, d == 1000 ? MSEC(900) : 20);
    w = wr_of((uint8_t *)text, sizeof text);
    sl_object_worker(&w, 2, 9, &s);
    doc = read_back(&w);
    CHECK_INT(number(doc, "delay_p50_us"), 20);
    CHECK_INT(number(doc, "delay_p99_us"), 23);
    CHECK_INT(number(doc, "delay_p999_us"), 24);
    CHECK_INT(number(doc, "worker"), 2);
    CHECK_INT(number(doc, "routers_n"), 9);
    CHECK_INT(number(doc, "cpu_ms"), 5);
    CHECK_INT(number(doc, "packets_received"), 7);
    CHECK_INT(number(doc, "packets_piped_in"), 8);
    json_decref(doc);
    w = wr_of((uint8_t *)text, sizeof text);
    sl_object_router(&w, &(struct router_view){.room = &room, .worker = 1, .pipes = 3});
    doc = read_back(&w);
    CHECK(says(doc, "tenant", "default") && says(doc, "room", "standup"));
    CHECK_INT(number(doc, "pipes_n"), 3);
    json_decref(doc);
}
