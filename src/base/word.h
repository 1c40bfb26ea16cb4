#pragma once

/*
 * Views of text: what parsers of words, numbers and lists need beyond struct span.
 */

#include <stdbool.h>
#include <stdint.h>
#include <strings.h>

#include "base/span.h"

/* Takes what stands before the first sep, and leaves in rest what stands behind it: nothing
 * when there is no sep. */
static inline struct span word_cut(struct span *rest, char sep)
{
    struct span from = *rest;
    const uint8_t *at = from.n > 0 ? memchr(from.p, sep, from.n) : NULL;
    if (!at) {
        *rest = (struct span){0};
        return from;
    }
    size_t n = (size_t)(at - from.p);
    *rest = (struct span){at + 1, from.n - n - 1};
    return (struct span){from.p, n};
}

/* Without the blanks at both ends. */
static inline struct span word_trim(struct span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* The next word of a list with blanks between, however many; empty at its end. */
static inline struct span word_next(struct span *rest)
{
    *rest = word_trim(*rest);
    return word_cut(rest, ' ');
}

static inline bool word_starts(struct span s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* Equal but for the case of ASCII letters. */
static inline bool word_same(struct span s, const char *word)
{
    return s.n == strlen(word) &&
           (s.n == 0 || strncasecmp((const char *)s.p, word, s.n) == 0);
}

/* Decimal digits and nothing else, at most max. Leaves *ret alone otherwise. */
static inline bool word_number(struct span s, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = s.p[i] - (unsigned)'0';
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
        if (v > max)
            return false;
    }
    if (s.n > 0)
        *ret = v;
    return s.n > 0;
}
