#include "api/roomapi_passes.h"

#include <jansson.h>

#include "check.h"
#include "room/pass.h"
#include "room_stage.h"

enum { NOW = 1700000000 };

#define PRINT                                                                            \
    "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"                                   \
    "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99"

static struct room_stage *stage;
static struct roomapi api;

static void begin(bool pass_any)
{
    stage = room_stage_new(
        &(struct rooms_conf){.limits = {.rooms = 2, .peers = 100, .room_peers = 100}});
    CHECK_INT(sl_roomapi_init(&api, &(struct roomapi_conf){.rooms = stage->rooms,
                                                           .pass_any = pass_any}),
              E_OK);
    struct room *room;
    const struct room_settings settings = {.empty_time = SEC(100)};
    CHECK_INT(
        sl_rooms_create(stage->rooms, span_of("t"), span_of("r"), &settings, 0, &room),
        E_OK);
}

static void end(void)
{
    sl_roomapi_fini(&api);
    room_stage_free(stage);
}

static struct http_res post(const char *path, const char *body)
{
    struct http_req req = {
        .method = HTTP_POST,
        .path = span_of(path),
        .body = span_of(body),
        .headers = {{span_of("Content-Type"), span_of("application/json")}},
        .nheaders = 1};
    return sl_roomapi_answer(&api, &req, SEC(7), NOW);
}

TEST(passes_that_are_asked_for)
{
    static const struct {
        const char *name, *body;
        unsigned status;
        const char *says;
    } rows[] = {
        {"a viewer", "{\"role\":\"viewer\",\"receive\":{\"audio\":1}}", 201,
         "\"peer\":null"},
        {"a number that is whole all the same",
         "{\"send\":[\"camera\"],\"receive\":{\"audio\":2.0}}", 201, "\"peer\""},
        {"half a slot", "{\"receive\":{\"audio\":1.5}}", 400, "integer"},
        {"a name of its own", "{\"send\":[\"microphone\"]}", 201, "\"peer\":\""},
        {"all of it",
         "{\"peer\":\"ann\",\"name\":\"Ann\",\"metadata\":\"{}\",\"role\":\"host\","
         "\"send\":[\"camera\",\"microphone\"],\"receive\":{\"audio\":2,\"video\":2},"
         "\"codecs\":{\"video\":[\"H264\",\"vp8\"]},\"fingerprint\":\"sha-256 " PRINT
         "\","
         "\"seconds\":59,\"max_bps\":1000000}",
         201, "\"tracks\":{\"0\":\"camera\",\"1\":\"microphone\"}"},
        {"of 60 s", "{\"send\":[\"camera\"],\"seconds\":60}", 400, "seconds"},
        {"of none", "{\"send\":[\"camera\"],\"seconds\":0}", 400, "seconds"},
        {"a source twice", "{\"send\":[\"camera\",\"camera\"]}", 400, "send"},
        {"a source that nobody knows", "{\"send\":[\"telescope\"]}", 400, "send"},
        {"no list of sources", "{\"send\":\"camera\"}", 400, "send"},
        {"a codec twice",
         "{\"send\":[\"camera\"],\"codecs\":{\"video\":[\"VP8\",\"vp8\"]}}", 400,
         "codecs"},
        {"no codec at all", "{\"send\":[\"camera\"],\"codecs\":{\"audio\":[]}}", 400,
         "codecs"},
        {"a codec that repairs",
         "{\"send\":[\"camera\"],\"codecs\":{\"video\":[\"rtx\"]}}", 400, "codecs"},
        {"one of another kind",
         "{\"send\":[\"camera\"],\"codecs\":{\"video\":[\"opus\"]}}", 400, "codecs"},
        {"nothing to send or to see", "{}", 400, "send or receive"},
        {"more slots than may be", "{\"receive\":{\"audio\":16,\"video\":17}}", 400,
         "receive"},
        {"a slot for smells", "{\"receive\":{\"smell\":1}}", 400, "smell"},
        {"a role that is none", "{\"send\":[\"camera\"],\"role\":\"king\"}", 400, "role"},
        {"a viewer that sends", "{\"send\":[\"camera\"],\"role\":\"viewer\"}", 400,
         "viewer"},
        {"a peer that is no name", "{\"send\":[\"camera\"],\"peer\":\"a b\"}", 400,
         "name"},
        {"a peer without a name", "{\"send\":[\"camera\"],\"peer\":\"\"}", 400, "name"},
        {"a hash that can be forged",
         "{\"send\":[\"camera\"],\"fingerprint\":\"sha-1 "
         "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD\"}",
         400, "fingerprint"},
        {"no fingerprint", "{\"send\":[\"camera\"],\"fingerprint\":\"sha-256 AA\"}", 400,
         "fingerprint"},
        {"with another line behind it",
         "{\"send\":[\"camera\"],\"fingerprint\":\"sha-256 " PRINT "\\r\\na=x\"}", 400,
         "fingerprint"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        begin(true);
        struct http_res res = post("/v1/rooms/t/r/passes", rows[i].body);
        CHECK_INT(res.status, rows[i].status);
        CHECK(memmem(res.body.p, res.body.n, rows[i].says, strlen(rows[i].says)) != NULL);
        CHECK_INT(sl_rooms_stats(stage->rooms)->passes, rows[i].status == 201);
        end();
    }
}

TEST(pass_as_it_is_handed_over)
{
    begin(false);
    struct http_res res = post("/v1/rooms/t/r/passes",
                               "{\"peer\":\"ann\",\"send\":[\"microphone\"],"
                               "\"fingerprint\":\"SHA-256 " PRINT "\",\"seconds\":10}");
    CHECK_INT(res.status, 201);
    json_t *in = json_loadb((const char *)res.body.p, res.body.n, 0, NULL);
    const char *transport = "", *peer = "", *sdp = "", *first = "";
    json_int_t expires = 0;
    CHECK_INT(json_unpack(in, "{s:s,s:s,s:I,s:{s:s!},s:s!}", "transport", &transport,
                          "peer", &peer, "expires_at", &expires, "tracks", "0", &first,
                          "sdp", &sdp),
              0);
    CHECK_INT(strlen(transport), 16);
    CHECK_STR(peer, "ann");
    CHECK_STR(first, "microphone");
    CHECK_INT(expires, NOW + 10);
    CHECK(strncmp(sdp, "v=0\r\n", 5) == 0);
    CHECK(strstr(sdp, stage->log.transport.pwd) != NULL);
    CHECK_INT(stage->log.transport.peer.n, 32);
    CHECK_INT(stage->log.transport.peer.bytes[1], 0xbb);
    CHECK(!stage->log.transport.any);
    CHECK_INT(sl_rooms_deadline(stage->rooms), SEC(17));
    bool stored = true;
    for (size_t i = 0; i < HTTP_FIELDS_MAX && res.fields[i].name; i++)
        stored &= strcmp(res.fields[i].value, "no-store") != 0;
    CHECK(!stored); /* by no proxy */
    json_decref(in);
    end();
}

static unsigned revoke(const char *path)
{
    struct http_req req = {.method = HTTP_DELETE, .path = span_of(path)};
    return sl_roomapi_answer(&api, &req, SEC(7), NOW).status;
}

TEST(passes_that_are_revoked)
{
    char path[96];
    begin(true);
    CHECK_INT(post("/v1/rooms/t/r/passes", "{\"send\":[\"camera\"]}").status, 201);
    (void)snprintf(path, sizeof path, "/v1/rooms/t/r/passes/%016llx",
                   (unsigned long long)stage->log.transport.id);
    CHECK_INT(revoke("/v1/rooms/t/r/passes/00000000000000ff"), 404);
    CHECK_INT(revoke("/v1/rooms/t/r/passes/ff"), 404);
    CHECK_INT(revoke("/v1/rooms/t/r/passes/ann"), 404);
    CHECK_INT(sl_rooms_stats(stage->rooms)->passes, 1);
    CHECK_INT(revoke(path), 204);
    CHECK_INT(revoke(path), 404);
    CHECK_INT(sl_rooms_stats(stage->rooms)->passes, 0);
    end();
}

TEST(passes_that_are_not_given)
{
    static const char body[] = "{\"send\":[\"camera\"],\"peer\":\"ann\"}",
                      printed[] =
                          "{\"send\":[\"camera\"],\"fingerprint\":\"sha-256 " PRINT "\"}";
    begin(false);
    CHECK_INT(post("/v1/rooms/t/r/passes", body).status, 409); /* whose is it? */
    CHECK_INT(post("/v1/rooms/t/other/passes", printed).status, 404);
    sl_rooms_lock(stage->rooms, sl_rooms_find(stage->rooms, span_of("t"), span_of("r")),
                  true);
    CHECK_INT(post("/v1/rooms/t/r/passes", printed).status, 409);
    CHECK_INT(sl_rooms_stats(stage->rooms)->passes_issued, 0);
    end();
}
