#include "net/intake.h"

#include <stdlib.h>

#include "check.h"

#define GET(path)     "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(headers) "POST /p HTTP/1.1\r\nHost: a\r\n" headers "\r\n"

enum { BODY_MAX = 100 };

static enum intake_state put(struct intake *in, const char *text, size_t n)
{
    size_t room;
    uint8_t *p = sl_intake_room(in, &room);
    CHECK(room >= n);
    memcpy(p, text, n);
    return sl_intake_put(in, n);
}

static const struct {
    const char *name, *text;
    enum intake_state want;
    unsigned status; /* of REFUSED, or what req.refuse says */
    const char *body, *next;
} rows[] = {
    {"no body", GET("/a"), INTAKE_DONE, 0, "", ""},
    {"empty lines in front", "\r\n\r\n" GET("/a"), INTAKE_DONE, 0, "", ""},
    {"empty lines only", "\r\n\r\n", INTAKE_EMPTY, 0, "", ""},
    {"part of a head", "GET /a HTTP/1.1\r\n", INTAKE_HEAD, 0, "", ""},
    {"a body", POST("Content-Length: 3\r\n") "abc", INTAKE_DONE, 0, "abc", ""},
    {"a body of nothing", POST("Content-Length: 0\r\n"), INTAKE_DONE, 0, "", ""},
    {"half a body", POST("Content-Length: 3\r\n") "ab", INTAKE_BODY, 0, "", ""},
    {"chunks", POST("Transfer-Encoding: chunked\r\n") "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
     INTAKE_DONE, 0, "abc", ""},
    {"a request behind a body", POST("Content-Length: 3\r\n") "abc" GET("/b"),
     INTAKE_DONE, 0, "abc", "/b"},
    {"a request behind chunks",
     POST("Transfer-Encoding: chunked\r\n") "1\r\na\r\n0\r\n\r\n" GET("/b"), INTAKE_DONE,
     0, "a", "/b"},
    {"GET has a body as well",
     "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx" GET("/b"), INTAKE_DONE, 0,
     "x", "/b"},
    {"one octet too many", POST("Content-Length: 101\r\n"), INTAKE_DONE, 413, "", ""},
    {"a chunk too many",
     POST("Transfer-Encoding: chunked\r\n") "50\r\n"
                                            "01234567890123456789012345678901234567890123"
                                            "456789012345678901234567890123456789\r\n"
                                            "15\r\n012345678901234567890\r\n",
     INTAKE_DONE, 413, "", ""},
    {"garbage", "hello\r\n\r\n", INTAKE_REFUSED, 400, "", ""},
    {"bare line feeds are refused at once", "GET / HTTP/1.1\n", INTAKE_REFUSED, 400, "",
     ""},
    {"broken chunks", POST("Transfer-Encoding: chunked\r\n") "x\r\n", INTAKE_REFUSED, 400,
     "", ""},
};

static void check_result(struct intake *in, size_t row)
{
    CHECK_INT(in->state, rows[row].want);
    if (in->state == INTAKE_REFUSED)
        CHECK_INT(in->status, rows[row].status);
    if (in->state != INTAKE_DONE)
        return;
    CHECK_INT(in->head.req.refuse, rows[row].status);
    CHECK(span_is(in->head.req.body, rows[row].body));
    if (rows[row].status)
        CHECK(!in->head.keep_alive);
    else if (rows[row].next[0] == '\0')
        CHECK_INT(sl_intake_next(in), INTAKE_EMPTY);
    else if (sl_intake_next(in) == INTAKE_DONE)
        CHECK(span_is(in->head.req.path, rows[row].next));
    else
        CHECK(!"the next request is whole");
}

TEST(intake_takes_requests_at_once_and_octet_by_octet)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct intake *at_once = sl_intake_new(BODY_MAX), *slow = sl_intake_new(BODY_MAX);
        check_row(rows[i].name);
        (void)put(at_once, rows[i].text, strlen(rows[i].text));
        for (const char *c = rows[i].text; *c; c++)
            (void)put(slow, c, 1);
        check_result(at_once, i);
        check_result(slow, i);
        sl_intake_free(at_once);
        sl_intake_free(slow);
    }
}

TEST(intake_heads_have_a_limit)
{
    static char text[INTAKE_HEAD_MAX + 1];
    static const char end[] = "\r\n\r\n";
    for (size_t n = INTAKE_HEAD_MAX; n <= INTAKE_HEAD_MAX + 1; n++) {
        struct intake *in = sl_intake_new(BODY_MAX);
        memset(text, 'x', sizeof text);
        static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        memcpy(text, start, sizeof start - 1);
        memcpy(text + n - 4, end, 4);
        (void)put(in, text, n);
        CHECK_INT(in->state, n > INTAKE_HEAD_MAX ? INTAKE_REFUSED : INTAKE_DONE);
        CHECK_INT(in->status, n > INTAKE_HEAD_MAX ? 431 : 0);
        sl_intake_free(in);
    }
}

TEST(intake_gives_up_a_head_without_end)
{
    struct intake *in = sl_intake_new(BODY_MAX);
    size_t n = 0;
    while (put(in, "x", 1) == INTAKE_HEAD)
        n++;
    CHECK_INT(n, INTAKE_HEAD_MAX);
    CHECK_INT(in->status, 431);
    sl_intake_free(in);
}

/* What a client says ahead waits where there is room for it, and no more is asked for. */
TEST(intake_looks_at_the_next_request_only_when_asked)
{
    struct intake *in = sl_intake_new(BODY_MAX);
    CHECK_INT(put(in, GET("/a"), strlen(GET("/a"))), INTAKE_DONE);
    size_t room = 1, ahead = 0;
    while (room > 0) {
        uint8_t *p = sl_intake_room(in, &room);
        memset(p, 'x', room);
        CHECK_INT(sl_intake_put(in, room), INTAKE_DONE);
        ahead += room;
    }
    CHECK_INT(ahead, INTAKE_IN_MAX - strlen(GET("/a")));
    CHECK(span_is(in->head.req.path, "/a"));
    CHECK_INT(sl_intake_next(in), INTAKE_REFUSED);
    sl_intake_free(in);
}
