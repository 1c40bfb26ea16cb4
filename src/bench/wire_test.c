#include "bench/wire.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "net/udp.h"

enum { PORTS = 8 /* that clients share */ };

struct end {
    int fd;
    struct addr addr;
};

static struct end end_new(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    struct end e = {.fd = socket(AF_INET, SOCK_DGRAM, 0)};
    CHECK(e.fd >= 0 && bind(e.fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    CHECK(getsockname(e.fd, (struct sockaddr *)&sa, &n) == 0);
    e.addr = addr_v4(127, 0, 0, 1, ntohs(sa.sin_port));
    return e;
}

TEST(wire_clients_have_addresses_of_their_own)
{
    static const size_t clients[] = {0, 3, 255, 70000};
    struct end e = end_new();
    struct wire *w = NULL;
    CHECK_INT(sl_wire_new(&e.addr, 100000, &w), E_OK);
    for (size_t i = 0; i < LEN(clients); i++) {
        char in[16];
        struct sockaddr_in from;
        socklen_t n = sizeof from;
        const struct wire_in *got;
        usec before = sl_udp_now();
        sl_wire_send(w, clients[i], &e.addr, (const uint8_t *)"hello", 5, 0);
        sl_wire_flush(w);
        CHECK_INT(recvfrom(e.fd, in, sizeof in, 0, (struct sockaddr *)&from, &n), 5);
        CHECK_INT(ntohl(from.sin_addr.s_addr), 0x7f100000 + clients[i] / PORTS);
        CHECK_INT(ntohs(from.sin_port) % PORTS, clients[i] % PORTS);
        CHECK_INT(sendto(e.fd, "you", 3, 0, (struct sockaddr *)&from, n), 3);
        CHECK_INT(sl_wire_receive(w, &got), 1);
        CHECK_INT(got->client, clients[i]);
        CHECK(got->n == 3 && memcmp(got->p, "you", 3) == 0);
        CHECK(got->at >= before - MSEC(1) && got->at <= sl_udp_now() + MSEC(1));
        CHECK_INT(sl_wire_receive(w, &got), 0);
    }
    CHECK_INT(sl_wire_stats(w)->sent, LEN(clients));
    sl_wire_free(w);
    (void)close(e.fd);
}

TEST(wire_cuts_runs)
{
    struct end e = end_new();
    struct wire *w = NULL;
    char in[16];
    CHECK_INT(sl_wire_new(&e.addr, 1, &w), E_OK);
    sl_wire_send(w, 0, &e.addr, (const uint8_t *)"aaaabbbbcc", 10, 4);
    sl_wire_flush(w);
    CHECK_INT(recv(e.fd, in, sizeof in, 0), 4);
    CHECK_INT(recv(e.fd, in, sizeof in, 0), 4);
    CHECK_INT(recv(e.fd, in, sizeof in, 0), 2);
    CHECK_INT(sl_wire_stats(w)->sent, 3);
    sl_wire_free(w);
    (void)close(e.fd);
}

TEST(wire_queue_that_is_full_leaves_by_itself)
{
    struct end e = end_new();
    struct wire *w = NULL;
    uint8_t in[1000] = {0};
    int on = 4 << 20;
    CHECK(setsockopt(e.fd, SOL_SOCKET, SO_RCVBUF, &on, sizeof on) == 0);
    CHECK_INT(sl_wire_new(&e.addr, 1, &w), E_OK);
    for (int i = 0; i < WIRE_BATCH + 1; i++)
        sl_wire_send(w, 0, &e.addr, in, 10, 0);
    int n = 0;
    while (recv(e.fd, in, sizeof in, MSG_DONTWAIT) > 0)
        n++;
    CHECK(n > 0 && n <= WIRE_BATCH);
    sl_wire_free(w);
    (void)close(e.fd);
}

/* Any address of this machine is one that is near: clients have addresses of 127 there, too. */
TEST(wire_knows_the_addresses_of_this_machine)
{
    struct ifaddrs *all = NULL;
    CHECK(getifaddrs(&all) == 0);
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        struct sockaddr_in sa, from;
        socklen_t n = sizeof sa, from_n = sizeof from;
        struct wire *w = NULL;
        char in[16];
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(&sa, i->ifa_addr, sizeof sa);
        sa.sin_port = 0;
        check_row(i->ifa_name);
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        CHECK(bind(fd, (struct sockaddr *)&sa, n) == 0);
        CHECK(getsockname(fd, (struct sockaddr *)&sa, &n) == 0);
        const uint8_t *ip = (const uint8_t *)&sa.sin_addr;
        struct addr a = addr_v4(ip[0], ip[1], ip[2], ip[3], ntohs(sa.sin_port));
        CHECK_INT(sl_wire_new(&a, 10, &w), E_OK);
        sl_wire_send(w, 9, &a, (const uint8_t *)"x", 1, 0);
        sl_wire_flush(w);
        CHECK_INT(recvfrom(fd, in, sizeof in, 0, (struct sockaddr *)&from, &from_n), 1);
        CHECK_INT(ntohl(from.sin_addr.s_addr), 0x7f100000 + 9 / PORTS);
        sl_wire_free(w);
        (void)close(fd);
    }
    freeifaddrs(all);
}

/* To a server elsewhere: a socket for each, and no addresses of 127. */
TEST(wire_elsewhere_has_a_socket_for_each)
{
    struct end e = end_new();
    struct addr far = addr_v4(192, 0, 2, 1, 9);
    struct wire *w = NULL;
    char in[16];
    uint16_t ports[2];
    CHECK_INT(sl_wire_new(&far, 2, &w), E_OK);
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_in from;
        socklen_t n = sizeof from;
        const struct wire_in *got;
        sl_wire_send(w, i, &e.addr, (const uint8_t *)"x", 1, 0);
        sl_wire_flush(w);
        CHECK_INT(recvfrom(e.fd, in, sizeof in, 0, (struct sockaddr *)&from, &n), 1);
        CHECK_INT(ntohl(from.sin_addr.s_addr), INADDR_LOOPBACK);
        ports[i] = from.sin_port;
        CHECK_INT(sendto(e.fd, "y", 1, 0, (struct sockaddr *)&from, n), 1);
        CHECK_INT(sl_wire_receive(w, &got), 1);
        CHECK_INT(got->client, i);
    }
    CHECK(ports[0] != ports[1]);
    CHECK_INT(sl_wire_new(&(struct addr){.ip = {0x20}}, 1, &w), E_UNSUPPORTED);
    sl_wire_free(w);
    (void)close(e.fd);
}
