#pragma once

/* What an implementation of kv.h does. It gets keys and values of allowed lengths only. */

#include "store/kv.h"

struct kv {
    const struct kv_ops *ops;
};

struct kv_ops {
    void (*close)(struct kv *kv);
    enum err (*get)(struct kv *kv, struct span key, struct wr *w);
    enum err (*put)(struct kv *kv, struct span key, struct span value, bool only_new);
    enum err (*del)(struct kv *kv, struct span key);
    enum err (*change)(struct kv *kv, const struct kv_change *c, size_t n);
    enum err (*each)(struct kv *kv, struct span prefix, kv_fn *fn, void *ctx);
};

static inline bool kv_begins(struct span key, struct span prefix)
{
    return key.n >= prefix.n && span_eq((struct span){key.p, prefix.n}, prefix);
}

/* Appends the value, or nothing. */
static inline enum err kv_append(struct wr *w, struct span value)
{
    if (w->bad || value.n > w->cap - w->n)
        return E_FULL;
    wr_span(w, value);
    return E_OK;
}
