#include "net/http.h"

#include "check.h"

static bool is(struct span s, const char *text)
{
    return span_is(s, text);
}

TEST(http_headers_are_found_without_case)
{
    struct http_req req = {
        .headers = {{span_of("Content-TYPE"), span_of("application/sdp")},
                    {span_of("If-Match"), span_of("\"a\"")},
                    {span_of("if-match"), span_of("\"b\"")}},
        .nheaders = 3};
    CHECK(is(sl_http_header(&req, "content-type"), "application/sdp"));
    CHECK(is(sl_http_header(&req, "if-match"), "\"a\""));
    CHECK(!sl_http_header(&req, "content").p);
}

TEST(http_lists)
{
    static const struct {
        const char *name, *list, *word;
        bool want;
    } rows[] = {
        {"one word", "close", "Close", true},
        {"in the middle", "a, close ,b", "close", true},
        {"with parameters", "text/html;q=0.9, application/sdp;q=1", "application/sdp",
         true},
        {"a parameter is no element", "a;close", "close", false},
        {"a part of a word", "closed, enclose", "close", false},
        {"empty elements", ",, ,close", "close", true},
        {"nothing", "", "close", false},
        {"a word with a blank behind", "close\t", "close", true},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(sl_http_lists(span_of(rows[i].list), rows[i].word), rows[i].want);
    }
}

TEST(http_paths_fall_into_segments)
{
    struct span path = span_of("/whip//room%2f1/"), seg;
    CHECK(sl_http_segment(&path, &seg) && is(seg, "whip"));
    CHECK(sl_http_segment(&path, &seg) && is(seg, ""));
    CHECK(sl_http_segment(&path, &seg) && is(seg, "room%2f1"));
    CHECK(sl_http_segment(&path, &seg) && is(seg, ""));
    CHECK(!sl_http_segment(&path, &seg));
    path = span_of("*");
    CHECK(!sl_http_segment(&path, &seg));
}

TEST(http_unescape)
{
    static const struct {
        const char *name, *in;
        enum err want;
        const char *out;
    } rows[] = {
        {"nothing to do", "a+b", E_OK, "a+b"},
        {"a slash that is no separator", "a%2Fb", E_OK, "a/b"},
        {"UTF-8", "%C3%a4", E_OK, "\xc3\xa4"},
        {"one digit", "a%2", E_MALFORMED, ""},
        {"no digit", "%", E_MALFORMED, ""},
        {"no hex", "%zz", E_MALFORMED, ""},
        {"a NUL", "a%00", E_MALFORMED, ""},
        {"a line break", "%0d", E_MALFORMED, ""},
        {"longer than the room", "123456789", E_FULL, ""},
        {"just as long", "12345678", E_OK, "12345678"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[8];
        struct wr w = wr_of(buf, sizeof buf);
        check_row(rows[i].name);
        CHECK_INT(sl_http_unescape(span_of(rows[i].in), &w), rows[i].want);
        if (rows[i].want == E_OK)
            CHECK(is(wr_done(&w), rows[i].out));
    }
}

TEST(http_names)
{
    CHECK(span_is(span_of(sl_http_method_name(HTTP_OPTIONS)), "OPTIONS"));
    CHECK(span_is(span_of(sl_http_reason(422)), "Unprocessable Content"));
    CHECK(span_is(span_of(sl_http_reason(299)), ""));
}
