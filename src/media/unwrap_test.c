#include "media/unwrap.h"

#include "check.h"

static const struct {
    const char *name;
    uint64_t near;
    uint16_t seq;
    uint64_t want;
} rows[] = {
    {"the next", 0x20005, 6, 0x20006},
    {"itself", 0x20005, 5, 0x20005},
    {"one before", 0x20005, 4, 0x20004},
    {"over the end", 0x2fffe, 1, 0x30001},
    {"back over the beginning", 0x30001, 0xfffe, 0x2fffe},
    {"furthest ahead", 0x20000, 0x7fff, 0x27fff},
    {"further is behind", 0x20000, 0x8000, 0x18000},
    {"before the first of a stream", SEQ_FIRST, 0xffff, 0xffff},
};

TEST(unwrap_seq)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(unwrap_seq(rows[i].near, rows[i].seq), rows[i].want);
    }
}

TEST(unwrap_ts)
{
    CHECK_INT(unwrap_ts(0x1fffffff0, 0x10), 0x200000010);
    CHECK_INT(unwrap_ts(0x200000010, 0xfffffff0), 0x1fffffff0);
    CHECK_INT(unwrap_ts(0x200000010, 0x80000000), 0x280000000);
}
