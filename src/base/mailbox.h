#pragma once

/*
 * A bounded queue from one thread to one other thread, without locks, and the bell that
 * tells whether the reader sleeps.
 *
 * A thread that is written to by several has a mailbox for each of them and one bell. The
 * writer puts what it has, then asks sl_bell_ring once: true means that the reader is, or is
 * about to be, asleep, and must be woken by whatever means the two have (an eventfd). The
 * reader, before it sleeps, says so (sl_bell_sleep), looks once more, then sleeps.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mail {
    uint32_t type; /* the meaning of the rest is between writer and reader */
    uint32_t arg;
    uint64_t id;
    union {
        void *p; /* ownership goes with the mail unless the type says otherwise */
        uint64_t id2;
    };
};

struct mailbox;

/* cap: a power of two. NULL when memory ends. Free takes NULL, and frees no contents. */
struct mailbox *sl_mailbox_new(size_t cap);
void sl_mailbox_free(struct mailbox *m);

/* For the writer. False: fewer than 1 + keep places are free, and nothing was put. Media
 * keeps some places, so that keys and teardown (keep 0) always find one. */
bool sl_mailbox_put(struct mailbox *m, const struct mail *mail, size_t keep);

/* For the reader. False: empty. */
bool sl_mailbox_take(struct mailbox *m, struct mail *ret);
bool sl_mailbox_empty(const struct mailbox *m);

struct bell {
    atomic_bool asleep;
};

static inline bool sl_bell_ring(struct bell *b)
{
    /* Orders the puts before the look: with the reader's own fence, one of the two sees
     * what the other did. */
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(&b->asleep, memory_order_relaxed) &&
           atomic_exchange_explicit(&b->asleep, false, memory_order_relaxed);
}

static inline void sl_bell_sleep(struct bell *b)
{
    atomic_store_explicit(&b->asleep, true, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
}

static inline void sl_bell_wake(struct bell *b)
{
    atomic_store_explicit(&b->asleep, false, memory_order_relaxed);
}
