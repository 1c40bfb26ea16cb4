#include "api/reply.h"

#include "check.h"

static uint8_t buf[REPLY_FIELDS_ROOM + 64];

TEST(fields_and_body)
{
    struct reply r = sl_reply_of(buf, sizeof buf);
    size_t before = r.fields_n;
    r.status = 200;
    sl_reply_field(&r, "ETag", "\"%s\"", "abc");
    sl_reply_field(&r, "Location", "/%d", 7);
    wr_str(&r.body, "hello");
    struct http_res res = sl_reply_done(&r);
    CHECK_INT(res.status, 200);
    CHECK(span_is(res.body, "hello"));
    CHECK(strcmp(res.fields[before].value, "\"abc\"") == 0);
    CHECK(strcmp(res.fields[before + 1].name, "Location") == 0);
    CHECK(strcmp(res.fields[before + 1].value, "/7") == 0);
    CHECK(!res.fields[before + 2].name);
}

TEST(too_much_is_a_plain_500)
{
    for (int what = 0; what < 3; what++) {
        struct reply r = sl_reply_of(buf, sizeof buf);
        r.status = 200;
        if (what == 0)
            sl_reply_field(&r, "Link", "%*s", REPLY_FIELDS_ROOM, "");
        else if (what == 1)
            for (int i = 0; i < HTTP_FIELDS_MAX; i++)
                sl_reply_field(&r, "Link", "x");
        else
            wr_take(&r.body, 65);
        struct http_res res = sl_reply_done(&r);
        CHECK_INT(res.status, 500);
        CHECK_INT(res.body.n, 0);
        CHECK(!res.fields[0].name);
    }
}

/* A problem is told also when what was written before it did not fit. */
TEST(problem_replaces_the_body)
{
    struct reply r = sl_reply_of(buf, sizeof buf);
    wr_take(&r.body, 65);
    sl_reply_problem(&r, PROBLEM_FULL, NULL, "");
    CHECK_INT(sl_reply_done(&r).status, 500);

    static uint8_t larger[REPLY_FIELDS_ROOM + 512];
    r = sl_reply_of(larger, sizeof larger);
    wr_take(&r.body, 513);
    sl_reply_problem(&r, PROBLEM_FULL, NULL, "");
    struct http_res res = sl_reply_done(&r);
    CHECK_INT(res.status, 503);
    CHECK_INT(res.body.p[0], '{');
}

TEST(retry_after)
{
    static const struct {
        usec wait;
        const char *want;
    } rows[] = {{0, "1"}, {1, "1"}, {SEC(1), "1"}, {SEC(1) + 1, "2"}, {SEC(30), "30"}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct reply r = sl_reply_of(buf, sizeof buf);
        sl_reply_retry_after(&r, rows[i].wait);
        CHECK(strcmp(r.fields[r.fields_n - 1].value, rows[i].want) == 0);
    }
}
