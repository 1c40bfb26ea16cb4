#include "auth/password.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"

enum {
    HASH_LEN = PASSWORD_HASH_CAP - 1,
    SALT_OCTETS = 16,
    SALT_LEN = 29,    /* "$2a$10$" and 22 characters */
    COST_HIGHEST = 14 /* 16 times as much as ours */
};

static bool digits(struct span s, size_t at, unsigned *ret)
{
    unsigned tens = s.p[at] - (unsigned)'0', ones = s.p[at + 1] - (unsigned)'0';
    *ret = tens * 10 + ones;
    return tens <= 9 && ones <= 9;
}

bool sl_password_is_hash(struct span hash)
{
    static const char alphabet[] =
        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    unsigned cost;
    if (hash.n != HASH_LEN || hash.p[0] != '$' || hash.p[1] != '2' || hash.p[2] == 0 ||
        !strchr("aby", hash.p[2]) || hash.p[3] != '$' || hash.p[6] != '$' ||
        !digits(hash, 4, &cost) || cost < 4 || cost > COST_HIGHEST)
        return false;
    for (size_t i = 7; i < hash.n; i++)
        if (!memchr(alphabet, hash.p[i], sizeof alphabet - 1))
            return false;
    return true;
}

/* As text, which is what crypt takes. */
static enum err text_of(struct span key, char ret[PASSWORD_MAX + 1])
{
    if (key.n > PASSWORD_MAX)
        return E_FULL;
    if (key.n > 0 && memchr(key.p, '\0', key.n))
        return E_MALFORMED;
    if (key.n > 0)
        memcpy(ret, key.p, key.n);
    ret[key.n] = '\0';
    return E_OK;
}

static enum err hash_with(struct span key, const char *setting,
                          char ret[PASSWORD_HASH_CAP])
{
    char text[PASSWORD_MAX + 1];
    enum err e = text_of(key, text);
    if (e)
        return e;
    struct crypt_data *data = calloc(1, sizeof *data);
    const char *hash = data ? crypt_r(text, setting, data) : NULL;
    e = !data ? E_MEMORY : hash && strlen(hash) == HASH_LEN ? E_OK : E_CRYPTO;
    if (!e)
        memcpy(ret, hash, PASSWORD_HASH_CAP);
    if (data)
        sl_wipe(data, sizeof *data);
    free(data);
    sl_wipe(text, sizeof text);
    return e;
}

enum err sl_password_hash(struct span key, char ret[PASSWORD_HASH_CAP])
{
    char setting[SALT_LEN + 1], salt[SALT_OCTETS];
    sl_random(salt, sizeof salt);
    if (!crypt_gensalt_rn("$2a$", PASSWORD_COST, salt, sizeof salt, setting,
                          sizeof setting))
        return E_CRYPTO;
    return hash_with(key, setting, ret);
}

enum err sl_password_check(struct span key, struct span hash)
{
    char setting[PASSWORD_HASH_CAP], got[PASSWORD_HASH_CAP];
    if (!sl_password_is_hash(hash))
        return E_MALFORMED;
    memcpy(setting, hash.p, hash.n);
    setting[hash.n] = '\0';
    enum err e = hash_with(key, setting, got);
    if (e == E_FULL || e == E_MALFORMED)
        return E_AUTH; /* such a key was never taken */
    if (e)
        return e;
    return sl_secret_eq(span_of(got), hash) ? E_OK : E_AUTH;
}

bool sl_password_same(struct span a, struct span b)
{
    return sl_secret_eq(a, b);
}

void sl_password_wipe(void *p, size_t n)
{
    sl_wipe(p, n);
}
