#include "rows.h"

#include <math.h>
#include <stdio.h>

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
