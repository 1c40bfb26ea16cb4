#include "base/toml.h"

#include <stdlib.h>

#include "base/toml_scalar.h"
#include "base/toml_text.h"

enum { CHUNK_NODES = 64 };

struct chunk {
    struct chunk *next;
    size_t n;
    struct toml_node nodes[CHUNK_NODES];
};

struct toml {
    struct toml_node *root;
    struct chunk *chunks; /* the newest first */
    size_t nodes;
    uint8_t *text; /* what strings and keys became */
};

/* How a table or an array came to be (toml_node.made). A dotted key makes tables that stay
 * open to the keys of the same part of the file: to one header, or one inline table. Their
 * parts are counted from PARTS on. */
enum made {
    BY_WAY,    /* a table on the way of a header, which may still get one of its own */
    BY_HEADER, /* has its header; or: a table in an array of them */
    BY_VALUE,  /* inline: closed for ever */
    AS_LIST,   /* an array of tables, by [[header]] */
    PARTS,
};

struct parser {
    struct toml_cursor c;
    struct toml *doc;
    uint32_t part, parts; /* the one that keys go to, and how many there were */
    int depth;
};

const char *sl_toml_type_name(enum toml_type type)
{
    static const char *const names[] = {
        [TOML_TABLE] = "table",
        [TOML_ARRAY] = "array",
        [TOML_STRING] = "string",
        [TOML_INT] = "integer",
        [TOML_FLOAT] = "float",
        [TOML_BOOL] = "boolean",
        [TOML_DATETIME] = "date and time",
        [TOML_DATETIME_LOCAL] = "local date and time",
        [TOML_DATE_LOCAL] = "local date",
        [TOML_TIME_LOCAL] = "local time",
    };
    return names[type];
}

/* ---- nodes ----------------------------------------------------------------------------- */

static struct toml_node *new_node(struct parser *p, enum toml_type type, enum made made)
{
    struct toml *doc = p->doc;
    if (doc->nodes == TOML_NODES_MAX) {
        (void)sl_toml_fail(&p->c, E_FULL, "more keys and elements than are read");
        return NULL;
    }
    if (!doc->chunks || doc->chunks->n == CHUNK_NODES) {
        struct chunk *c = malloc(sizeof *c);
        if (!c) {
            (void)sl_toml_fail(&p->c, E_MEMORY, "no memory");
            return NULL;
        }
        c->n = 0;
        c->next = doc->chunks;
        doc->chunks = c;
    }
    doc->nodes++;
    struct toml_node *node = &doc->chunks->nodes[doc->chunks->n++];
    *node = (struct toml_node){.type = type,
                               .line = p->c.line,
                               .col = sl_toml_column(&p->c),
                               .made = (uint32_t)made};
    return node;
}

static void append(struct toml_node *to, struct toml_node *node)
{
    if (to->last)
        to->last->next = node;
    else
        to->first = node;
    to->last = node;
}

static struct toml_node *find(const struct toml_node *table, struct span key)
{
    struct toml_node *n = table->first;
    while (n && !span_eq(n->key, key))
        n = n->next;
    return n;
}

static struct toml_node *add_table(struct parser *p, struct toml_node *to,
                                   const struct toml_key *k, size_t i, uint32_t made)
{
    struct toml_node *node = new_node(p, TOML_TABLE, BY_WAY);
    if (!node)
        return NULL;
    node->made = made;
    node->key = k->part[i].name;
    node->line = k->part[i].line;
    node->col = k->part[i].col;
    append(to, node);
    return node;
}

static bool fail(struct parser *p, const char *what)
{
    return sl_toml_fail(&p->c, E_MALFORMED, what);
}

/* What is wrong is a part of a key that was read before. */
static bool fail_key(struct parser *p, const struct toml_key *k, size_t i,
                     const char *what)
{
    if (!fail(p, what))
        *p->c.why = (struct toml_error){k->part[i].line, k->part[i].col, what};
    return false;
}

/* ---- values ---------------------------------------------------------------------------- */

/* NOLINTBEGIN(misc-no-recursion): values nest, and p->depth is bounded. */

static bool take_value(struct parser *p, struct toml_node *node);

static bool take_array(struct parser *p, struct toml_node *array)
{
    array->type = TOML_ARRAY;
    array->made = BY_VALUE;
    array->first = NULL;
    do {
        if (!sl_toml_skip_lines(&p->c))
            return false;
        if (toml_take(&p->c, ']'))
            return true;
        struct toml_node *e = new_node(p, TOML_BOOL, BY_VALUE);
        if (!e || !take_value(p, e))
            return false;
        append(array, e);
        if (!sl_toml_skip_lines(&p->c))
            return false;
    } while (toml_take(&p->c, ','));
    return toml_take(&p->c, ']') ||
           fail(p, "an array goes on with a comma, or ends with a bracket");
}

/* The table that holds the last part of a dotted key. */
static struct toml_node *way_of_key(struct parser *p, struct toml_node *table,
                                    const struct toml_key *k)
{
    for (size_t i = 0; i + 1 < k->n; i++) {
        struct toml_node *next = find(table, k->part[i].name);
        if (!next)
            next = add_table(p, table, k, i, p->part);
        else if (next->type == TOML_TABLE && next->made == BY_WAY)
            next->made = p->part;
        else if (next->type != TOML_TABLE || next->made != p->part) {
            (void)fail_key(p, k, i, "this key has a value, or a table, already");
            return NULL;
        }
        if (!next)
            return NULL;
        table = next;
    }
    return table;
}

static bool take_pair(struct parser *p, struct toml_node *table)
{
    struct toml_key k;
    if (!sl_toml_key(&p->c, &k))
        return false;
    if (!toml_take(&p->c, '='))
        return fail(p, "a key is followed by '='");
    sl_toml_skip_blanks(&p->c);
    table = way_of_key(p, table, &k);
    if (!table)
        return false;
    if (find(table, k.part[k.n - 1].name))
        return fail_key(p, &k, k.n - 1, "this key is there already");
    struct toml_node *node = new_node(p, TOML_BOOL, BY_VALUE);
    if (!node || !take_value(p, node))
        return false;
    node->key = k.part[k.n - 1].name;
    node->line = k.part[k.n - 1].line;
    node->col = k.part[k.n - 1].col;
    append(table, node);
    return true;
}

static bool take_inline_table(struct parser *p, struct toml_node *table)
{
    uint32_t outer = p->part;
    table->type = TOML_TABLE;
    table->first = NULL;
    table->made = BY_VALUE;
    p->part = ++p->parts;
    sl_toml_skip_blanks(&p->c);
    bool more = !toml_take(&p->c, '}');
    while (more) {
        if (!take_pair(p, table))
            return false;
        sl_toml_skip_blanks(&p->c);
        more = toml_take(&p->c, ',');
        if (!more && !toml_take(&p->c, '}'))
            return fail(p, "an inline table goes on with a comma, or ends with a brace");
    }
    p->part = outer;
    return true;
}

static bool take_scalar(struct parser *p, struct toml_node *node)
{
    struct wr *text = &p->c.text;
    struct span rest = {p->c.in.p + p->c.at, p->c.in.n - p->c.at};
    struct span token = {text->p + text->n, sl_toml_scalar_len(rest)};
    wr_span(text, (struct span){rest.p, token.n});
    if (token.n == 0)
        return fail(p, "a value is missing");
    if (!sl_toml_scalar(token, node))
        return fail(p, "not a value; strings stand in quotes");
    p->c.at += token.n;
    return true;
}

static bool take_value(struct parser *p, struct toml_node *node)
{
    bool good;
    if (p->depth == TOML_DEPTH_MAX)
        return sl_toml_fail(&p->c, E_FULL, "nested too deeply");
    p->depth++;
    if (toml_peek(&p->c) == '"' || toml_peek(&p->c) == '\'') {
        node->type = TOML_STRING;
        good = sl_toml_string(&p->c, true, &node->text);
    } else if (toml_take(&p->c, '[')) {
        good = take_array(p, node);
    } else if (toml_take(&p->c, '{')) {
        good = take_inline_table(p, node);
    } else {
        good = take_scalar(p, node);
    }
    p->depth--;
    return good;
}

/* NOLINTEND(misc-no-recursion) */

/* ---- headers --------------------------------------------------------------------------- */

/* The table that holds the last part of a header; through an array, its last table. */
static struct toml_node *way_of_header(struct parser *p, const struct toml_key *k)
{
    struct toml_node *table = p->doc->root;
    for (size_t i = 0; i + 1 < k->n; i++) {
        struct toml_node *next = find(table, k->part[i].name);
        if (!next)
            next = add_table(p, table, k, i, BY_WAY);
        else if (next->type == TOML_ARRAY && next->made == AS_LIST)
            next = next->last;
        else if (next->type != TOML_TABLE || next->made == BY_VALUE) {
            (void)fail_key(p, k, i, "this key has a value already");
            return NULL;
        }
        if (!next)
            return NULL;
        table = next;
    }
    return table;
}

static struct toml_node *open_table(struct parser *p, const struct toml_key *k)
{
    size_t last = k->n - 1;
    struct toml_node *in = way_of_header(p, k);
    if (!in)
        return NULL;
    struct toml_node *table = find(in, k->part[last].name);
    if (!table)
        return add_table(p, in, k, last, BY_HEADER);
    if (table->type != TOML_TABLE || table->made != BY_WAY) {
        (void)fail_key(p, k, last, "this table, or value, is there already");
        return NULL;
    }
    table->made = BY_HEADER;
    table->line = k->part[last].line;
    table->col = k->part[last].col;
    return table;
}

static struct toml_node *open_element(struct parser *p, const struct toml_key *k)
{
    size_t last = k->n - 1;
    struct toml_node *in = way_of_header(p, k);
    if (!in)
        return NULL;
    struct toml_node *array = find(in, k->part[last].name);
    if (!array) {
        array = add_table(p, in, k, last, AS_LIST);
        if (!array)
            return NULL;
        array->type = TOML_ARRAY;
    } else if (array->type != TOML_ARRAY || array->made != AS_LIST) {
        (void)fail_key(p, k, last, "this is no array of tables");
        return NULL;
    }
    struct toml_node *table = add_table(p, array, k, last, BY_HEADER);
    if (table)
        table->key = (struct span){0};
    return table;
}

static struct toml_node *take_header(struct parser *p)
{
    struct toml_key k;
    bool list = toml_sees(&p->c, "[[");
    p->c.at += list ? 2 : 1;
    if (!sl_toml_key(&p->c, &k))
        return NULL;
    if (!toml_take(&p->c, ']') || (list && !toml_take(&p->c, ']'))) {
        (void)fail(p, "a header ends with a bracket for each that it begins with");
        return NULL;
    }
    struct toml_node *table = list ? open_element(p, &k) : open_table(p, &k);
    p->part = ++p->parts;
    return table;
}

static void take_document(struct parser *p)
{
    struct toml_node *table = p->doc->root;
    while (!toml_at_end(&p->c) && table) {
        sl_toml_skip_blanks(&p->c);
        if (toml_peek(&p->c) == '[') {
            table = take_header(p);
            if (!table)
                return;
        } else if (!toml_at_end(&p->c) && toml_peek(&p->c) != '#' &&
                   toml_peek(&p->c) != '\n' && toml_peek(&p->c) != '\r' &&
                   !take_pair(p, table)) {
            return;
        }
        if (!sl_toml_end_line(&p->c))
            return;
    }
}

enum err sl_toml_parse(struct span in, struct toml **ret, struct toml_error *why)
{
    *why = (struct toml_error){1, 1, "no memory"};
    struct toml *doc = calloc(1, sizeof *doc);
    struct parser p = {.c = {.in = in, .line = 1, .col = 1, .why = why},
                       .doc = doc,
                       .parts = PARTS,
                       .part = PARTS};
    if (!doc)
        return E_MEMORY;
    if (in.n > TOML_INPUT_MAX) {
        (void)sl_toml_fail(&p.c, E_FULL, "a file larger than is read");
        goto fail;
    }
    /* No string or key is longer than what stands for it in the input. */
    doc->text = malloc(in.n + 1);
    p.c.text = wr_of(doc->text, in.n + 1);
    doc->root = doc->text ? new_node(&p, TOML_TABLE, BY_HEADER) : NULL;
    if (!doc->root)
        p.c.err = E_MEMORY;
    else if (sl_toml_check_utf8(&p.c))
        take_document(&p);
    if (p.c.err)
        goto fail;
    *ret = doc;
    return E_OK;

fail:
    sl_toml_free(doc);
    return p.c.err;
}

void sl_toml_free(struct toml *t)
{
    if (!t)
        return;
    while (t->chunks) {
        struct chunk *c = t->chunks;
        t->chunks = c->next;
        free(c);
    }
    free(t->text);
    free(t);
}

const struct toml_node *sl_toml_root(const struct toml *t)
{
    return t->root;
}

const struct toml_node *sl_toml_get(const struct toml_node *table, const char *key)
{
    return find(table, span_of(key));
}
