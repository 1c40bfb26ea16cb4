#include "base/pkt.h"

#include "check.h"

TEST(pkt_counts_its_references)
{
    struct pkt_pool *pool = sl_pkt_pool_new(1, 0, 0);
    struct pkt *p = sl_pkt_new(pool);
    CHECK_INT(p->refs, 1);
    CHECK(sl_pkt_ref(p) == p);
    sl_pkt_unref(p);
    CHECK_INT(sl_pkt_pool_size(pool), 1);
    CHECK_INT(sl_pkt_pool_left(pool), 0);
    CHECK(sl_pkt_new(pool) == NULL);
    CHECK_INT(sl_pkt_pool_empty(pool), 1);
    sl_pkt_unref(p);
    CHECK_INT(sl_pkt_pool_used(pool), 0);
    CHECK_INT(sl_pkt_pool_left(pool), 1);
    CHECK(sl_pkt_new(pool) == p);
    sl_pkt_unref(p);
    sl_pkt_pool_free(pool);
}

TEST(pkt_lease_shares_bytes_and_comes_back_once)
{
    struct pkt_pool *owner = sl_pkt_pool_new(1, 0, 0), *other = sl_pkt_pool_new(1, 1, 0);
    struct pkt *p = sl_pkt_new(owner);
    p->n = 3;
    p->meta[5] = 7;
    struct pkt *lease = sl_pkt_lease(other, sl_pkt_ref(p));
    CHECK(lease->data == p->data && lease->n == 3 && lease->meta[5] == 7);
    CHECK(sl_pkt_lease(other, p) == NULL);
    sl_pkt_unref(sl_pkt_ref(lease));
    CHECK(!sl_pkt_any_returned(other));
    sl_pkt_unref(lease);
    CHECK(sl_pkt_any_returned(other) && sl_pkt_returned(other) == p);
    CHECK(sl_pkt_returned(other) == NULL);
    sl_pkt_unref(p);
    CHECK_INT(p->refs, 1);
    sl_pkt_unref(p);
    CHECK_INT(sl_pkt_pool_used(owner) + sl_pkt_pool_used(other), 0);
    sl_pkt_pool_free(owner);
    sl_pkt_pool_free(other);
}

TEST(pkt_has_a_number_in_its_pool)
{
    struct pkt_pool *pool = sl_pkt_pool_new(2, 1, 0);
    struct pkt *a = sl_pkt_new(pool), *b = sl_pkt_new(pool);
    struct pkt *lease = sl_pkt_lease(pool, a);
    CHECK_INT(sl_pkt_number(a), 0);
    CHECK_INT(sl_pkt_number(b), 1);
    CHECK_INT(sl_pkt_number(lease), 2);
    sl_pkt_pool_free(pool);
}
