#include "service/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/toml.h"
#include "base/word.h"

#include "net/udp.h"
#include "service/config_rtcd.h"
#include "service/config_schema.h"

enum { KEY_MAX = 64 };

#define ENV_PREFIX     "SLUICE_"
#define DEFAULT_PREFIX ENV_PREFIX "DEFAULT_"

/* Settings under construction, and where their error goes. */
struct loading {
    struct config *c;
    char *error;
    struct toml *doc; /* the file, or NULL */
    struct config_rtcd rtcd;
};

__attribute__((format(printf, 2, 3))) static enum err fail(struct loading *l,
                                                           const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(l->error, CONFIG_ERROR_MAX, fmt, ap);
    va_end(ap);
    return E_MALFORMED;
}

/* ---- defaults -------------------------------------------------------------------------- */

static enum err begin(struct loading *l)
{
    char why[CONFIG_ERROR_MAX];
    l->error[0] = '\0';
    l->c = calloc(1, sizeof *l->c);
    if (!l->c)
        return E_MEMORY;
    for (size_t i = 0; i < sl_settings_n; i++) {
        const struct setting *s = &sl_settings[i];
        enum err e = sl_setting_put_text(l->c, s, span_of(s->value), why);
        if (e)
            return e == E_MALFORMED ? fail(l, "default of %s: %s", s->key, why) : e;
    }
    return E_OK;
}

/* ---- file ------------------------------------------------------------------------------ */

static enum err put_node(struct config *c, const struct setting *s,
                         const struct toml_node *node, char *why)
{
    struct value v = {.kind = VALUE_TEXT};
    if (node->type == TOML_STRING) {
        v.text = node->text;
    } else if (node->type == TOML_INT) {
        v.kind = VALUE_INT;
        v.i = node->i;
    } else if (node->type == TOML_BOOL) {
        v.kind = VALUE_BOOL;
        v.b = node->b;
    } else {
        (void)snprintf(why, CONFIG_ERROR_MAX, "a value of type %s cannot stand here",
                       sl_toml_type_name(node->type));
        return E_MALFORMED;
    }
    return sl_setting_put(c, s, &v, true, why);
}

/* The one setting that rtcd's file and ours have in common. */
static bool is_ice(const struct setting *s)
{
    return strcmp(s->key, "rtc.ice_servers") == 0;
}

static enum err take_setting(struct loading *l, const char *file, const char *section,
                             const struct toml_node *node)
{
    char key[KEY_MAX], why[CONFIG_ERROR_MAX];
    int n = snprintf(key, sizeof key, "%s.%.*s", section,
                     node->key.n < KEY_MAX ? (int)node->key.n : KEY_MAX,
                     (const char *)node->key.p);
    const struct setting *s = sl_setting_find(
        (struct span){(uint8_t *)key, n < KEY_MAX ? (size_t)n : KEY_MAX - 1});
    if (!s && sl_config_rtcd_knows(key, true))
        return E_OK;
    if (!s && l->rtcd.any) { /* which rtcd itself does not look at */
        (void)snprintf(why, sizeof why, "%s: no such setting", key);
        return sl_config_note(l->c, why);
    }
    if (!s)
        return fail(l, "%s:%u:%u: %s: no such setting", file, node->line, node->col, key);
    enum err e = E_OK;
    if (!sl_setting_is_list(s)) {
        e = put_node(l->c, s, node, why);
    } else if (s->type == SET_STRINGS && node->type == TOML_STRING) {
        e = sl_setting_put_text(l->c, s, node->text, why); /* one text, as elsewhere */
    } else if (node->type != TOML_ARRAY) {
        (void)snprintf(why, sizeof why, "a list stands in brackets");
        e = E_MALFORMED;
    } else {
        sl_setting_clear(l->c, s);
        for (const struct toml_node *at = node->first; at && !e; at = at->next) {
            e = at->type == TOML_TABLE && is_ice(s) ? sl_config_rtcd_ice(l->c, at, why)
                                                    : put_node(l->c, s, at, why);
            node = e ? at : node;
        }
    }
    return e == E_MALFORMED
               ? fail(l, "%s:%u:%u: %s: %.400s", file, node->line, node->col, key, why)
               : e;
}

static const struct section *section_of(struct span name)
{
    for (size_t i = 0; i < sl_sections_n; i++)
        if (span_is(name, sl_sections[i].name))
            return &sl_sections[i];
    return NULL;
}

static enum err take_section(struct loading *l, const char *file,
                             const struct toml_node *node)
{
    enum { SHOWN = 40 };
    const struct section *section = section_of(node->key);
    int n = node->key.n < SHOWN ? (int)node->key.n : SHOWN;
    char name[SHOWN + 1];
    (void)snprintf(name, sizeof name, "%.*s", n, (const char *)node->key.p);
    if (!section && sl_config_rtcd_knows(name, true))
        return E_OK;
    if (!section)
        return fail(l, "%s:%u:%u: %.*s: no such section", file, node->line, node->col, n,
                    (const char *)node->key.p);
    if (node->type != TOML_TABLE)
        return fail(l, "%s:%u:%u: %s: this is a section, [%s]", file, node->line,
                    node->col, section->name, section->name);
    enum err e = E_OK;
    for (const struct toml_node *at = node->first; at && !e; at = at->next)
        e = take_setting(l, file, section->name, at);
    return e;
}

static enum err parse_file(struct loading *l, struct span text, const char *name)
{
    struct toml_error why;
    enum err e = sl_toml_parse(text, &l->doc, &why);
    if (e && e != E_MEMORY)
        return fail(l, "%s:%u:%u: %s", name, why.line, why.col, why.what);
    return e;
}

static enum err take_file(struct loading *l, const char *name)
{
    enum err e = E_OK;
    if (l->doc)
        for (const struct toml_node *at = sl_toml_root(l->doc)->first; at && !e;
             at = at->next)
            e = take_section(l, name, at);
    return e;
}

/* What is rtcd's, in the file and the environment; our own settings come over it. */
static enum err take_rtcd(struct loading *l, const char *const *env)
{
    enum err e = l->doc ? sl_config_rtcd_file(&l->rtcd, sl_toml_root(l->doc)) : E_OK;
    if (!e)
        e = sl_config_rtcd_env(&l->rtcd, env);
    if (!e && l->rtcd.any)
        e = sl_config_rtcd_apply(&l->rtcd, l->c, l->error);
    return e;
}

static enum err read_file(struct loading *l, const char *name)
{
    FILE *f = fopen(name, "rbe");
    if (!f) {
        (void)fail(l, "%s: %s", name, strerrordesc_np(errno));
        return E_ABSENT;
    }
    uint8_t *text = malloc(TOML_INPUT_MAX + 1);
    enum err e = E_MEMORY;
    if (text) {
        /* One octet more than is allowed, so that the reader sees that it is too much. */
        size_t n = fread(text, 1, TOML_INPUT_MAX + 1, f);
        e = ferror(f) ? fail(l, "%s: %s", name, strerrordesc_np(errno))
                      : parse_file(l, (struct span){text, n}, name);
    }
    free(text);
    (void)fclose(f);
    return e;
}

/* ---- environment ----------------------------------------------------------------------- */

/* What stands behind the prefix, NULL: the variable is not ours. The other prefix is that of
 * defaults, which who packs the server chooses: all other sources count over them. */
static const char *name_in_env(const char *var, bool *is_default)
{
    size_t n = strlen(ENV_PREFIX), longer = strlen(DEFAULT_PREFIX);
    *is_default = strncmp(var, DEFAULT_PREFIX, longer) == 0;
    if (*is_default)
        return var + longer;
    return strncmp(var, ENV_PREFIX, n) == 0 ? var + n : NULL;
}

/* RTC_PORT to rtc.port: the first underscore is the dot. */
static const struct setting *setting_of_env(const char *name)
{
    char key[KEY_MAX];
    size_t n = 0;
    bool dot = false;
    for (const char *c = name; *c && *c != '=' && n < KEY_MAX; c++) {
        key[n++] = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A')
                          : *c == '_' && !dot    ? '.'
                                                 : *c);
        dot = dot || *c == '_';
    }
    return sl_setting_find((struct span){(uint8_t *)key, n});
}

static enum err take_env(struct loading *l, const char *const *env, bool defaults)
{
    for (; env && *env; env++) {
        char why[CONFIG_ERROR_MAX];
        bool is_default;
        const char *name = name_in_env(*env, &is_default), *value = strchr(*env, '=');
        const struct setting *s =
            name && is_default == defaults ? setting_of_env(name) : NULL;
        if (!s || !value)
            continue;
        enum err e = sl_setting_put_text(l->c, s, span_of(value + 1), why);
        if (e == E_MALFORMED)
            return fail(l, "%.*s: %s: %.400s", (int)(value - *env), *env, s->key, why);
        if (e)
            return e;
        l->rtcd.listens |= defaults && strcmp(s->key, "admin.listen") == 0;
    }
    return E_OK;
}

const char *sl_config_stray(const char *const *env)
{
    for (; env && *env; env++) {
        bool is_default;
        const char *name = name_in_env(*env, &is_default);
        if (!name || setting_of_env(name))
            continue;
        for (size_t i = 0; i < sl_sections_n; i++) {
            size_t n = strlen(sl_sections[i].name);
            if (strncasecmp(name, sl_sections[i].name, n) == 0 && name[n] == '_')
                return *env;
        }
    }
    return NULL;
}

/* ---- command line ---------------------------------------------------------------------- */

static enum err take_flag(struct loading *l, const char *arg)
{
    char why[CONFIG_ERROR_MAX];
    struct span rest = span_of(arg + 2), key = word_cut(&rest, '=');
    const struct setting *s = sl_setting_find(key);
    if (!s)
        return fail(l, "%s: no such setting", arg);
    if (!strchr(arg, '='))
        return fail(l, "%s: a value follows, %s=VALUE", arg, arg);
    enum err e = sl_setting_put_text(l->c, s, rest, why);
    return e == E_MALFORMED ? fail(l, "--%s: %.400s", s->key, why) : e;
}

static bool is_flag(const char *arg)
{
    size_t name = strcspn(arg, "=");
    return strncmp(arg, "--", 2) == 0 && memchr(arg, '.', name);
}

/* --config=FILE, or -config FILE, which is rtcd's way. */
static bool names_file(const struct config_from *from, int *i, const char **file)
{
    static const char flag[] = "config";
    const char *arg = from->argv[*i];
    size_t dashes = strspn(arg, "-"), n = sizeof flag - 1;
    if (dashes == 0 || dashes > 2 || strncmp(arg + dashes, flag, n) != 0)
        return false;
    const char *rest = arg + dashes + n;
    if (*rest == '=')
        *file = rest + 1;
    else if (!*rest && *i + 1 < from->argc)
        *file = from->argv[++*i];
    else
        return false;
    return true;
}

/* The file that was named, which then is no argument any more; or NULL. */
static const char *find_file(struct config_from *from)
{
    static const char var[] = ENV_PREFIX "CONFIG=";
    const char *file = NULL;
    int left = 0;
    for (const char *const *e = from->env; e && *e; e++)
        if (strncmp(*e, var, sizeof var - 1) == 0 && (*e)[sizeof var - 1])
            file = *e + sizeof var - 1;
    for (int i = 0; i < from->argc; i++)
        if (i == 0 || !names_file(from, &i, &file))
            from->argv[left++] = from->argv[i];
    from->argc = left;
    return file;
}

static enum err take_flags(struct loading *l, int *argc, char **argv)
{
    int left = 0;
    for (int i = 0; i < *argc; i++) {
        enum err e = i > 0 && is_flag(argv[i]) ? take_flag(l, argv[i]) : E_OK;
        if (e)
            return e;
        if (i == 0 || !is_flag(argv[i]))
            argv[left++] = argv[i];
    }
    *argc = left;
    return E_OK;
}

/* ---- all together ---------------------------------------------------------------------- */

static bool is_set(const char *s)
{
    return s && *s;
}

/* What no setting can see alone. */
static enum err check(struct loading *l)
{
    const struct config *c = l->c;
    if (is_set(c->http.tls_cert) != is_set(c->http.tls_key))
        return fail(l,
                    "http.tls_cert and http.tls_key: one is of no use without the other");
    if (is_set(c->admin.tls_cert) != is_set(c->admin.tls_key))
        return fail(
            l, "admin.tls_cert and admin.tls_key: one is of no use without the other");
    if (c->rtcd.token_lifetime <= 0)
        return fail(l, "rtcd.token_lifetime: must be longer than nothing");
    if (strpbrk(c->rtcd.version, "\"\\\n"))
        return fail(l, "rtcd.version: that is no version");
    if (c->rtc.srtp_profiles.n == 0)
        return fail(l, "rtc.srtp_profiles: there must be one");
    if (addr_eq(&c->http.listen, &c->admin.listen) && c->http.listen.port != 0)
        return fail(l, "http.listen and admin.listen: two faces cannot have one address");
    if (c->rtc.listen.n > UDP_PORTS_MAX)
        return fail(l, "rtc.listen: more than %d addresses", UDP_PORTS_MAX);
    for (size_t i = 0; i < c->rtc.listen.n; i++)
        if (sl_addr_is_any(&c->rtc.listen.v[i]))
            return fail(l,
                        "rtc.listen: clients are told these addresses, so each must be "
                        "one; leave it empty for all");
    for (size_t i = 0; i < c->rtc.listen.n; i++)
        for (size_t k = 0; k < i; k++)
            if (addr_eq(&c->rtc.listen.v[i], &c->rtc.listen.v[k]))
                return fail(l, "rtc.listen: an address stands there twice");
    return E_OK;
}

static enum err end(struct loading *l, enum err e, struct config **ret)
{
    sl_toml_free(l->doc);
    sl_config_rtcd_fini(&l->rtcd);
    if (!e)
        e = check(l);
    if (e == E_MEMORY)
        (void)fail(l, "%s", sl_err_text(e));
    if (e)
        sl_config_free(l->c);
    else
        *ret = l->c;
    return e;
}

enum err sl_config_load(struct config_from *from, struct config **ret,
                        char error[CONFIG_ERROR_MAX])
{
    struct loading l = {0};
    l.error = error;
    const char *file = find_file(from);
    enum err e = begin(&l);
    if (!e)
        e = take_env(&l, from->env, true);
    if (from->text)
        file = "settings";
    if (!e && from->text)
        e = parse_file(&l, span_of(from->text), file);
    else if (!e && file)
        e = read_file(&l, file);
    if (!e)
        e = take_rtcd(&l, from->env);
    if (!e)
        e = take_file(&l, file);
    if (!e)
        e = take_env(&l, from->env, false);
    if (!e)
        e = take_flags(&l, &from->argc, from->argv);
    return end(&l, e, ret);
}

enum err sl_config_parse(struct span file, const char *name, struct config **ret,
                         char error[CONFIG_ERROR_MAX])
{
    struct loading l = {0};
    l.error = error;
    enum err e = begin(&l);
    if (!e)
        e = parse_file(&l, file, name);
    if (!e)
        e = take_rtcd(&l, NULL);
    if (!e)
        e = take_file(&l, name);
    return end(&l, e, ret);
}
