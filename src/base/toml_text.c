#include "base/toml_text.h"

#include "base/utf8.h"

uint32_t sl_toml_column(struct toml_cursor *c)
{
    if (c->counted < c->line_at) {
        c->counted = c->line_at;
        c->col = 1;
    }
    for (; c->counted < c->at; c->counted++)
        c->col += (c->in.p[c->counted] & 0xc0) != 0x80;
    return c->col;
}

bool sl_toml_fail(struct toml_cursor *c, enum err e, const char *what)
{
    if (!c->err) {
        c->err = e;
        *c->why = (struct toml_error){c->line, sl_toml_column(c), what};
    }
    return false;
}

static bool fail(struct toml_cursor *c, const char *what)
{
    return sl_toml_fail(c, E_MALFORMED, what);
}

bool sl_toml_check_utf8(struct toml_cursor *c)
{
    struct toml_cursor at = *c;
    while (!toml_at_end(&at)) {
        uint32_t cp;
        size_t n = sl_utf8_next((struct span){c->in.p + at.at, c->in.n - at.at}, &cp);
        if (n == 0) {
            *c = at;
            return fail(c, "not UTF-8");
        }
        at.at += n;
        if (cp == '\n') {
            at.line++;
            at.line_at = at.at;
        }
    }
    return true;
}

static bool take_newline(struct toml_cursor *c)
{
    if (toml_sees(c, "\r\n"))
        c->at += 2;
    else if (!toml_take(c, '\n'))
        return false;
    c->line++;
    c->line_at = c->at;
    return true;
}

void sl_toml_skip_blanks(struct toml_cursor *c)
{
    while (toml_take(c, ' ') || toml_take(c, '\t'))
        ;
}

/* Control octets stand nowhere, but for tabs and line ends. */
static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

static bool skip_comment(struct toml_cursor *c)
{
    if (!toml_take(c, '#'))
        return true;
    while (!toml_at_end(c) && !toml_sees(c, "\n") && !toml_sees(c, "\r\n")) {
        if (is_control(toml_peek(c)))
            return fail(c, "a control character in a comment");
        c->at++;
    }
    return true;
}

bool sl_toml_end_line(struct toml_cursor *c)
{
    sl_toml_skip_blanks(c);
    if (!skip_comment(c))
        return false;
    return toml_at_end(c) || take_newline(c) ||
           fail(c, "something that does not belong here");
}

bool sl_toml_skip_lines(struct toml_cursor *c)
{
    do {
        sl_toml_skip_blanks(c);
        if (!skip_comment(c))
            return false;
    } while (take_newline(c));
    return true;
}

static bool take_hex(struct toml_cursor *c, int digits)
{
    uint32_t cp = 0;
    for (int i = 0; i < digits; i++) {
        uint8_t d = toml_peek(c), low = d | 0x20;
        bool letter = low >= 'a' && low <= 'f';
        if (!letter && (d < '0' || d > '9'))
            return fail(c, "not a hexadecimal digit");
        cp = cp << 4 | (unsigned)(letter ? low - 'a' + 10 : d - '0');
        c->at++;
    }
    if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        return fail(c, "no such character");
    sl_utf8_write(&c->text, cp);
    return true;
}

static bool take_escape(struct toml_cursor *c)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    uint8_t e = toml_peek(c);
    const char *at = e ? strchr(from, e) : NULL;
    if (!at && e != 'u' && e != 'U')
        return fail(c, "no such escape");
    c->at++;
    if (!at)
        return take_hex(c, e == 'u' ? 4 : 8);
    wr_u8(&c->text, (uint8_t)to[at - from]);
    return true;
}

/* A backslash at the end of a line swallows it, and all blanks and lines that follow. */
static bool take_line_escape(struct toml_cursor *c)
{
    size_t at = c->at;
    sl_toml_skip_blanks(c);
    if (!take_newline(c)) {
        c->at = at;
        return false;
    }
    do
        sl_toml_skip_blanks(c);
    while (take_newline(c));
    return true;
}

/* One character of a string, or one escape; quote is what ends it. */
static bool take_char(struct toml_cursor *c, uint8_t quote, bool lines)
{
    size_t at = c->at;
    if (toml_at_end(c) || (!lines && (toml_peek(c) == '\n' || toml_peek(c) == '\r')))
        return fail(c, "a string without end");
    if (quote == '"' && toml_take(c, '\\'))
        return (lines && take_line_escape(c)) || take_escape(c);
    if (lines && take_newline(c)) {
        wr_u8(&c->text, '\n');
        return true;
    }
    if (is_control(toml_peek(c)))
        return fail(c, "a control character in a string");
    c->at++;
    wr_u8(&c->text, c->in.p[at]);
    return true;
}

static size_t count_quotes(const struct toml_cursor *c, uint8_t quote)
{
    size_t n = 0;
    while (c->at + n < c->in.n && c->in.p[c->at + n] == quote)
        n++;
    return n;
}

/* Up to two quotes may stand before the three that end it. */
static bool take_lines_string(struct toml_cursor *c, uint8_t quote)
{
    enum { END = 3, BEFORE = 2 };
    (void)take_newline(c);
    for (;;) {
        size_t n = count_quotes(c, quote);
        if (n > END + BEFORE)
            return fail(c, "too many quotes");
        c->at += n;
        for (size_t i = n >= END ? END : 0; i < n; i++)
            wr_u8(&c->text, quote);
        if (n >= END)
            return true;
        if (n == 0 && !take_char(c, quote, true))
            return false;
    }
}

bool sl_toml_string(struct toml_cursor *c, bool may_have_lines, struct span *ret)
{
    struct wr *text = &c->text;
    size_t from = text->n, quotes = count_quotes(c, toml_peek(c));
    uint8_t quote = toml_peek(c);
    bool good = true;
    if (quotes >= 3 && may_have_lines) {
        c->at += 3;
        good = take_lines_string(c, quote);
    } else {
        c->at++;
        while (good && !toml_take(c, (char)quote))
            good = take_char(c, quote, false);
    }
    *ret = (struct span){text->p + from, text->n - from};
    return good;
}

static bool is_bare(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           c == '_' || c == '-';
}

static bool take_key_part(struct toml_cursor *c, struct span *ret)
{
    if (toml_peek(c) == '"' || toml_peek(c) == '\'')
        return sl_toml_string(c, false, ret);
    struct wr *text = &c->text;
    size_t from = text->n;
    while (is_bare(toml_peek(c)))
        wr_u8(text, c->in.p[c->at++]);
    *ret = (struct span){text->p + from, text->n - from};
    return ret->n > 0 || fail(c, "a key is missing");
}

bool sl_toml_key(struct toml_cursor *c, struct toml_key *ret)
{
    ret->n = 0;
    do {
        sl_toml_skip_blanks(c);
        if (ret->n == TOML_DEPTH_MAX)
            return sl_toml_fail(c, E_FULL, "a key of too many parts");
        ret->part[ret->n].line = c->line;
        ret->part[ret->n].col = sl_toml_column(c);
        if (!take_key_part(c, &ret->part[ret->n].name))
            return false;
        ret->n++;
        sl_toml_skip_blanks(c);
    } while (toml_take(c, '.'));
    return true;
}
