#include "net/tcp.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "net/sa.h"
#include "net/udp.h"

enum { CONNS = 6, PER_ADDRESS = 4, GOT = 64 };

struct rig {
    struct tcpconn_numbers *numbers;
    struct pkt_pool *pool;
    struct tcp *t;
    struct addr at;
    usec now; /* the test's clock: the kernel has its own */
    size_t n;
    struct pkt *got[GOT];
};

static void rig_init(struct rig *r)
{
    *r = (struct rig){.numbers = sl_tcpconn_numbers_new(),
                      .pool = sl_pkt_pool_new(GOT, 0, 0),
                      .now = SEC(100)};
    struct tcp_conf conf = {.at = &r->at,
                            .at_n = 1,
                            .conns_max = CONNS,
                            .conns_per_address = PER_ADDRESS,
                            .numbers = r->numbers};
    for (uint16_t i = 0; i < 1000 && !r->t; i++) {
        r->at = addr_v4(127, 0, 0, 1, (uint16_t)(21000 + (sl_udp_now() + i) % 9000));
        if (sl_tcp_free_ports(&r->at, 1) == E_OK)
            CHECK_INT(sl_tcp_new(&conf, &r->t), E_OK);
    }
    CHECK(r->t != NULL);
}

static void forget(struct rig *r)
{
    while (r->n > 0)
        sl_pkt_unref(r->got[--r->n]);
}

static void rig_fini(struct rig *r)
{
    forget(r);
    CHECK_INT(sl_pkt_pool_used(r->pool), 0);
    sl_tcp_free(r->t);
    sl_pkt_pool_free(r->pool);
    sl_tcpconn_numbers_free(r->numbers);
}

/* From 127.0.0.host. */
static int client(const struct rig *r, uint8_t host)
{
    struct addr from = addr_v4(127, 0, 0, host, 0);
    union sa sa = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t n = sa_of(&from, true, &sa);
    CHECK_INT(bind(fd, &sa.any, n), 0);
    n = sa_of(&r->at, true, &sa);
    CHECK_INT(connect(fd, &sa.any, n), 0);
    return fd;
}

/* Looks once something is there. */
static void look(struct rig *r)
{
    struct pollfd p = {.fd = sl_tcp_fd(r->t), .events = POLLIN};
    if (!sl_tcp_ready(r->t))
        (void)poll(&p, 1, 2000);
    r->n += sl_tcp_receive(r->t, r->pool, r->now, r->got + r->n, GOT - r->n);
}

static void look_for(struct rig *r, size_t n)
{
    for (usec end = sl_udp_now() + SEC(5); r->n < n && sl_udp_now() < end;)
        look(r);
    CHECK_INT(r->n, n);
}

/* Waits until so many streams are open. */
static void look_open(struct rig *r, uint64_t open)
{
    for (usec end = sl_udp_now() + SEC(5);
         sl_tcp_stats(r->t)->open != open && sl_udp_now() < end;)
        look(r);
    CHECK_INT(sl_tcp_stats(r->t)->open, open);
}

static void say(int fd, const char *hex)
{
    struct span s = check_hex(hex);
    CHECK_INT(send(fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

/* Its end of the connection has ended. */
static bool is_over(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char c;
    return poll(&p, 1, 2000) == 1 && recv(fd, &c, 1, MSG_DONTWAIT) <= 0;
}

TEST(tcp_frames_become_packets_and_back)
{
    struct rig r;
    uint8_t in[16];
    rig_init(&r);
    int fd = client(&r, 1);
    say(fd, "0002 0001 0003 000203");
    look_for(&r, 2);
    const struct pkt *p = r.got[0];
    CHECK(tx_is_stream(p->port) && p->n == 2 && r.got[1]->n == 3);
    CHECK(p->at == r.now && p->from.port != 0 && sl_addr_is_loopback(&p->from));
    struct tx tx[] = {
        {.to = p->from, .port = p->port, .p = (const uint8_t *)"hello", .n = 5},
        {.to = addr_v4(192, 0, 2, 1, 1), .port = p->port, .p = in, .n = 5},
        {.to = p->from, .port = (uint16_t)(p->port + 1), .p = in, .n = 5},
    };
    sl_tcp_send(r.t, tx, LEN(tx));
    CHECK_INT(recv(fd, in, sizeof in, 0), 7);
    CHECK(memcmp(in, "\0\5hello", 7) == 0);
    CHECK_INT(sl_tcp_stats(r.t)->sent, 1);
    CHECK_INT(sl_tcp_stats(r.t)->sent_bytes, 5);
    CHECK_INT(sl_tcp_stats(r.t)->gone, 2);
    (void)close(fd);
    look_open(&r, 0);
    CHECK_INT(sl_tcp_stats(r.t)->ended, 1);
    rig_fini(&r);
}

/* What is closed, and when, by what was said on it. */
static const struct {
    const char *name, *says;
    size_t frames;
    bool proven, closed;
} rows[] = {
    {"a check, perhaps", "0002 0001", 1, false, false},
    {"half of one", "0014 0001", 0, false, false},
    {"DTLS before a check", "0002 16fe", 0, false, true},
    {"RTP before a check", "0002 8060", 0, false, true},
    {"longer than any datagram", "0641", 0, false, true},
    {"HTTP", "474554202f20", 0, false, true},
    {"DTLS after a check", "0002 16fe", 1, true, false},
    {"too long after a check", "ffff", 0, true, true},
};

TEST(tcp_strangers_may_send_checks_and_nothing_else)
{
    for (size_t i = 0; i < LEN(rows); i++) {
        struct rig r;
        check_row(rows[i].name);
        rig_init(&r);
        int fd = client(&r, 1);
        say(fd, "0001 01");
        look_for(&r, 1);
        if (rows[i].proven)
            sl_tcp_proved(r.t, r.got[0]->port, r.now);
        forget(&r);
        say(fd, rows[i].says);
        look(&r);
        CHECK_INT(r.n, rows[i].frames);
        CHECK_INT(sl_tcp_stats(r.t)->open, !rows[i].closed);
        CHECK_INT(sl_tcp_stats(r.t)->wrong, rows[i].closed);
        if (rows[i].closed)
            CHECK(is_over(fd));
        (void)close(fd);
        rig_fini(&r);
    }
}

TEST(tcp_checks_in_vain_end)
{
    struct rig r;
    rig_init(&r);
    int fd = client(&r, 1);
    for (int i = 0; i < 33; i++)
        say(fd, "0001 00");
    look_open(&r, 1);
    look_open(&r, 0);
    CHECK_INT(r.n, 32);
    CHECK_INT(sl_tcp_stats(r.t)->wrong, 1);
    (void)close(fd);
    rig_fini(&r);
}

TEST(tcp_stream_lives_by_checks)
{
    struct rig r;
    rig_init(&r);
    int fd = client(&r, 1);
    CHECK_INT(sl_tcp_deadline(r.t), USEC_NEVER);
    look_open(&r, 1);
    CHECK_INT(sl_tcp_deadline(r.t), r.now + TCP_FIRST_CHECK);
    say(fd, "0001 00");
    look_for(&r, 1);
    r.now += TCP_FIRST_CHECK - 1;
    sl_tcp_tick(r.t, r.now);
    sl_tcp_proved(r.t, r.got[0]->port, r.now);
    CHECK_INT(sl_tcp_deadline(r.t), r.now + TCP_NEXT_CHECK);
    r.now += TCP_NEXT_CHECK - 1;
    sl_tcp_tick(r.t, r.now);
    CHECK_INT(sl_tcp_stats(r.t)->open, 1);
    r.now += 1;
    sl_tcp_tick(r.t, r.now);
    CHECK_INT(sl_tcp_stats(r.t)->open, 0);
    CHECK_INT(sl_tcp_stats(r.t)->silent, 1);
    CHECK(sl_tcp_ready(r.t)); /* somebody is to be told that it was a path */
    struct tcpconn *closed = sl_tcp_closed(r.t);
    CHECK(closed && closed->number == r.got[0]->port);
    CHECK(!sl_tcp_ready(r.t) && !sl_tcp_closed(r.t));
    sl_tcpconn_free(closed);
    CHECK(is_over(fd));
    (void)close(fd);
    fd = client(&r, 1);
    look_open(&r, 1);
    r.now += TCP_FIRST_CHECK;
    sl_tcp_tick(r.t, r.now);
    CHECK_INT(sl_tcp_stats(r.t)->unproven, 1);
    CHECK(!sl_tcp_closed(r.t)); /* it never was */
    CHECK(is_over(fd));
    (void)close(fd);
    rig_fini(&r);
}

TEST(tcp_limits_hold_and_the_oldest_unproven_makes_place)
{
    struct rig r;
    int fds[CONNS + 1], more;
    rig_init(&r);
    for (int i = 0; i < PER_ADDRESS; i++) {
        fds[i] = client(&r, 1);
        look_open(&r, (uint64_t)i + 1);
    }
    more = client(&r, 1);
    look(&r);
    CHECK_INT(sl_tcp_stats(r.t)->refused, 1);
    CHECK(is_over(more));
    (void)close(more);
    say(fds[0], "0001 00");
    look_for(&r, 1);
    sl_tcp_proved(r.t, r.got[0]->port, r.now);
    for (int i = PER_ADDRESS; i < CONNS; i++) {
        fds[i] = client(&r, 2);
        look_open(&r, (uint64_t)i + 1);
    }
    fds[CONNS] = client(&r, 3);
    look(&r);
    CHECK_INT(sl_tcp_stats(r.t)->open, CONNS);
    CHECK_INT(sl_tcp_stats(r.t)->unproven, 1);
    CHECK(is_over(fds[1])); /* as the first had shown something */
    for (int i = 0; i <= CONNS; i++)
        (void)close(fds[i]);
    look_open(&r, 0);
    /* And an address may come again once its streams have gone. */
    more = client(&r, 1);
    look_open(&r, 1);
    (void)close(more);
    rig_fini(&r);
}

TEST(tcp_stream_moves_with_what_was_read_of_it)
{
    struct rig a, b;
    rig_init(&a);
    rig_init(&b);
    int fd = client(&a, 1);
    say(fd, "0001 00 0003 0001");
    look_for(&a, 1);
    uint16_t number = a.got[0]->port;
    sl_tcp_proved(a.t, number, a.now);
    struct tcpconn *c = sl_tcp_release(a.t, number);
    CHECK(c && sl_tcp_release(a.t, number) == NULL);
    CHECK_INT(sl_tcp_stats(a.t)->open, 0);
    sl_tcp_adopt(b.t, c);
    say(fd, "02");
    look_for(&b, 1);
    CHECK(b.got[0]->n == 3 && b.got[0]->port == number);
    struct tx tx = {
        .to = b.got[0]->from, .port = number, .p = (const uint8_t *)"x", .n = 1};
    sl_tcp_send(b.t, &tx, 1);
    char in[3];
    CHECK_INT(recv(fd, in, sizeof in, 0), 3);
    (void)close(fd);
    look_open(&b, 0);
    rig_fini(&b); /* whose streams have numbers of a's */
    rig_fini(&a);
}

static void send_to(struct rig *r, size_t whom, size_t n)
{
    static const uint8_t bytes[1000];
    const struct pkt *p = r->got[whom];
    struct tx tx = {.to = p->from, .port = p->port, .p = bytes, .n = (uint32_t)n};
    sl_tcp_send(r->t, &tx, 1);
}

/* Takes what comes until one frame is whole. */
static bool take_one(int fd, struct frames *f)
{
    struct span frame;
    while (sl_frames_next(f, &frame) != E_OK) {
        size_t room;
        uint8_t *to = sl_frames_room(f, &room);
        ssize_t got = recv(fd, to, room, 0);
        if (got <= 0)
            return false;
        sl_frames_put(f, (size_t)got);
    }
    return true;
}

/* One that reads nothing loses what is sent to it; another gets all of its own meanwhile. */
TEST(tcp_slow_reader_is_alone_with_it)
{
    struct rig r;
    struct frames f = {0};
    enum { N = 4000 };
    rig_init(&r);
    int slow = client(&r, 1), quick = client(&r, 2);
    say(slow, "0001 00");
    look_for(&r, 1);
    say(quick, "0001 00");
    look_for(&r, 2);
    int came = 0;
    for (int i = 0; i < N; i++) {
        send_to(&r, 0, 1000);
        send_to(&r, 1, 1000);
        came += take_one(quick, &f);
    }
    CHECK_INT(came, N);
    const struct tcp_stats before = *sl_tcp_stats(r.t);
    CHECK_INT(before.sent + before.slow, 2 * N);
    CHECK(before.slow > N / 2);
    /* It has room again once the reader reads. */
    static uint8_t all[4000000];
    while (recv(slow, all, sizeof all, MSG_DONTWAIT) > 0)
        ;
    for (int i = 0; i < 100 && sl_tcp_stats(r.t)->sent == before.sent; i++) {
        look(&r);
        send_to(&r, 0, 1);
    }
    CHECK_INT(sl_tcp_stats(r.t)->sent, before.sent + 1);
    (void)close(slow);
    (void)close(quick);
    rig_fini(&r);
}
