#include "auth/clients.h"

#include "check.h"

#define KEY   "0123456789abcdef0123456789abcdef"
#define OTHER "0123456789abcdef0123456789abcdeX"

TEST(clients_come_and_go)
{
    struct kv *kv = sl_kv_open_memory();
    struct span a = span_of("a"), key = span_of(KEY);
    CHECK_INT(sl_clients_check(kv, a, key), E_ABSENT);
    CHECK_INT(sl_clients_del(kv, a), E_ABSENT);
    CHECK_INT(sl_clients_add(kv, a, key), E_OK);
    CHECK_INT(sl_clients_check(kv, a, key), E_OK);
    CHECK_INT(sl_clients_check(kv, a, span_of(OTHER)), E_AUTH);
    CHECK_INT(sl_clients_check(kv, span_of("b"), key), E_ABSENT);
    CHECK_INT(sl_clients_add(kv, a, span_of(OTHER)), E_EXISTS);
    CHECK_INT(sl_clients_check(kv, a, key), E_OK); /* the key did not change */
    CHECK_INT(sl_clients_del(kv, a), E_OK);
    CHECK_INT(sl_clients_check(kv, a, key), E_ABSENT);
    sl_kv_close(kv);
}

TEST(clients_that_cannot_be)
{
    static char longer[CLIENT_NAME_MAX + 2];
    static const struct {
        const char *what, *name, *key;
        enum err want;
    } rows[] = {
        {"no name", "", KEY, E_MALFORMED},
        {"a name of 257", longer, KEY, E_MALFORMED},
        {"a key of 31", "a", "0123456789abcdef0123456789abcde", E_SHORT},
        {"a short key is said first", "", "short", E_SHORT},
        {"a key of 73", "a", KEY KEY "012345678", E_FULL},
        {"a key of 72", "b", KEY KEY "01234567", E_OK},
    };
    struct kv *kv = sl_kv_open_memory();
    memset(longer, 'n', CLIENT_NAME_MAX + 1);
    for (size_t i = 0; i < LEN(rows); i++) {
        check_row(rows[i].what);
        CHECK_INT(sl_clients_add(kv, span_of(rows[i].name), span_of(rows[i].key)),
                  rows[i].want);
    }
    sl_kv_close(kv);
}

TEST(clients_by_their_hash)
{
    static const char hash[] =
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    struct kv *kv = sl_kv_open_memory();
    CHECK_INT(sl_clients_add_hash(kv, span_of("a"), span_of("no hash")), E_MALFORMED);
    CHECK_INT(sl_clients_add_hash(kv, span_of("a"), span_of(hash)), E_OK);
    CHECK_INT(sl_clients_add_hash(kv, span_of("a"), span_of(hash)), E_EXISTS);
    CHECK_INT(sl_clients_check(kv, span_of("a"), span_of("U*U")), E_OK);
    CHECK_INT(sl_clients_check(kv, span_of("a"), span_of("U*V")), E_AUTH);
    sl_kv_close(kv);
}
