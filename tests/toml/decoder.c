/* Reads TOML from standard input and writes it as the tagged JSON of the toml-test suite. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/toml.h"

static void write_string(struct span s)
{
    putchar('"');
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f || s.p[i] == '"' || s.p[i] == '\\')
            printf("\\u%04x", s.p[i]);
        else
            putchar(s.p[i]);
    putchar('"');
}

static void write_float(double f)
{
    if (isnan(f))
        printf("\"nan\"");
    else if (isinf(f))
        printf("\"%sinf\"", f < 0 ? "-" : "+");
    else
        printf("\"%.17g\"", f);
}

static void write_node(const struct toml_node *n);

static void write_all(const struct toml_node *n, char open, char close)
{
    putchar(open);
    for (const struct toml_node *at = n->first; at; at = at->next) {
        if (n->type == TOML_TABLE) {
            write_string(at->key);
            putchar(':');
        }
        write_node(at);
        if (at->next)
            putchar(',');
    }
    putchar(close);
}

static void write_node(const struct toml_node *n)
{
    static const char *const names[] = {
        [TOML_STRING] = "string",         [TOML_INT] = "integer",
        [TOML_FLOAT] = "float",           [TOML_BOOL] = "bool",
        [TOML_DATETIME] = "datetime",     [TOML_DATETIME_LOCAL] = "datetime-local",
        [TOML_DATE_LOCAL] = "date-local", [TOML_TIME_LOCAL] = "time-local",
    };
    if (n->type == TOML_TABLE) {
        write_all(n, '{', '}');
        return;
    }
    if (n->type == TOML_ARRAY) {
        write_all(n, '[', ']');
        return;
    }
    printf("{\"type\":\"%s\",\"value\":", names[n->type]);
    if (n->type == TOML_INT)
        printf("\"%" PRId64 "\"", n->i);
    else if (n->type == TOML_FLOAT)
        write_float(n->f);
    else if (n->type == TOML_BOOL)
        printf("\"%s\"", n->b ? "true" : "false");
    else
        write_string(n->text);
    putchar('}');
}

int main(void)
{
    static uint8_t in[TOML_INPUT_MAX];
    size_t n = fread(in, 1, sizeof in, stdin);
    struct toml *doc;
    struct toml_error why;
    if (sl_toml_parse((struct span){in, n}, &doc, &why) != E_OK) {
        (void)fprintf(stderr, "%u:%u: %s\n", why.line, why.col, why.what);
        return 1;
    }
    write_node(sl_toml_root(doc));
    putchar('\n');
    sl_toml_free(doc);
    return 0;
}
