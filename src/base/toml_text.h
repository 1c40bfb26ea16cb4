#pragma once

/*
 * The text of a TOML file: characters, lines, strings and keys. For toml alone.
 *
 * A cursor walks over the input and never past its end. What it reads of strings and keys is
 * written, without quotes and escapes, to a buffer that the caller made as long as the input.
 * After a failure the cursor says where and why; then nothing it says counts any more.
 */

#include "base/toml.h"

struct toml_cursor {
    struct span in;
    size_t at;
    size_t line_at; /* where the line began */
    uint32_t line;
    uint32_t col;   /* of the octet at `counted` */
    size_t counted; /* so that a long line is not counted again for each of its values */
    enum err err;
    struct toml_error *why;
    struct wr text;
};

struct toml_key {
    size_t n;
    struct toml_part {
        struct span name;
        uint32_t line, col;
    } part[TOML_DEPTH_MAX];
};

/* NUL at the end, where it is as good as any octet that is not allowed. */
static inline uint8_t toml_peek(const struct toml_cursor *c)
{
    return c->at < c->in.n ? c->in.p[c->at] : 0;
}

static inline bool toml_at_end(const struct toml_cursor *c)
{
    return c->at == c->in.n;
}

static inline bool toml_sees(const struct toml_cursor *c, const char *text)
{
    size_t n = strlen(text);
    return c->in.n - c->at >= n && memcmp(c->in.p + c->at, text, n) == 0;
}

static inline bool toml_take(struct toml_cursor *c, char octet)
{
    bool there = !toml_at_end(c) && toml_peek(c) == (uint8_t)octet;
    c->at += there;
    return there;
}

uint32_t sl_toml_column(struct toml_cursor *c);

/* The first reason is the one that counts. Always false, as are those that failed below. */
bool sl_toml_fail(struct toml_cursor *c, enum err e, const char *what);

/* Fails where the input stops to be UTF-8. */
bool sl_toml_check_utf8(struct toml_cursor *c);

void sl_toml_skip_blanks(struct toml_cursor *c);

/* Takes the rest of a line, where only blanks and a comment may stand. */
bool sl_toml_end_line(struct toml_cursor *c);

/* Takes blanks, comments and line ends, as arrays may have them between elements. */
bool sl_toml_skip_lines(struct toml_cursor *c);

/* A string, of which the quote was seen. */
bool sl_toml_string(struct toml_cursor *c, bool may_have_lines, struct span *ret);

/* A key of one or more parts, and the blanks around it. */
bool sl_toml_key(struct toml_cursor *c, struct toml_key *ret);
