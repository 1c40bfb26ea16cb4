#pragma once

/* What a benchmark has found: a table for people, a file for machines. */

#include <stdbool.h>
#include <stddef.h>

enum { ROWS_MAX = 128, ROW_NAME_MAX = 64, ROW_NOTE_MAX = 160 };

struct row {
    char name[ROW_NAME_MAX];
    double value;
    const char *unit;
    double limit; /* 0: there is none */
    double
        bar; /* of the ratio, or of the value where there is no limit; 0: there is none */
    bool least; /* the value may not be below the bar, instead of above */
    char note[ROW_NOTE_MAX];
};

struct rows {
    size_t n;
    struct row row[ROWS_MAX];
};

/* Prints it at once. The note is printed behind the numbers. */
void rows_add(struct rows *r, const struct row *row);
void rows_head(void);

/* False: it could not be written. */
bool rows_write(const struct rows *r, const char *file);

/* How many missed their bar. */
size_t rows_missed(const struct rows *r);
