#include "base/toml_scalar.h"

#include <math.h>
#include <stdlib.h>

#include "base/word.h"

enum { NUMBER_MAX = 200 };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static size_t plain_len(struct span in)
{
    size_t n = 0;
    while (n < in.n && in.p[n] > ' ' && in.p[n] != ',' && in.p[n] != ']' &&
           in.p[n] != '}' && in.p[n] != '#' && in.p[n] != '=')
        n++;
    return n;
}

/* A year and a dash: what a number never begins with. */
static bool is_dated(struct span s)
{
    return s.n > 4 && is_digit(s.p[0]) && is_digit(s.p[1]) && is_digit(s.p[2]) &&
           is_digit(s.p[3]) && s.p[4] == '-';
}

size_t sl_toml_scalar_len(struct span in)
{
    enum { DATE = 10 };
    size_t n = plain_len(in);
    /* A blank may stand between a date and its time. */
    if (n == DATE && is_dated(in) && in.n > n + 1 && in.p[n] == ' ' &&
        is_digit(in.p[n + 1]))
        n += 1 + plain_len((struct span){in.p + n + 1, in.n - n - 1});
    return n;
}

/* Reads two or four digits of a date. */
static bool take_digits(struct span *s, size_t n, unsigned *ret)
{
    uint64_t v;
    if (s->n < n || !word_number((struct span){s->p, n}, 9999, &v))
        return false;
    *ret = (unsigned)v;
    *s = (struct span){s->p + n, s->n - n};
    return true;
}

static bool take(struct span *s, const char *any)
{
    if (s->n == 0 || s->p[0] == '\0' || !strchr(any, s->p[0]))
        return false;
    *s = (struct span){s->p + 1, s->n - 1};
    return true;
}

static bool take_date(struct span *s)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned y, m, d;
    if (!take_digits(s, 4, &y) || !take(s, "-") || !take_digits(s, 2, &m) ||
        !take(s, "-") || !take_digits(s, 2, &d))
        return false;
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    return m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] && (m != 2 || d < 29 || leap);
}

static bool take_time(struct span *s)
{
    unsigned h, m, sec;
    if (!take_digits(s, 2, &h) || !take(s, ":") || !take_digits(s, 2, &m) ||
        !take(s, ":") || !take_digits(s, 2, &sec))
        return false;
    if (take(s, ".")) {
        if (!take(s, "0123456789"))
            return false;
        while (take(s, "0123456789"))
            ;
    }
    return h < 24 && m < 60 && sec <= 60; /* a leap second (RFC 3339 §5.6) */
}

static bool take_offset(struct span *s)
{
    unsigned h, m;
    if (take(s, "Zz"))
        return true;
    return take(s, "+-") && take_digits(s, 2, &h) && take(s, ":") &&
           take_digits(s, 2, &m) && h < 24 && m < 60;
}

static bool parse_date(struct span in, struct toml_node *ret)
{
    struct span s = in;
    ret->text = in;
    if (in.n > 2 && in.p[2] == ':') {
        ret->type = TOML_TIME_LOCAL;
        return take_time(&s) && s.n == 0;
    }
    ret->type = TOML_DATE_LOCAL;
    if (!take_date(&s))
        return false;
    if (s.n == 0)
        return true;
    ret->type = TOML_DATETIME_LOCAL;
    if (!take(&s, "Tt ") || !take_time(&s))
        return false;
    if (s.n > 0)
        ret->type = TOML_DATETIME;
    return s.n == 0 || (take_offset(&s) && s.n == 0);
}

/* Takes the underscores out, each of which must stand between two digits. */
static bool strip(struct span in, const char *digits, char out[NUMBER_MAX])
{
    size_t n = 0;
    if (in.n >= NUMBER_MAX)
        return false;
    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] != '_') {
            out[n++] = (char)in.p[i];
            continue;
        }
        if (i == 0 || i + 1 == in.n || !strchr(digits, in.p[i - 1]) ||
            in.p[i + 1] == '_' || !strchr(digits, in.p[i + 1]))
            return false;
    }
    out[n] = '\0';
    return true;
}

/* 0x, 0o and 0b take no sign. */
static bool parse_radix(struct span in, int radix, const char *digits,
                        struct toml_node *ret)
{
    char text[NUMBER_MAX];
    uint64_t v = 0;
    if (in.n == 0 || !strip(in, digits, text))
        return false;
    for (const char *c = text; *c; c++) {
        const char *at = strchr(digits, *c >= 'A' && *c <= 'F' ? *c + ('a' - 'A') : *c);
        if (!at || v > (uint64_t)INT64_MAX / (unsigned)radix)
            return false;
        v = v * (unsigned)radix + (uint64_t)(at - digits);
    }
    ret->type = TOML_INT;
    ret->i = (int64_t)v;
    return v <= INT64_MAX;
}

static const char *skip_digits(const char *c)
{
    while (is_digit((uint8_t)*c))
        c++;
    return c;
}

/* [sign] digits [. digits] [e [sign] digits], without zeros in front. */
static bool parse_decimal(struct span in, struct toml_node *ret)
{
    char text[NUMBER_MAX], *end;
    if (!strip(in, "0123456789", text))
        return false;
    const char *c = text + (*text == '+' || *text == '-'), *from = c;
    c = skip_digits(c);
    if (c == from || (*from == '0' && c > from + 1))
        return false;
    if (*c == '\0') {
        uint64_t v, max = (uint64_t)INT64_MAX + (*text == '-');
        if (!word_number(span_of(from), max, &v))
            return false;
        ret->type = TOML_INT;
        ret->i = (int64_t)(*text == '-' ? 0 - v : v);
        return true;
    }
    if (*c == '.') {
        from = ++c;
        c = skip_digits(c);
        if (c == from)
            return false;
    }
    if (*c == 'e' || *c == 'E') {
        c += c[1] == '+' || c[1] == '-' ? 2 : 1;
        from = c;
        c = skip_digits(c);
        if (c == from)
            return false;
    }
    ret->type = TOML_FLOAT;
    ret->f = strtod(text, &end);
    return *c == '\0';
}

bool sl_toml_scalar(struct span in, struct toml_node *ret)
{
    static const struct {
        const char *word;
        double f;
    } specials[] = {{"inf", INFINITY}, {"+inf", INFINITY}, {"-inf", -INFINITY},
                    {"nan", NAN},      {"+nan", NAN},      {"-nan", -NAN}};
    if (span_is(in, "true") || span_is(in, "false")) {
        ret->type = TOML_BOOL;
        ret->b = in.n == strlen("true");
        return true;
    }
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (span_is(in, specials[i].word)) {
            ret->type = TOML_FLOAT;
            ret->f = specials[i].f;
            return true;
        }
    if (in.n == 0 || memchr(in.p, '\0', in.n))
        return false;
    struct span digits = in.n > 2 ? (struct span){in.p + 2, in.n - 2} : (struct span){0};
    if (word_starts(in, "0x"))
        return parse_radix(digits, 16, "0123456789abcdefABCDEF", ret);
    if (word_starts(in, "0o"))
        return parse_radix(digits, 8, "01234567", ret);
    if (word_starts(in, "0b"))
        return parse_radix(digits, 2, "01", ret);
    if (is_dated(in) || (in.n > 2 && in.p[2] == ':'))
        return parse_date(in, ret);
    return parse_decimal(in, ret);
}
