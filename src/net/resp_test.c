#include "net/resp.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

enum { TEXTS_MAX = 32 };

/* "list 2; text OK; number -3" */
static void show(char *to, size_t cap, const struct resp *v, size_t n)
{
    static const char *const kinds[] = {"null",   "text", "error",
                                        "number", "list", "push"};
    size_t at = 0;
    to[0] = '\0';
    for (size_t i = 0; i < n && at < cap; i++) {
        bool list = v[i].kind == RESP_LIST || v[i].kind == RESP_PUSH;
        at += (size_t)snprintf(to + at, cap - at, "%s%s%s", i > 0 ? "; " : "",
                               kinds[v[i].kind], v[i].cut ? " cut" : "");
        if (list && at < cap)
            at += (size_t)snprintf(to + at, cap - at, " %zu", v[i].n);
        else if (v[i].text.n > 0 && at < cap)
            at += (size_t)snprintf(to + at, cap - at, " %.*s", (int)v[i].text.n,
                                   (const char *)v[i].text.p);
    }
}

TEST(resp_reads)
{
    static const struct {
        const char *name, *in;
        enum err want;
        const char *values;
    } rows[] = {
        {"a status", "+OK\r\n", E_OK, "text OK"},
        {"an error", "-WRONGPASS no\r\n", E_OK, "error WRONGPASS no"},
        {"an error as a text", "!5\r\nERR x\r\n", E_OK, "error ERR x"},
        {"a number", ":-3\r\n", E_OK, "number -3"},
        {"a text with an end of line in it", "$4\r\na\r\nb\r\n", E_OK, "text a\r\nb"},
        {"no text", "$0\r\n\r\n", E_OK, "text"},
        {"nothing", "_\r\n", E_OK, "null"},
        {"nothing, as before RESP3", "$-1\r\n", E_OK, "null"},
        {"a message", ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", E_OK,
         "push 3; text message; text c; text hi"},
        {"a list in a list", "*2\r\n$1\r\n0\r\n*1\r\n:7\r\n", E_OK,
         "list 2; text 0; list 1; number 7"},
        {"an empty list", "*0\r\n", E_OK, "list 0"},
        {"a map is a list of names and values", "%1\r\n+a\r\n#t\r\n", E_OK,
         "list 2; text a; text t"},
        {"a text that is too long is read past, and what follows is not",
         "*2\r\n$33\r\n123456789012345678901234567890123\r\n+b\r\n", E_OK,
         "list 2; text cut; text b"},
        {"lines that are too long together",
         "*2\r\n+12345678901234567890\r\n+12345678901234567890\r\n", E_OK,
         "list 2; text 12345678901234567890; text cut"},
        {"half of it", "*2\r\n+a\r\n", E_SHORT, ""},
        {"half a text", "$4\r\nab", E_SHORT, ""},
        {"a text that is longer than it says", "$1\r\nab\r\n", E_MALFORMED, ""},
        {"a line that ends by itself", "+OK\n", E_MALFORMED, ""},
        {"no number", "$x\r\n", E_MALFORMED, ""},
        {"less than nothing", "*-2\r\n", E_MALFORMED, ""},
        {"a list without end", "*99999999999\r\n", E_MALFORMED, ""},
        {"a text without end", "$99999999999\r\n", E_MALFORMED, ""},
        {"HTTP", "HTTP/1.1 400 Bad Request\r\n", E_MALFORMED, ""},
    };
    struct resp_reader *r = sl_resp_new(TEXTS_MAX);
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct resp *v = NULL;
        size_t n = 0;
        char text[256];
        struct span in = span_of(rows[i].in);
        check_row(rows[i].name);
        sl_resp_reset(r);
        CHECK_INT(sl_resp_read(r, &in, &v, &n), rows[i].want);
        show(text, sizeof text, v, n);
        CHECK_STR(text, rows[i].values);
    }
    sl_resp_free(r);
}

TEST(resp_goes_on_behind_a_reply)
{
    struct resp_reader *r = sl_resp_new(TEXTS_MAX);
    struct span in = span_of("+a\r\n+b\r\n+");
    const struct resp *v = NULL;
    size_t n = 0;
    CHECK_INT(sl_resp_read(r, &in, &v, &n), E_OK);
    CHECK(n == 1 && span_is(v->text, "a"));
    CHECK_INT(sl_resp_read(r, &in, &v, &n), E_OK);
    CHECK(n == 1 && span_is(v->text, "b"));
    CHECK_INT(sl_resp_read(r, &in, &v, &n), E_SHORT);
    in = span_of("c\r\n");
    CHECK_INT(sl_resp_read(r, &in, &v, &n), E_OK);
    CHECK(n == 1 && span_is(v->text, "c"));
    sl_resp_free(r);
}

TEST(resp_of_more_values_than_there_is_room_for)
{
    enum { VALUES = 2 * RESP_NODES_MAX };
    struct resp_reader *r = sl_resp_new(TEXTS_MAX);
    const struct resp *v = NULL;
    size_t n = 0;
    char *text = malloc(VALUES * 4 + 64);
    size_t at = (size_t)sprintf(text, "*%d\r\n", VALUES);
    for (int i = 0; i < VALUES; i++)
        at += (size_t)sprintf(text + at, "_\r\n");
    (void)sprintf(text + at, "+next\r\n");
    struct span in = span_of(text);
    CHECK_INT(sl_resp_read(r, &in, &v, &n), E_OK);
    CHECK_INT(n, RESP_NODES_MAX);
    CHECK(v && v[0].cut);
    CHECK_INT(sl_resp_read(r, &in, &v, &n), E_OK);
    CHECK(n == 1 && span_is(v->text, "next"));
    free(text);
    sl_resp_free(r);
}

TEST(resp_writes_commands)
{
    const struct span words[] = {span_of("SET"), span_of("k"), span_of("")};
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    sl_resp_write(&w, words, LEN(words));
    CHECK(span_is(wr_done(&w), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"));
    CHECK_INT(sl_resp_len(words, LEN(words)), w.n);
}
