#pragma once

/*
 * Keys and values that outlive the process: a few thousand small ones, seldom written.
 *
 * On disk it is LMDB in a directory of its own, held by one process at a time, beside which
 * others may read; in memory it is for tests and behaves the same. A write is on the disk when its call returns, which
 * takes as long as the disk does; a crash loses nothing that was written before.
 *
 * Keys are sorted by their octets. A key is 1..KV_KEY_MAX octets, a value 0..KV_VALUE_MAX.
 * Any thread may call; one write at a time goes on, and readers do not wait for it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

enum { KV_KEY_MAX = 511, KV_VALUE_MAX = 1 << 16 };

struct kv;

/* Opens the store in dir, which is made if it is not there (its parent must be). size: what
 * it may grow to, octets on disk. E_BUSY: another process, or this one, has it open;
 * E_MALFORMED: what lies there is no store, or a damaged one; E_DENIED; E_FULL: the disk;
 * E_SYS: the rest, errno tells. Free with sl_kv_close. */
MUST_USE enum err sl_kv_open(const char *dir, size_t size, struct kv **ret);

/* For reading, also while another process holds it. E_ABSENT: there is no store. What writes is
 * E_DENIED. */
MUST_USE enum err sl_kv_open_reader(const char *dir, struct kv **ret);

/* Empty, and gone when closed. NULL when memory ends. */
struct kv *sl_kv_open_memory(void);
void sl_kv_close(struct kv *kv); /* takes NULL */

/* Appends the value to w. E_ABSENT; E_FULL: w has no room for it, and nothing is written;
 * E_MALFORMED: a key of no allowed length. The same for those below. */
MUST_USE enum err sl_kv_get(struct kv *kv, struct span key, struct wr *w);

/* Writes or replaces. E_FULL: the store is as large as it may be, or the value too long. */
MUST_USE enum err sl_kv_put(struct kv *kv, struct span key, struct span value);
/* Writes what is not there yet, as one step. E_EXISTS; and as above. */
MUST_USE enum err sl_kv_add(struct kv *kv, struct span key, struct span value);
MUST_USE enum err sl_kv_del(struct kv *kv, struct span key); /* E_ABSENT */

/* Many of them as one step, which waits for the disk once: all are made, or none. What is to be
 * deleted may be absent. */
struct kv_change {
    struct span key, value;
    bool del;
};
MUST_USE enum err sl_kv_change(struct kv *kv, const struct kv_change *c, size_t n);

/* Calls fn for each key that begins with prefix, in order, as it was at one moment, until fn
 * gives false. The spans are valid during the call; fn may not write to this store. */
typedef bool kv_fn(void *ctx, struct span key, struct span value);
MUST_USE enum err sl_kv_each(struct kv *kv, struct span prefix, kv_fn *fn, void *ctx);
