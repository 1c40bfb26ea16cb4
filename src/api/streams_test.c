#include "api/streams.h"

#include "check.h"
#include "dialogs.h"
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

/* A member (room/member) whose sound has a name, and whose picture has none. */
static const char *name_sound(void *ctx, struct peer *p, const struct track *track)
{
    (void)ctx;
    (void)p;
    return track->params.kind == MEDIA_AUDIO ? "microphone" : "";
}

static bool want_none(void *ctx, const struct peer *p, const struct track *track)
{
    (void)ctx;
    (void)p;
    (void)track;
    return false;
}

static void offer_nothing(void *ctx, struct peer *p, struct span sdp)
{
    (void)ctx;
    (void)p;
    (void)sdp;
}

static void note_up(void *ctx, struct peer *p, usec now)
{
    (void)p;
    (void)now;
    ++*(unsigned *)ctx;
}

static void note_gone(void *ctx, struct peer *p, enum media_gone why)
{
    (void)p;
    (void)why;
    --*(unsigned *)ctx;
}

static const struct member_events quiet_member = {.source = name_sound,
                                                  .wants = want_none,
                                                  .offer = offer_nothing,
                                                  .up = note_up,
                                                  .gone = note_gone};

static enum err speak(struct stage *s, struct peer *p, struct end *end)
{
    static uint8_t answer[1 << 16];
    struct wr w = wr_of(answer, sizeof answer);
    struct refused refused;
    enum err e = end_offer(end);
    e = e ? e : sl_rooms_offered(s->rooms, p, end_text(end), s->now, &w, &refused);
    return e ? e : end_answered(end, wr_done(&w));
}

/* A member is a stream as soon as it is connected and something of it has a name; behind those who
 * publish by WHIP. It is no viewer. */
TEST(members_are_streams)
{
    static struct end end;
    struct stage *s = stage_new(NULL, 0);
    struct peer *p = NULL;
    unsigned up = 0;
    const struct enter in = {.tenant = span_of("default"),
                             .room = span_of("a"),
                             .stream = span_of("ann"),
                             .events = &quiet_member,
                             .ctx = &up};
    end_init(&end, 5);
    CHECK_INT(sl_rooms_enter(s->rooms, &in, s->now, &p), E_OK);
    expect(s, "silent", "{\"streams\":[],\"viewers\":0}");
    end_add(&end, 0, MEDIA_VIDEO);
    end_add(&end, 1, MEDIA_AUDIO);
    CHECK_INT(speak(s, p, &end), E_OK);
    expect(s, "not connected yet", "{\"streams\":[],\"viewers\":0}");
    sl_rooms_transport_up(s->rooms, p->transport, s->now);
    CHECK_INT(up, 1);
    s->now += MSEC(120);
    expect(s, "its voice",
           "{\"streams\":[{\"name\":\"ann\",\"live_ms\":120,\"tracks\":["
           "{\"kind\":\"audio\",\"source\":\"microphone\",\"codec\":\"opus\",\"level_"
           "dbov\":-127}]}],\"viewers\":0}");

    (void)stage_join(s, "/whip/a/x", "pion-sendonly");
    stage_up(s);
    expect(s, "behind a publisher",
           "{\"streams\":["
           "{\"name\":\"x\",\"live_ms\":0,\"tracks\":["
           "{\"kind\":\"audio\",\"source\":\"microphone\",\"codec\":\"opus\",\"level_"
           "dbov\":-127},"
           "{\"kind\":\"video\",\"source\":\"camera\",\"codec\":\"VP8\"}]},"
           "{\"name\":\"ann\",\"live_ms\":120,\"tracks\":["
           "{\"kind\":\"audio\",\"source\":\"microphone\",\"codec\":\"opus\",\"level_"
           "dbov\":-127}]}],\"viewers\":0}");
    sl_rooms_transport_gone(s->rooms, p->transport, MEDIA_GONE_CLOSED);
    CHECK_INT(up, 0);
    CHECK_INT(look(s, "see"), 200);
    CHECK(!memmem(s->res.body.p, s->res.body.n, "ann", 3));
    stage_free(s);
    end_fini(&end);
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
