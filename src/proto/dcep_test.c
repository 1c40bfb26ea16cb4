#include "proto/dcep.h"

#include "check.h"

static const struct {
    const char *name, *hex;
    enum err want;
    struct dcep_open open;
    const char *label, *protocol;
} rows[] = {
    {"an acknowledgement", "02", E_OK, {0}, "", ""},
    {"reliable and ordered, as browsers open it",
     "03 00 0100 00000000 0004 0000 63686174",
     E_OK,
     {.priority = 256},
     "chat",
     ""},
    {"a label and a protocol",
     "03 00 0000 00000000 0001 0002 61 6263",
     E_OK,
     {0},
     "a",
     "bc"},
    {"no resends, unordered",
     "03 81 0000 00000000 0000 0000",
     E_OK,
     {.unordered = true, .reliability = DCEP_RESENDS},
     "",
     ""},
    {"for 300 ms",
     "03 02 0000 0000012c 0000 0000",
     E_OK,
     {.reliability = DCEP_LIFETIME, .limit = 300},
     "",
     ""},
    {"a limit of what has none", "03 00 0000 00000007 0000 0000", E_OK, {0}, "", ""},
    {"nothing", "", E_SHORT, {0}, "", ""},
    {"half a header", "03 00 0100 0000", E_SHORT, {0}, "", ""},
    {"a label of 4, 3 there",
     "03 00 0100 00000000 0004 0000 636861",
     E_SHORT,
     {0},
     "",
     ""},
    {"a protocol of 65535", "03 00 0100 00000000 0000 ffff 63", E_SHORT, {0}, "", ""},
    {"an acknowledgement and more", "02 00", E_MALFORMED, {0}, "", ""},
    {"more behind", "03 00 0000 00000000 0000 0000 00", E_MALFORMED, {0}, "", ""},
    {"a third kind of reliability",
     "03 03 0000 00000000 0000 0000",
     E_UNSUPPORTED,
     {0},
     "",
     ""},
    {"another message", "01", E_UNSUPPORTED, {0}, "", ""},
};

TEST(dcep_parse)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct dcep m = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_dcep_parse(check_hex(rows[i].hex), &m), rows[i].want);
        CHECK_INT(m.open.unordered, rows[i].open.unordered);
        CHECK_INT(m.open.reliability, rows[i].open.reliability);
        CHECK_INT(m.open.limit, rows[i].open.limit);
        CHECK_INT(m.open.priority, rows[i].open.priority);
        CHECK(span_is(dcep_span(&m.open.label), rows[i].label));
        CHECK(span_is(dcep_span(&m.open.protocol), rows[i].protocol));
    }
}

TEST(dcep_write)
{
    uint8_t buf[DCEP_OPEN_MAX];
    for (size_t i = 0; i < LEN(rows); i++) {
        struct dcep m, again;
        check_row(rows[i].name);
        if (rows[i].want || sl_dcep_parse(check_hex(rows[i].hex), &m) != E_OK)
            continue;
        struct wr w = wr_of(buf, sizeof buf);
        sl_dcep_write(&w, &m);
        CHECK(!w.bad);
        CHECK_INT(sl_dcep_parse(wr_done(&w), &again), E_OK);
        CHECK(memcmp(&m, &again, sizeof m) == 0);
    }
}

TEST(dcep_longest)
{
    uint8_t buf[DCEP_OPEN_MAX + 1];
    static const uint8_t text[DCEP_TEXT_MAX + 1];
    struct dcep m = {.type = DCEP_OPEN}, ret;
    CHECK(sl_dcep_text(&m.open.label, (struct span){text, DCEP_TEXT_MAX}));
    CHECK(sl_dcep_text(&m.open.protocol, (struct span){text, DCEP_TEXT_MAX}));
    CHECK(!sl_dcep_text(&m.open.protocol, (struct span){text, DCEP_TEXT_MAX + 1}));
    struct wr w = wr_of(buf, sizeof buf);
    sl_dcep_write(&w, &m);
    CHECK_INT(w.n, DCEP_OPEN_MAX);
    CHECK_INT(sl_dcep_parse(wr_done(&w), &ret), E_OK);
    buf[8] = 1, buf[9] = 0; /* a label of 256, and a protocol of 254 */
    buf[11] = DCEP_TEXT_MAX - 1;
    CHECK_INT(sl_dcep_parse(wr_done(&w), &ret), E_FULL);
}
