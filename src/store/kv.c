#include "store/kv.h"

#include "store/kv_ops.h"

static bool key_allowed(struct span key)
{
    return key.n > 0 && key.n <= KV_KEY_MAX;
}

void sl_kv_close(struct kv *kv)
{
    if (kv)
        kv->ops->close(kv);
}

enum err sl_kv_get(struct kv *kv, struct span key, struct wr *w)
{
    return key_allowed(key) ? kv->ops->get(kv, key, w) : E_MALFORMED;
}

static enum err write_value(struct kv *kv, struct span key, struct span value,
                            bool only_new)
{
    if (!key_allowed(key))
        return E_MALFORMED;
    return value.n <= KV_VALUE_MAX ? kv->ops->put(kv, key, value, only_new) : E_FULL;
}

enum err sl_kv_put(struct kv *kv, struct span key, struct span value)
{
    return write_value(kv, key, value, false);
}

enum err sl_kv_add(struct kv *kv, struct span key, struct span value)
{
    return write_value(kv, key, value, true);
}

enum err sl_kv_del(struct kv *kv, struct span key)
{
    return key_allowed(key) ? kv->ops->del(kv, key) : E_MALFORMED;
}

enum err sl_kv_change(struct kv *kv, const struct kv_change *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!key_allowed(c[i].key))
            return E_MALFORMED;
        if (!c[i].del && c[i].value.n > KV_VALUE_MAX)
            return E_FULL;
    }
    return n > 0 ? kv->ops->change(kv, c, n) : E_OK;
}

enum err sl_kv_each(struct kv *kv, struct span prefix, kv_fn *fn, void *ctx)
{
    return prefix.n <= KV_KEY_MAX ? kv->ops->each(kv, prefix, fn, ctx) : E_MALFORMED;
}
