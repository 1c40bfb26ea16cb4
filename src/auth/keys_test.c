#include "auth/keys.h"

#include "check.h"

static enum err put(struct kv *kv, const char *key, const char *value)
{
    return sl_kv_put(kv, span_of(key), span_of(value));
}

TEST(keys_first_start_makes_one_and_the_second_finds_it)
{
    struct kv *kv = sl_kv_open_memory();
    struct token_keys first = {0}, second = {0};
    struct keys_made made, again;
    CHECK_INT(sl_keys_load(kv, &first, &made), E_OK);
    CHECK(made.made);
    CHECK_INT(first.n, 1);
    CHECK(strcmp(made.kid, "dev") == 0);
    CHECK_INT(strlen(made.secret), 43);
    CHECK_INT(sl_keys_load(kv, &second, &again), E_OK);
    CHECK(!again.made && again.secret[0] == 0);
    CHECK_INT(second.n, 1);

    /* The text that was shown is the key, and it is what the second start verifies with. */
    struct token_keys shown = {0};
    CHECK_INT(sl_token_keys_add(&shown, span_of(made.kid), span_of(made.secret)), E_OK);
    struct token t, want = {.room = "r", .perm = TOKEN_WATCH, .exp = 1000};
    uint8_t buf[TOKEN_MAX];
    struct wr w = wr_of(buf, sizeof buf);
    CHECK_INT(sl_token_mint(&shown.keys[0], &want, &w), E_OK);
    CHECK_INT(sl_token_verify(&first, wr_done(&w), 1000, &t), E_OK);
    CHECK_INT(sl_token_verify(&second, wr_done(&w), 1000, &t), E_OK);
    sl_kv_close(kv);

    struct kv *other = sl_kv_open_memory();
    struct token_keys third = {0};
    CHECK_INT(sl_keys_load(other, &third, &again), E_OK);
    CHECK(again.made && strcmp(again.secret, made.secret) != 0);
    CHECK_INT(sl_token_verify(&third, wr_done(&w), 1000, &t), E_AUTH);
    sl_kv_close(other);
}

TEST(keys_of_the_operator)
{
    struct kv *kv = sl_kv_open_memory();
    struct token_keys keys = {0};
    struct keys_made made;
    CHECK_INT(put(kv, "auth/key/2026-01", "0123456789abcdef0123456789abcdef"), E_OK);
    CHECK_INT(put(kv, "auth/key/2026-02", "fedcba9876543210fedcba9876543210"), E_OK);
    CHECK_INT(put(kv, "auth/kez", "not a key"), E_OK);
    CHECK_INT(sl_keys_load(kv, &keys, &made), E_OK);
    CHECK(!made.made);
    CHECK_INT(keys.n, 2);
    CHECK(strcmp(keys.keys[1].kid, "2026-02") == 0);
    sl_kv_close(kv);
}

TEST(keys_that_are_none)
{
    static const struct {
        const char *name, *key, *value;
    } rows[] = {
        {"a short secret", "auth/key/a", "short"},
        {"no kid", "auth/key/", "0123456789abcdef0123456789abcdef"},
        {"a kid with a blank", "auth/key/a b", "0123456789abcdef0123456789abcdef"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct kv *kv = sl_kv_open_memory();
        struct token_keys keys = {0};
        struct keys_made made;
        check_row(rows[i].name);
        CHECK_INT(put(kv, rows[i].key, rows[i].value), E_OK);
        CHECK_INT(sl_keys_load(kv, &keys, &made), E_MALFORMED);
        CHECK(!made.made); /* a damaged store must not silently get a new key */
        sl_kv_close(kv);
    }
}

TEST(keys_too_many)
{
    struct kv *kv = sl_kv_open_memory();
    struct token_keys keys = {0};
    struct keys_made made;
    char key[] = "auth/key/a";
    for (; key[9] <= 'a' + TOKEN_KEYS_MAX; key[9]++)
        CHECK_INT(put(kv, key, "0123456789abcdef0123456789abcdef"), E_OK);
    CHECK_INT(sl_keys_load(kv, &keys, &made), E_FULL);
    sl_kv_close(kv);
}
