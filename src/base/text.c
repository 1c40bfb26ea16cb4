#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void sl_hex_write(struct wr *w, struct span octets)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *to = wr_take(w, HEX_LEN(octets.n));
    for (size_t i = 0; to && i < octets.n; i++) {
        *to++ = (uint8_t)digits[octets.p[i] >> 4];
        *to++ = (uint8_t)digits[octets.p[i] & 0xf];
    }
}

static void encode(uint8_t *to, struct span in, const char *alphabet)
{
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < in.n; i++) {
        bits = bits << 8 | in.p[i];
        for (held += 8; held >= 6; held -= 6)
            *to++ = (uint8_t)alphabet[bits >> (held - 6) & 0x3f];
    }
    if (held > 0)
        *to = (uint8_t)alphabet[bits << (6 - held) & 0x3f];
}

void sl_base64_write(struct wr *w, struct span octets)
{
    uint8_t *to = wr_take(w, BASE64_LEN(octets.n));
    if (!to)
        return;
    encode(to, octets, base64);
    memset(to + BASE64URL_LEN(octets.n), '=',
           BASE64_LEN(octets.n) - BASE64URL_LEN(octets.n));
}

void sl_base64url_write(struct wr *w, struct span octets)
{
    uint8_t *to = wr_take(w, BASE64URL_LEN(octets.n));
    if (to)
        encode(to, octets, base64url);
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Room for n octets more, which are not taken yet. */
static uint8_t *room(const struct wr *w, size_t n)
{
    return w->bad || n > w->cap - w->n ? NULL : w->p + w->n;
}

enum err sl_hex_read(struct span text, struct wr *w)
{
    if (text.n % 2)
        return E_MALFORMED;
    uint8_t *to = room(w, text.n / 2);
    if (!to)
        return E_FULL;
    for (size_t i = 0; i < text.n; i += 2) {
        int hi = nibble(text.p[i]), lo = nibble(text.p[i + 1]);
        if (hi < 0 || lo < 0)
            return E_MALFORMED;
        to[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    w->n += text.n / 2;
    return E_OK;
}

static int value(uint8_t c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (uint8_t)alphabet[62])
        return 62;
    return c == (uint8_t)alphabet[63] ? 63 : -1;
}

/* text has no padding any more. */
static enum err decode(struct span text, const char *alphabet, struct wr *w)
{
    if (text.n % 4 == 1)
        return E_MALFORMED;
    size_t n = text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0);
    uint8_t *to = room(w, n);
    if (!to)
        return E_FULL;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < text.n; i++) {
        int v = value(text.p[i], alphabet);
        if (v < 0)
            return E_MALFORMED;
        bits = bits << 6 | (uint32_t)v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *to++ = (uint8_t)(bits >> held);
        }
    }
    if (bits & ((1u << held) - 1))
        return E_MALFORMED;
    w->n += n;
    return E_OK;
}

enum err sl_base64_read(struct span text, struct wr *w)
{
    if (text.n % 4)
        return E_MALFORMED;
    for (int i = 0; i < 2 && text.n > 0 && text.p[text.n - 1] == '='; i++)
        text.n--;
    return decode(text, base64, w);
}

enum err sl_base64url_read(struct span text, struct wr *w)
{
    return decode(text, base64url, w);
}

void sl_json_write(struct wr *w, struct span text)
{
    static const char hex[] = "0123456789abcdef";
    wr_u8(w, '"');
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c >= 0x20 && c < 0x7f) {
            if (c == '"' || c == '\\')
                wr_u8(w, '\\');
            wr_u8(w, c);
            continue;
        }
        wr_str(w, "\\u00");
        wr_u8(w, (uint8_t)hex[c >> 4]);
        wr_u8(w, (uint8_t)hex[c & 15]);
    }
    wr_u8(w, '"');
}

void sl_text_put(struct wr *w, const char *fmt, ...)
{
    size_t space = w->bad ? 0 : w->cap - w->n;
    va_list args;
    va_start(args, fmt);
    int n = space > 0 ? vsnprintf((char *)w->p + w->n, space, fmt, args) : -1;
    va_end(args);
    if (n < 0 || (size_t)n >= space) /* its NUL has to fit, too */
        w->bad = true;
    else
        w->n += (size_t)n;
}
