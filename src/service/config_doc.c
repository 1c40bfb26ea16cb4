/* What people read about the settings, from the table that the program reads. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/word.h"

#include "service/config_schema.h"

enum { LINE = 78 };

__attribute__((format(printf, 2, 3))) static void put(struct wr *w, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    wr_str(w, text);
}

/* text in lines that begin with `start`. */
static void put_lines(struct wr *w, const char *start, const char *text)
{
    size_t col = 0;
    for (struct span rest = span_of(text), word; (word = word_next(&rest)).n > 0;) {
        if (col > 0 && col + 1 + word.n > LINE) {
            wr_u8(w, '\n');
            col = 0;
        }
        if (col == 0)
            wr_str(w, start);
        else
            wr_u8(w, ' ');
        wr_span(w, word);
        col = (col == 0 ? strlen(start) : col + 1) + word.n;
    }
    wr_u8(w, '\n');
}

static bool is_in(const struct setting *s, const struct section *section)
{
    size_t n = strlen(section->name);
    return strncmp(s->key, section->name, n) == 0 && s->key[n] == '.';
}

static const char *name_of(const struct setting *s)
{
    return strchr(s->key, '.') + 1;
}

/* One element of a value, as TOML. */
static void put_element(struct wr *w, const struct setting *s, struct span text)
{
    bool bare = s->type == SET_BOOL || s->type == SET_INT || s->type == SET_INTS;
    put(w, bare ? "%.*s" : "\"%.*s\"", (int)text.n, (const char *)text.p);
}

static void put_value(struct wr *w, const struct setting *s)
{
    struct span rest = span_of(s->value);
    if (!sl_setting_is_list(s)) {
        put_element(w, s, rest);
        return;
    }
    wr_u8(w, '[');
    while (rest.n > 0) {
        put_element(w, s, word_trim(word_cut(&rest, ',')));
        if (rest.n > 0)
            wr_str(w, ", ");
    }
    wr_u8(w, ']');
}

/* What may stand there. */
static void put_range(struct wr *w, const struct setting *s)
{
    switch (s->type) {
    case SET_BOOL: wr_str(w, "true or false"); break;
    case SET_INT: put(w, "%u to %u", s->min, s->max); break;
    case SET_INTS: put(w, "numbers, %u to %u", s->min, s->max); break;
    case SET_TIME: wr_str(w, "a time"); break;
    case SET_STRING: wr_str(w, "text"); break;
    case SET_STRINGS: wr_str(w, "texts"); break;
    case SET_ADDRS: wr_str(w, "addresses"); break;
    case SET_ADDR_PORT: wr_str(w, "address:port"); break;
    case SET_CHOICE:
    case SET_CHOICES:
        if (s->type == SET_CHOICES)
            wr_str(w, "of ");
        for (const struct choice *c = s->choices; c->name; c++)
            put(w, "%s%s", c == s->choices ? "" : ", ", c->name);
        break;
    }
}

void sl_config_write_help(struct wr *w)
{
    wr_str(w, "Settings, as --SECTION.KEY=VALUE, as SLUICE_SECTION_KEY=VALUE in the "
              "environment, or\nin the file given by --config. Lists have commas between "
              "their elements.\n");
    for (size_t i = 0; i < sl_settings_n; i++) {
        const struct setting *s = &sl_settings[i];
        put(w, "\n  --%s=%s  (", s->key, s->value);
        put_range(w, s);
        wr_str(w, ")\n");
        put_lines(w, "      ", s->help);
    }
}

void sl_config_write_example(struct wr *w)
{
    wr_str(w, "# Settings of Sluice, with their defaults. Take the # away from what you "
              "change.\n");
    for (size_t i = 0; i < sl_sections_n; i++) {
        put(w, "\n# %s\n[%s]\n", sl_sections[i].help, sl_sections[i].name);
        for (size_t k = 0; k < sl_settings_n; k++) {
            const struct setting *s = &sl_settings[k];
            if (!is_in(s, &sl_sections[i]))
                continue;
            wr_u8(w, '\n');
            put_lines(w, "# ", s->help);
            wr_str(w, "# (");
            put_range(w, s);
            put(w, ")\n#%s = ", name_of(s));
            put_value(w, s);
            wr_u8(w, '\n');
        }
    }
}

void sl_config_write_table(struct wr *w)
{
    wr_str(w, "| setting | default | may be | what it is |\n|---|---|---|---|\n");
    for (size_t i = 0; i < sl_settings_n; i++) {
        const struct setting *s = &sl_settings[i];
        put(w, "| `%s` | `", s->key);
        put_value(w, s);
        wr_str(w, "` | ");
        put_range(w, s);
        put(w, " | %s |\n", s->help);
    }
}
