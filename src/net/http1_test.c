#include "net/http1.h"

#include <stdio.h>

#include "check.h"

#define H "Host: a\r\n"

static const struct {
    const char *name, *head;
    unsigned want;
    enum http_method method;
    const char *path, *query;
    uint64_t length;
    bool chunked, keep_alive;
} rows[] = {
    {"the least", "GET / HTTP/1.1\r\n" H "\r\n", 0, HTTP_GET, "/", "", 0, false, true},
    {"a query", "GET /a%20b?x=1?y HTTP/1.1\r\n" H "\r\n", 0, HTTP_GET, "/a%20b", "x=1?y",
     0, false, true},
    {"an empty query", "GET /a? HTTP/1.1\r\n" H "\r\n", 0, HTTP_GET, "/a", "", 0, false,
     true},
    {"absolute form", "GET http://b:1/c?d HTTP/1.1\r\n" H "\r\n", 0, HTTP_GET, "/c", "d",
     0, false, true},
    {"absolute form without path", "GET https://b?d HTTP/1.1\r\n" H "\r\n", 0, HTTP_GET,
     "/", "d", 0, false, true},
    {"all the server", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 0, HTTP_OPTIONS, "*", "", 0,
     false, true},
    {"a body", "PATCH /r HTTP/1.1\r\n" H "Content-Length: 12\r\n\r\n", 0, HTTP_PATCH,
     "/r", "", 12, false, true},
    {"chunks", "POST /r HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n", 0,
     HTTP_POST, "/r", "", 0, true, true},
    {"close", "DELETE /r HTTP/1.1\r\n" H "Connection: x, close\r\n\r\n", 0, HTTP_DELETE,
     "/r", "", 0, false, false},
    {"old clients say goodbye", "GET / HTTP/1.0\r\n\r\n", 0, HTTP_GET, "/", "", 0, false,
     false},
    {"no value", "GET / HTTP/1.1\r\n" H "X:\r\nY:  \t \r\n\r\n", 0, HTTP_GET, "/", "", 0,
     false, true},
    {"octets beyond ASCII in a value", "GET / HTTP/1.1\r\n" H "X: \xc3\xa4\r\n\r\n", 0,
     HTTP_GET, "/", "", 0, false, true},

    {"no method", " / HTTP/1.1\r\n" H "\r\n", 400},
    {"no target", "GET HTTP/1.1\r\n" H "\r\n", 400},
    {"two blanks", "GET  / HTTP/1.1\r\n" H "\r\n", 400},
    {"a tab", "GET\t/ HTTP/1.1\r\n" H "\r\n", 400},
    {"a relative target", "GET a HTTP/1.1\r\n" H "\r\n", 400},
    {"a fragment", "GET /#a HTTP/1.1\r\n" H "\r\n", 400},
    {"an octet beyond ASCII in a target", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400},
    {"star for GET", "GET * HTTP/1.1\r\n" H "\r\n", 400},
    {"an unknown method", "BREW / HTTP/1.1\r\n" H "\r\n", 501},
    {"a method in small letters", "get / HTTP/1.1\r\n" H "\r\n", 501},
    {"a tunnel", "CONNECT a:1 HTTP/1.1\r\n" H "\r\n", 501},
    {"no version", "GET /\r\n" H "\r\n", 400},
    {"HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\n", 505},
    {"more behind the version", "GET / HTTP/1.1 x\r\n" H "\r\n", 505},
    {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two hosts", "GET / HTTP/1.1\r\n" H H "\r\n", 400},
    {"two authorizations",
     "GET / HTTP/1.1\r\n" H "Authorization: a\r\nAuthorization: b\r\n\r\n", 400},

    {"a blank before the colon", "POST / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n",
     400},
    {"a folded line", "POST / HTTP/1.1\r\n" H "X: y\r\n Content-Length: 5\r\n\r\n", 400},
    {"a line without a colon",
     "POST / HTTP/1.1\r\n" H "foo\r\nTransfer-Encoding: chunked\r\n"
     "Content-Length: 0\r\n\r\n",
     400},
    {"a header without a name", "GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 400},
    {"a bare CR", "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400},
    {"a bare LF", "GET / HTTP/1.1\r\n" H "X: a\nb: c\r\n\r\n", 400},
    {"a control octet", "GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", 400},
    {"two lengths",
     "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
    {"a list of lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400},
    {"a signed length", "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", 400},
    {"a negative length", "POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400},
    {"a hexadecimal length", "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", 400},
    {"an empty length", "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400},
    {"a length that overflows",
     "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\n", 400},
    {"a length and chunks",
     "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     400},
    {"chunks twice",
     "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
    {"chunks in two lines",
     "POST / HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
     501},
    {"another coding", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", 501},
    {"chunks from an old client", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
     400},
    {"an unknown expectation", "POST / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", 417},
    {"something behind the end", "GET / HTTP/1.1\r\n" H "\r\nx", 400},
};

TEST(http1_parse)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct http1_head h = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_http1_parse(span_of(rows[i].head), &h), rows[i].want);
        if (rows[i].want)
            continue;
        CHECK_INT(h.req.method, rows[i].method);
        CHECK(span_is(h.req.path, rows[i].path));
        CHECK(span_is(h.req.query, rows[i].query));
        CHECK_INT(h.length, rows[i].length);
        CHECK_INT(h.chunked, rows[i].chunked);
        CHECK_INT(h.keep_alive, rows[i].keep_alive);
    }
}

TEST(http1_headers_come_trimmed)
{
    struct http1_head h;
    CHECK_INT(sl_http1_parse(span_of("GET / HTTP/1.1\r\n" H "If-Match: \t\"a b\" \r\n"
                                     "Expect: 100-continue\r\n\r\n"),
                             &h),
              0);
    CHECK_INT(h.req.nheaders, 3);
    CHECK(span_is(sl_http_header(&h.req, "if-match"), "\"a b\""));
    CHECK(h.expect_continue);
}

TEST(http1_has_a_limit_of_headers)
{
    char head[4096];
    for (int n = HTTP_HEADERS_MAX; n <= HTTP_HEADERS_MAX + 1; n++) {
        struct http1_head h;
        size_t len = (size_t)snprintf(head, sizeof head, "GET / HTTP/1.1\r\n" H);
        for (int i = 1; i < n; i++)
            len += (size_t)snprintf(head + len, sizeof head - len, "x%d: y\r\n", i);
        (void)snprintf(head + len, sizeof head - len, "\r\n");
        CHECK_INT(sl_http1_parse(span_of(head), &h), n > HTTP_HEADERS_MAX ? 431 : 0);
    }
}

TEST(http1_find)
{
    static const struct {
        const char *name, *in;
        enum err want;
        size_t at;
    } finds[] = {
        {"a whole head", "A\r\nB\r\n\r\nrest", E_OK, 8},
        {"not yet", "A\r\nB\r\n\r", E_SHORT, 7},
        {"a bare LF", "A\nB", E_MALFORMED, 0},
        {"a bare LF at the start", "\nB", E_MALFORMED, 0},
        {"a bare LF at the end", "A\r\n\n", E_MALFORMED, 0},
        {"nothing", "", E_SHORT, 0},
    };
    for (size_t i = 0; i < LEN(finds); i++) {
        struct span in = span_of(finds[i].in);
        size_t at = 0, slowly = 0;
        enum err e = E_SHORT;
        check_row(finds[i].name);
        CHECK_INT(sl_http1_find(in, &at), finds[i].want);
        for (size_t n = 0; n <= in.n && e == E_SHORT; n++)
            e = sl_http1_find((struct span){in.p, n}, &slowly);
        CHECK_INT(e, finds[i].want);
        if (finds[i].want != E_MALFORMED) {
            CHECK_INT(at, finds[i].at);
            CHECK_INT(slowly, finds[i].at);
        }
    }
}

TEST(http1_dechunk)
{
    static const struct {
        const char *name, *in;
        enum err want;
        const char *out;
        size_t rest;
    } bodies[] = {
        {"two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\nGET", E_OK, "hello!", 3},
        {"none", "0\r\n\r\n", E_OK, "", 0},
        {"hexadecimal, with zeros in front", "00A\r\n0123456789\r\n0\r\n\r\n", E_OK,
         "0123456789", 0},
        {"an extension", "1;a=\"b\"\r\nx\r\n0;c\r\n\r\n", E_OK, "x", 0},
        {"trailers", "0\r\nA: b\r\nC: d\r\n\r\n", E_OK, "", 0},
        {"not yet", "5\r\nhel", E_SHORT, "hel", 0},
        {"no size", "\r\nhello", E_MALFORMED, "", 0},
        {"a sign", "+5\r\nhello\r\n", E_MALFORMED, "", 0},
        {"a blank before the size", " 5\r\nhello\r\n", E_MALFORMED, "", 0},
        {"a blank behind the size", "5 \r\nhello\r\n", E_MALFORMED, "", 0},
        {"0x", "0x5\r\nhello\r\n", E_MALFORMED, "", 0},
        {"a bare LF after the size", "5\nhello\r\n", E_MALFORMED, "", 0},
        {"a bare LF in an extension", "5;a\nhello\r\n", E_MALFORMED, "", 0},
        {"a bare CR in an extension", "5;a\rb\r\nhello\r\n", E_MALFORMED, "", 0},
        {"more than the size", "5\r\nhello!\r\n", E_MALFORMED, "", 0},
        {"a bare LF after the chunk", "5\r\nhello\n0\r\n\r\n", E_MALFORMED, "", 0},
        {"a bare LF at the end", "0\r\n\n", E_MALFORMED, "", 0},
        {"a size of nine digits", "000000001\r\nx\r\n", E_FULL, "", 0},
        {"more than there is room for", "20\r\n01234567890123456789012345678901\r\n",
         E_FULL, "", 0},
    };
    for (size_t i = 0; i < LEN(bodies); i++) {
        uint8_t buf[16];
        struct http1_chunked c = {0};
        struct rd in = rd_of(span_of(bodies[i].in));
        struct wr w = wr_of(buf, sizeof buf);
        check_row(bodies[i].name);
        CHECK_INT(sl_http1_dechunk(&c, &in, &w), bodies[i].want);
        if (bodies[i].want == E_OK || bodies[i].want == E_SHORT) {
            CHECK(span_is(wr_done(&w), bodies[i].out));
            CHECK_INT(in.n, bodies[i].rest);
        }
    }
}

TEST(http1_trailers_end_somewhere)
{
    uint8_t buf[16];
    struct http1_chunked c = {0};
    struct wr w = wr_of(buf, sizeof buf);
    struct rd start = rd_of(span_of("0\r\n"));
    CHECK_INT(sl_http1_dechunk(&c, &start, &w), E_SHORT);
    enum err e = E_SHORT;
    int lines = 0;
    for (; e == E_SHORT && lines < 10000; lines++) {
        struct rd line = rd_of(span_of("X: y\r\n"));
        e = sl_http1_dechunk(&c, &line, &w);
    }
    CHECK_INT(e, E_FULL);
    CHECK(lines < 1000);
}

TEST(http1_answer)
{
    uint8_t buf[512];
    struct wr w = wr_of(buf, sizeof buf);
    struct http_res res = {.status = 201,
                           .fields = {{"Location", "/r/1"}, {"ETag", "\"x\""}},
                           .body = span_of("v=0")};
    CHECK_INT(sl_http1_answer(&w, &res, true, SEC(784111777)), E_OK);
    CHECK(span_is(wr_done(&w), "HTTP/1.1 201 Created\r\n"
                               "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                               "Location: /r/1\r\nETag: \"x\"\r\n"
                               "Content-Length: 3\r\n\r\n"));
    w = wr_of(buf, sizeof buf);
    CHECK_INT(sl_http1_answer(&w, &(struct http_res){.status = 204}, false, 0), E_OK);
    CHECK(span_is(wr_done(&w), "HTTP/1.1 204 No Content\r\n"
                               "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                               "Connection: close\r\n\r\n"));
}

TEST(http1_answers_cannot_be_split)
{
    static const struct {
        const char *name;
        struct http_field field;
        enum err want;
    } fields[] = {
        {"a line break", {"Location", "/r\r\nSet-Cookie: a=b"}, E_MALFORMED},
        {"a bare LF", {"Location", "/r\nx"}, E_MALFORMED},
        {"a name with a colon", {"Location: x\r\nY", "z"}, E_MALFORMED},
        {"no name", {"", "z"}, E_MALFORMED},
        {"too long", {"X", "0123456789012345678901234567890123456789"}, E_FULL},
    };
    for (size_t i = 0; i < LEN(fields); i++) {
        uint8_t buf[96];
        struct wr w = wr_of(buf, sizeof buf);
        struct http_res res = {.status = 200, .fields = {fields[i].field}};
        check_row(fields[i].name);
        CHECK_INT(sl_http1_answer(&w, &res, true, 0), fields[i].want);
    }
}
