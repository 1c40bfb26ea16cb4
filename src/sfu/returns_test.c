#include "sfu/returns.h"

#include "check.h"

enum { OWNER, A, B, PARTIES, PACKETS = 3, BOX = 16 };

/* What was posted to each, and to whom nothing can be. */
struct boxes {
    struct mail mails[PARTIES][BOX];
    size_t n[PARTIES];
    bool full[PARTIES];
};

static bool post(void *ctx, unsigned to, const struct mail *m, size_t keep)
{
    struct boxes *b = ctx;
    CHECK_INT(keep, 0);
    if (b->full[to] || b->n[to] == BOX)
        return false;
    b->mails[to][b->n[to]++] = *m;
    return true;
}

/* A packet of the owner, lent to two threads that end with it in different orders. */
TEST(returns_of_one_packet_from_two_threads)
{
    struct boxes boxes = {0};
    struct shard_io io = {.ctx = &boxes, .post = post};
    struct pkt_pool *pools[PARTIES];
    struct returns r[PARTIES] = {0};
    struct pkt *lent[PACKETS], *leases[PARTIES][PACKETS];
    for (uint16_t i = 0; i < PARTIES; i++)
        pools[i] = sl_pkt_pool_new(PACKETS, PACKETS, i);
    for (size_t i = 0; i < PACKETS; i++) {
        lent[i] = sl_pkt_new(pools[OWNER]);
        for (int who = A; who <= B; who++)
            leases[who][i] = sl_pkt_lease(pools[who], sl_pkt_ref(lent[i]));
        sl_pkt_unref(lent[i]);
    }
    for (size_t i = 0; i < PACKETS; i++) {
        sl_pkt_unref(leases[A][i]);
        sl_pkt_unref(leases[B][PACKETS - 1 - i]);
    }
    sl_returns_send(&r[A], pools[A], &io);
    sl_returns_send(&r[B], pools[B], &io);
    CHECK_INT(boxes.n[OWNER], 2 * PACKETS);
    CHECK_INT(sl_pkt_pool_used(pools[OWNER]), PACKETS);
    for (size_t i = 0; i < boxes.n[OWNER]; i++)
        sl_returns_take(&boxes.mails[OWNER][i]);
    for (int i = 0; i < PARTIES; i++) {
        CHECK_INT(sl_pkt_pool_used(pools[i]), 0);
        sl_returns_fini(&r[i]);
        sl_pkt_pool_free(pools[i]);
    }
}

TEST(returns_wait_for_room)
{
    struct boxes boxes = {.full = {[A] = true}};
    struct shard_io io = {.ctx = &boxes, .post = post};
    struct pkt_pool *mine = sl_pkt_pool_new(0, 1, OWNER);
    struct pkt_pool *a = sl_pkt_pool_new(1, 0, A), *b = sl_pkt_pool_new(2, 0, B);
    struct returns r = {0};
    struct pkt *pa = sl_pkt_new(a), *pb = sl_pkt_new(b), *pb2 = sl_pkt_new(b);
    struct pkt *lease = sl_pkt_lease(mine, pa);
    CHECK(sl_pkt_lease(mine, pb) == NULL); /* no place: it goes back unseen */
    sl_pkt_unref(lease);
    sl_returns_add(&r, pb);
    sl_returns_add(&r, pb2);
    sl_returns_send(&r, mine, &io);
    CHECK_INT(boxes.n[A], 0);
    CHECK_INT(boxes.n[B], 2); /* nobody waits for a's box */
    lease = sl_pkt_lease(mine, pb);
    CHECK(lease != NULL); /* the place is free again though its packet is still here */
    sl_pkt_unref(lease);
    CHECK(sl_pkt_returned(mine) == pb);

    boxes.full[A] = false;
    sl_returns_send(&r, mine, &io);
    CHECK_INT(boxes.n[A], 1);
    CHECK(boxes.mails[A][0].type == MAIL_BACK && boxes.mails[A][0].p == pa);
    CHECK_INT(boxes.n[B], 2);
    sl_returns_take(&boxes.mails[A][0]);
    sl_returns_take(&boxes.mails[B][0]);
    sl_returns_take(&boxes.mails[B][1]);
    CHECK_INT(sl_pkt_pool_used(a) + sl_pkt_pool_used(b), 0);
    sl_returns_fini(&r);
    sl_pkt_pool_free(mine);
    sl_pkt_pool_free(a);
    sl_pkt_pool_free(b);
}
