#include "base/zip.h"

#include <stdlib.h>

#include "check.h"

static const struct {
    const char *name, *hex;
    size_t room;
    enum err err;
    const char *want;
} rows[] = {
    /* of Python's zlib.compress */
    {"a text", "789ccb48cdc9c95748c92cce50c8482d4a05002d5705a1", 64, E_OK,
     "hello dish here"},
    {"nothing", "789c030000000001", 64, E_OK, ""},
    {"nothing, where there is no room", "789c030000000001", 0, E_OK, ""},
    {"more behind it", "789c030000000001ffff", 64, E_OK, ""},
    {"of exactly that length", "789c4b4c4a060002 4d0127", 3, E_OK, "abc"},
    {"longer than there is room", "789c4b4c4a060002 4d0127", 2, E_FULL, ""},
    {"it ends in its checksum", "789c4b4c4a060002 4d01", 64, E_SHORT, ""},
    {"it ends in its head", "78", 64, E_SHORT, ""},
    {"no octet", "", 64, E_SHORT, ""},
    {"another checksum", "789c4b4c4a060002 4d0128", 64, E_MALFORMED, ""},
    {"no such block", "789cffffffff", 64, E_MALFORMED, ""},
    {"another format", "1f8b0800000000000003", 64, E_MALFORMED, ""},
    {"a text as it is", "7b2274797065223a7d", 64, E_MALFORMED, ""},
};

TEST(zip_reads)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        uint8_t buf[65] = "!";
        struct wr w = wr_of(buf, rows[i].room + 1);
        check_row(rows[i].name);
        wr_str(&w, "!");
        CHECK_INT(sl_unzip(&w, check_hex(rows[i].hex)), rows[i].err);
        CHECK_INT(w.n, 1 + strlen(rows[i].want));
        CHECK(memcmp(buf + 1, rows[i].want, strlen(rows[i].want)) == 0);
    }
}

TEST(zip_writes_what_it_reads)
{
    static uint8_t zeros[1 << 20], zipped[4096], again[1 << 20];
    struct span in = {zeros, sizeof zeros};
    struct wr w = wr_of(zipped, sizeof zipped), small = wr_of(zipped, 100);
    struct wr back = wr_of(again, sizeof again), less = wr_of(again, sizeof again - 1);
    CHECK_INT(sl_zip(&small, in), E_FULL);
    CHECK_INT(small.n, 0);
    CHECK_INT(sl_zip(&w, in), E_OK);
    CHECK(w.n > 100);
    CHECK_INT(sl_unzip(&back, wr_done(&w)), E_OK);
    CHECK(span_eq(wr_done(&back), in));
    CHECK_INT(sl_unzip(&less, wr_done(&w)), E_FULL); /* a thousand times its own length */
}
