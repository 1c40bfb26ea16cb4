#include "api/rtcd_job.h"

#include "check.h"

static struct rtcd_job *job(enum rtcd_ask ask, const char *auth, const char *body)
{
    struct http_req req = {.id = 5, .path = span_of("/calls/a%2Fb/sessions/s")};
    if (auth)
        req.headers[req.nheaders++] =
            (struct http_header){span_of("authorization"), span_of(auth)};
    req.body = span_of(body);
    return sl_rtcd_job_new(NULL, NULL, &req, ask, span_of("a%2Fb"), span_of("s%zz"));
}

TEST(rtcd_job_who_asks)
{
    static const struct {
        const char *name, *header;
        enum rtcd_auth auth;
        const char *user, *key;
    } rows[] = {
        {"none", NULL, RTCD_AUTH_NONE, "", ""},
        {"a:b", "Basic YTpi", RTCD_AUTH_BASIC, "a", "b"},
        {"in another case", "bAsIc YTpi", RTCD_AUTH_BASIC, "a", "b"},
        {"a:b:c", "Basic YTpiOmM=", RTCD_AUTH_BASIC, "a", "b:c"},
        {":", "Basic Og==", RTCD_AUTH_BASIC, "", ""},
        {"no colon", "Basic YQ==", RTCD_AUTH_NONE, "", ""},
        {"no base64", "Basic ?", RTCD_AUTH_NONE, "", ""},
        {"nothing behind it", "Basic ", RTCD_AUTH_NONE, "", ""},
        {"a token", "Bearer abc", RTCD_AUTH_BEARER, "", "abc"},
        {"a token, in another case", "bearer abc", RTCD_AUTH_NONE, "", ""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rtcd_job *j = job(RTCD_WS, rows[i].header, "");
        check_row(rows[i].name);
        CHECK_INT(j->auth, rows[i].auth);
        CHECK(span_is(j->user, rows[i].user) && span_is(j->key, rows[i].key));
        sl_rtcd_job_free(j);
    }
}

TEST(rtcd_job_bodies)
{
    static const struct {
        const char *body, *client, *key, *error;
    } rows[] = {
        {"{\"clientID\":\"a\",\"authKey\":\"b\"}", "a", "b", ""},
        {"{\"clientID\":\"a\",\"clientID\":\"c\"}", "c", "", ""},
        {"{\"clientID\":null}", "", "", ""},
        {"null", "", "", ""},
        {"{\"\\u0061uthKey\":\"\\ud83d\\ude00\"}", "", "\xf0\x9f\x98\x80", ""},
        {"", "", "", "EOF"},
        {"{", "", "", "unexpected EOF"},
        {"{]", "", "", "invalid character in the request body"},
        {"\"x\"", "", "",
         "json: cannot unmarshal string into Go value of type map[string]string"},
        {"{\"x\":{}}", "", "",
         "json: cannot unmarshal object into Go value of type string"},
        {"{\"x\":true}", "", "",
         "json: cannot unmarshal bool into Go value of type string"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rtcd_job *j = job(RTCD_LOGIN, NULL, rows[i].body);
        check_row(rows[i].body);
        CHECK(span_is(j->client, rows[i].client) && span_is(j->client_key, rows[i].key));
        CHECK(strcmp(j->body_error, rows[i].error) == 0);
        sl_rtcd_job_free(j);
    }
}

TEST(rtcd_job_paths)
{
    struct rtcd_job *j = job(RTCD_SESSIONS, NULL, "");
    CHECK(span_is(j->call, "a/b"));
    CHECK(span_is(j->session, "s%zz")); /* no escape: as it is */
    sl_rtcd_job_free(j);
}

TEST(rtcd_job_envelopes)
{
    uint8_t buf[128];
    struct wr w = wr_of(buf, sizeof buf);
    sl_rtcd_envelope(&w, 201, "clientID", span_of("a\"\n"));
    sl_rtcd_envelope(&w, 200, NULL, (struct span){0});
    CHECK(span_is(wr_done(&w),
                  "{\"clientID\":\"a\\\"\\n\",\"code\":\"201\"}\n{\"code\":\"200\"}\n"));
}
