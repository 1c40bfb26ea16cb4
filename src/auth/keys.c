#include "auth/keys.h"

#include "base/text.h"

#define PREFIX  "auth/key/"
#define DEV_KID "dev"

struct load {
    struct token_keys *keys;
    size_t n;
    enum err e;
};

static bool add(void *ctx, struct span key, struct span value)
{
    struct load *load = ctx;
    struct span kid = {key.p + sizeof PREFIX - 1, key.n - (sizeof PREFIX - 1)};
    load->e = sl_token_keys_add(load->keys, kid, value);
    if (load->e == E_SHORT)
        load->e = E_MALFORMED;
    load->n++;
    return load->e == E_OK;
}

/* Writes it first: a key that was shown and is gone after a crash would be worse than none. */
static enum err make(struct kv *kv, struct token_keys *keys, struct keys_made *made)
{
    uint8_t random[TOKEN_SECRET_MIN];
    struct keys_made m = {.made = true, .kid = DEV_KID};
    struct wr w = wr_of((uint8_t *)m.secret, sizeof m.secret - 1);
    sl_random(random, sizeof random);
    sl_base64url_write(&w, (struct span){random, sizeof random});
    sl_wipe(random, sizeof random);

    enum err e = sl_kv_put(kv, span_of(PREFIX DEV_KID), wr_done(&w));
    if (!e)
        e = sl_token_keys_add(keys, span_of(DEV_KID), wr_done(&w));
    if (!e)
        *made = m;
    sl_wipe(&m, sizeof m);
    return e;
}

enum err sl_keys_load(struct kv *kv, struct token_keys *ret, struct keys_made *made)
{
    struct load load = {.keys = ret};
    *made = (struct keys_made){0};
    enum err e = sl_kv_each(kv, span_of(PREFIX), add, &load);
    if (e || load.e)
        return e ? e : load.e;
    return load.n > 0 ? E_OK : make(kv, ret, made);
}
