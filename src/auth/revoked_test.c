#include "auth/revoked.h"

#include <stdio.h>

#include "check.h"

static const uint64_t key[2] = {1, 2};

static struct revoked *begin(struct kv *kv, int64_t now)
{
    struct revoked *r = NULL;
    CHECK_INT(sl_revoked_new(kv, key, now, &r), E_OK);
    return r;
}

static bool count(void *ctx, struct span k, struct span value)
{
    (void)k;
    (void)value;
    (*(size_t *)ctx)++;
    return true;
}

static size_t stored(struct kv *kv)
{
    size_t n = 0;
    CHECK_INT(sl_kv_each(kv, span_of("auth/revoked/"), count, &n), E_OK);
    return n;
}

TEST(revoked_until_they_end_by_themselves)
{
    struct kv *kv = sl_kv_open_memory();
    struct revoked *r = begin(kv, 1000);
    CHECK_INT(sl_revoked_add(r, span_of("a"), 2000, 1000), E_OK);
    CHECK_INT(sl_revoked_add(r, span_of("a"), 2000, 1000), E_OK); /* once is enough */
    CHECK_INT(sl_revoked_add(r, span_of("b"), 3000, 1000), E_OK);
    CHECK_INT(sl_revoked_add(r, span_of(""), 3000, 1000), E_MALFORMED);
    CHECK_INT(sl_revoked_add(r, span_of("c"), 900, 1000), E_LATE);
    CHECK(sl_revoked_has(r, span_of("a")) && sl_revoked_has(r, span_of("b")));
    CHECK(!sl_revoked_has(r, span_of("c")) && !sl_revoked_has(r, span_of("")));
    sl_revoked_free(r);
    r = begin(kv, 2000 + TOKEN_SKEW_S); /* a is just good enough to be refused */
    CHECK(sl_revoked_has(r, span_of("a")) && sl_revoked_has(r, span_of("b")));
    sl_revoked_free(r);
    r = begin(kv, 2001 + TOKEN_SKEW_S);
    CHECK(!sl_revoked_has(r, span_of("a")) && sl_revoked_has(r, span_of("b")));
    CHECK_INT(stored(kv), 1);
    sl_revoked_free(r);
    sl_kv_close(kv);
    sl_revoked_free(NULL);
}

TEST(revoked_in_thousands)
{
    struct kv *kv = sl_kv_open_memory();
    struct revoked *r = begin(kv, 1000);
    char jti[16];
    for (int i = 0; i < 2500; i++) {
        (void)snprintf(jti, sizeof jti, "%d", i);
        CHECK_INT(sl_revoked_add(r, span_of(jti), i % 100 ? 2000 : 9000, 1000), E_OK);
    }
    sl_revoked_free(r);
    r = begin(kv, 5000);
    CHECK_INT(stored(kv), 25);
    CHECK(sl_revoked_has(r, span_of("2400")) && !sl_revoked_has(r, span_of("2401")));
    sl_revoked_free(r);
    sl_kv_close(kv);
}

TEST(revoked_numbers)
{
    struct kv *kv = sl_kv_open_memory();
    struct revoked *r = begin(kv, 0);
    CHECK(sl_revoked_number(r, span_of("")) == 0);
    CHECK(sl_revoked_number(r, span_of("a")) != 0);
    CHECK(sl_revoked_number(r, span_of("a")) == sl_revoked_number(r, span_of("a")));
    CHECK(sl_revoked_number(r, span_of("a")) != sl_revoked_number(r, span_of("b")));
    sl_revoked_free(r);
    sl_kv_close(kv);
}
