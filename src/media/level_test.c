#include "media/level.h"

#include "check.h"

static const struct {
    const char *name;
    const char *hex;
    enum err want;
    unsigned below;
    bool voice;
} rows[] = {
    {"loudest", "00", E_OK, 0, false},
    {"loudest, voice", "80", E_OK, 0, true},
    {"silence", "7f", E_OK, LEVEL_SILENCE, false},
    {"voice at -30 dBov", "9e", E_OK, 30, true},
    {"two-byte form with padding", "9e 00", E_OK, 30, true},
    {"empty", "", E_SHORT, 0, false},
};

TEST(level_read)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct level l = {0};
        check_row(rows[i].name);
        CHECK_INT(level_read(check_hex(rows[i].hex), &l), rows[i].want);
        CHECK_INT(l.below_dbov, rows[i].below);
        CHECK_INT(l.voice, rows[i].voice);
    }
}
