#include "api/whip.h"

#include "check.h"
#include "face_stage.h"

#define SDP  "application/sdp"
#define FRAG "application/trickle-ice-sdpfrag"

static struct asked post(const char *sdp)
{
    static char file[96];
    snprintf(file, sizeof file, "tests/sdp/%s.sdp", sdp);
    return (struct asked){
        .method = HTTP_POST,
        .path = "/whip/a/x",
        .token = "pub",
        .type = SDP,
        .body = check_file(file),
    };
}

static bool is_hex(const char *s, size_t n)
{
    return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

/* RFC 9725 §4.2: 201 with the answer, Location and, as ICE restarts are possible, ETag. */
TEST(whip_created)
{
    static const struct ice_server ice[] = {{"stun:stun.example.net"}};
    struct stage *s = stage_new(ice, 1);
    CHECK_INT(stage_ask(s, post("chromium-sendonly-simulcast")), 201);
    CHECK(strcmp(stage_field(s, "Content-Type"), SDP) == 0);
    CHECK(strcmp(stage_field(s, "Accept-Patch"), FRAG) == 0);
    CHECK(strcmp(stage_field(s, "Link"), "<stun:stun.example.net>; rel=\"ice-server\"") ==
          0);
    const char *location = stage_field(s, "Location");
    CHECK(strncmp(location, "/session/", 9) == 0 && is_hex(location + 9, 32));

    /* A strong entity-tag, which is our user fragment. */
    char etag[32];
    snprintf(etag, sizeof etag, "\"%s\"", s->log.transport.ufrag);
    CHECK(strcmp(stage_field(s, "ETag"), etag) == 0);
    CHECK(stage_said(s, s->log.transport.ufrag));
    CHECK(stage_said(s, s->log.transport.pwd));

    /* Pages of any origin may read all that. */
    const char *exposed = stage_field(s, "Access-Control-Expose-Headers");
    CHECK(strcmp(stage_field(s, "Access-Control-Allow-Origin"), "*") == 0);
    CHECK(strstr(exposed, "Location") && strstr(exposed, "ETag") &&
          strstr(exposed, "Link"));
    stage_free(s);
}

TEST(whip_session_keys_differ)
{
    struct stage *s = stage_new(NULL, 0);
    char first[64];
    snprintf(first, sizeof first, "%s", stage_join(s, "/whip/a/x", "pion-sendonly"));
    CHECK(strcmp(first, stage_join(s, "/whip/a/x", "pion-sendonly")) != 0);
    stage_free(s);
}

/* RFC 9725 §4.2: the answer only receives. §4.3.2: it has all candidates. §4.4.1: one BUNDLE,
 * RTP and RTCP multiplexed, in every section. */
TEST(whip_answer)
{
    static const struct {
        const char *sdp;
        int sections;
    } rows[] = {
        {"chromium-sendonly-single", 2},
        {"chromium-sendonly-simulcast", 2},
        {"chromium-sendonly-simulcast-trickle", 2},
        {"firefox-sendonly-single", 2},
        {"firefox-sendonly-simulcast", 2},
        {"gstreamer-sendrecv-vp8", 2},
        {"gstreamer-sendrecv-h264", 2},
        {"libdatachannel-whip-h264", 2},
        {"obs-whip-h264-handmade", 2},
        {"pion-sendonly", 2},
        {"werift-sendonly", 2},
        {"wrtc-sendonly-simulcast", 2},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new(NULL, 0);
        check_row(rows[i].sdp);
        CHECK_INT(stage_ask(s, post(rows[i].sdp)), 201);
        CHECK_INT(stage_count(s, "\r\nm="), rows[i].sections);
        CHECK_INT(stage_count(s, "a=recvonly\r\n"), rows[i].sections);
        CHECK_INT(stage_count(s, "a=sendonly\r\n") + stage_count(s, "a=sendrecv\r\n"), 0);
        CHECK_INT(stage_count(s, "a=group:BUNDLE "), 1);
        CHECK_INT(stage_count(s, "a=rtcp-mux\r\n"), rows[i].sections);
        CHECK_INT(stage_count(s, "a=rtcp-mux-only\r\n"), rows[i].sections);
        CHECK_INT(stage_count(s, "192.0.2.1 8443 typ host"), 1);
        CHECK_INT(stage_count(s, "2001:db8::1 8443 typ host"), 1);
        CHECK_INT(stage_count(s, "a=end-of-candidates\r\n"), 1);
        CHECK_INT(stage_count(s, "a=ice-lite\r\n"), 1);
        stage_free(s);
    }
}

/* RFC 9725 §4.8, RFC 8853 §5.3.2: all three layers are taken. */
TEST(whip_simulcast)
{
    static const char *const rows[] = {"chromium-sendonly-simulcast",
                                       "firefox-sendonly-simulcast", "pion-simulcast"};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new(NULL, 0);
        check_row(rows[i]);
        CHECK_INT(stage_ask(s, post(rows[i])), 201);
        CHECK_INT(stage_count(s, "a=simulcast:recv q;h;f\r\n"), 1);
        stage_free(s);
    }
}

/* RFC 9725 §4.1, §4.2, §4.4: what is refused, and how. The rows change one thing each. */
TEST(whip_refused)
{
    static const struct {
        const char *name;
        const char *type, *accept;
        const char *sdp, *text; /* the body: a vector, or this */
        unsigned want;
        const char *code, *detail;
    } rows[] = {
        {"all is well", SDP, NULL, "pion-sendonly", NULL, 201, NULL, ""},
        {"with parameters", "Application/SDP; charset=utf-8", "text/html, application/*",
         "pion-sendonly", NULL, 201, NULL, ""},
        {"no type", NULL, NULL, "pion-sendonly", NULL, 415, "media-type", SDP},
        {"another type", "application/json", NULL, "pion-sendonly", NULL, 415,
         "media-type", SDP},
        {"accepts something else", SDP, "application/json", "pion-sendonly", NULL, 406,
         "not-acceptable", SDP},
        {"no body", SDP, NULL, NULL, "", 400, "sdp", ""},
        {"not SDP", SDP, NULL, NULL, "v=0\r\nhello\r\n", 400, "sdp", "line 2"},
        {"who only receives", SDP, NULL, "pion-recvonly", NULL, 422, "no-media", ""},
        {"only data", SDP, NULL, "pion-datachannel", NULL, 422, "no-media", ""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new(NULL, 0);
        struct asked a = post(rows[i].sdp ? rows[i].sdp : "pion-sendonly");
        char code[64];
        a.type = rows[i].type;
        a.accept = rows[i].accept;
        if (rows[i].text)
            a.body = span_of(rows[i].text);
        snprintf(code, sizeof code, "\"code\":\"%s\"", rows[i].code ? rows[i].code : "");
        check_row(rows[i].name);
        CHECK_INT(stage_ask(s, a), rows[i].want);
        CHECK(!rows[i].code || (stage_said(s, code) && stage_said(s, rows[i].detail)));
        CHECK_INT(sl_rooms_stats(s->rooms)->publishers, rows[i].want == 201);
        stage_free(s);
    }
}

/* Hostile bodies are refused in bounded time, and nothing of them stays. */
TEST(whip_hostile)
{
    enum { N = 1 << 20 };
    static const struct {
        const char *name, *head, *repeat;
    } rows[] = {
        {"1 MB of one line", "v=0\r\n", "x"},
        {"1 MB of lines", "v=0\r\no=- 1 1 IN IP4 0\r\ns=-\r\nt=0 0\r\n", "a=x\r\n"},
        {"many sections", "v=0\r\no=- 1 1 IN IP4 0\r\ns=-\r\nt=0 0\r\n",
         "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"},
    };
    char *body = malloc(N);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new(NULL, 0);
        size_t n = strlen(rows[i].head), step = strlen(rows[i].repeat);
        memcpy(body, rows[i].head, n);
        for (; n + step <= N; n += step)
            memcpy(body + n, rows[i].repeat, step);
        struct asked a = post("pion-sendonly");
        a.body = (struct span){(uint8_t *)body, n};
        check_row(rows[i].name);
        CHECK_INT(stage_ask(s, a), 400);
        CHECK_INT(sl_rooms_stats(s->rooms)->rooms, 0);
        stage_free(s);
    }
    free(body);
}

/* RFC 9725 §4.4.3: not a part of an offer. */
TEST(whip_all_or_nothing)
{
    struct stage *s = stage_new(NULL, 0);
    struct asked a = post("obs-whip-h264-handmade");
    char *body = calloc(1, a.body.n + 1);
    memcpy(body, a.body.p, a.body.n);
    char *codec = strstr(body, " H264/90000");
    memcpy(codec, " H299/90000", 11);
    a.body = span_of(body);
    CHECK_INT(stage_ask(s, a), 422);
    CHECK(stage_said(s, "\"code\":\"no-common-codec\""));
    CHECK(stage_said(s, "m-section 2: "));
    free(body);
    stage_free(s);
}

/* RFC 9725 §4.5: 503 with Retry-After, in high load and when the server goes down. Sessions
 * that are there go on. */
TEST(whip_unavailable)
{
    struct stage *s = stage_new(NULL, 0);
    const char *url = stage_join(s, "/whip/a/x", "pion-sendonly");
    s->log.fail = "transport";
    s->log.with = E_FULL;
    CHECK_INT(stage_ask(s, post("pion-sendonly")), 503);
    CHECK(stage_said(s, "\"code\":\"full\""));
    CHECK(strcmp(stage_field(s, "Retry-After"), "5") == 0);
    CHECK_INT(stage_ask(s, post("pion-sendonly")), 201);

    s->loaded = true;
    CHECK_INT(stage_ask(s, post("pion-sendonly")), 503);
    CHECK(stage_said(s, "\"type\":\"urn:sluice:problem:full\""));
    CHECK(stage_said(s, "\"code\":\"load\""));
    CHECK(strcmp(stage_field(s, "Retry-After"), "5") == 0);
    s->loaded = false;

    s->face.draining = true;
    CHECK_INT(stage_ask(s, post("pion-sendonly")), 503);
    CHECK(stage_said(s, "\"code\":\"draining\""));
    CHECK(strcmp(stage_field(s, "Retry-After"), "5") == 0);
    CHECK_INT(stage_ask(s, (struct asked){HTTP_GET, url}), 204);
    CHECK_INT(stage_ask(s, (struct asked){HTTP_DELETE, url}), 200);
    stage_free(s);
}

/* Others come into rooms that are there. */
TEST(whip_where_hosts_alone_make_rooms)
{
    static const struct {
        const char *name, *token, *path, *sdp;
        unsigned want;
        const char *code;
    } rows[] = {
        {"a publisher", "pub", "/whip/a/x", "pion-sendonly", 403, "no-room"},
        {"who may publish and watch", "a", "/whip/a/x", "pion-sendonly", 403, "no-room"},
        {"of no role that there is", "king", "/whip/a/x", "pion-sendonly", 403,
         "not-yours"},
        {"a viewer of whoever comes", "see", "/whep/a", "chromium-recvonly", 403,
         "no-room"},
        {"a host", "host", "/whip/a/x", "pion-sendonly", 201},
        {"a host who watches", "host", "/whep/a", "chromium-recvonly", 201},
        {"who may all", "admin", "/whip/a/x", "pion-sendonly", 201},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new_of(NULL, 0, true);
        struct asked a = post(rows[i].sdp);
        a.path = rows[i].path;
        a.token = rows[i].token;
        check_row(rows[i].name);
        CHECK_INT(stage_ask(s, a), rows[i].want);
        char said[32];
        (void)snprintf(said, sizeof said, "\"code\":\"%s\"", rows[i].code);
        CHECK(rows[i].want == 201 || stage_said(s, said));
        CHECK_INT(s->face.refused[PROBLEM_FORBIDDEN], rows[i].want != 201);
        CHECK_INT(sl_rooms_stats(s->rooms)->rooms, rows[i].want == 201);
        if (rows[i].want == 201)
            CHECK_INT(stage_ask(s, post("pion-sendonly")), 201);
        stage_free(s);
    }
}

TEST(whip_where_as_many_publish_as_may)
{
    struct stage *s = stage_new(NULL, 0);
    struct asked other = post("pion-sendonly");
    other.path = "/whip/a/y";
    (void)stage_join(s, "/whip/a/x", "pion-sendonly");
    sl_rooms_find(s->rooms, span_of("default"), span_of("a"))->settings.publishers_max =
        1;
    CHECK_INT(stage_ask(s, other), 503);
    CHECK(stage_said(s, "\"code\":\"full\""));
    CHECK_INT(stage_ask(s, post("pion-sendonly")), 201); /* who was there comes again */
    stage_free(s);
}

/* RFC 9725 §5: POST flooding. */
TEST(whip_flood)
{
    struct stage *s = stage_new(NULL, 0);
    for (int i = 0; i < 50; i++)
        CHECK_INT(stage_ask(s, post("pion-sendonly")), 201);
    CHECK_INT(stage_ask(s, post("pion-sendonly")), 429);
    CHECK(strcmp(stage_field(s, "Retry-After"), "1") == 0);
    struct asked other = post("pion-sendonly");
    other.from = addr_v4(192, 0, 2, 7, 1);
    CHECK_INT(stage_ask(s, other), 201);
    s->now += SEC(1);
    CHECK_INT(stage_ask(s, post("pion-sendonly")), 201);
    stage_free(s);
}

TEST(whip_tenant_is_a_name)
{
    struct stage *s = stage_new(NULL, 0);
    struct asked a = post("pion-sendonly");
    a.token = "bad";
    CHECK_INT(stage_ask(s, a), 403);
    stage_free(s);
}

/* A stream that is given no name is the room's main one. */
TEST(whip_main_stream)
{
    struct stage *s = stage_new(NULL, 0);
    (void)stage_join(s, "/whip/a", "pion-sendonly");
    stage_up(s);
    const struct room *room = sl_rooms_room(s->rooms, span_of("default"), span_of("a"));
    CHECK(room && sl_room_publisher(room, span_of(WHIP_STREAM)));
    stage_free(s);
}
