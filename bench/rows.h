#pragma once

/* What a benchmark has found: a table for people, a file for machines. */

#include <stdbool.h>
#include <stddef.h>

enum { ROWS_MAX = 256, ROW_NAME_MAX = 64, ROW_NOTE_MAX = 160 };

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

/* The same for a value without a limit; its note as printf has it. */
__attribute__((format(printf, 6, 7))) void rows_say(struct rows *r, const char *name,
                                                    const char *unit, double value,
                                                    double bar, const char *fmt, ...);

/* False: it could not be written. */
bool rows_write(const struct rows *r, const char *file);

/* How many missed their bar. */
size_t rows_missed(const struct rows *r);

/* What a benchmark is told behind its first words. */
struct rows_options {
    bool check;       /* a missed bar is a failure */
    const char *only; /* this alone; NULL: everything */
};
struct rows_options rows_options(int argc, char **argv, int from);

/* Writes them and says how many missed. Returns what the program ends with. */
int rows_conclude(const struct rows *r, const char *file, bool check);
