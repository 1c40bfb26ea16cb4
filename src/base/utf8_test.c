#include "base/utf8.h"

#include "check.h"

TEST(utf8_next)
{
    static const struct {
        const char *name, *hex;
        size_t n;
        uint32_t cp;
    } rows[] = {
        {"ASCII", "41 42", 1, 0x41},
        {"NUL", "00", 1, 0},
        {"the least of two octets", "c2 80", 2, 0x80},
        {"the last of two octets", "df bf", 2, 0x7ff},
        {"the least of three octets", "e0 a0 80", 3, 0x800},
        {"the last before the surrogates", "ed 9f bf", 3, 0xd7ff},
        {"the first after them", "ee 80 80", 3, 0xe000},
        {"the least of four octets", "f0 90 80 80", 4, 0x10000},
        {"the last of all", "f4 8f bf bf", 4, 0x10ffff},
        {"a surrogate", "ed a0 80", 0, 0},
        {"beyond the last", "f4 90 80 80", 0, 0},
        {"overlong slash", "c0 af", 0, 0},
        {"overlong in three", "e0 9f bf", 0, 0},
        {"overlong in four", "f0 8f bf bf", 0, 0},
        {"a lone continuation", "80", 0, 0},
        {"cut off", "e2 82", 0, 0},
        {"no continuation", "e2 82 41", 0, 0},
        {"an octet that never is", "ff", 0, 0},
        {"nothing", "", 0, 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint32_t cp = 0;
        struct span in = check_hex(rows[i].hex);
        check_row(rows[i].name);
        CHECK_INT(sl_utf8_next(in, &cp), rows[i].n);
        CHECK_INT(cp, rows[i].cp);
        if (rows[i].n == 0)
            continue;
        uint8_t buf[4];
        struct wr w = wr_of(buf, sizeof buf);
        sl_utf8_write(&w, cp);
        CHECK(span_eq(wr_done(&w), (struct span){in.p, rows[i].n}));
    }
}

TEST(utf8_valid)
{
    CHECK(sl_utf8_valid(span_of("")));
    CHECK(sl_utf8_valid(span_of("a\xc3\xa4\xe2\x82\xac")));
    CHECK(!sl_utf8_valid(span_of("a\xc3")));
    CHECK(!sl_utf8_valid(span_of("\xa4")));
}
