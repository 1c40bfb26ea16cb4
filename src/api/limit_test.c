#include "api/limit.h"

#include "check.h"

static const uint64_t seed[2] = {1, 2};

/* Takes tokens until there is none; returns how many there were. */
static int drain(struct limit *l, struct addr from, usec now)
{
    int n = 0;
    while (n < 1000 && sl_limit_take(l, &from, now) == 0)
        n++;
    return n;
}

static struct addr v6(const char *text)
{
    struct addr a = {0};
    CHECK_INT(sl_addr_parse(span_of(text), 1, &a), E_OK);
    return a;
}

TEST(bucket)
{
    struct limit *l =
        sl_limit_new(&(struct limit_conf){SEC(2), .burst = 5, .addresses = 64}, seed);
    struct addr a = addr_v4(192, 0, 2, 1, 1000);
    usec now = SEC(100);

    CHECK_INT(drain(l, a, now), 5);
    CHECK_INT(sl_limit_take(l, &a, now), SEC(2));
    CHECK_INT(sl_limit_take(l, &a, now + SEC(2) - 1), 1);
    CHECK_INT(drain(l, a, now + SEC(2)), 1);
    CHECK_INT(drain(l, a, now + SEC(8)), 3);
    CHECK_INT(drain(l, a, now + SEC(1000)), 5);
    sl_limit_free(l);
}

TEST(bucket_by_itself)
{
    usec full_at = 0, now = SEC(100), capacity = SEC(10);
    CHECK(sl_limit_pay(&full_at, SEC(4), capacity, now));
    CHECK(sl_limit_pay(&full_at, SEC(6), capacity, now));
    CHECK_INT(full_at, now + SEC(10));
    CHECK(!sl_limit_pay(&full_at, 1, capacity, now));
    CHECK_INT(full_at, now + SEC(10)); /* nothing was taken */
    CHECK(!sl_limit_pay(&full_at, SEC(2), capacity, now + SEC(2) - 1));
    CHECK(sl_limit_pay(&full_at, SEC(2), capacity, now + SEC(2)));
    CHECK(sl_limit_pay(&full_at, SEC(10), capacity, now + SEC(99)));
    CHECK(!sl_limit_pay(&full_at, SEC(11), capacity, now + SEC(999)));
}

TEST(who_shares_a_bucket)
{
    static const struct {
        const char *name;
        const char *a, *b;
        bool shared;
    } rows[] = {
        {"two IPv4 addresses", "192.0.2.1", "192.0.2.2", false},
        {"one /64", "2001:db8::1", "2001:db8::ffff:2", true},
        {"two of /64", "2001:db8::1", "2001:db8:0:1::1", false},
        {"IPv4 beside IPv6", "0.0.0.1", "::1", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct limit *l =
            sl_limit_new(&(struct limit_conf){SEC(1), .burst = 3, .addresses = 64}, seed);
        check_row(rows[i].name);
        CHECK_INT(drain(l, v6(rows[i].a), 0), 3);
        CHECK_INT(drain(l, v6(rows[i].b), 0), rows[i].shared ? 0 : 3);
        sl_limit_free(l);
    }
    struct limit *l =
        sl_limit_new(&(struct limit_conf){SEC(1), .burst = 3, .addresses = 64}, seed);
    check_row("two ports of one address");
    CHECK_INT(drain(l, addr_v4(192, 0, 2, 1, 1), 0), 3);
    CHECK_INT(drain(l, addr_v4(192, 0, 2, 1, 2), 0), 0);
    sl_limit_free(l);
}

/* A flood from many addresses must neither grow the table nor shut out a newcomer. */
TEST(more_addresses_than_places)
{
    struct limit *l =
        sl_limit_new(&(struct limit_conf){SEC(1), .burst = 2, .addresses = 16}, seed);
    for (unsigned i = 0; i < 10000; i++) {
        struct addr a = addr_v4(10, 0, (uint8_t)(i >> 8), (uint8_t)i, 1);
        CHECK_INT(sl_limit_take(l, &a, MSEC(i)), 0);
    }
    sl_limit_free(l);
}

TEST(no_limit)
{
    struct limit *l = sl_limit_new(&(struct limit_conf){0, .burst = 1}, seed);
    CHECK_INT(drain(l, addr_v4(192, 0, 2, 1, 1), 0), 1000);
    sl_limit_free(l);
}
