#include "base/toml_text.h"

#include "check.h"

static uint8_t buf[256];
static struct toml_error why;

static struct toml_cursor over(const char *text)
{
    why = (struct toml_error){0};
    return (struct toml_cursor){.in = span_of(text),
                                .line = 1,
                                .col = 1,
                                .why = &why,
                                .text = wr_of(buf, sizeof buf)};
}

TEST(toml_strings)
{
    static const struct {
        const char *name, *text;
        bool lines, good;
        const char *want;
        size_t rest;
    } rows[] = {
        {"nothing", "\"\"x", true, true, "", 1},
        {"escapes", "\"\\b\\t\\n\\f\\r\\\"\\\\\\u00e4\\U0001F600\"", true, true,
         "\b\t\n\f\r\"\\\xc3\xa4\xf0\x9f\x98\x80", 0},
        {"no escapes", "'\\n\"'", true, true, "\\n\"", 0},
        {"lines", "\"\"\"\r\na\r\nb\"\"\"", true, true, "a\nb", 0},
        {"a line that goes on", "\"\"\"a \\  \n \t\n  b\"\"\"", true, true, "a b", 0},
        {"quotes before the end", "\"\"\"a\"\"\"\"\"x", true, true, "a\"\"", 1},
        {"nothing but quotes", "''''''", true, true, "", 0},
        {"too many quotes", "''''''''''''", true, false, "", 0},
        {"no lines in a key", "\"\"\"a\"\"\"", false, true, "", 5},
        {"an escape that is cut off", "\"\\u00\"", true, false, "", 0},
        {"beyond the last character", "\"\\U00110000\"", true, false, "", 0},
        {"a control character", "'\x01'", true, false, "", 0},
        {"a tab", "'\t'", true, true, "\t", 0},
        {"DEL", "\"\x7f\"", true, false, "", 0},
        {"a blank behind a backslash", "\"\"\"\\ a\"\"\"", true, false, "", 0},
        {"a bare carriage return", "'''\r'''", true, false, "", 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct toml_cursor c = over(rows[i].text);
        struct span got;
        check_row(rows[i].name);
        CHECK_INT(sl_toml_string(&c, rows[i].lines, &got), rows[i].good);
        CHECK_INT(c.err, rows[i].good ? E_OK : E_MALFORMED);
        if (rows[i].good) {
            CHECK(span_is(got, rows[i].want));
            CHECK_INT(c.in.n - c.at, rows[i].rest);
        }
    }
}

TEST(toml_keys)
{
    struct toml_cursor c = over("a-1 . \"b.c\".'' =");
    struct toml_key k;
    CHECK(sl_toml_key(&c, &k));
    CHECK_INT(k.n, 3);
    CHECK(span_is(k.part[0].name, "a-1"));
    CHECK(span_is(k.part[1].name, "b.c"));
    CHECK(span_is(k.part[2].name, ""));
    CHECK_INT(k.part[1].col, 7);
    CHECK(toml_sees(&c, "="));
    static const char *const bad[] = {"", "= 1", "a. = 1", ".a = 1", "\xc3\xa4 = 1"};
    for (size_t i = 0; i < LEN(bad); i++) {
        check_row(bad[i]);
        c = over(bad[i]);
        CHECK(!sl_toml_key(&c, &k));
    }
}

TEST(toml_lines)
{
    struct toml_cursor c = over(" # x\n\t\r\n  y");
    CHECK(sl_toml_skip_lines(&c));
    CHECK_INT(c.line, 3);
    CHECK_INT(sl_toml_column(&c), 3);
    CHECK(!sl_toml_end_line(&c));
    CHECK_INT(why.line, 3);
    c = over("  # to the end");
    CHECK(sl_toml_end_line(&c) && toml_at_end(&c));
    c = over("# \x01");
    CHECK(!sl_toml_end_line(&c));
}

TEST(toml_check_utf8)
{
    struct toml_cursor c = over("a\n\xc3\xa4\x80");
    CHECK(!sl_toml_check_utf8(&c));
    CHECK_INT(why.line, 2);
    CHECK_INT(why.col, 2);
    c = over("a\n\xc3\xa4");
    CHECK(sl_toml_check_utf8(&c));
    CHECK_INT(c.at, 0);
}
