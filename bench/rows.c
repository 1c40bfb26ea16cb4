#include "rows.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double ratio_of(const struct row *r)
{
    return r->limit > 0 ? r->value / r->limit : 0;
}

static bool passes(const struct row *r)
{
    double measured = r->limit > 0 ? ratio_of(r) : r->value;
    if (r->bar <= 0 && !r->least)
        return true;
    return r->least ? measured >= r->bar : measured <= r->bar;
}

void rows_head(void)
{
    (void)printf("%-34s %12s %-9s %9s %6s %9s\n", "", "value", "unit", "limit", "ratio",
                 "bar");
}

static void print(const struct row *r)
{
    char limit[16] = "", ratio[16] = "", bar[16] = "";
    if (r->limit > 0) {
        (void)snprintf(limit, sizeof limit, "%.0f", r->limit);
        (void)snprintf(ratio, sizeof ratio, "%.2f", ratio_of(r));
    }
    if (r->bar > 0)
        (void)snprintf(bar, sizeof bar, r->limit > 0 ? "%.2f" : "%.0f", r->bar);
    (void)printf("%-34s %12.0f %-9s %9s %6s %9s  %s  %s\n", r->name, r->value, r->unit,
                 limit, ratio, bar, passes(r) ? (r->bar > 0 ? "ok  " : "    ") : "MISS",
                 r->note);
    (void)fflush(stdout);
}

void rows_add(struct rows *r, const struct row *row)
{
    if (r->n < ROWS_MAX)
        r->row[r->n++] = *row;
    print(row);
}

void rows_say(struct rows *r, const char *name, const char *unit, double value,
              double bar, const char *fmt, ...)
{
    struct row row = {.unit = unit, .value = value, .bar = bar};
    va_list ap;
    (void)snprintf(row.name, sizeof row.name, "%s", name);
    va_start(ap, fmt);
    (void)vsnprintf(row.note, sizeof row.note, fmt, ap);
    va_end(ap);
    rows_add(r, &row);
}

static void number(FILE *f, const char *key, double v, bool there)
{
    if (there && isfinite(v))
        (void)fprintf(f, ", \"%s\": %.6g", key, v);
    else
        (void)fprintf(f, ", \"%s\": null", key);
}

bool rows_write(const struct rows *r, const char *file)
{
    FILE *f = fopen(file, "we");
    if (!f)
        return false;
    (void)fputs("[\n", f);
    for (size_t i = 0; i < r->n; i++) {
        const struct row *row = &r->row[i];
        (void)fprintf(f, "  {\"name\": \"%s\", \"unit\": \"%s\"", row->name, row->unit);
        number(f, "value", row->value, true);
        number(f, "limit", row->limit, row->limit > 0);
        number(f, "ratio", ratio_of(row), row->limit > 0);
        number(f, "bar", row->bar, row->bar > 0 || row->least);
        (void)fprintf(f, ", \"pass\": %s, \"note\": \"%s\"}%s\n",
                      passes(row) ? "true" : "false", row->note, i + 1 < r->n ? "," : "");
    }
    (void)fputs("]\n", f);
    return fclose(f) == 0;
}

size_t rows_missed(const struct rows *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += !passes(&r->row[i]);
    return n;
}

struct rows_options rows_options(int argc, char **argv, int from)
{
    static const char only[] = "--only=";
    struct rows_options o = {.only = NULL};
    for (int i = from; i < argc; i++) {
        o.check |= strcmp(argv[i], "--check") == 0;
        if (strncmp(argv[i], only, sizeof only - 1) == 0)
            o.only = argv[i] + sizeof only - 1;
    }
    return o;
}

int rows_conclude(const struct rows *r, const char *file, bool check)
{
    if (!rows_write(r, file))
        return EXIT_FAILURE;
    size_t missed = rows_missed(r);
    (void)printf("%zu rows, %zu missed their bar\n", r->n, missed);
    return check && missed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
