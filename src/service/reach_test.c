#include "service/reach.h"

#include <string.h>

#include "check.h"
#include "proto/stun.h"

enum { SENT_MAX = 64 };

/* Stands in for the world. */
struct world {
    struct reach r;
    unsigned looks[REACH_NAMES], changes;
    size_t sent_n;
    struct sent {
        uint16_t port;
        struct addr to;
    } sent[SENT_MAX];
};

static void look_up(void *ctx, enum reach_name what)
{
    ((struct world *)ctx)->looks[what]++;
}

static void send_datagram(void *ctx, uint16_t port, const struct addr *to, struct span d)
{
    struct world *w = ctx;
    struct stun msg;
    CHECK_INT(sl_stun_parse(d, &msg), E_OK);
    CHECK(msg.class == STUN_REQUEST && msg.fingerprint && msg.integrity.n == 0);
    CHECK(memcmp(msg.id, "\1\2\3\4\5\6\7\10\0\0\0", 11) == 0 && msg.id[11] == port);
    if (w->sent_n < SENT_MAX)
        w->sent[w->sent_n++] = (struct sent){port, *to};
}

static void changed(void *ctx)
{
    ((struct world *)ctx)->changes++;
}

static const struct addr hosts[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}, 8443, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 172, 17, 0, 1}, 8443, 0},
    {{0xfd, [15] = 1}, 8443, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}, 8443, 0},
};

static void world_init(struct world *w, bool ours, bool stun)
{
    *w = (struct world){.changes = 0};
    const struct reach_conf conf = {.of = {.udp = hosts, .udp_n = LEN(hosts)},
                                    .wanted = {ours, stun},
                                    .key = 0x0102030405060708};
    const struct reach_ops ops = {w, look_up, send_datagram, changed};
    sl_reach_init(&w->r, &conf, &ops);
}

static bool tells(const struct world *w, struct addr a)
{
    for (size_t i = 0; i < w->r.told_n; i++)
        if (addr_eq(&w->r.told[i].addr, &a))
            return true;
    return false;
}

TEST(reach_nothing_is_asked_where_nothing_is_wanted)
{
    struct world w;
    world_init(&w, false, false);
    sl_reach_tick(&w.r, SEC(5));
    CHECK(sl_reach_settled(&w.r) && sl_reach_deadline(&w.r) == USEC_NEVER);
    CHECK_INT(w.r.told_n, LEN(hosts));
    CHECK_INT(w.looks[REACH_OURS] + w.looks[REACH_STUN] + w.sent_n + w.changes, 0);
}

TEST(reach_a_name_is_told_as_what_it_means_now)
{
    struct world w;
    struct addr first[] = {addr_v4(192, 0, 2, 7, 0), addr_v4(192, 0, 2, 8, 0)};
    struct addr second = addr_v4(198, 51, 100, 1, 0);
    world_init(&w, true, false);
    CHECK(!sl_reach_settled(&w.r));
    sl_reach_tick(&w.r, SEC(5));
    CHECK(w.looks[REACH_OURS] == 1 && !sl_reach_settled(&w.r));
    sl_reach_found(&w.r, REACH_OURS, first, LEN(first), SEC(5));
    CHECK(sl_reach_settled(&w.r) && sl_reach_knows(&w.r));
    CHECK_INT(w.changes, 1);
    CHECK(tells(&w, addr_v4(192, 0, 2, 7, 8443)));
    CHECK(!tells(&w, hosts[0]) && !tells(&w, hosts[1]));
    CHECK(tells(&w, hosts[2]) && tells(&w, hosts[3])); /* of another kind */

    CHECK_INT(sl_reach_deadline(&w.r), SEC(65));
    sl_reach_tick(&w.r, SEC(65));
    CHECK_INT(w.looks[REACH_OURS], 2);
    sl_reach_found(&w.r, REACH_OURS, NULL, 0, SEC(65)); /* nobody knows: as before */
    CHECK_INT(w.changes, 1);
    sl_reach_tick(&w.r, SEC(125));
    sl_reach_found(&w.r, REACH_OURS, &second, 1, SEC(125));
    CHECK_INT(w.changes, 2);
    CHECK(tells(&w, addr_v4(198, 51, 100, 1, 8443)));
    CHECK(!tells(&w, addr_v4(192, 0, 2, 7, 8443)));
}

TEST(reach_a_stun_server_is_asked_from_each_address)
{
    struct world w;
    struct addr server = addr_v4(192, 0, 2, 53, 3478), shown = addr_v4(192, 0, 2, 7, 999);
    world_init(&w, false, true);
    sl_reach_tick(&w.r, SEC(5));
    CHECK_INT(w.looks[REACH_STUN], 1);
    sl_reach_found(&w.r, REACH_STUN, &server, 1, SEC(5));
    CHECK_INT(w.sent_n, 2); /* not by IPv6, and not by loopback */
    CHECK(w.sent[0].port == 0 && w.sent[1].port == 1);
    CHECK(addr_eq(&w.sent[0].to, &server));
    CHECK(!sl_reach_settled(&w.r));

    sl_reach_seen(&w.r, 0, &shown);
    CHECK_INT(w.changes, 1);
    CHECK(tells(&w, addr_v4(192, 0, 2, 7, 8443))); /* with our port, not the NAT's */
    CHECK(!tells(&w, hosts[0]) && tells(&w, hosts[1]));
    sl_reach_seen(&w.r, 0, &hosts[1]); /* twice: the first counts */
    sl_reach_seen(&w.r, 2, &shown);    /* was not asked */
    sl_reach_seen(&w.r, 99, &shown);
    CHECK_INT(w.changes, 1);

    /* The other is asked again, not the one that was answered, and then no more. */
    static const usec at[] = {SEC(5) + MSEC(500), SEC(5) + MSEC(1500),
                              SEC(5) + MSEC(3500)};
    for (size_t i = 0; i < LEN(at); i++) {
        CHECK_INT(sl_reach_deadline(&w.r), at[i]);
        sl_reach_tick(&w.r, at[i] - 1);
        CHECK_INT(w.sent_n, 2 + i);
        sl_reach_tick(&w.r, at[i]);
        CHECK_INT(w.sent_n, 3 + i);
        CHECK_INT(w.sent[w.sent_n - 1].port, 1);
    }
    CHECK(!sl_reach_settled(&w.r));
    sl_reach_tick(&w.r, sl_reach_deadline(&w.r));
    CHECK_INT(w.sent_n, 5);
    CHECK(sl_reach_settled(&w.r));
    CHECK_INT(sl_reach_deadline(&w.r), SEC(65));

    /* Later the second one is seen behind the same NAT: told once. */
    sl_reach_tick(&w.r, SEC(65));
    sl_reach_found(&w.r, REACH_STUN, &server, 1, SEC(65));
    CHECK_INT(w.sent_n, 7);
    sl_reach_seen(&w.r, 1, &shown);
    CHECK_INT(w.changes, 2);
    CHECK_INT(w.r.told_n, 3);
    CHECK(sl_reach_settled(
        &w.r)); /* the first one is still waited for, but has an address */
}

TEST(reach_goes_on_without_a_stun_server)
{
    struct world w;
    world_init(&w, false, true);
    sl_reach_tick(&w.r, SEC(5));
    sl_reach_found(&w.r, REACH_STUN, NULL, 0, SEC(6));
    CHECK(sl_reach_settled(&w.r) && !sl_reach_knows(&w.r));
    CHECK_INT(w.sent_n + w.changes, 0);
    CHECK_INT(w.r.told_n, LEN(hosts));
}

/* What was written down stands beside what is found. */
TEST(reach_pairs_are_not_asked_about_by_name)
{
    struct world w;
    struct address_map map = {.local = hosts[1], .shown = addr_v4(192, 0, 2, 9, 5)};
    struct addr name = addr_v4(192, 0, 2, 7, 0);
    world_init(&w, true, false);
    w.r.conf.of.maps = &map;
    w.r.conf.of.maps_n = 1;
    sl_reach_found(&w.r, REACH_OURS, &name, 1, SEC(5));
    CHECK(tells(&w, addr_v4(192, 0, 2, 9, 8443)));
    CHECK(tells(&w, addr_v4(192, 0, 2, 7, 8443)));
}
