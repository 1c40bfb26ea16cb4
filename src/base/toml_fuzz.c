#include "base/toml.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

#include "fuzz.h"

static void write_string(struct wr *w, struct span s)
{
    MUST(sl_utf8_valid(s));
    wr_u8(w, '"');
    for (size_t i = 0; i < s.n; i++) {
        char text[8];
        bool plain = s.p[i] >= 0x20 && s.p[i] != 0x7f && s.p[i] != '"' && s.p[i] != '\\';
        (void)snprintf(text, sizeof text, "\\u%04X", s.p[i]);
        if (plain)
            wr_u8(w, s.p[i]);
        else
            wr_str(w, text);
    }
    wr_u8(w, '"');
}

static void write_pairs(struct wr *w, const struct toml_node *table, const char *between);

static void write_value(struct wr *w, const struct toml_node *n)
{
    char text[64] = "";
    switch (n->type) {
    case TOML_TABLE:
        wr_u8(w, '{');
        write_pairs(w, n, ",");
        wr_u8(w, '}');
        break;
    case TOML_ARRAY:
        wr_u8(w, '[');
        for (const struct toml_node *e = n->first; e; e = e->next) {
            write_value(w, e);
            wr_u8(w, ',');
        }
        wr_u8(w, ']');
        break;
    case TOML_STRING: write_string(w, n->text); break;
    case TOML_INT: (void)snprintf(text, sizeof text, "%" PRId64, n->i); break;
    case TOML_FLOAT:
        (void)snprintf(text, sizeof text, isfinite(n->f) ? "%.17e" : "%f", n->f);
        break;
    case TOML_BOOL:
        (void)snprintf(text, sizeof text, "%s", n->b ? "true" : "false");
        break;
    case TOML_DATETIME:
    case TOML_DATETIME_LOCAL:
    case TOML_DATE_LOCAL:
    case TOML_TIME_LOCAL: wr_span(w, n->text); break;
    }
    wr_str(w, text);
}

static void write_pairs(struct wr *w, const struct toml_node *table, const char *between)
{
    for (const struct toml_node *n = table->first; n; n = n->next) {
        write_string(w, n->key);
        wr_str(w, " = ");
        write_value(w, n);
        if (n->next)
            wr_str(w, between);
    }
}

/* What parses can be written again with every value in its key's line, and that parses to what
 * is written in the same way. What does not parse has a place in the input. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t one[1 << 18], two[1 << 18];
    struct wr a = wr_of(one, sizeof one), b = wr_of(two, sizeof two);
    struct toml *doc;
    struct toml_error why = {0};
    if (n > 8192)
        return 0;
    if (sl_toml_parse((struct span){p, n}, &doc, &why) != E_OK) {
        MUST(why.what && why.line >= 1 && why.line <= n + 1 && why.col >= 1 &&
             why.col <= n + 1);
        return 0;
    }
    write_pairs(&a, sl_toml_root(doc), "\n");
    sl_toml_free(doc);
    MUST(!a.bad);
    enum err e = sl_toml_parse(wr_done(&a), &doc, &why);
    if (e == E_FULL)
        return 0; /* tables became nested values */
    MUST(e == E_OK);
    write_pairs(&b, sl_toml_root(doc), "\n");
    sl_toml_free(doc);
    MUST(span_eq(wr_done(&a), wr_done(&b)));
    return 0;
}
