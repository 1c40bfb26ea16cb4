#include "base/metric.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/utf8.h"

enum { LABELS_TEXT_MAX = 512, TEXT_FIRST = 16 * 1024 };

struct series {
    struct list by_family;
    const uint64_t *n; /* one of these three */
    double (*fn)(const void *user);
    const struct histogram *h;
    const void *user;
    char labels[]; /* a="b",c="d" */
};

struct family {
    struct list by_registry;
    struct metric of;
    struct list series;
};

struct metrics {
    struct list families;
};

void sl_histogram_add(struct histogram *h, uint64_t value)
{
    size_t i = 0;
    while (i < h->n && value > h->bounds[i])
        i++;
    count_add(i < h->n ? &h->in[i] : &h->above, 1);
    count_add(&h->sum, value);
}

double sl_histogram_at(const struct histogram *h, double part)
{
    double left = part * (double)histogram_count(h), from = 0;
    if (left <= 0)
        return 0;
    for (size_t i = 0; i < h->n; i++) {
        double in = (double)count_get(&h->in[i]), to = (double)h->bounds[i];
        if (in > 0 && left <= in)
            return from + (to - from) * left / in;
        left -= in;
        from = to;
    }
    return from;
}

struct metrics *sl_metrics_new(void)
{
    struct metrics *m = malloc(sizeof *m);
    if (m)
        list_init(&m->families);
    return m;
}

void sl_metrics_free(struct metrics *m)
{
    if (!m)
        return;
    list_each_safe(struct family, f, &m->families, by_registry)
    {
        list_each_safe(struct series, s, &f->series, by_family) free(s);
        free(f);
    }
    free(m);
}

/* [a-zA-Z_][a-zA-Z0-9_]*, without the colon that is left to recording rules. */
static bool is_name(const char *s)
{
    for (const char *c = s; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!letter && (c == s || *c < '0' || *c > '9'))
            return false;
    }
    return *s != '\0';
}

/* Both HELP and labels escape these; quotes matter in labels only, and what is no UTF-8
 * would make the whole text unreadable. */
static void write_escaped(struct wr *w, struct span s, bool quotes)
{
    while (s.n > 0) {
        uint32_t cp;
        size_t n = sl_utf8_next(s, &cp);
        if (n == 0)
            wr_u8(w, '?');
        else if (cp == '\n')
            wr_str(w, "\\n");
        else if (cp == '\\')
            wr_str(w, "\\\\");
        else if (cp == '"' && quotes)
            wr_str(w, "\\\"");
        else
            wr_span(w, (struct span){s.p, n});
        n = n > 0 ? n : 1;
        s = (struct span){s.p + n, s.n - n};
    }
}

static enum err write_labels(struct wr *w, const struct metric_label *labels)
{
    for (size_t i = 0; labels && labels[i].name; i++) {
        if (i == METRIC_LABELS_MAX)
            return E_FULL;
        if (!is_name(labels[i].name) || strcmp(labels[i].name, "le") == 0)
            return E_MALFORMED;
        if (i > 0)
            wr_u8(w, ',');
        wr_str(w, labels[i].name);
        wr_str(w, "=\"");
        write_escaped(w, span_of(labels[i].value), true);
        wr_u8(w, '"');
    }
    return w->bad ? E_FULL : E_OK;
}

static struct family *family_of(struct metrics *m, const struct metric *of)
{
    list_each (struct family, f, &m->families, by_registry)
        if (strcmp(f->of.name, of->name) == 0)
            return f;
    struct family *f = malloc(sizeof *f);
    if (!f)
        return NULL;
    f->of = *of;
    list_init(&f->series);
    list_add(&m->families, &f->by_registry);
    return f;
}

static enum err add(struct metrics *m, const struct metric *of,
                    const struct metric_label *labels, const struct series *what)
{
    char text[LABELS_TEXT_MAX];
    struct wr w = wr_of((uint8_t *)text, sizeof text - 1);
    if (!is_name(of->name))
        return E_MALFORMED;
    enum err e = write_labels(&w, labels);
    if (e)
        return e;
    text[w.n] = '\0';
    struct family *f = family_of(m, of);
    if (!f)
        return E_MEMORY;
    if (f->of.kind != of->kind)
        return E_EXISTS;
    list_each (struct series, s, &f->series, by_family)
        if (strcmp(s->labels, text) == 0)
            return E_EXISTS;
    struct series *s = malloc(sizeof *s + w.n + 1);
    if (!s)
        return E_MEMORY;
    *s = *what;
    memcpy(s->labels, text, w.n + 1);
    list_add(&f->series, &s->by_family);
    return E_OK;
}

enum err sl_metrics_add(struct metrics *m, const struct metric *of,
                        const struct metric_label *labels, const uint64_t *n)
{
    return add(m, of, labels, &(struct series){.n = n});
}

enum err sl_metrics_add_fn(struct metrics *m, const struct metric *of,
                           const struct metric_label *labels,
                           double (*fn)(const void *user), const void *user)
{
    return add(m, of, labels, &(struct series){.fn = fn, .user = user});
}

enum err sl_metrics_add_histogram(struct metrics *m, const struct metric *of,
                                  const struct metric_label *labels,
                                  const struct histogram *h)
{
    return add(m, of, labels, &(struct series){.h = h});
}

/* name_suffix{labels,le="le"} value */
static void write_sample(struct wr *w, const struct family *f, const struct series *s,
                         const char *suffix, const char *le, const char *value)
{
    wr_str(w, f->of.name);
    wr_str(w, suffix);
    if (s->labels[0] || le) {
        wr_u8(w, '{');
        wr_str(w, s->labels);
        if (s->labels[0] && le)
            wr_u8(w, ',');
        if (le) {
            wr_str(w, "le=\"");
            wr_str(w, le);
            wr_u8(w, '"');
        }
        wr_u8(w, '}');
    }
    wr_u8(w, ' ');
    wr_str(w, value);
    wr_u8(w, '\n');
}

/* A number in the metric's unit; whole where it is counted in it. */
static const char *number(const struct family *f, uint64_t n, char buf[32])
{
    if (f->of.unit > 0)
        (void)snprintf(buf, 32, "%.15g", (double)n * f->of.unit);
    else
        (void)snprintf(buf, 32, "%" PRIu64, n);
    return buf;
}

static void write_histogram(struct wr *w, const struct family *f, const struct series *s)
{
    const struct histogram *h = s->h;
    char le[32], value[32];
    uint64_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        n += count_get(&h->in[i]);
        (void)snprintf(value, sizeof value, "%" PRIu64, n);
        write_sample(w, f, s, "_bucket", number(f, h->bounds[i], le), value);
    }
    n += count_get(&h->above);
    (void)snprintf(value, sizeof value, "%" PRIu64, n);
    write_sample(w, f, s, "_bucket", "+Inf", value);
    write_sample(w, f, s, "_sum", NULL, number(f, count_get(&h->sum), le));
    write_sample(w, f, s, "_count", NULL, value);
}

static bool is_shown(const struct family *f, const struct series *s)
{
    return !f->of.sparse || s->fn || (s->h ? histogram_count(s->h) : count_get(s->n)) > 0;
}

static bool any_shown(const struct family *f)
{
    list_each (struct series, s, &f->series, by_family)
        if (is_shown(f, s))
            return true;
    return false;
}

static void write_family(struct wr *w, const struct family *f)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    char value[32];
    wr_str(w, "# HELP ");
    wr_str(w, f->of.name);
    wr_u8(w, ' ');
    write_escaped(w, span_of(f->of.help), false);
    wr_str(w, "\n# TYPE ");
    wr_str(w, f->of.name);
    wr_u8(w, ' ');
    wr_str(w, kinds[f->of.kind]);
    wr_u8(w, '\n');
    list_each (struct series, s, &f->series, by_family) {
        if (!is_shown(f, s))
            continue;
        if (s->h) {
            write_histogram(w, f, s);
        } else if (s->n) {
            write_sample(w, f, s, "", NULL, number(f, count_get(s->n), value));
        } else {
            (void)snprintf(value, sizeof value, "%.15g", s->fn(s->user));
            write_sample(w, f, s, "", NULL, value);
        }
    }
}

char *sl_metrics_text(const struct metrics *m, size_t *n)
{
    for (size_t cap = TEXT_FIRST;; cap *= 2) {
        uint8_t *p = malloc(cap);
        if (!p)
            return NULL;
        struct wr w = wr_of(p, cap);
        list_each (struct family, f, &m->families, by_registry)
            if (any_shown(f))
                write_family(&w, f);
        wr_u8(&w, '\0');
        if (!w.bad) {
            *n = w.n - 1;
            return (char *)p;
        }
        free(p);
    }
}
