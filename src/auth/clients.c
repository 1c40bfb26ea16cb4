#include "auth/clients.h"

#define PREFIX "rtcd/client/"

struct place {
    uint8_t octets[sizeof PREFIX - 1 + CLIENT_NAME_MAX];
    struct span key;
};

static enum err place_of(struct span name, struct place *ret)
{
    struct wr w = wr_of(ret->octets, sizeof ret->octets);
    if (name.n == 0 || name.n > CLIENT_NAME_MAX)
        return E_MALFORMED;
    wr_str(&w, PREFIX);
    wr_span(&w, name);
    ret->key = wr_done(&w);
    return E_OK;
}

enum err sl_clients_add_hash(struct kv *kv, struct span name, struct span hash)
{
    struct place at;
    enum err e = place_of(name, &at);
    if (!e && !sl_password_is_hash(hash))
        e = E_MALFORMED;
    return e ? e : sl_kv_add(kv, at.key, hash);
}

enum err sl_clients_add(struct kv *kv, struct span name, struct span key)
{
    char hash[PASSWORD_HASH_CAP], there[PASSWORD_HASH_CAP];
    struct wr w = wr_of((uint8_t *)there, sizeof there);
    struct place at;
    if (key.n < CLIENT_KEY_MIN)
        return E_SHORT;
    enum err e = place_of(name, &at);
    /* Asked before the costly part; adding asks again, as one step. */
    if (!e)
        e = sl_kv_get(kv, at.key, &w);
    if (e != E_ABSENT)
        return e ? e : E_EXISTS;
    e = sl_password_hash(key, hash);
    return e ? e : sl_kv_add(kv, at.key, span_of(hash));
}

enum err sl_clients_check(struct kv *kv, struct span name, struct span key)
{
    /* Of no key: for those who are not there, so that asking tells nothing. */
    static const char nobody[] =
        "$2a$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    uint8_t hash[PASSWORD_HASH_CAP];
    struct wr w = wr_of(hash, sizeof hash);
    struct place at;
    enum err e = place_of(name, &at);
    if (!e)
        e = sl_kv_get(kv, at.key, &w);
    if (e == E_ABSENT)
        (void)!sl_password_check(key, span_of(nobody));
    return e ? e : sl_password_check(key, wr_done(&w));
}

enum err sl_clients_del(struct kv *kv, struct span name)
{
    struct place at;
    enum err e = place_of(name, &at);
    return e ? e : sl_kv_del(kv, at.key);
}
