#include "room/claims.h"

#include "check.h"

TEST(names)
{
    static const struct {
        const char *name;
        bool want;
    } rows[] = {
        {"standup", true},
        {"Team-7_a.b~c", true},
        {"0123456789012345678901234567890123456789012345678901234567890123", true},
        {"01234567890123456789012345678901234567890123456789012345678901234", false},
        {"", false},
        {".", false},
        {"..", false},
        {".hidden", false},
        {"a/b", false},
        {"a%2Fb", false},
        {"a b", false},
        {"m\xc3\xbcller", false},
        {"a*", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(sl_name_valid(span_of(rows[i].name)), rows[i].want);
    }
    CHECK(!sl_name_valid((struct span){(const uint8_t *)"a\0b", 3}));
}

TEST(patterns)
{
    static const struct {
        const char *pattern;
        bool want;
    } rows[] = {
        {"standup", true},
        {"team-*", true},
        {"*", true},
        {"", false},
        {"a*b", false},
        {"team-**", false},
        {"a/*", false},
        {".*", false},
        {"0123456789012345678901234567890123456789012345678901234567890123*", true},
        {"01234567890123456789012345678901234567890123456789012345678901234*", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].pattern);
        CHECK_INT(sl_claims_pattern_valid(span_of(rows[i].pattern)), rows[i].want);
    }
}

TEST(permit)
{
    static const struct {
        const char *name;
        const char *rooms;
        unsigned may;
        enum may what;
        const char *room;
        bool want;
    } rows[] = {
        {"publisher publishes", "a", MAY_PUBLISH, MAY_PUBLISH, "a", true},
        {"publisher does not watch", "a", MAY_PUBLISH, MAY_WATCH, "a", false},
        {"viewer does not publish", "a", MAY_WATCH, MAY_PUBLISH, "a", false},
        {"both may be given", "a", MAY_PUBLISH | MAY_WATCH, MAY_WATCH, "a", true},
        {"admin may all", "a", MAY_ADMIN, MAY_PUBLISH, "a", true},
        {"nobody else is admin", "a", MAY_PUBLISH | MAY_WATCH, MAY_ADMIN, "a", false},
        {"another room", "a", MAY_WATCH, MAY_WATCH, "b", false},
        {"a name is not a beginning", "a", MAY_WATCH, MAY_WATCH, "ab", false},
        {"a beginning", "a*", MAY_WATCH, MAY_WATCH, "ab", true},
        {"a beginning is all of it", "ab*", MAY_WATCH, MAY_WATCH, "ab", true},
        {"shorter than the beginning", "abc*", MAY_WATCH, MAY_WATCH, "ab", false},
        {"any room", "*", MAY_WATCH, MAY_WATCH, "x", true},
        {"any room is a valid one", "*", MAY_WATCH, MAY_WATCH, "x/y", false},
        {"no room at all", "", MAY_WATCH, MAY_WATCH, "x", false},
        {"no permission", "*", 0, MAY_WATCH, "x", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct claims c = {.may = rows[i].may};
        memcpy(c.rooms, rows[i].rooms, strlen(rows[i].rooms));
        check_row(rows[i].name);
        CHECK_INT(sl_claims_permit(&c, rows[i].what, span_of(rows[i].room)),
                  rows[i].want);
    }
}
