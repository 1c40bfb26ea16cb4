#include "media/history.h"

#include "check.h"

enum { SLOTS = 8 };

static struct pkt_pool *pool;

static struct history *history_of(usec max_age)
{
    pool = sl_pkt_pool_new(64, 0, 0);
    return sl_history_new(&(struct history_conf){.slots = SLOTS, .max_age = max_age});
}

static void put(struct history *h, uint64_t seq, usec at)
{
    struct pkt *p = sl_pkt_new(pool);
    p->at = at;
    p->data[0] = (uint8_t)seq;
    sl_history_put(h, seq, p, at);
    sl_pkt_unref(p);
}

static bool has(const struct history *h, uint64_t seq, usec now)
{
    struct pkt *p;
    if (sl_history_get(h, seq, now, &p))
        return false;
    CHECK_INT(p->data[0], (uint8_t)seq);
    return true;
}

/* All references are given back. */
static void done(struct history *h)
{
    CHECK_INT(sl_pkt_pool_used(pool), sl_history_held(h));
    sl_history_free(h);
    CHECK_INT(sl_pkt_pool_used(pool), 0);
    sl_pkt_pool_free(pool);
}

TEST(history_keeps_the_last)
{
    struct history *h = history_of(SEC(1));
    for (uint64_t seq = 100; seq < 120; seq++)
        put(h, seq, 0);
    CHECK(!has(h, 111, 0));
    for (uint64_t seq = 112; seq < 120; seq++)
        CHECK(has(h, seq, 0));
    CHECK(!has(h, 120, 0));
    CHECK_INT(sl_history_held(h), SLOTS);
    done(h);
}

TEST(history_gives_up_what_is_old)
{
    struct history *h = history_of(SEC(1));
    put(h, 100, 0);
    put(h, 101, MSEC(500));
    CHECK(has(h, 100, SEC(1)));
    CHECK(!has(h, 100, SEC(1) + 1));
    CHECK_INT(sl_history_held(h), 2);
    sl_history_trim(h, SEC(1));
    CHECK_INT(sl_history_held(h), 2);
    put(h, 102, SEC(1) + 1);
    CHECK_INT(sl_history_held(h), 2);
    sl_history_trim(h, SEC(5));
    CHECK_INT(sl_history_held(h), 0);
    put(h, 103, SEC(5));
    CHECK(has(h, 103, SEC(5)));
    done(h);
}

TEST(history_takes_late_packets)
{
    struct history *h = history_of(SEC(1));
    put(h, 100, 0);
    put(h, 103, MSEC(900));
    sl_history_trim(h, SEC(1) + 1); /* goes past 101 and 102, which are not there */
    put(h, 101, SEC(1) + 2);
    CHECK(has(h, 101, SEC(1) + 2));
    CHECK_INT(sl_history_held(h), 2);
    sl_history_trim(h, SEC(3));
    CHECK_INT(sl_history_held(h), 0);
    done(h);
}

TEST(history_refuses_what_is_older_than_its_place)
{
    struct history *h = history_of(SEC(1));
    put(h, 100, 0);
    put(h, 108, 0); /* the place of 100 */
    put(h, 100, 0);
    CHECK(has(h, 108, 0) && !has(h, 100, 0));
    put(h, 99, 0); /* its place is free, but it is too far back */
    CHECK(!has(h, 99, 0));
    put(h, 101, 0);
    CHECK(has(h, 101, 0));
    CHECK_INT(sl_history_held(h), 2);
    done(h);
}

TEST(history_keeps_the_first_of_two)
{
    struct history *h = history_of(SEC(1));
    struct pkt *first, *now;
    put(h, 100, 0);
    CHECK_INT(sl_history_get(h, 100, 0, &first), E_OK);
    put(h, 100, 0);
    CHECK_INT(sl_history_get(h, 100, 0, &now), E_OK);
    CHECK(first == now);
    done(h);
}

TEST(history_after_a_jump)
{
    struct history *h = history_of(SEC(1));
    for (uint64_t seq = 100; seq < 108; seq++)
        put(h, seq, 0);
    put(h, 30000, MSEC(900));
    CHECK(has(h, 30000, MSEC(900)));
    sl_history_trim(h, SEC(1) + MSEC(500));
    CHECK_INT(sl_history_held(h), 1);
    sl_history_trim(h, SEC(2));
    CHECK_INT(sl_history_held(h), 0);
    done(h);
}
