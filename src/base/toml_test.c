#include "base/toml.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

/* That valid TOML is taken and other is not, the toml-test suite shows (tests/toml). Here is
 * what it cannot: places, reasons, limits and the tree. */

static struct toml *parse(const char *text)
{
    struct toml *doc = NULL;
    struct toml_error why = {0};
    enum err e = sl_toml_parse(span_of(text), &doc, &why);
    if (e)
        check_fail(__FILE__, __LINE__, "%u:%u: %s", why.line, why.col, why.what);
    return doc;
}

TEST(toml_tree)
{
    struct toml *doc = parse("# settings\n"
                             "name = \"a\\tb\"\n"
                             "[rtc]\n"
                             "  port = 0x20_FB\n"
                             "  \"gain\".x = -1.5e1\n"
                             "  on = true\n"
                             "  listen = [ \"::1\",\n 'b' ]\n"
                             "[[user]]\n"
                             "since = 1979-05-27 07:32:00Z\n"
                             "[[user]]\n");
    const struct toml_node *root = sl_toml_root(doc), *rtc = sl_toml_get(root, "rtc");
    CHECK(span_is(sl_toml_get(root, "name")->text, "a\tb"));
    CHECK_INT(rtc->type, TOML_TABLE);
    CHECK_INT(sl_toml_get(rtc, "port")->i, 8443);
    CHECK_INT(sl_toml_get(rtc, "on")->b, true);
    CHECK(!sl_toml_get(rtc, "off"));
    CHECK_INT(sl_toml_get(sl_toml_get(rtc, "gain"), "x")->f * 10, -150);
    const struct toml_node *first = sl_toml_get(rtc, "listen")->first;
    CHECK(span_is(first->text, "::1") && span_is(first->next->text, "b"));
    CHECK(!first->next->next);
    const struct toml_node *user = sl_toml_get(root, "user");
    CHECK_INT(user->type, TOML_ARRAY);
    CHECK(span_is(sl_toml_get(user->first, "since")->text, "1979-05-27 07:32:00Z"));
    CHECK(user->first->next && !user->first->next->first);
    sl_toml_free(doc);
}

/* Columns count characters, and are those of the key or the element. */
TEST(toml_knows_where_everything_stood)
{
    struct toml *doc = parse("\n  a = 1\n[b.c]\r\n\"\xc3\xa4\" . d = [1,\n\n  2]\n");
    const struct toml_node *root = sl_toml_root(doc), *a = sl_toml_get(root, "a"),
                           *c = sl_toml_get(sl_toml_get(root, "b"), "c"),
                           *d = sl_toml_get(sl_toml_get(c, "\xc3\xa4"), "d");
    CHECK_INT(a->line, 2);
    CHECK_INT(a->col, 3);
    CHECK_INT(c->line, 3);
    CHECK_INT(c->col, 4);
    CHECK_INT(d->line, 4);
    CHECK_INT(d->col, 7);
    CHECK_INT(d->first->col, 12);
    CHECK_INT(d->first->next->line, 6);
    CHECK_INT(d->first->next->col, 3);
    sl_toml_free(doc);
}

TEST(toml_errors_say_where)
{
    static const struct {
        const char *name, *text;
        uint32_t line, col;
        const char *what;
    } rows[] = {
        {"a word that is no value", "a = 1\nb = yes\n", 2, 5,
         "not a value; strings stand in quotes"},
        {"no value", "a =\n", 1, 4, "a value is missing"},
        {"no equals sign", "a 1\n", 1, 3, "a key is followed by '='"},
        {"a key twice", "a = 1\n\n a = 2\n", 3, 2, "this key is there already"},
        {"a table twice", "[a]\n[b]\n[a]\n", 3, 2,
         "this table, or value, is there already"},
        {"two on one line", "a = 1 b = 2\n", 1, 7, "something that does not belong here"},
        {"a string over the line", "a = \"b\n", 1, 7, "a string without end"},
        {"a string over the end", "a = \"\"\"b\n", 2, 1, "a string without end"},
        {"an unknown escape", "a = \"\\x\"", 1, 7, "no such escape"},
        {"half a surrogate", "a = \"\\ud800\"", 1, 12, "no such character"},
        {"a bare carriage return", "a = 1\rb = 2", 1, 6,
         "something that does not belong here"},
        {"not UTF-8", "a = 1\nb = \"\xc3\xa4\xff\"", 2, 7, "not UTF-8"},
        {"an array without end", "a = [1, 2\n", 2, 1,
         "an array goes on with a comma, or ends with a bracket"},
        {"a table in a value", "a.b = 1\n[a.b.c]\n", 2, 4,
         "this key has a value already"},
        {"a header that is not closed", "[[a]\n", 1, 5,
         "a header ends with a bracket for each that it begins with"},
        {"a list that was a table", "[a]\n[[a]]\n", 2, 3, "this is no array of tables"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct toml *doc = NULL;
        struct toml_error why = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_toml_parse(span_of(rows[i].text), &doc, &why), E_MALFORMED);
        CHECK_INT(why.line, rows[i].line);
        CHECK_INT(why.col, rows[i].col);
        if (!why.what || strcmp(why.what, rows[i].what) != 0)
            check_fail(__FILE__, __LINE__, "%s", why.what);
        sl_toml_free(doc);
    }
}

/* text is made of n times the middle between start and end. */
static enum err parse_repeated(const char *start, const char *middle, size_t n,
                               const char *end)
{
    size_t len = strlen(start) + n * strlen(middle) + strlen(end) + 1;
    uint8_t *text = malloc(len);
    struct wr w = wr_of(text, len);
    struct toml *doc = NULL;
    struct toml_error why;
    wr_str(&w, start);
    for (size_t i = 0; i < n; i++)
        wr_str(&w, middle);
    wr_str(&w, end);
    enum err e = sl_toml_parse(wr_done(&w), &doc, &why);
    sl_toml_free(doc);
    free(text);
    return e;
}

TEST(toml_has_limits)
{
    static const struct {
        const char *name, *start, *middle;
        size_t n;
        const char *end;
        enum err want;
    } rows[] = {
        {"arrays in arrays", "a = ", "[", 100000, "", E_FULL},
        {"tables in tables", "a = ", "{a=", 100000, "", E_FULL},
        {"as deep as may be", "a = [[[[[[[[", "[", 55, "", E_MALFORMED},
        {"parts of a key", "a", ".a", 1000, " = 1", E_FULL},
        {"parts of a header", "[a", ".a", 1000, "]", E_FULL},
        {"elements", "a = [", "1,", TOML_NODES_MAX, "]", E_FULL},
        {"fewer elements", "a = [", "1,", TOML_NODES_MAX - 2, "]", E_OK},
        {"octets", "", "#\n", TOML_INPUT_MAX / 2, "\n", E_FULL},
        {"fewer octets", "", "#\n", TOML_INPUT_MAX / 2, "", E_OK},
        {"digits", "a = ", "1", 1000, "", E_MALFORMED},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(parse_repeated(rows[i].start, rows[i].middle, rows[i].n, rows[i].end),
                  rows[i].want);
    }
}

TEST(toml_type_names)
{
    CHECK(span_is(span_of(sl_toml_type_name(TOML_INT)), "integer"));
    CHECK(span_is(span_of(sl_toml_type_name(TOML_TIME_LOCAL)), "local time"));
}
