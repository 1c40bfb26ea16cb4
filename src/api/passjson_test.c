#include "api/passjson.h"

#include <jansson.h>

#include "check.h"

/* A single quote stands for a double one. */
static json_t *object_of(const char *text)
{
    char json[512];
    (void)snprintf(json, sizeof json, "%s", text);
    for (char *c = json; (c = strchr(c, '\''));)
        *c = '"';
    json_t *ret = json_loads(json, 0, NULL);
    CHECK(ret != NULL);
    return ret;
}

TEST(pass_templates)
{
    static const struct {
        const char *name, *text;
        bool any;
        enum err want;
        const char *fault;
    } rows[] = {
        {"all that is usual", "{}", true, E_OK, ""},
        {"nobody's", "{}", false, E_STATE, "rooms.pass_any"},
        {"a list of sources that is none", "{'send':{}}", true, E_MALFORMED, "send"},
        {"five of them",
         "{'send':['microphone','camera','screen','screen-audio','camera']}", true,
         E_MALFORMED, "send"},
        {"layers of a camera", "{'send':['camera'],'layers':3}", true, E_OK, ""},
        {"no layer", "{'layers':0}", true, E_MALFORMED, "layers"},
        {"one too many", "{'layers':4}", true, E_MALFORMED, "layers"},
        {"slots below none", "{'receive':{'audio':-1}}", true, E_MALFORMED, "receive"},
        {"what is not known", "{'smell':1}", true, E_MALFORMED, "smell"},
        {"as many codecs as there are",
         "{'codecs':{'audio':['opus','G722','PCMU','PCMA'],'video':['VP8','VP9','H264',"
         "'AV1']}}",
         true, E_OK, ""},
        {"a name that is none", "{'peer':'.a'}", true, E_DENIED, ""},
        {"a print of nothing", "{'fingerprint':''}", true, E_MALFORMED, "fingerprint"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char fault[PASSJSON_FAULT_CAP] = "";
        struct passjson a;
        json_t *in = object_of(rows[i].text);
        check_row(rows[i].name);
        CHECK_INT(sl_passjson_read(in, rows[i].any, &a, fault), rows[i].want);
        CHECK(strstr(fault, rows[i].fault) != NULL);
        json_decref(in);
    }
}

TEST(pass_template_as_it_is_read)
{
    char fault[PASSJSON_FAULT_CAP];
    struct passjson a;
    json_t *in =
        object_of("{'send':['screen','microphone'],'layers':2,'receive':{'video':3},"
                  "'role':'host','seconds':7,'name':'Ann','max_bps':9}");
    CHECK_INT(sl_passjson_read(in, true, &a, fault), E_OK);
    CHECK(a.has_role && a.pass.role == ROLE_HOST);
    CHECK_INT(a.pass.sends_n, 2);
    CHECK_STR(a.pass.sends[0], "screen");
    CHECK_INT(a.pass.layers, 2);
    CHECK_INT(a.pass.slots[MEDIA_AUDIO], 0);
    CHECK_INT(a.pass.slots[MEDIA_VIDEO], 3);
    CHECK_INT(a.pass.life, SEC(7));
    CHECK_INT(a.pass.max_bps, 9);
    CHECK(span_is(a.pass.name, "Ann") && !a.pass.id.p);
    CHECK(a.pass.codecs == a.codecs && a.codecs[0] == CODEC_OPUS &&
          a.codecs[1] == CODEC_VP8);
    json_decref(in);
    in = object_of("{}");
    CHECK_INT(sl_passjson_read(in, true, &a, fault), E_OK);
    CHECK(!a.has_role && a.pass.role == ROLE_PARTICIPANT);
    CHECK_INT(a.pass.life, SEC(30));
    json_decref(in);
}

TEST(pass_as_it_is_written)
{
    static const struct peer viewer = {.transport = 0x1f};
    const struct passjson a = {
        .pass = {.sends = {"microphone", "camera"}, .sends_n = 2, .life = SEC(30)}};
    uint8_t buf[256];
    struct wr w = wr_of(buf, sizeof buf);
    sl_passjson_write(&w, &a, &viewer, span_of("v=0\r\n"), 100);
    CHECK(span_is(wr_done(&w),
                  "{\"transport\":\"000000000000001f\",\"peer\":null,\"expires_at\":130,"
                  "\"tracks\":{\"0\":\"microphone\",\"1\":\"camera\"},"
                  "\"sdp\":\"v=0\\r\\n\"}"));
}
