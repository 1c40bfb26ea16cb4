#include "api/streams.h"

#include "check.h"
#include "face_stage.h"

static unsigned look(struct stage *s, const char *token)
{
    return stage_ask(s, (struct asked){HTTP_GET, "/rooms/a/streams", token});
}

static void expect(struct stage *s, const char *what, const char *want)
{
    CHECK_INT(look(s, "see"), 200);
    if (!span_is(s->res.body, want))
        check_fail(__FILE__, __LINE__, "%s: got\n%.*s\nwant\n%s", what,
                   (int)s->res.body.n, (const char *)s->res.body.p, want);
}

TEST(listed)
{
    struct stage *s = stage_new(NULL, 0);
    expect(s, "nobody", "{\"streams\":[],\"viewers\":0}");
    CHECK(strcmp(stage_field(s, "Content-Type"), "application/json") == 0);

    (void)stage_join(s, "/whip/a/x", "chromium-sendonly-single");
    expect(s, "not connected yet", "{\"streams\":[],\"viewers\":0}");
    stage_up(s);
    s->now += MSEC(5210);
    (void)stage_join(s, "/whip/a/screen-1", "pion-sendonly");
    stage_up(s);
    (void)stage_join(s, "/whep/a/x", "chromium-recvonly");
    stage_up(s);
    expect(s, "two and a viewer",
           "{\"streams\":["
           "{\"name\":\"x\",\"live_ms\":5210,\"tracks\":["
           "{\"kind\":\"audio\",\"source\":\"microphone\",\"codec\":\"opus\",\"level_"
           "dbov\":-127},"
           "{\"kind\":\"video\",\"source\":\"camera\",\"codec\":\"VP8\"}]},"
           "{\"name\":\"screen-1\",\"live_ms\":0,\"tracks\":["
           "{\"kind\":\"audio\",\"source\":\"microphone\",\"codec\":\"opus\",\"level_"
           "dbov\":-127},"
           "{\"kind\":\"video\",\"source\":\"camera\",\"codec\":\"VP8\"}]}"
           "],\"viewers\":1}");

    static const struct voice speech = {9, 5, 5, 32, true};
    const struct room *room =
        sl_rooms_room(s->face.conf.rooms, span_of("default"), span_of("a"));
    const struct peer *x = room ? sl_room_publisher(room, span_of("x")) : NULL;
    if (x)
        sl_rooms_voice(s->face.conf.rooms, x->transport, x->tracks[0]->producer, &speech,
                       s->now);
    expect(s, "somebody speaks",
           "{\"streams\":["
           "{\"name\":\"x\",\"live_ms\":5210,\"tracks\":["
           "{\"kind\":\"audio\",\"source\":\"microphone\",\"codec\":\"opus\",\"level_"
           "dbov\":-32},"
           "{\"kind\":\"video\",\"source\":\"camera\",\"codec\":\"VP8\"}]},"
           "{\"name\":\"screen-1\",\"live_ms\":0,\"tracks\":["
           "{\"kind\":\"audio\",\"source\":\"microphone\",\"codec\":\"opus\",\"level_"
           "dbov\":-127},"
           "{\"kind\":\"video\",\"source\":\"camera\",\"codec\":\"VP8\"}]}"
           "],\"speaker\":\"x\",\"viewers\":1}");

    CHECK_INT(look(s, "other"), 200);
    CHECK(span_is(s->res.body, "{\"streams\":[],\"viewers\":0}"));
    stage_free(s);
}

TEST(not_for_everybody)
{
    static const struct {
        const char *token;
        unsigned want;
    } rows[] = {{NULL, 401}, {"zzz", 401}, {"old", 401}, {"pub", 403}, {"a", 200}};
    struct stage *s = stage_new(NULL, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].token);
        CHECK_INT(look(s, rows[i].token), rows[i].want);
    }
    stage_free(s);
}

TEST(accepted)
{
    static const struct {
        const char *accept;
        unsigned want;
    } rows[] = {{"application/json", 200}, {"*/*", 200}, {"text/html", 406}};
    struct stage *s = stage_new(NULL, 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].accept);
        CHECK_INT(stage_ask(s, (struct asked){HTTP_GET, "/rooms/a/streams", "see", NULL,
                                              rows[i].accept}),
                  rows[i].want);
    }
    stage_free(s);
}
