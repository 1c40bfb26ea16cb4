#include "api/session.h"

#include "check.h"
#include "face_stage.h"

/* A published session, and how to speak of its ICE. */
struct session {
    struct stage *s;
    const char *url;
    char etag[32];
    char ufrag[64], pwd[64]; /* the client's */
    char body[512];
};

static struct session begin(void)
{
    struct session t = {.s = stage_new(NULL, 0)};
    struct span offer = check_file("tests/sdp/chromium-sendonly-simulcast-trickle.sdp");
    t.url = stage_join(t.s, "/whip/a/x", "chromium-sendonly-simulcast-trickle");
    snprintf(t.etag, sizeof t.etag, "%s", stage_field(t.s, "ETag"));
    sscanf(memmem(offer.p, offer.n, "a=ice-ufrag:", 12), "a=ice-ufrag:%63s", t.ufrag);
    sscanf(memmem(offer.p, offer.n, "a=ice-pwd:", 10), "a=ice-pwd:%63s", t.pwd);
    (void)ml_look(&t.s->log);
    return t;
}

static unsigned patch(struct session *t, const char *if_match, const char *ufrag,
                      const char *more)
{
    snprintf(t->body, sizeof t->body,
             "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
             "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n%s",
             ufrag ? ufrag : t->ufrag, t->pwd, more);
    return stage_ask(t->s, (struct asked){.method = HTTP_PATCH,
                                          .path = t->url,
                                          .type = SESSION_FRAGMENT,
                                          .if_match = if_match,
                                          .body = span_of(t->body)});
}

/* RFC 9725 §4.3.1, §4.3.2. */
TEST(trickle)
{
    static const struct {
        const char *name;
        const char *if_match; /* "=": the right one */
        const char *more;
        unsigned want;
    } rows[] = {
        {"a candidate", "=", "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n", 204},
        {"the end of them", "=", "a=end-of-candidates\r\n", 204},
        {"a transport that we do not know", "=",
         "a=candidate:1 1 sctp 1 192.0.2.1 1 typ host\r\n", 204},
        {"a name that nobody resolves", "=",
         "a=candidate:1 1 udp 1 4f8a.local 1 typ host\r\n", 204},
        {"no condition", NULL, "", 428},
        {"another ICE session", "\"zzzzzzzz\"", "", 412},
        {"one of many", "\"zzzzzzzz\", W/\"y\", =", "", 204},
        {"none of many", "\"zzzzzzzz\",\"yyyyyyyy\"", "", 412},
        {"a weak tag matches nothing", "W/=", "", 412},
        {"without quotes it is no tag", "zzzzzzzz", "", 412},
        {"any ICE session", "*", "", 204},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct session t = begin();
        char if_match[96] = "";
        const char *eq = rows[i].if_match ? strchr(rows[i].if_match, '=') : NULL;
        if (eq)
            snprintf(if_match, sizeof if_match, "%.*s%s", (int)(eq - rows[i].if_match),
                     rows[i].if_match, t.etag);
        check_row(rows[i].name);
        CHECK_INT(patch(&t, eq ? if_match : rows[i].if_match, NULL, rows[i].more),
                  rows[i].want);
        if (rows[i].want == 204)
            CHECK_INT(t.s->res.body.n, 0);
        CHECK(stage_field(t.s, "ETag")[0] == '\0');
        CHECK(ml_look(&t.s->log)[0] == '\0');
        stage_free(t.s);
    }
}

/* RFC 9725 §4.3.3: new credentials are a restart, and get new ones and a new tag. */
TEST(restart)
{
    struct session t = begin();
    char old[32];
    memcpy(old, t.etag, sizeof old);
    CHECK_INT(patch(&t, "*", "abcd", ""), 200);
    CHECK(strcmp(ml_look(&t.s->log), "restart 2\n") == 0);
    CHECK(strcmp(stage_field(t.s, "Content-Type"), SESSION_FRAGMENT) == 0);
    snprintf(t.etag, sizeof t.etag, "%s", stage_field(t.s, "ETag"));
    CHECK(t.etag[0] == '"' && strcmp(t.etag, old) != 0);
    CHECK(stage_said(t.s, t.s->log.ufrag) && stage_said(t.s, t.s->log.pwd));
    /* What the answer said of ICE is said again, and all candidates. */
    CHECK(stage_said(t.s, "a=ice-lite\r\n"));
    CHECK(stage_said(t.s, "a=ice-options:trickle ice2\r\n"));
    CHECK(stage_said(t.s, "192.0.2.1 8443 typ host"));
    CHECK(stage_said(t.s, "2001:db8::1 8443 typ host"));
    CHECK(stage_said(t.s, "a=mid:0\r\n"));

    CHECK_INT(patch(&t, old, "abcd", ""), 412);
    CHECK_INT(patch(&t, t.etag, "abcd", ""), 204);
    CHECK_INT(patch(&t, t.etag, "efgh", ""), 200);
    CHECK(strcmp(ml_look(&t.s->log), "restart 2\n") == 0);
    stage_free(t.s);
}

/* RFC 9725 §4.3.3: a restart that fails leaves the session as it was. */
TEST(restart_fails)
{
    struct session t = begin();
    t.s->log.fail = "restart";
    t.s->log.with = E_FULL;
    CHECK_INT(patch(&t, "*", "abcd", ""), 503);
    CHECK(strcmp(stage_field(t.s, "Retry-After"), "5") == 0);
    CHECK(stage_field(t.s, "ETag")[0] == '\0');
    CHECK_INT(stage_ask(t.s, (struct asked){HTTP_GET, t.url}), 204);
    CHECK_INT(patch(&t, t.etag, NULL, ""), 204);
    CHECK_INT(patch(&t, "*", "abcd", ""), 200);
    stage_free(t.s);
}

TEST(patch_refused)
{
    static const struct {
        const char *name, *type, *body;
        unsigned want;
        const char *code;
    } rows[] = {
        {"another type", "application/sdp", "", 415, "media-type"},
        {"no type", NULL, "", 415, "media-type"},
        {"not a fragment", SESSION_FRAGMENT, "hello", 400, "sdp"},
        {"nothing", SESSION_FRAGMENT, "", 400, "sdp"},
        {"no credentials", SESSION_FRAGMENT, "a=end-of-candidates\r\n", 422, "fragment"},
        {"half of them", SESSION_FRAGMENT, "a=ice-ufrag:abcd\r\n", 422, "fragment"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct session t = begin();
        char code[64];
        snprintf(code, sizeof code, "\"code\":\"%s\"", rows[i].code);
        check_row(rows[i].name);
        CHECK_INT(stage_ask(t.s, (struct asked){.method = HTTP_PATCH,
                                                .path = t.url,
                                                .type = rows[i].type,
                                                .if_match = "*",
                                                .body = span_of(rows[i].body)}),
                  rows[i].want);
        CHECK(stage_said(t.s, code));
        CHECK(ml_look(&t.s->log)[0] == '\0');
        CHECK_INT(stage_ask(t.s, (struct asked){HTTP_GET, t.url}), 204);
        stage_free(t.s);
    }
}

/* RFC 9725 §5: PATCH flooding. */
TEST(patch_flood)
{
    struct session t = begin();
    for (int i = 0; i < 50; i++)
        CHECK_INT(patch(&t, t.etag, NULL, ""), 204);
    CHECK_INT(patch(&t, t.etag, NULL, ""), 429);
    stage_free(t.s);
}

/* RFC 9725 §4.2: DELETE ends a session and frees what it had; §4.3.1: whatever the tag. */
TEST(deleted)
{
    struct session t = begin();
    CHECK_INT(stage_ask(t.s, (struct asked){.method = HTTP_DELETE,
                                            .path = t.url,
                                            .if_match = "\"zzzzzzzz\""}),
              200);
    CHECK(strcmp(ml_look(&t.s->log), "close transport 2\n") == 0);
    CHECK_INT(stage_ask(t.s, (struct asked){HTTP_DELETE, t.url}), 404);
    CHECK(stage_said(t.s, "\"code\":\"session\""));
    CHECK_INT(patch(&t, "*", "abcd", ""), 404);
    CHECK_INT(sl_rooms_stats(t.s->rooms)->rooms, 0);
    stage_free(t.s);
}

/* RFC 9725 §4.3.3: without consent a session ends, and its URL with it. */
TEST(consent_lost)
{
    struct session t = begin();
    sl_rooms_transport_gone(t.s->rooms, t.s->log.transport.id, MEDIA_GONE_CONSENT);
    CHECK_INT(stage_ask(t.s, (struct asked){HTTP_GET, t.url}), 404);
    stage_free(t.s);
}

/* RFC 9725 §4.1: a GET finds no representation. */
TEST(got)
{
    struct session t = begin();
    CHECK_INT(stage_ask(t.s, (struct asked){HTTP_GET, t.url}), 204);
    CHECK_INT(t.s->res.body.n, 0);
    CHECK_INT(stage_ask(t.s, (struct asked){HTTP_HEAD, t.url}), 204);
    stage_free(t.s);
}

/* The key is what permits: no token, and not one that has expired meanwhile, is asked for. */
TEST(token_is_not_asked_again)
{
    struct session t = begin();
    CHECK_INT(stage_ask(t.s, (struct asked){HTTP_DELETE, t.url, "old"}), 200);
    stage_free(t.s);
}
