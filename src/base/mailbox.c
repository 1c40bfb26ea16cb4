#include "base/mailbox.h"

#include <assert.h>
#include <stdlib.h>

/* Each end keeps its own copy of the other's position, and reads the shared one only when
 * the copy says full or empty: the two cache lines seldom move between cores. */
struct mailbox {
    _Alignas(64) atomic_size_t head; /* next to read; written by the reader */
    size_t tail_seen;
    _Alignas(64) atomic_size_t tail; /* next to write; written by the writer */
    size_t head_seen;
    _Alignas(64) size_t cap;
    struct mail mails[];
};

struct mailbox *sl_mailbox_new(size_t cap)
{
    assert(cap > 0 && (cap & (cap - 1)) == 0);
    size_t size = (sizeof(struct mailbox) + cap * sizeof(struct mail) + 63) / 64 * 64;
    struct mailbox *m = aligned_alloc(64, size);
    if (!m)
        return NULL;
    atomic_init(&m->head, 0);
    atomic_init(&m->tail, 0);
    m->tail_seen = m->head_seen = 0;
    m->cap = cap;
    return m;
}

void sl_mailbox_free(struct mailbox *m)
{
    free(m);
}

bool sl_mailbox_put(struct mailbox *m, const struct mail *mail, size_t keep)
{
    size_t tail = atomic_load_explicit(&m->tail, memory_order_relaxed);
    if (tail - m->head_seen + keep >= m->cap) {
        m->head_seen = atomic_load_explicit(&m->head, memory_order_acquire);
        if (tail - m->head_seen + keep >= m->cap)
            return false;
    }
    m->mails[tail & (m->cap - 1)] = *mail;
    atomic_store_explicit(&m->tail, tail + 1, memory_order_release);
    return true;
}

bool sl_mailbox_take(struct mailbox *m, struct mail *ret)
{
    size_t head = atomic_load_explicit(&m->head, memory_order_relaxed);
    if (head == m->tail_seen) {
        m->tail_seen = atomic_load_explicit(&m->tail, memory_order_acquire);
        if (head == m->tail_seen)
            return false;
    }
    *ret = m->mails[head & (m->cap - 1)];
    atomic_store_explicit(&m->head, head + 1, memory_order_release);
    return true;
}

bool sl_mailbox_empty(const struct mailbox *m)
{
    return atomic_load_explicit(&m->head, memory_order_relaxed) ==
           atomic_load_explicit(&m->tail, memory_order_acquire);
}
