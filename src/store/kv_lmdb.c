#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/kv_ops.h"

struct disk {
    struct kv kv;
    int lock; /* a file whose flock says that the store is taken; or -1 */
    MDB_env *env;
    MDB_dbi dbi;
};

static struct disk *of(struct kv *kv)
{
    return (struct disk *)(void *)kv;
}

static enum err err_of(int rc)
{
    switch (rc) {
    case MDB_SUCCESS: return E_OK;
    case MDB_NOTFOUND: return E_ABSENT;
    case MDB_KEYEXIST: return E_EXISTS;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC: return E_FULL;
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_PAGE_NOTFOUND: return E_MALFORMED;
    case ENOMEM: return E_MEMORY;
    case EACCES:
    case EPERM:
    case EROFS: return E_DENIED;
    case EWOULDBLOCK: return E_BUSY;
    }
    if (rc > 0)
        errno = rc; /* LMDB's own codes are negative */
    return E_SYS;
}

static MDB_val val_of(struct span s)
{
    MDB_val v = {.mv_size = s.n};
    memcpy(&v.mv_data, &s.p,
           sizeof s.p); /* its field is not const, though it only reads */
    return v;
}

static struct span span_of_val(const MDB_val *v)
{
    return (struct span){v->mv_data, v->mv_size};
}

static enum err get(struct kv *kv, struct span key, struct wr *w)
{
    struct disk *d = of(kv);
    MDB_txn *txn;
    int rc = mdb_txn_begin(d->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return err_of(rc);
    MDB_val k = val_of(key), v;
    enum err e = err_of(mdb_get(txn, d->dbi, &k, &v));
    if (!e)
        e = kv_append(w, span_of_val(&v));
    mdb_txn_abort(txn);
    return e;
}

/* Commits what rc says went well. The commit waits for the disk. */
static enum err finish(MDB_txn *txn, int rc)
{
    if (!rc)
        return err_of(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return err_of(rc);
}

static enum err put(struct kv *kv, struct span key, struct span value, bool only_new)
{
    struct disk *d = of(kv);
    MDB_txn *txn;
    int rc = mdb_txn_begin(d->env, NULL, 0, &txn);
    if (rc)
        return err_of(rc);
    MDB_val k = val_of(key), v = val_of(value);
    return finish(txn, mdb_put(txn, d->dbi, &k, &v, only_new ? MDB_NOOVERWRITE : 0));
}

static enum err del(struct kv *kv, struct span key)
{
    struct disk *d = of(kv);
    MDB_txn *txn;
    int rc = mdb_txn_begin(d->env, NULL, 0, &txn);
    if (rc)
        return err_of(rc);
    MDB_val k = val_of(key);
    return finish(txn, mdb_del(txn, d->dbi, &k, NULL));
}

static int change_one(MDB_txn *txn, MDB_dbi dbi, const struct kv_change *c)
{
    MDB_val k = val_of(c->key), v = val_of(c->value);
    int rc = c->del ? mdb_del(txn, dbi, &k, NULL) : mdb_put(txn, dbi, &k, &v, 0);
    return c->del && rc == MDB_NOTFOUND ? 0 : rc;
}

static enum err change(struct kv *kv, const struct kv_change *c, size_t n)
{
    struct disk *d = of(kv);
    MDB_txn *txn;
    int rc = mdb_txn_begin(d->env, NULL, 0, &txn);
    if (rc)
        return err_of(rc);
    for (size_t i = 0; i < n && !rc; i++)
        rc = change_one(txn, d->dbi, &c[i]);
    return finish(txn, rc);
}

static int walk(MDB_cursor *cursor, struct span prefix, kv_fn *fn, void *ctx)
{
    MDB_val k = val_of(prefix), v;
    int rc = mdb_cursor_get(cursor, &k, &v, prefix.n ? MDB_SET_RANGE : MDB_FIRST);
    while (!rc && kv_begins(span_of_val(&k), prefix) &&
           fn(ctx, span_of_val(&k), span_of_val(&v)))
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static enum err each(struct kv *kv, struct span prefix, kv_fn *fn, void *ctx)
{
    struct disk *d = of(kv);
    MDB_txn *txn;
    MDB_cursor *cursor;
    int rc = mdb_txn_begin(d->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return err_of(rc);
    rc = mdb_cursor_open(txn, d->dbi, &cursor);
    if (!rc) {
        rc = walk(cursor, prefix, fn, ctx);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return err_of(rc);
}

static void close_disk(struct kv *kv)
{
    struct disk *d = of(kv);
    if (d->env)
        mdb_env_close(d->env);
    if (d->lock >= 0)
        (void)close(d->lock);
    free(d);
}

/* LMDB's own lock would let in two processes, and does not notice one process twice. */
static enum err take(struct disk *d, const char *dir)
{
    char path[PATH_MAX];
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_of(errno);
    int n = snprintf(path, sizeof path, "%s/owner", dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_of(ENAMETOOLONG);
    d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock < 0 || flock(d->lock, LOCK_EX | LOCK_NB) != 0)
        return err_of(errno);
    return E_OK;
}

static int open_env(struct disk *d, const char *dir, size_t size, unsigned flags)
{
    MDB_txn *txn;
    int rc = mdb_env_create(&d->env);
    if (!rc)
        rc = mdb_env_set_mapsize(d->env, size);
    if (!rc) /* NOTLS: a thread's read is not bound to it */
        rc = mdb_env_open(d->env, dir, flags | MDB_NOTLS, 0600);
    if (!rc)
        rc = mdb_txn_begin(d->env, NULL, flags, &txn);
    if (rc)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &d->dbi);
    if (!rc)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

/* A new file is there for good only when its directory was written, too. */
static int sync_dir(const char *dir, const char *sub)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s%s", dir, sub); /* shorter than in take */
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int rc = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    return rc;
}

static const struct kv_ops ops = {.close = close_disk,
                                  .get = get,
                                  .put = put,
                                  .del = del,
                                  .change = change,
                                  .each = each};

enum err sl_kv_open(const char *dir, size_t size, struct kv **ret)
{
    struct disk *d = malloc(sizeof *d);
    if (!d)
        return E_MEMORY;
    *d = (struct disk){.kv.ops = &ops, .lock = -1};
    enum err e = take(d, dir);
    if (!e)
        e = err_of(open_env(d, dir, size, 0));
    if (!e)
        e = err_of(sync_dir(dir, ""));
    if (!e)
        e = err_of(sync_dir(dir, "/.."));
    if (e)
        close_disk(&d->kv);
    else
        *ret = &d->kv;
    return e;
}

enum err sl_kv_open_reader(const char *dir, struct kv **ret)
{
    struct disk *d = malloc(sizeof *d);
    if (!d)
        return E_MEMORY;
    *d = (struct disk){.kv.ops = &ops, .lock = -1};
    /* The size 0 is that of the file. */
    int rc = open_env(d, dir, 0, MDB_RDONLY);
    enum err e = rc == ENOENT ? E_ABSENT : err_of(rc);
    if (e)
        close_disk(&d->kv);
    else
        *ret = &d->kv;
    return e;
}
