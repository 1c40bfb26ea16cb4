#include "base/utf8.h"

size_t sl_utf8_next(struct span in, uint32_t *ret)
{
    /* By the number of octets: the least code point that needs them. */
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (in.n == 0)
        return 0;
    uint8_t first = in.p[0];
    size_t n = first < 0x80             ? 1
               : (first & 0xe0) == 0xc0 ? 2
               : (first & 0xf0) == 0xe0 ? 3
               : (first & 0xf8) == 0xf0 ? 4
                                        : 0;
    if (n == 0 || n > in.n)
        return 0;
    uint32_t cp = n == 1 ? first : first & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((in.p[i] & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (in.p[i] & 0x3fU);
    }
    if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        return 0;
    *ret = cp;
    return n;
}

bool sl_utf8_valid(struct span in)
{
    uint32_t cp;
    while (in.n > 0) {
        size_t n = sl_utf8_next(in, &cp);
        if (n == 0)
            return false;
        in = (struct span){in.p + n, in.n - n};
    }
    return true;
}

void sl_utf8_write(struct wr *w, uint32_t cp)
{
    if (cp < 0x80) {
        wr_u8(w, cp);
        return;
    }
    if (cp < 0x800) {
        wr_u8(w, 0xc0 | cp >> 6);
    } else {
        if (cp < 0x10000) {
            wr_u8(w, 0xe0 | cp >> 12);
        } else {
            wr_u8(w, 0xf0 | cp >> 18);
            wr_u8(w, 0x80 | (cp >> 12 & 0x3f));
        }
        wr_u8(w, 0x80 | (cp >> 6 & 0x3f));
    }
    wr_u8(w, 0x80 | (cp & 0x3f));
}
