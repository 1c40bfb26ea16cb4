#include "auth/password.h"

#include "check.h"

static const char key[] = "0123456789abcdef0123456789abcdef";

/* Hashes by golang.org/x/crypto/bcrypt, as rtcd has them in its store, at a lower cost; but for
 * the first ones, which are Solar Designer's. */
static const struct {
    const char *name, *key, *hash;
    enum err want;
} rows[] = {
    {"a vector", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
     E_OK},
    {"another key", "U*V", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
     E_AUTH},
    {"no key", "", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
     E_AUTH},
    {"as plugins make them", "Ey4-H_BJA00_TVByPi8DozE12ekN3S7L",
     "$2a$04$fUpDdoZV.qYBQkVUkQNlfupm5bYYZKlOG86L1kcBWUKEd9cJCiDVC", E_OK},
    {"beyond ASCII", "p\xc3\xa4ssw\xc3\xb6rd",
     "$2a$04$DfVzv8fY9dxpT7bYrgA5teR9ImxEEXQ2N7DufejucwIcn2ybJO0dK", E_OK},
    {"72 octets",
     "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
     "$2a$04$nXYUUOyvL5wW.a6d0i//OuyRqa/tPeTrnpPMHTacL29F85tr2t./6", E_OK},
    {"73, of which 72 are right",
     "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789x",
     "$2a$04$nXYUUOyvL5wW.a6d0i//OuyRqa/tPeTrnpPMHTacL29F85tr2t./6", E_AUTH},
    {"no hash", key, "", E_MALFORMED},
    {"of another kind", key,
     "$6$abcdefgh$CCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", E_MALFORMED},
    {"a cost of a day", key,
     "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", E_MALFORMED},
    {"a character that is none", key,
     "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO:W", E_MALFORMED},
};

TEST(password_check)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].name);
        CHECK_INT(sl_password_check(span_of(rows[i].key), span_of(rows[i].hash)),
                  rows[i].want);
    }
}

TEST(password_hash)
{
    char a[PASSWORD_HASH_CAP] = "", b[PASSWORD_HASH_CAP] = "";
    CHECK_INT(sl_password_hash(span_of(key), a), E_OK);
    CHECK_INT(sl_password_hash(span_of(key), b), E_OK);
    CHECK(strncmp(a, "$2a$10$", 7) == 0 && sl_password_is_hash(span_of(a)));
    CHECK(strcmp(a, b) != 0); /* each has a salt of its own */
    CHECK_INT(sl_password_check(span_of(key), span_of(a)), E_OK);
    CHECK_INT(sl_password_check(span_of("0123456789abcdef0123456789abcdeg"), span_of(a)),
              E_AUTH);

    char longer[PASSWORD_MAX + 1];
    memset(longer, 'x', sizeof longer);
    CHECK_INT(sl_password_hash((struct span){(uint8_t *)longer, PASSWORD_MAX}, a), E_OK);
    CHECK_INT(sl_password_hash((struct span){(uint8_t *)longer, PASSWORD_MAX + 1}, a),
              E_FULL);
    CHECK_INT(sl_password_hash((struct span){(const uint8_t *)"a\0b", 3}, a),
              E_MALFORMED);
}

TEST(password_kept_as_it_is)
{
    char copy[sizeof key];
    memcpy(copy, key, sizeof key);
    CHECK(sl_password_same(span_of(key), span_of(copy)));
    CHECK(!sl_password_same(span_of(key), (struct span){(uint8_t *)copy, 31}));
    copy[31] ^= 1;
    CHECK(!sl_password_same(span_of(key), span_of(copy)));
    sl_password_wipe(copy, sizeof copy);
    CHECK(copy[0] == 0 && copy[31] == 0);
}
