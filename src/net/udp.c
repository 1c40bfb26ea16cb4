#include "net/udp.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/sa.h"

#ifndef UDP_SEGMENT
#    define UDP_SEGMENT 103
#endif

union control {
    _Alignas(struct cmsghdr) char segment[CMSG_SPACE(sizeof(uint16_t))];
    _Alignas(struct cmsghdr) char stamp[CMSG_SPACE(sizeof(struct timespec))];
};

struct port {
    int fd;
    bool v4;
    bool ready; /* datagrams may wait */
};

enum {
    WAKE,
    OTHER,
    FIRST_PORT,
    WATCHED_MAX = FIRST_PORT + UDP_PORTS_MAX
}; /* in watched */
_Static_assert((int)UDP_PORTS_MAX <= (int)TX_STREAMS, "a port is a socket or a stream");

struct udp {
    size_t ports_n;
    struct port ports[UDP_PORTS_MAX];
    struct pollfd watched[WATCHED_MAX];
    bool gso;
    bool other; /* what else is watched has something */
    struct udp_stats stats;
    struct pkt *spare[UDP_BATCH]; /* taken from the pool, not yet filled */
    size_t spare_n;
    struct mmsghdr msgs[UDP_BATCH];
    struct iovec iovs[UDP_BATCH];
    union sa names[UDP_BATCH];
    union control controls[UDP_BATCH];
};

static usec usec_of(const struct timespec *t)
{
    return (usec)t->tv_sec * 1000000 + t->tv_nsec / 1000;
}

usec sl_udp_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return usec_of(&t);
}

static bool set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* Whether datagrams leave whole or not at all. Of those that may be cut on their way each gets
 * a number (RFC 6864 §4.1), from a table that the kernel shares among all: a twentieth of what
 * a packet costs. In IPv6 only the cut ones have numbers. */
static bool whole(int fd, bool on)
{
    return set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER,
                   on ? IP_PMTUDISC_DO : IP_PMTUDISC_WANT);
}

static int bound(const struct addr *at, int buffer, bool shared)
{
    bool v4 = sl_addr_is_v4(at);
    union sa sa = {0};
    socklen_t len = sa_of(at, v4, &sa);
    int fd = socket(sa.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* Beyond the system's limit where we may, as much as it allows otherwise. */
    if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer))
        (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, buffer);
    if (!set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, buffer))
        (void)set_int(fd, SOL_SOCKET, SO_SNDBUF, buffer);
    if ((!shared || set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
        set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) &&
        (v4 ? whole(fd, true) : set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
        bind(fd, &sa.any, len) == 0)
        return fd;
    int e = errno;
    (void)close(fd);
    errno = e;
    return -1;
}

enum err sl_udp_free_ports(const struct addr *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int fd = bound(&at[i], 0, false);
        if (fd < 0)
            return errno == EADDRINUSE ? E_EXISTS : E_SYS;
        (void)close(fd);
    }
    return E_OK;
}

enum err sl_udp_new(const struct addr *at, size_t n, int buffer, struct udp **ret)
{
    struct udp *u = calloc(1, sizeof *u);
    if (!u)
        return E_MEMORY;
    int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    u->watched[WAKE] = (struct pollfd){.fd = wake, .events = POLLIN};
    u->watched[OTHER].fd = -1; /* nothing: poll passes it over */
    if (wake < 0 || n > UDP_PORTS_MAX)
        goto fail;
    for (size_t i = 0; i < n; i++) {
        int fd = bound(&at[i], buffer, true);
        if (fd < 0)
            goto fail;
        u->watched[FIRST_PORT + i] = (struct pollfd){.fd = fd, .events = POLLIN};
        u->ports[u->ports_n++] = (struct port){.fd = fd, .v4 = sl_addr_is_v4(&at[i])};
    }
    u->gso = n > 0 && set_int(u->ports[0].fd, SOL_UDP, UDP_SEGMENT, 0);
    *ret = u;
    return E_OK;

fail:;
    int e = errno;
    sl_udp_free(u);
    errno = e;
    return E_SYS;
}

void sl_udp_free(struct udp *u)
{
    if (!u)
        return;
    while (u->spare_n > 0)
        sl_pkt_unref(u->spare[--u->spare_n]);
    for (size_t i = 0; i < u->ports_n; i++)
        (void)close(u->ports[i].fd);
    if (u->watched[WAKE].fd >= 0)
        (void)close(u->watched[WAKE].fd);
    free(u);
}

/* poll, not epoll: the kernel tells who watches a socket of each datagram that has left it, and
 * epoll watches all the time. That was a twentieth of what a packet costs; to watch a few
 * sockets anew for each sleep costs much less. */
void sl_udp_wait(struct udp *u, usec now, usec until)
{
    uint64_t count;
    /* Rounded up: waking a fraction of a millisecond early would spin. */
    usec ms = until == USEC_NEVER ? -1 : until <= now ? 0 : (until - now + 999) / 1000;
    int n =
        poll(u->watched, FIRST_PORT + u->ports_n, (int)(ms > INT32_MAX ? INT32_MAX : ms));
    u->stats.wakeups++;
    if (n <= 0)
        return;
    if (u->watched[WAKE].revents)
        (void)!read(u->watched[WAKE].fd, &count, sizeof count);
    u->other |= u->watched[OTHER].revents != 0;
    for (size_t i = 0; i < u->ports_n; i++)
        u->ports[i].ready |= u->watched[FIRST_PORT + i].revents != 0;
}

void sl_udp_suppose(struct udp *u)
{
    u->stats.wakeups++;
    for (size_t i = 0; i < u->ports_n; i++)
        u->ports[i].ready = true;
}

void sl_udp_watch(struct udp *u, int fd)
{
    u->watched[OTHER] = (struct pollfd){.fd = fd, .events = POLLIN};
}

bool sl_udp_watched(struct udp *u)
{
    bool was = u->other;
    u->other = false;
    return was;
}

void sl_udp_wake(const struct udp *u)
{
    static const uint64_t one = 1;
    (void)!write(u->watched[WAKE].fd, &one, sizeof one);
}

/* The kernel stamps by the wall clock; `shift` takes such a time to the monotonic one. A
 * stamp that cannot be (the wall clock was set) becomes now. */
static usec stamp_of(struct msghdr *h, usec shift, usec now)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            usec at = usec_of(&t) + shift;
            return at > now || at < now - SEC(10) ? now : at;
        }
    return now;
}

static size_t fill_spares(struct udp *u, struct pkt_pool *pool, size_t n)
{
    while (u->spare_n < n) {
        struct pkt *p = sl_pkt_new(pool);
        if (!p)
            break;
        u->spare[u->spare_n++] = p;
    }
    return u->spare_n < n ? u->spare_n : n;
}

static size_t receive_port(struct udp *u, uint16_t port, struct pkt **ret, size_t n)
{
    struct pkt **pkts = &u->spare[u->spare_n - n];
    for (size_t i = 0; i < n; i++) {
        u->iovs[i] = (struct iovec){.iov_base = pkts[i]->data, .iov_len = PKT_CAP};
        u->msgs[i].msg_hdr = (struct msghdr){.msg_name = &u->names[i],
                                             .msg_namelen = sizeof u->names[i],
                                             .msg_iov = &u->iovs[i],
                                             .msg_iovlen = 1,
                                             .msg_control = &u->controls[i],
                                             .msg_controllen = sizeof u->controls[i]};
    }
    int got = recvmmsg(u->ports[port].fd, u->msgs, (unsigned)n, 0, NULL);
    if (got < (int)n)
        u->ports[port].ready = false;
    if (got <= 0)
        return 0;
    struct timespec wall;
    usec now = sl_udp_now();
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    usec shift = now - usec_of(&wall);
    size_t kept = 0, back = 0;
    for (size_t i = 0; i < (size_t)got; i++) {
        struct msghdr *h = &u->msgs[i].msg_hdr;
        struct pkt *p = pkts[i];
        u->stats.received++;
        u->stats.received_bytes += u->msgs[i].msg_len;
        if (h->msg_flags & MSG_TRUNC) {
            u->stats.truncated++;
            pkts[back++] = p;
            continue;
        }
        p->n = (uint16_t)u->msgs[i].msg_len;
        p->port = port;
        p->from = sa_addr(&u->names[i]);
        p->at = stamp_of(h, shift, now);
        ret[kept++] = p;
    }
    memmove(&pkts[back], &pkts[got], (n - (size_t)got) * sizeof(struct pkt *));
    u->spare_n -= kept;
    return kept;
}

size_t sl_udp_receive(struct udp *u, struct pkt_pool *pool, struct pkt **ret, size_t n)
{
    size_t got = 0;
    if (n > UDP_BATCH)
        n = UDP_BATCH;
    for (size_t i = 0; i < u->ports_n && got < n; i++) {
        if (!u->ports[i].ready)
            continue;
        size_t want = fill_spares(u, pool, n - got);
        if (want == 0)
            break;
        got += receive_port(u, (uint16_t)i, ret + got, want);
    }
    return got;
}

bool sl_udp_ready(const struct udp *u)
{
    for (size_t i = 0; i < u->ports_n; i++)
        if (u->ports[i].ready)
            return true;
    return false;
}

static void put_segment(struct msghdr *h, union control *control, uint16_t segment)
{
    h->msg_control = control->segment;
    h->msg_controllen = sizeof control->segment;
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    *c = (struct cmsghdr){.cmsg_level = SOL_UDP,
                          .cmsg_type = UDP_SEGMENT,
                          .cmsg_len = CMSG_LEN(sizeof segment)};
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
}

static size_t datagrams_in(const struct tx *t)
{
    return t->segment ? (t->n + t->segment - 1) / t->segment : 1;
}

static void prepare(struct udp *u, size_t i, const struct tx *t)
{
    socklen_t len = sa_of(&t->to, u->ports[t->port].v4, &u->names[i]);
    /* The kernel only reads it. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    u->iovs[i] = (struct iovec){.iov_base = (void *)(uintptr_t)t->p, .iov_len = t->n};
    u->msgs[i].msg_hdr = (struct msghdr){.msg_name = &u->names[i],
                                         .msg_namelen = len,
                                         .msg_iov = &u->iovs[i],
                                         .msg_iovlen = 1};
    if (t->segment && t->segment < t->n)
        put_segment(&u->msgs[i].msg_hdr, &u->controls[i], t->segment);
}

static void count_sent(struct udp *u, const struct tx *t)
{
    size_t k = datagrams_in(t);
    u->stats.sent += k;
    u->stats.sent_bytes += t->n;
    u->stats.runs += k > 1;
}

/* One that is wider than its path, in fragments. */
static bool send_cut(const struct port *p, const uint8_t *data, size_t n,
                     const union sa *to, socklen_t len)
{
    bool ok =
        p->v4 && whole(p->fd, false) && sendto(p->fd, data, n, 0, &to->any, len) >= 0;
    if (p->v4)
        (void)whole(p->fd, true);
    return ok;
}

/* A run as single datagrams, for devices and kernels that cannot cut it, and for paths that it
 * is too wide for. */
static void send_apart(struct udp *u, const struct tx *t)
{
    union sa name;
    const struct port *p = &u->ports[t->port];
    socklen_t len = sa_of(&t->to, p->v4, &name);
    size_t step = t->segment ? t->segment : t->n;
    for (size_t at = 0; at < t->n; at += step) {
        size_t n = t->n - at < step ? t->n - at : step;
        if (sendto(p->fd, t->p + at, n, 0, &name.any, len) < 0 &&
            !(errno == EMSGSIZE && send_cut(p, t->p + at, n, &name, len))) {
            u->stats.refused++;
            continue;
        }
        u->stats.sent++;
        u->stats.sent_bytes += n;
    }
}

/* Up to UDP_BATCH messages that leave by one socket. */
static void send_batch(struct udp *u, const struct tx *tx, size_t n)
{
    for (size_t i = 0; i < n; i++)
        prepare(u, i, &tx[i]);
    for (size_t i = 0; i < n;) {
        int k = sendmmsg(u->ports[tx[0].port].fd, u->msgs + i, (unsigned)(n - i), 0);
        for (int j = 0; j < k; j++)
            count_sent(u, &tx[i + (size_t)j]);
        if (k > 0) {
            i += (size_t)k;
            continue;
        }
        /* The first of them was refused. EIO: no checksum offload, so no GSO there. EMSGSIZE,
         * and of a run EINVAL: its path is narrower than a datagram of it. */
        if (errno == EINTR)
            continue;
        bool run = datagrams_in(&tx[i]) > 1;
        if (errno == EIO && run)
            u->gso = false;
        if (errno == EMSGSIZE || ((errno == EIO || errno == EINVAL) && run)) {
            send_apart(u, &tx[i]);
        } else {
            u->stats.refused += datagrams_in(&tx[i]);
        }
        i++;
    }
}

void sl_udp_send(struct udp *u, const struct tx *tx, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        k = 1;
        if (!u->gso && datagrams_in(&tx[i]) > 1) {
            send_apart(u, &tx[i]);
            continue;
        }
        while (k < UDP_BATCH && i + k < n && tx[i + k].port == tx[i].port &&
               (u->gso || datagrams_in(&tx[i + k]) == 1))
            k++;
        send_batch(u, &tx[i], k);
    }
}

const struct udp_stats *sl_udp_stats(const struct udp *u)
{
    return &u->stats;
}

bool sl_udp_source(const struct addr *to, struct addr *ret)
{
    union sa sa = {0};
    socklen_t len = sa_of(to, sl_addr_is_v4(to), &sa);
    int fd = socket(sa.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok =
        fd >= 0 && connect(fd, &sa.any, len) == 0 && getsockname(fd, &sa.any, &len) == 0;
    if (ok)
        *ret = sa_addr(&sa);
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

size_t sl_udp_local_addrs(struct addr *ret, size_t max, uint16_t port)
{
    struct ifaddrs *all;
    size_t n = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (int loopback = 0; loopback < 2; loopback++)
        for (const struct ifaddrs *i = all; i && n < max; i = i->ifa_next) {
            if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) ||
                (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
                continue;
            union sa sa = {0};
            memcpy(&sa, i->ifa_addr,
                   i->ifa_addr->sa_family == AF_INET ? sizeof sa.v4 : sizeof sa.v6);
            struct addr a = sa_addr(&sa);
            a.port = port;
            if (sl_addr_is_loopback(&a) != (loopback == 1) ||
                (!sl_addr_is_v4(&a) && sl_addr_is_link_local(&a)))
                continue;
            ret[n++] = a;
        }
    freeifaddrs(all);
    return n;
}
