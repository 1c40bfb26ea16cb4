#include "auth/revoked.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

static const char prefix[] = "auth/revoked/";

enum { PREFIX_LEN = sizeof prefix - 1, TIME_LEN = 8, SWEPT = 1024 };

struct entry {
    struct map_node by_jti;
    int64_t exp;
    size_t n;
    char key[PREFIX_LEN + TOKEN_TEXT_CAP]; /* in the store */
};

struct revoked {
    struct kv *kv;
    struct map by_jti;
    uint64_t hash_key[2];
};

static struct span jti_of(const struct entry *e)
{
    return (struct span){(const uint8_t *)e->key + PREFIX_LEN, e->n - PREFIX_LEN};
}

static struct span key_of(const struct entry *e)
{
    return (struct span){(const uint8_t *)e->key, e->n};
}

static enum err keep(struct revoked *r, struct span jti, int64_t exp, struct entry **ret)
{
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        return E_MEMORY;
    struct wr w = wr_of((uint8_t *)e->key, sizeof e->key);
    wr_str(&w, prefix);
    wr_span(&w, jti);
    e->n = w.n;
    e->exp = exp;
    enum err err = sl_map_put(&r->by_jti, jti_of(e), &e->by_jti);
    if (err)
        free(e);
    else
        *ret = e;
    return err;
}

static void forget(struct revoked *r, struct entry *e)
{
    sl_map_del(&r->by_jti, &e->by_jti);
    enum err left = sl_kv_del(r->kv, key_of(e));
    (void)left; /* what stays goes at the next start */
    free(e);
}

static size_t find_over(const struct revoked *r, int64_t now, struct entry *ret[SWEPT])
{
    size_t n = 0;
    map_each (node, &r->by_jti) {
        struct entry *e = map_entry(node, struct entry, by_jti);
        if (now > e->exp + TOKEN_SKEW_S)
            ret[n++] = e;
        if (n == SWEPT)
            break;
    }
    return n;
}

/* Many at once: each step waits for the disk. What the store keeps all the same goes at the next
 * start. */
static void sweep(struct revoked *r, int64_t now)
{
    struct entry *over[SWEPT];
    struct kv_change changes[SWEPT];
    for (size_t n; (n = find_over(r, now, over)) > 0;) {
        for (size_t i = 0; i < n; i++)
            changes[i] = (struct kv_change){.key = key_of(over[i]), .del = true};
        enum err left = sl_kv_change(r->kv, changes, n);
        (void)left;
        for (size_t i = 0; i < n; i++) {
            sl_map_del(&r->by_jti, &over[i]->by_jti);
            free(over[i]);
        }
    }
}

static bool on_key(void *ctx, struct span key, struct span value)
{
    struct revoked *r = ctx;
    struct rd rd = rd_of(value);
    struct entry *e;
    int64_t exp = (int64_t)rd_u64(&rd);
    struct span jti = {key.p + PREFIX_LEN, key.n - PREFIX_LEN};
    if (rd.bad || jti.n == 0 || jti.n >= TOKEN_TEXT_CAP)
        return true; /* nothing that we wrote */
    return keep(r, jti, exp, &e) == E_OK;
}

enum err sl_revoked_new(struct kv *kv, const uint64_t hash_key[2], int64_t now,
                        struct revoked **ret)
{
    struct revoked *r = calloc(1, sizeof *r);
    if (!r)
        return E_MEMORY;
    r->kv = kv;
    memcpy(r->hash_key, hash_key, sizeof r->hash_key);
    sl_map_init(&r->by_jti, hash_key);
    enum err e = sl_kv_each(kv, span_of(prefix), on_key, r);
    if (e) {
        sl_revoked_free(r);
        return e;
    }
    sweep(r, now);
    *ret = r;
    return E_OK;
}

void sl_revoked_free(struct revoked *r)
{
    if (!r)
        return;
    for (struct map_node *n; (n = sl_map_next(&r->by_jti, NULL));) {
        struct entry *e = map_entry(n, struct entry, by_jti);
        sl_map_del(&r->by_jti, n);
        free(e);
    }
    sl_map_fini(&r->by_jti);
    free(r);
}

enum err sl_revoked_add(struct revoked *r, struct span jti, int64_t exp, int64_t now)
{
    uint8_t value[TIME_LEN];
    struct wr w = wr_of(value, sizeof value);
    struct entry *e;
    if (jti.n == 0 || jti.n >= TOKEN_TEXT_CAP)
        return E_MALFORMED;
    if (now > exp + TOKEN_SKEW_S)
        return E_LATE;
    if (sl_revoked_has(r, jti))
        return E_OK;
    if (r->by_jti.n >= REVOKED_MAX)
        sweep(r, now);
    if (r->by_jti.n >= REVOKED_MAX)
        return E_FULL;
    enum err err = keep(r, jti, exp, &e);
    if (err)
        return err;
    wr_u64(&w, (uint64_t)exp);
    err = sl_kv_put(r->kv, key_of(e), wr_done(&w));
    if (err)
        forget(r, e);
    return err;
}

bool sl_revoked_has(const struct revoked *r, struct span jti)
{
    return sl_map_get(&r->by_jti, jti) != NULL;
}

uint64_t sl_revoked_number(const struct revoked *r, struct span jti)
{
    uint64_t n = jti.n > 0 ? sl_siphash(r->hash_key, jti) : 0;
    return jti.n > 0 && n == 0 ? 1 : n;
}
