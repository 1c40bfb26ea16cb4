#include "bench/web.h"

#include <stdio.h>
#include <string.h>

#include "bench/web_stage.h"
#include "check.h"

static const struct {
    const char *name, *answer;
    enum err want;
    unsigned status, retry;
    const char *location, *body;
} rows[] = {
    {"created",
     "HTTP/1.1 201 Created\r\nLocation: /session/1\r\nContent-Length: 3\r\n\r\nv=0", E_OK,
     201, 0, "/session/1", "v=0"},
    {"later", "HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
     E_OK, 429, 7, "", ""},
    {"no body", "HTTP/1.1 204 No Content\r\n\r\n", E_OK, 204, 0, "", ""},
    {"ends in the head", "HTTP/1.1 200 OK\r\nContent-Le", E_SHORT, 0, 0, "", ""},
    {"ends in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", E_SHORT, 0, 0,
     "", ""},
    {"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", E_MALFORMED, 0, 0, "", ""},
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    {"chunks", CHUNKED "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", E_OK, 200, 0, "",
     "abc0123456789"},
    {"no chunks", CHUNKED "0\r\n\r\n", E_OK, 200, 0, "", ""},
    {"trailers", CHUNKED "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", E_OK, 200, 0, "", "x"},
    {"a chunk without a size", CHUNKED "\r\nabc\r\n0\r\n\r\n", E_MALFORMED, 0, 0, "", ""},
    {"a size that is none", CHUNKED "g\r\nabc\r\n0\r\n\r\n", E_MALFORMED, 0, 0, "", ""},
    {"a size above all", CHUNKED "fffffffffffffffff\r\n", E_MALFORMED, 0, 0, "", ""},
    {"a chunk that is longer", CHUNKED "2\r\nabc\r\n0\r\n\r\n", E_MALFORMED, 0, 0, "",
     ""},
    {"ends in a chunk", CHUNKED "9\r\nabc", E_SHORT, 0, 0, "", ""},
    {"ends behind the last chunk", CHUNKED "0\r\n", E_SHORT, 0, 0, "", ""},
    {"another encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
     E_UNSUPPORTED, 0, 0, "", ""},
};

TEST(web_reads_answers)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct stage s;
        struct web *w = NULL;
        struct web_answer a = {0};
        check_row(rows[i].name);
        stage_open(&s, rows[i].answer, 1, 1);
        CHECK_INT(sl_web_new(s.url, &w), E_OK);
        sl_web_fields(w, i % 2 == 0 ? "A: b\r\nC: d\r\n" : NULL);
        CHECK_INT(sl_web_ask(w, "POST", "/x", "t0k", "text/a", span_of("body"), &a),
                  rows[i].want);
        sl_web_free(w);
        stage_close(&s);
        if (rows[i].want != E_OK)
            continue;
        CHECK_INT(a.status, rows[i].status);
        CHECK_INT(a.retry_after_s, rows[i].retry);
        CHECK(strcmp(a.location, rows[i].location) == 0);
        CHECK_INT(a.body.n, strlen(rows[i].body));
        CHECK(strncmp(s.asked, "POST /base/x HTTP/1.1\r\n", 23) == 0);
        CHECK(strstr(s.asked, "\r\nAuthorization: Bearer t0k\r\n") &&
              strstr(s.asked, "\r\nContent-Type: text/a\r\n") &&
              strstr(s.asked, "\r\nContent-Length: 4\r\n"));
        CHECK_INT(strstr(s.asked, "\r\nA: b\r\nC: d\r\n") != NULL, i % 2 == 0);
    }
}

/* A connection is used again, and made again when the server closed it. */
TEST(web_keeps_its_connection)
{
    struct stage s;
    struct web *w = NULL;
    struct web_answer a;
    stage_open(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 2, 2);
    CHECK_INT(sl_web_new(s.url, &w), E_OK);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(sl_web_ask(w, "GET", "/", NULL, NULL, (struct span){0}, &a), E_OK);
        CHECK(span_is(a.body, "ok"));
        CHECK(!strstr(s.asked, "Authorization"));
    }
    stage_close(&s);
    CHECK_INT(sl_web_ask(w, "GET", "/", NULL, NULL, (struct span){0}, &a), E_SYS);
    sl_web_free(w);
}

#define LOOPBACK(p)                                                                      \
    {                                                                                    \
        .ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = (p)                             \
    }

TEST(web_wants_an_url)
{
    static const char *const bad[] = {"", "http://", "https://", "ftp://127.0.0.1",
                                      "127.0.0.1:80"};
    struct web *w = NULL;
    for (size_t i = 0; i < LEN(bad); i++)
        CHECK_INT(sl_web_new(bad[i], &w), E_MALFORMED);
    static const struct {
        const char *url;
        struct addr want;
    } good[] = {
        {"http://127.0.0.1", LOOPBACK(80)},
        {"https://127.0.0.1/x", LOOPBACK(443)},
        {"https://127.0.0.1:8045", LOOPBACK(8045)},
        {"http://[::1]", {.ip = {[15] = 1}, .port = 80}},
        {"https://[::1]:8045/", {.ip = {[15] = 1}, .port = 8045}},
    };
    for (size_t i = 0; i < LEN(good); i++) {
        check_row(good[i].url);
        CHECK_INT(sl_web_new(good[i].url, &w), E_OK);
        CHECK(addr_eq(sl_web_addr(w), &good[i].want));
        sl_web_free(w);
    }
}
