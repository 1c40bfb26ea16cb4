#pragma once

/*
 * Reading the store that rtcd leaves: bitcask 1.0, a directory of logs, "000000000.data" and
 * on. Each entry is a key with its newest value, or with none when it was deleted; what comes
 * later counts. For moving from there to here, so nothing is written.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

enum {
    BITCASK_KEY_MAX = 1024,        /* bitcask's own default is 64 */
    BITCASK_VALUE_MAX = 64 * 1024, /* the same */
    BITCASK_FILE_MAX = 256 << 20,  /* octets; rtcd starts a new file after 1 MiB */
};

struct bitcask_entry {
    struct span key, value; /* an empty value: the key was deleted */
    uint64_t expiry;        /* in seconds of Unix; 0: never */
};

/* Takes one entry off a log. E_SHORT: it ends inside the entry, as after a crash; E_MALFORMED:
 * the value is not what was written, or a length is none. */
MUST_USE enum err sl_bitcask_next(struct rd *r, struct bitcask_entry *ret);

/* Calls fn for every entry of all logs in the directory, in the order of writing, until it
 * gives false. E_ABSENT: no such directory, or none of bitcask's; E_MALFORMED: a log is
 * damaged, of which all before the damage was given; a log that ends inside an entry is not.
 * E_DENIED, E_SYS, E_MEMORY. */
typedef bool bitcask_fn(void *ctx, const struct bitcask_entry *entry);
MUST_USE enum err sl_bitcask_each(const char *dir, bitcask_fn *fn, void *ctx);
