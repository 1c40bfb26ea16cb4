#include "media/ddwrite.h"

#include "check.h"

/* A key frame with the structure of one size and three rates, templates 8 to 12: L1T3 of
 * dd_test. */
static const uint8_t structure[] = {0x88, 0x00, 0x06, 0x81, 0x02, 0x14, 0xea,
                                    0xa8, 0x60, 0x41, 0x4d, 0x14, 0x10, 0x91,
                                    0x04, 0x21, 0x38, 0x27, 0xf8, 0x16, 0x78};

static const struct {
    const char *name;
    const char *in;
    uint32_t active;
    const char *want;
} rows[] = {
    {"a plain frame gets longer", "c8 0007", 1, "c8 0007 41"},
    {"targets stand the highest first", "c8 0007", 6, "c8 0007 46"},
    {"what was said is replaced", "c8 0007 47", 3, "c8 0007 43"},
    {"indications of its own move up", "c8 0007 27 e0", 3, "c8 0007 63 fc 00"},
    {"indications of its own stay", "c8 0007 67 fc 00", 1, "c8 0007 61 fc 00"},
};

TEST(ddwrite_tells_active_targets)
{
    struct dd dd = {0};
    struct dd_frame f;
    CHECK_INT(sl_dd_read(&dd, (struct span){structure, sizeof structure}, &f), E_OK);
    CHECK(f.key && dd.targets_n == 3 && dd.templates_n == 5);
    CHECK_INT(dd.active, 7);
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t got[DD_OCTETS_MAX];
        struct span in = check_hex(rows[i].in);
        check_row(rows[i].name);
        CHECK_INT(sl_dd_read(&dd, in, &f), E_OK);
        CHECK(dd_tellable(&f.place));
        size_t n = sl_dd_write(in, &f.place, rows[i].active, got);
        CHECK(span_eq((struct span){got, n}, check_hex(rows[i].want)));
    }
}

/* The structure is the same when it is read again. */
TEST(ddwrite_keeps_a_structure)
{
    struct dd a = {0}, b = {0};
    struct dd_frame f, g;
    uint8_t got[DD_OCTETS_MAX];
    CHECK_INT(sl_dd_read(&a, (struct span){structure, sizeof structure}, &f), E_OK);
    size_t n = sl_dd_write((struct span){structure, sizeof structure}, &f.place, 1, got);
    CHECK_INT(n, sizeof structure + 1); /* 3 bits more than 165 */
    CHECK_INT(sl_dd_read(&b, (struct span){got, n}, &g), E_OK);
    CHECK(g.key && g.place.said && b.active == 1);
    b.active = a.active;
    CHECK(memcmp(&a, &b, sizeof a) == 0);
}

TEST(ddwrite_has_no_room)
{
    uint8_t in[DD_OCTETS_MAX] = {0x40, 0, 1, 0x80}, got[DD_OCTETS_MAX];
    struct dd_place at = {.at = 200, .targets_n = 3};
    CHECK_INT(sl_dd_write((struct span){in, sizeof in}, &at, 1, got), 0);
    at.said = true;
    CHECK_INT(sl_dd_write((struct span){in, sizeof in}, &at, 1, got), sizeof in);
}
