#include <pthread.h>
#include <stdlib.h>

#include "store/kv_ops.h"

/* Sorted by key; key and value stand behind it. */
struct entry {
    struct span key, value;
    uint8_t octets[];
};

enum { SLOT = sizeof(void *) };

struct memory {
    struct kv kv;
    pthread_mutex_t lock;
    struct entry **entries;
    size_t n, cap;
};

static struct memory *of(struct kv *kv)
{
    return (struct memory *)(void *)kv;
}

static int compare(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* The place of key, or where it would stand. */
static size_t place(const struct memory *m, struct span key)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (compare(m->entries[mid]->key, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool is_at(const struct memory *m, size_t i, struct span key)
{
    return i < m->n && span_eq(m->entries[i]->key, key);
}

static struct entry *entry_new(struct span key, struct span value)
{
    struct entry *e = malloc(sizeof *e + key.n + value.n);
    if (!e)
        return NULL;
    struct wr w = wr_of(e->octets, key.n + value.n);
    wr_span(&w, key);
    wr_span(&w, value);
    e->key = (struct span){e->octets, key.n};
    e->value = (struct span){e->octets + key.n, value.n};
    return e;
}

static bool grow(struct memory *m, size_t by)
{
    size_t cap = m->cap ? m->cap : 16;
    while (cap < m->n + by)
        cap *= 2;
    if (cap == m->cap)
        return true;
    struct entry **entries = realloc(m->entries, cap * SLOT);
    if (!entries)
        return false;
    m->entries = entries;
    m->cap = cap;
    return true;
}

static enum err get(struct kv *kv, struct span key, struct wr *w)
{
    struct memory *m = of(kv);
    pthread_mutex_lock(&m->lock);
    size_t i = place(m, key);
    enum err e = is_at(m, i, key) ? kv_append(w, m->entries[i]->value) : E_ABSENT;
    pthread_mutex_unlock(&m->lock);
    return e;
}

/* Those with the lock held. Room for one more was made. What is there no more is returned. */
static struct entry *set_locked(struct memory *m, struct entry *e)
{
    size_t i = place(m, e->key);
    if (is_at(m, i, e->key)) {
        struct entry *old = m->entries[i];
        m->entries[i] = e;
        return old;
    }
    memmove(m->entries + i + 1, m->entries + i, (m->n - i) * SLOT);
    m->entries[i] = e;
    m->n++;
    return NULL;
}

static bool del_locked(struct memory *m, struct span key)
{
    size_t i = place(m, key);
    if (!is_at(m, i, key))
        return false;
    free(m->entries[i]);
    m->n--;
    memmove(m->entries + i, m->entries + i + 1, (m->n - i) * SLOT);
    return true;
}

static enum err put(struct kv *kv, struct span key, struct span value, bool only_new)
{
    struct memory *m = of(kv);
    struct entry *e = entry_new(key, value);
    if (!e)
        return E_MEMORY;
    pthread_mutex_lock(&m->lock);
    bool taken = only_new && is_at(m, place(m, key), key), room = grow(m, 1);
    struct entry *unused = taken || !room ? e : set_locked(m, e);
    pthread_mutex_unlock(&m->lock);
    free(unused);
    return taken ? E_EXISTS : room ? E_OK : E_MEMORY;
}

static enum err del(struct kv *kv, struct span key)
{
    struct memory *m = of(kv);
    pthread_mutex_lock(&m->lock);
    bool there = del_locked(m, key);
    pthread_mutex_unlock(&m->lock);
    return there ? E_OK : E_ABSENT;
}

static enum err change(struct kv *kv, const struct kv_change *c, size_t n)
{
    struct memory *m = of(kv);
    struct entry **made = calloc(n, SLOT);
    bool all = made != NULL;
    for (size_t i = 0; all && i < n; i++)
        all = c[i].del || (made[i] = entry_new(c[i].key, c[i].value));
    pthread_mutex_lock(&m->lock);
    all = all && grow(m, n);
    for (size_t i = 0; all && i < n; i++) {
        if (c[i].del)
            (void)del_locked(m, c[i].key);
        else
            made[i] = set_locked(m, made[i]);
    }
    pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; made && i < n; i++)
        free(made[i]); /* what was replaced, or never used */
    free(made);
    return all ? E_OK : E_MEMORY;
}

static enum err each(struct kv *kv, struct span prefix, kv_fn *fn, void *ctx)
{
    struct memory *m = of(kv);
    pthread_mutex_lock(&m->lock);
    for (size_t i = place(m, prefix); i < m->n; i++) {
        const struct entry *e = m->entries[i];
        if (!kv_begins(e->key, prefix) || !fn(ctx, e->key, e->value))
            break;
    }
    pthread_mutex_unlock(&m->lock);
    return E_OK;
}

static void close_memory(struct kv *kv)
{
    struct memory *m = of(kv);
    for (size_t i = 0; i < m->n; i++)
        free(m->entries[i]);
    free(m->entries);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

struct kv *sl_kv_open_memory(void)
{
    static const struct kv_ops ops = {.close = close_memory,
                                      .get = get,
                                      .put = put,
                                      .del = del,
                                      .change = change,
                                      .each = each};
    struct memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->kv.ops = &ops;
    pthread_mutex_init(&m->lock, NULL);
    return &m->kv;
}
