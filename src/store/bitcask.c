#include "store/bitcask.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"

/* An entry: u32 length of the key, u64 of the value, key, value, u32 CRC-32 of the value, u64
 * expiry; all big-endian. */
enum err sl_bitcask_next(struct rd *r, struct bitcask_entry *ret)
{
    uint32_t key_n = rd_u32(r);
    uint64_t value_n = rd_u64(r);
    if (!r->bad && (key_n == 0 || key_n > BITCASK_KEY_MAX || value_n > BITCASK_VALUE_MAX))
        return E_MALFORMED;
    struct bitcask_entry e = {.key = rd_span(r, key_n), .value = rd_span(r, value_n)};
    uint32_t crc = rd_u32(r);
    e.expiry = rd_u64(r);
    if (r->bad)
        return E_SHORT;
    if (sl_crc32(e.value) != crc)
        return E_MALFORMED;
    *ret = e;
    return E_OK;
}

static enum err err_of(int no)
{
    switch (no) {
    case ENOENT:
    case ENOTDIR: return E_ABSENT;
    case EACCES:
    case EPERM: return E_DENIED;
    case ENOMEM: return E_MEMORY;
    default: return E_SYS;
    }
}

static enum err read_log(FILE *f, uint8_t **p, size_t *n)
{
    if (fseek(f, 0, SEEK_END) != 0)
        return E_SYS;
    long size = ftell(f);
    if (size < 0 || size > BITCASK_FILE_MAX)
        return size < 0 ? E_SYS : E_MALFORMED;
    rewind(f);
    *p = malloc((size_t)size + 1);
    if (!*p)
        return E_MEMORY;
    *n = fread(*p, 1, (size_t)size, f);
    return ferror(f) ? E_SYS : E_OK;
}

static enum err walk(struct span log, bitcask_fn *fn, void *ctx, bool *more)
{
    struct rd r = rd_of(log);
    struct bitcask_entry entry;
    while (*more && r.n > 0) {
        enum err e = sl_bitcask_next(&r, &entry);
        if (e) /* what a crash cut off was never acknowledged */
            return e == E_SHORT ? E_OK : e;
        *more = fn(ctx, &entry);
    }
    return E_OK;
}

static enum err each_of(const char *dir, const char *name, bitcask_fn *fn, void *ctx,
                        bool *more)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return E_SYS;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return err_of(errno);
    uint8_t *p = NULL;
    size_t n = 0;
    enum err e = read_log(f, &p, &n);
    if (!e)
        e = walk((struct span){p, n}, fn, ctx, more);
    free(p);
    (void)fclose(f);
    return e;
}

static int is_log(const struct dirent *d)
{
    return fnmatch("[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9].data", d->d_name, 0) ==
           0;
}

enum err sl_bitcask_each(const char *dir, bitcask_fn *fn, void *ctx)
{
    struct dirent **logs = NULL;
    int n = scandir(dir, &logs, is_log, alphasort);
    if (n < 0)
        return err_of(errno);
    enum err e = n > 0 ? E_OK : E_ABSENT;
    bool more = true;
    for (int i = 0; i < n; i++) {
        if (!e && more)
            e = each_of(dir, logs[i]->d_name, fn, ctx, &more);
        free(logs[i]);
    }
    free(logs);
    return e;
}
