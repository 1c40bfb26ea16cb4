#pragma once

/*
 * A strict reader of TOML 1.0, from bytes to a tree.
 *
 * Everything knows where it stood, so that whoever finds a setting wrong can say where. The
 * tree is read-only and owns all it shows; the input may go. Depth and size are bounded. It is
 * for settings, not for requests: looking up a key walks its table.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
    TOML_INPUT_MAX = 1024 * 1024,
    TOML_NODES_MAX = 20000,
    TOML_DEPTH_MAX = 64, /* of arrays, tables, and the parts of a key */
};

enum toml_type {
    TOML_TABLE,
    TOML_ARRAY,
    TOML_STRING,
    TOML_INT,
    TOML_FLOAT,
    TOML_BOOL,
    TOML_DATETIME, /* with an offset, "1979-05-27T00:32:00.5-07:00" */
    TOML_DATETIME_LOCAL,
    TOML_DATE_LOCAL,
    TOML_TIME_LOCAL,
};

struct toml_node {
    enum toml_type type;
    uint32_t line, col; /* of the key, or of the element; from 1, columns in characters */
    struct span key;    /* in a table: its name there, without quotes */
    union {
        struct span text; /* strings; and dates, of which the form was checked */
        int64_t i;
        double f;
        bool b;
        struct toml_node *first; /* of what is in a table or an array, in order */
    };
    struct toml_node *next; /* in the same table or array */
    uint32_t made;          /* for the parser: how, and in which part of the file */
    struct toml_node *last;
};

struct toml_error {
    uint32_t line, col;
    const char *what;
};

struct toml;

/* E_MALFORMED, E_FULL: *why says where and for what reason; E_MEMORY. Free takes NULL. */
MUST_USE enum err sl_toml_parse(struct span in, struct toml **ret,
                                struct toml_error *why);
void sl_toml_free(struct toml *t);

/* The table that everything is in. */
const struct toml_node *sl_toml_root(const struct toml *t);

/* What the table has under this one key, or NULL. */
const struct toml_node *sl_toml_get(const struct toml_node *table, const char *key);

/* "string", "integer", "array". */
const char *sl_toml_type_name(enum toml_type type);
