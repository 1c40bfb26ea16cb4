#include "api/layer.h"

#include "check.h"
#include "face_stage.h"

static struct stage *stage;
static char layer_url[96];

static void explain(void *ctx, const struct peer *p, struct wr *w)
{
    (void)ctx, (void)p;
    wr_str(w, "{\"cause\":\"viewport\"}");
}

/* A viewer of a stream of three encodings: consumer 6 hears, 7 sees, in sections 0 and 1. */
static void open_viewer(void)
{
    stage = stage_new(NULL, 0);
    stage->face.conf.explain = explain;
    (void)stage_join(stage, "/whip/a/x", "chromium-sendonly-simulcast");
    stage_up(stage);
    snprintf(layer_url, sizeof layer_url, "%s/layer",
             stage_join(stage, "/whep/a/x", "chromium-recvonly"));
    CHECK(strstr(stage_field(stage, "Link"), "/layer>; rel=\"" LAYER_REL "\""));
    CHECK(strstr(stage_field(stage, "Link"), "/events>; rel=\"" EVENT_REL "\""));
    (void)ml_look(&stage->log);
}

static unsigned post(const char *json)
{
    return stage_ask(stage, (struct asked){.method = HTTP_POST,
                                           .path = layer_url,
                                           .type = "application/json",
                                           .body = span_of(json)});
}

TEST(layer_selects)
{
    static const struct {
        const char *name, *json;
        unsigned status;
        const char *asked;
    } rows[] = {
        {"everything", "{}", 204, "wish 7 0x0@0 p0 e0 s0 t0\n"},
        {"a section", "{\"mediaId\":\"1\"}", 204, "wish 7 0x0@0 p0 e0 s0 t0\n"},
        {"an encoding", "{\"mediaId\":\"1\",\"encodingId\":\"h\"}", 204,
         "wish 7 0x0@0 p0 e2 s0 t0\n"},
        {"layers", "{\"spatialLayerId\":1,\"maxTemporalLayerId\":0}", 204,
         "wish 7 0x0@0 p0 e0 s2 t1\n"},
        {"the lesser of two", "{\"spatialLayerId\":1,\"maxSpatialLayerId\":0}", 204,
         "wish 7 0x0@0 p0 e0 s1 t0\n"},
        {"a place", "{\"maxWidth\":640,\"maxHeight\":360,\"maxFramerate\":15}", 204,
         "wish 7 640x360@15 p0 e0 s0 t0\n"},
        {"what matters", "{\"priority\":64}", 204, "wish 7 0x0@0 p64 e0 s0 t0\n"},
        {"nothing", "{\"paused\":true}", 204, "wish 7 0x0@0 p0 e0 s0 t0 paused\n"},
        {"silence", "{\"mediaId\":\"0\",\"paused\":true}", 204,
         "wish 6 0x0@0 p0 e0 s0 t0 paused\n"},
        {"null is nothing said", "{\"encodingId\":null,\"mediaId\":null}", 204,
         "wish 7 0x0@0 p0 e0 s0 t0\n"},
        {"an encoding that is none", "{\"encodingId\":\"x\"}", 400, ""},
        {"an encoding of sound", "{\"mediaId\":\"0\",\"encodingId\":\"h\"}", 400, ""},
        {"a section that is none", "{\"mediaId\":\"7\"}", 400, ""},
        {"a section by number", "{\"mediaId\":1}", 400, ""},
        {"too wide", "{\"maxWidth\":65536}", 400, ""},
        {"less than nothing", "{\"maxHeight\":-1}", 400, ""},
        {"a half", "{\"maxHeight\":0.5}", 400, ""},
        {"layer 255", "{\"temporalLayerId\":255}", 400, ""},
        {"perhaps", "{\"paused\":1}", 400, ""},
        {"twice", "{\"priority\":1,\"priority\":2}", 400, ""},
        {"a list", "[]", 400, ""},
        {"no JSON", "{", 400, ""},
        {"nothing at all", "", 400, ""},
    };
    open_viewer();
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        stage->now += SEC(1);
        CHECK_INT(post(rows[i].json), rows[i].status);
        const char *asked = ml_look(&stage->log);
        if (strcmp(asked, rows[i].asked) != 0)
            check_fail(__FILE__, __LINE__, "asked %s", asked);
    }
    stage_free(stage);
}

TEST(layer_refuses)
{
    open_viewer();
    struct asked a = {.method = HTTP_POST, .path = layer_url, .body = span_of("{}")};
    CHECK_INT(stage_ask(stage, a), 415);
    a.method = HTTP_DELETE;
    CHECK_INT(stage_ask(stage, a), 405);
    a.path = "/session/0123456789abcdef0123456789abcdef/layer";
    a.method = HTTP_GET;
    CHECK_INT(stage_ask(stage, a), 404);
    snprintf(layer_url, sizeof layer_url, "%s/layer",
             stage_join(stage, "/whip/a/y", "chromium-sendonly-simulcast"));
    a.path = layer_url; /* who publishes sees nothing */
    CHECK_INT(stage_ask(stage, a), 404);
    CHECK(strcmp(stage_field(stage, "Link"), "") == 0);
    stage_free(stage);
}

TEST(layer_says_why)
{
    open_viewer();
    CHECK_INT(stage_ask(stage, (struct asked){.method = HTTP_GET, .path = layer_url}),
              200);
    CHECK(stage_said(stage, "{\"tracks\":[{\"cause\":\"viewport\"}]}"));
    stage->face.conf.explain = NULL;
    CHECK_INT(stage_ask(stage, (struct asked){.method = HTTP_GET, .path = layer_url}),
              200);
    CHECK(stage_said(stage, "{\"tracks\":[]}"));
    stage_free(stage);
}

TEST(layer_lists_layers)
{
    open_viewer();
    strcpy(strrchr(layer_url, '/'), "/events");
    CHECK_INT(stage_ask(stage, (struct asked){.method = HTTP_GET, .path = layer_url}),
              200);
    CHECK(strcmp(stage_field(stage, "Content-Type"), "text/event-stream") == 0);
    CHECK(stage_said(stage, "retry: 2000\nevent: layers\ndata: {\"1\":{\"layers\":["));
    CHECK(stage_said(stage, "{\"encodingId\":\"h\"}"));
    CHECK_INT(stage_ask(stage, (struct asked){.method = HTTP_GET,
                                              .path = layer_url,
                                              .accept = "application/json"}),
              406);
    stage_free(stage);
}
