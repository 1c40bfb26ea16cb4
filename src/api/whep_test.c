#include "api/whep.h"

#include "check.h"
#include "face_stage.h"

#define SDP "application/sdp"

static struct asked post(const char *path, const char *sdp)
{
    static char file[96];
    snprintf(file, sizeof file, "tests/sdp/%s.sdp", sdp);
    return (struct asked){
        .method = HTTP_POST,
        .path = path,
        .token = "see",
        .type = SDP,
        .body = check_file(file),
    };
}

/* Who names a stream is told when there is none, and when to ask again. */
TEST(whep_named)
{
    struct stage *s = stage_new(NULL, 0);
    CHECK_INT(stage_ask(s, post("/whep/a/x", "chromium-recvonly")), 409);
    CHECK(stage_said(s, "\"code\":\"not-live\""));
    CHECK(strcmp(stage_field(s, "Retry-After"), "2") == 0);
    CHECK_INT(sl_rooms_stats(s->rooms)->rooms, 0);

    const char *url = stage_join(s, "/whip/a/x", "chromium-sendonly-single");
    char publisher[64];
    snprintf(publisher, sizeof publisher, "%s", url);
    CHECK_INT(stage_ask(s, post("/whep/a/x", "chromium-recvonly")), 409);
    stage_up(s);
    (void)ml_look(&s->log);
    CHECK_INT(stage_ask(s, post("/whep/a/x", "chromium-recvonly")), 201);
    CHECK(strcmp(ml_look(&s->log),
                 "transport 5\nconsumer 6 on 5 in 1 audio\nconsumer 7 on 5 in 1 video\n"
                 "source 6 from 3\nsource 7 from 4\n") == 0);
    CHECK_INT(stage_ask(s, post("/whep/a/y", "chromium-recvonly")), 409);

    struct asked other = post("/whep/a/x", "chromium-recvonly");
    other.token = "other";
    CHECK_INT(stage_ask(s, other), 409);

    CHECK_INT(stage_ask(s, (struct asked){HTTP_DELETE, publisher}), 200);
    CHECK(strcmp(ml_look(&s->log),
                 "source 6 from 0\nsource 7 from 0\nclose transport 2\n") == 0);
    CHECK_INT(sl_rooms_stats(s->rooms)->viewers, 1);
    stage_free(s);
}

/* Who names only the room may come before anybody else. */
TEST(whep_room)
{
    struct stage *s = stage_new(NULL, 0);
    CHECK_INT(stage_ask(s, post("/whep/a", "chromium-recvonly")), 201);
    (void)ml_look(&s->log);
    (void)stage_join(s, "/whip/a", "chromium-sendonly-single");
    stage_up(s);
    CHECK(strcmp(ml_look(&s->log),
                 "transport 5\nproducer 6 on 5 in 1 opus\nproducer 7 on 5 in 1 VP8\n"
                 "source 3 from 6\nsource 4 from 7\n") == 0);
    stage_free(s);
}

/* The answer only sends, and belongs to the same kind of session as WHIP's. */
TEST(whep_created)
{
    static const struct {
        const char *sdp;
        int sections;
        const char *msid; /* one stream for one of each kind, else one for each section */
    } rows[] = {
        {"chromium-recvonly", 2, "a=msid:stream video-1\r\n"},
        {"firefox-recvonly", 2, "a=msid:stream video-1\r\n"},
        {"pion-recvonly", 2, "a=msid:stream video-1\r\n"},
        {"werift-recvonly", 2, "a=msid:stream video-1\r\n"},
        {"gstreamer-recvonly", 1, "a=msid:stream audio-1\r\n"},
        {"gstreamer-sendrecv-vp8", 2, "a=msid:stream video-1\r\n"},
        {"chromium-recvonly-many", 12, "a=msid:video-8 video-8\r\n"},
        {"firefox-recvonly-many", 12, "a=msid:video-8 video-8\r\n"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage *s = stage_new(NULL, 0);
        check_row(rows[i].sdp);
        CHECK_INT(stage_ask(s, post("/whep/a", rows[i].sdp)), 201);
        CHECK_INT(stage_count(s, "a=sendonly\r\n"), rows[i].sections);
        CHECK_INT(stage_count(s, "a=recvonly\r\n") + stage_count(s, "a=sendrecv\r\n"), 0);
        CHECK_INT(stage_count(s, "a=msid:"), rows[i].sections);
        CHECK_INT(stage_count(s, rows[i].msid), 1);
        CHECK_INT(stage_count(s, "a=rtcp-mux-only\r\n"), rows[i].sections);
        CHECK(strcmp(stage_field(s, "Content-Type"), SDP) == 0);
        CHECK(stage_field(s, "ETag")[0] == '"');
        CHECK_INT(stage_ask(s, (struct asked){HTTP_DELETE, stage_field(s, "Location")}),
                  200);
        stage_free(s);
    }
}

TEST(whep_refused)
{
    static const struct {
        const char *name;
        const char *path, *type, *accept, *sdp;
        unsigned want;
        const char *code;
    } rows[] = {
        {"another type", "/whep/a", "text/plain", NULL, "pion-recvonly", 415,
         "media-type"},
        {"accepts something else", "/whep/a", SDP, "text/html", "pion-recvonly", 406,
         "not-acceptable"},
        {"who only sends", "/whep/a", SDP, NULL, "pion-sendonly", 422, "no-media"},
        {"the type comes before the stream", "/whep/a/x", NULL, NULL, "pion-recvonly",
         415, "media-type"},
    };
    struct stage *s = stage_new(NULL, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct asked a = post(rows[i].path, rows[i].sdp);
        char code[64];
        a.type = rows[i].type;
        a.accept = rows[i].accept;
        snprintf(code, sizeof code, "\"code\":\"%s\"", rows[i].code);
        check_row(rows[i].name);
        CHECK_INT(stage_ask(s, a), rows[i].want);
        CHECK(stage_said(s, code));
    }
    stage_free(s);
}
