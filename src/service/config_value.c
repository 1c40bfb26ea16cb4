#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/word.h"

#include "service/config_schema.h"

struct config_text {
    struct config_text *next;
    char text[];
};

bool sl_setting_is_list(const struct setting *s)
{
    return s->type >= SET_ADDRS;
}

void sl_setting_clear(struct config *c, const struct setting *s)
{
    void *at = (char *)c + s->at;
    if (s->type == SET_ADDRS)
        ((struct config_addrs *)at)->n = 0;
    else if (s->type == SET_STRINGS)
        ((struct config_strings *)at)->n = 0;
    else if (s->type == SET_INTS || s->type == SET_CHOICES)
        ((struct config_ints *)at)->n = 0;
}

static enum err wrong(char why[CONFIG_ERROR_MAX], struct span text, const char *what)
{
    enum { SHOWN = 80 };
    (void)snprintf(why, CONFIG_ERROR_MAX, "'%.*s' %s",
                   text.n < SHOWN ? (int)text.n : SHOWN, (const char *)text.p, what);
    return E_MALFORMED;
}

static enum err copy(struct config *c, struct span text, const char **ret)
{
    struct config_text *t = malloc(sizeof *t + text.n + 1);
    if (!t)
        return E_MEMORY;
    if (text.n > 0)
        memcpy(t->text, text.p, text.n);
    t->text[text.n] = '\0';
    t->next = c->texts;
    c->texts = t;
    *ret = t->text;
    return E_OK;
}

enum err sl_config_note(struct config *c, const char *text)
{
    if (c->notes.n == CONFIG_LIST_MAX)
        return E_OK;
    enum err e = copy(c, span_of(text), &c->notes.v[c->notes.n]);
    c->notes.n += e == E_OK;
    return e;
}

void sl_config_free(struct config *c)
{
    if (!c)
        return;
    while (c->texts) {
        struct config_text *t = c->texts;
        c->texts = t->next;
        free(t);
    }
    free(c);
}

static enum err read_int(const struct setting *s, const struct value *v, uint32_t *ret,
                         char *why)
{
    uint64_t n = UINT64_MAX;
    bool number = v->kind == VALUE_INT || word_number(v->text, UINT64_MAX, &n);
    if (v->kind == VALUE_INT && v->i >= 0)
        n = (uint64_t)v->i;
    if (!number)
        return wrong(why, v->text, "is not a number");
    if (n < s->min || n > s->max) {
        char text[32];
        int len = v->kind == VALUE_INT
                      ? snprintf(text, sizeof text, "%lld", (long long)v->i)
                      : snprintf(text, sizeof text, "%.*s", (int)v->text.n,
                                 (const char *)v->text.p);
        (void)snprintf(why, CONFIG_ERROR_MAX, "%.*s is not between %u and %u", len, text,
                       s->min, s->max);
        return E_MALFORMED;
    }
    *ret = (uint32_t)n;
    return E_OK;
}

/* "500ms", "30s", "2m", "1h"; a number alone is seconds. */
static enum err read_time(const struct value *v, usec *ret, char *why)
{
    static const struct {
        const char *unit;
        usec us;
    } units[] = {
        {"", SEC(1)}, {"ms", MSEC(1)}, {"s", SEC(1)}, {"m", SEC(60)}, {"h", SEC(3600)}};
    struct span unit = v->text;
    uint64_t n = v->i >= 0 ? (uint64_t)v->i : UINT64_MAX;
    if (v->kind == VALUE_TEXT) {
        size_t digits = 0;
        while (digits < unit.n && unit.p[digits] >= '0' && unit.p[digits] <= '9')
            digits++;
        if (!word_number((struct span){unit.p, digits}, UINT32_MAX, &n))
            return wrong(why, v->text,
                         "is not a time such as \"500ms\", \"30s\" or \"2m\"");
        unit = (struct span){unit.p + digits, unit.n - digits};
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0] && n <= UINT32_MAX; i++)
        if (span_is(unit, units[i].unit)) {
            *ret = (usec)n * units[i].us;
            return E_OK;
        }
    return wrong(why, v->text, "is not a time such as \"500ms\", \"30s\" or \"2m\"");
}

static enum err read_addr_port(struct span text, struct addr *ret, char *why)
{
    static const char what[] =
        "is not an address and port such as \"0.0.0.0:80\" or \"[::1]:80\"";
    size_t n = text.n;
    uint64_t port;
    while (n > 0 && text.p[n - 1] != ':')
        n--;
    if (n == 0 || !word_number((struct span){text.p + n, text.n - n}, UINT16_MAX, &port))
        return wrong(why, text, what);
    struct span ip = {text.p, n - 1};
    bool v6 = memchr(ip.p, ':', ip.n) != NULL;
    if (v6 && (ip.p[0] != '[' || ip.p[ip.n - 1] != ']'))
        return wrong(why, text, what);
    if (v6)
        ip = (struct span){ip.p + 1, ip.n - 2};
    if (sl_addr_parse(ip, (uint16_t)port, ret) != E_OK)
        return wrong(why, text, what);
    return E_OK;
}

static enum err read_addr(struct span text, struct addr *ret, char *why)
{
    return sl_addr_parse(text, 0, ret) == E_OK ? E_OK
                                               : wrong(why, text, "is not an address");
}

static enum err read_choice(const struct setting *s, struct span text, uint32_t *ret,
                            char *why)
{
    for (const struct choice *c = s->choices; c->name; c++)
        if (span_is(text, c->name)) {
            *ret = c->value;
            return E_OK;
        }
    (void)wrong(why, text, "is none of");
    for (const struct choice *c = s->choices; c->name; c++) {
        size_t n = strlen(why);
        (void)snprintf(why + n, CONFIG_ERROR_MAX - n, "%s %s", c == s->choices ? "" : ",",
                       c->name);
    }
    return E_MALFORMED;
}

static enum err read_bool(const struct value *v, bool *ret, char *why)
{
    *ret = v->kind == VALUE_BOOL ? v->b : span_is(v->text, "true");
    return v->kind == VALUE_BOOL || *ret || span_is(v->text, "false")
               ? E_OK
               : wrong(why, v->text, "is neither true nor false");
}

/* The kind of value that a file must have for it. */
static bool kind_fits(const struct setting *s, enum value_kind kind, char *why)
{
    static const char *const kinds[] = {"a string", "an integer", "a boolean"};
    bool number = s->type == SET_INT || s->type == SET_INTS;
    enum value_kind want = number                ? VALUE_INT
                           : s->type == SET_BOOL ? VALUE_BOOL
                                                 : VALUE_TEXT;
    if (kind == want || (s->type == SET_TIME && kind == VALUE_INT))
        return true;
    (void)snprintf(why, CONFIG_ERROR_MAX, "%s stands where %s should", kinds[kind],
                   kinds[want]);
    return false;
}

static bool room_for_one(size_t n, char *why)
{
    if (n == CONFIG_LIST_MAX)
        (void)snprintf(why, CONFIG_ERROR_MAX, "more than %d elements", CONFIG_LIST_MAX);
    return n < CONFIG_LIST_MAX;
}

static enum err add_int(const struct setting *s, const struct value *v,
                        struct config_ints *list, char *why)
{
    if (!room_for_one(list->n, why))
        return E_MALFORMED;
    enum err e = s->type == SET_INTS ? read_int(s, v, &list->v[list->n], why)
                                     : read_choice(s, v->text, &list->v[list->n], why);
    list->n += e == E_OK;
    return e;
}

static enum err add_string(struct config *c, const struct value *v,
                           struct config_strings *list, char *why)
{
    if (!room_for_one(list->n, why))
        return E_MALFORMED;
    enum err e = copy(c, v->text, &list->v[list->n]);
    list->n += e == E_OK;
    return e;
}

static enum err add_addr(const struct value *v, struct config_addrs *list, char *why)
{
    if (!room_for_one(list->n, why))
        return E_MALFORMED;
    enum err e = read_addr(v->text, &list->v[list->n], why);
    list->n += e == E_OK;
    return e;
}

static enum err put_field(struct config *c, const struct setting *s,
                          const struct value *v, char *why)
{
    void *at = (char *)c + s->at;
    switch (s->type) {
    case SET_BOOL: return read_bool(v, at, why);
    case SET_INT: return read_int(s, v, at, why);
    case SET_TIME: return read_time(v, at, why);
    case SET_STRING: return copy(c, v->text, at);
    case SET_ADDR_PORT:
        if (v->text.n > 0)
            return read_addr_port(v->text, at, why);
        *(struct addr *)at = (struct addr){0};
        break;
    case SET_CHOICE: return read_choice(s, v->text, at, why);
    case SET_ADDRS: return add_addr(v, at, why);
    case SET_STRINGS: return add_string(c, v, at, why);
    case SET_INTS:
    case SET_CHOICES: return add_int(s, v, at, why);
    }
    return E_OK;
}

enum err sl_setting_put(struct config *c, const struct setting *s, const struct value *v,
                        bool typed, char why[CONFIG_ERROR_MAX])
{
    if (typed && !kind_fits(s, v->kind, why))
        return E_MALFORMED;
    if (v->kind == VALUE_TEXT && v->text.n > 0 && memchr(v->text.p, '\0', v->text.n))
        return wrong(why, v->text, "has a NUL behind it");
    return put_field(c, s, v, why);
}

enum err sl_setting_put_text(struct config *c, const struct setting *s, struct span text,
                             char why[CONFIG_ERROR_MAX])
{
    struct value v = {.kind = VALUE_TEXT, .text = word_trim(text)};
    if (!sl_setting_is_list(s))
        return sl_setting_put(c, s, &v, false, why);
    sl_setting_clear(c, s);
    for (struct span rest = v.text; rest.n > 0;) {
        v.text = word_trim(word_cut(&rest, ','));
        enum err e = sl_setting_put(c, s, &v, false, why);
        if (e)
            return e;
    }
    return E_OK;
}
