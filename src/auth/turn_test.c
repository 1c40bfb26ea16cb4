#include "auth/turn.h"

#include <string.h>

#include "check.h"

static const struct {
    const char *name, *secret, *who;
    int64_t now, lifetime;
    enum err want;
    const char *username, *password;
} rows[] = {
    {"an hour", "north", "4a", 1700000000, 3600, E_OK, "1700003600:4a",
     "Vl44ZOFx6fPMvRJw7gmPG0mW/zc="},
    {"a week", "north", "4a", 1700000000, 604800, E_OK, "1700604800:4a", NULL},
    {"more", "north", "4a", 1700000000, 604801, E_MALFORMED, NULL, NULL},
    {"no time", "north", "4a", 1700000000, 0, E_MALFORMED, NULL, NULL},
    {"time that was", "north", "4a", 1700000000, -1, E_MALFORMED, NULL, NULL},
    {"no secret", "", "4a", 1700000000, 3600, E_MALFORMED, NULL, NULL},
    {"nobody", "north", "", 1700000000, 3600, E_MALFORMED, NULL, NULL},
    {"a long name", "north", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1700000000,
     3600, E_MALFORMED, NULL, NULL},
};

TEST(turn_credentials_are_what_the_server_expects)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct turn_credentials c = {0};
        check_row(rows[i].name);
        CHECK_INT(sl_turn_credentials(span_of(rows[i].secret), span_of(rows[i].who),
                                      rows[i].now, rows[i].lifetime, &c),
                  rows[i].want);
        if (rows[i].username)
            CHECK(strcmp(c.username, rows[i].username) == 0);
        if (rows[i].password && strcmp(c.password, rows[i].password) != 0)
            check_fail(__FILE__, __LINE__, "password %s", c.password);
    }
}
