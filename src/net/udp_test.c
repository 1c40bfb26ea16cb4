#include "net/udp.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "free_port.h"

enum { RUN = 5, SIZE = 100, LAST = 40, NARROW = 1280 };
#define LIMIT SEC(30) /* bounds a failure only */

static struct udp *opened(uint16_t port)
{
    struct addr at[2] = {addr_v4(127, 0, 0, 1, port), addr_v4(127, 0, 0, 2, port)};
    struct udp *u = NULL;
    CHECK_INT(sl_udp_new(at, LEN(at), 1 << 20, &u), E_OK);
    return u;
}

static size_t receive(struct udp *u, struct pkt_pool *pool, struct pkt **ret, size_t want)
{
    size_t n = 0;
    usec end = sl_udp_now() + LIMIT;
    for (usec now; n < want && (now = sl_udp_now()) < end;) {
        sl_udp_wait(u, now, end);
        n += sl_udp_receive(u, pool, ret + n, UDP_BATCH);
    }
    return n;
}

static void check_whole(const struct pkt *p, uint16_t port)
{
    struct addr want = addr_v4(127, 0, 0, 1, port);
    CHECK_INT(p->n, 7);
    CHECK(addr_eq(&p->from, &want));
}

static void check_part(const struct pkt *p, size_t i, const uint8_t *run, uint16_t port)
{
    struct addr want = addr_v4(127, 0, 0, 2, port);
    CHECK_INT(p->n, i == RUN - 1 ? LAST : SIZE);
    CHECK(addr_eq(&p->from, &want));
    CHECK(memcmp(p->data, run + i * SIZE, p->n) == 0);
}

TEST(udp_run_arrives_as_datagrams_from_the_address_that_sent_it)
{
    static uint8_t bytes[(RUN - 1) * SIZE + LAST];
    uint16_t from = free_port(), to = free_port();
    struct udp *a = opened(from), *b = opened(to);
    struct pkt_pool *pool = sl_pkt_pool_new(128, 0, 0);
    struct pkt *got[128];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    struct tx tx[] = {
        {.to = addr_v4(127, 0, 0, 2, to),
         .port = 1,
         .p = bytes,
         .n = sizeof bytes,
         .segment = SIZE},
        {.to = addr_v4(127, 0, 0, 1, to), .port = 0, .p = bytes, .n = 7},
    };
    sl_udp_send(a, tx, LEN(tx));
    CHECK_INT(sl_udp_stats(a)->sent, RUN + 1);
    CHECK_INT(sl_udp_stats(a)->runs, 1);
    size_t n = receive(b, pool, got, RUN + 1);
    CHECK_INT(n, RUN + 1);
    for (size_t i = 0, run = 0; i < n; i++) {
        CHECK(sl_udp_now() - got[i]->at < LIMIT && got[i]->at <= sl_udp_now());
        if (got[i]->port == 0)
            check_whole(got[i], from);
        else
            check_part(got[i], run++, bytes, from);
        sl_pkt_unref(got[i]);
    }
    sl_udp_free(a);
    sl_udp_free(b);
    CHECK_INT(sl_pkt_pool_used(pool), 0);
    sl_pkt_pool_free(pool);
}

/* Who slept otherwise need not ask: it reads. */
TEST(udp_what_is_supposed_to_wait_is_read)
{
    struct udp *a = opened(35108), *b = opened(35109);
    struct pkt_pool *pool = sl_pkt_pool_new(8, 0, 0);
    struct pkt *got[UDP_BATCH];
    struct tx tx = {
        .to = addr_v4(127, 0, 0, 2, 35109), .port = 1, .p = (const uint8_t *)"x", .n = 1};
    usec end = sl_udp_now() + SEC(2);
    size_t n = 0;
    sl_udp_send(a, &tx, 1);
    CHECK_INT(sl_udp_receive(b, pool, got, UDP_BATCH), 0);
    while (n == 0 && sl_udp_now() < end) {
        sl_udp_suppose(b);
        CHECK(sl_udp_ready(b));
        n = sl_udp_receive(b, pool, got, UDP_BATCH);
    }
    CHECK_INT(n, 1);
    CHECK(!sl_udp_ready(b));
    sl_pkt_unref(n > 0 ? got[0] : NULL);
    sl_udp_free(a);
    sl_udp_free(b);
    sl_pkt_pool_free(pool);
}

TEST(udp_drops_what_is_longer_than_a_packet)
{
    static uint8_t bytes[PKT_CAP + 1];
    uint16_t to = free_port();
    struct udp *a = opened(free_port()), *b = opened(to);
    struct pkt_pool *pool = sl_pkt_pool_new(8, 0, 0);
    struct pkt *got[UDP_BATCH];
    struct tx tx[] = {{.to = addr_v4(127, 0, 0, 1, to), .p = bytes, .n = sizeof bytes},
                      {.to = addr_v4(127, 0, 0, 1, to), .p = bytes, .n = PKT_CAP}};
    sl_udp_send(a, tx, LEN(tx));
    CHECK_INT(receive(b, pool, got, 1), 1);
    CHECK_INT(got[0]->n, PKT_CAP);
    CHECK_INT(sl_udp_stats(b)->truncated, 1);
    sl_pkt_unref(got[0]);
    sl_udp_free(a);
    sl_udp_free(b);
    CHECK_INT(sl_pkt_pool_used(pool), 0);
    sl_pkt_pool_free(pool);
}

TEST(udp_ports_of_a_running_server_are_not_free)
{
    struct addr one = addr_v4(127, 0, 0, 1, free_port());
    CHECK_INT(sl_udp_free_ports(&one, 1), E_OK);
    struct udp *u = opened(one.port);
    CHECK_INT(sl_udp_free_ports(&one, 1), E_EXISTS);
    sl_udp_free(u);
    CHECK_INT(sl_udp_free_ports(&one, 1), E_OK);
}

TEST(udp_local_addrs_end_with_loopback)
{
    struct addr all[UDP_PORTS_MAX];
    size_t n = sl_udp_local_addrs(all, LEN(all), 9);
    CHECK(n > 0 && sl_addr_is_loopback(&all[n - 1]) && all[0].port == 9);
}

TEST(udp_source_is_what_the_kernel_would_take)
{
    struct addr to = addr_v4(127, 0, 0, 9, 1), from;
    CHECK(sl_udp_source(&to, &from) && sl_addr_is_loopback(&from) &&
          sl_addr_is_v4(&from));
    to = addr_v4(255, 255, 255, 255, 1);
    CHECK(!sl_udp_source(&to, &from));
}

/* A network of our own, whose loopback takes no packet longer than that: the rest of the process
 * stays in it. False: we may not have one. */
static bool narrow_network(int mtu)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_mtu = mtu};
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && ioctl(fd, SIOCSIFMTU, &lo) == 0;
    lo.ifr_flags = IFF_UP | IFF_RUNNING;
    ok = ok && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

TEST(udp_what_is_wider_than_its_path_goes_in_fragments)
{
    static uint8_t bytes[3 * (NARROW + 100)];
    enum { from = 12001, to }; /* of a network where nobody else is */
    struct tx tx[] = {
        {.to = addr_v4(127, 0, 0, 1, to), .p = bytes, .n = NARROW + 100},
        {.to = addr_v4(127, 0, 0, 1, to), .p = bytes, .n = SIZE},
        {.to = addr_v4(127, 0, 0, 1, to),
         .p = bytes,
         .n = sizeof bytes,
         .segment = NARROW + 100},
        {.to = addr_v4(127, 0, 0, 1, to), .p = bytes, .n = 2 * SIZE, .segment = SIZE},
    };
    static const size_t want[] = {NARROW + 100, SIZE, NARROW + 100, NARROW + 100,
                                  NARROW + 100, SIZE, SIZE};
    struct pkt *got[UDP_BATCH];
    if (!narrow_network(NARROW)) {
        (void)fprintf(stderr, "no network of our own: not tested\n");
        return;
    }
    struct udp *a = opened(from), *b = opened(to);
    struct pkt_pool *pool = sl_pkt_pool_new(128, 0, 0);
    sl_udp_send(a, tx, LEN(tx));
    CHECK_INT(sl_udp_stats(a)->sent, LEN(want));
    CHECK_INT(sl_udp_stats(a)->refused, 0);
    CHECK_INT(sl_udp_stats(a)->runs, 1); /* others still go in runs */
    size_t n = receive(b, pool, got, LEN(want));
    CHECK_INT(n, LEN(want));
    for (size_t i = 0; i < n; i++) {
        CHECK_INT(got[i]->n, want[i]);
        sl_pkt_unref(got[i]);
    }
    sl_udp_free(a);
    sl_udp_free(b);
    sl_pkt_pool_free(pool);
}
