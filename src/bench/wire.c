#include "bench/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#    define UDP_SEGMENT 103
#endif

enum {
    PORTS = 8,                  /* sockets that all share: a power of two */
    PORTS_TRIES = 64,           /* to find so many that are free */
    BUFFER = 400 << 20,         /* of these together: for half a second without the CPU */
    BUFFER_OWN = 1 << 20,       /* of a client's own */
    NET = 127 << 24 | 16 << 16, /* the first clients' address */
    QUEUE_BYTES = 128 * 1024,
};

union control {
    _Alignas(struct cmsghdr) char out[CMSG_SPACE(sizeof(struct in_pktinfo)) +
                                      CMSG_SPACE(sizeof(uint16_t))];
    _Alignas(struct cmsghdr) char in[CMSG_SPACE(sizeof(struct in_pktinfo)) +
                                     CMSG_SPACE(sizeof(struct timespec))];
};

struct batch {
    size_t n;
    struct mmsghdr msgs[WIRE_BATCH];
    struct iovec iovs[WIRE_BATCH];
    struct sockaddr_in names[WIRE_BATCH];
    union control controls[WIRE_BATCH];
};

/* What leaves together, by one of the shared sockets or each datagram by its client's. */
struct queue {
    struct batch out;
    int fds[WIRE_BATCH];
    size_t octets;
    uint8_t bytes[QUEUE_BYTES];
};

struct wire {
    bool shared;        /* PORTS sockets for all */
    size_t fds_n, next; /* the one that is read next */
    struct batch in;
    struct wire_in got[WIRE_BATCH];
    struct wire_stats stats;
    struct queue queues[PORTS];
    uint8_t bytes[WIRE_BATCH][WIRE_DATAGRAM];
    int fds[];
};

/* Of the shared ones, clients have one in turn, and an address with those around them. */
static size_t port_of(const struct wire *w, size_t client)
{
    return w->shared ? client % PORTS : client;
}

static uint32_t address_of(size_t client)
{
    return NET + (uint32_t)(client / PORTS);
}

static bool set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* port: 0 for any. */
static int open_socket(int buffer, uint16_t port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer))
        (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, buffer);
    if (!set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, buffer))
        (void)set_int(fd, SOL_SOCKET, SO_SNDBUF, buffer);
    if (set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) &&
        set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) &&
        bind(fd, (struct sockaddr *)&any, sizeof any) == 0)
        return fd;
    int e = errno;
    (void)close(fd);
    errno = e;
    return -1;
}

/* An address of this machine is one that can be bound. */
static bool is_here(const struct addr *a)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(&sa.sin_addr, a->ip + 12, 4);
    bool here = fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0;
    if (fd >= 0)
        (void)close(fd);
    return here;
}

static bool open_all(struct wire *w, size_t n, int buffer, uint16_t first)
{
    while (w->fds_n < n) {
        int fd = open_socket(buffer, first ? (uint16_t)(first + w->fds_n) : 0);
        if (fd < 0)
            return false;
        w->fds[w->fds_n++] = fd;
    }
    return true;
}

static void close_all(struct wire *w)
{
    int e = errno;
    while (w->fds_n > 0)
        (void)close(w->fds[--w->fds_n]);
    errno = e;
}

/* A port that is free, with others of that number but for its last bits. */
static uint16_t find_port(void)
{
    struct sockaddr_in sa = {0};
    socklen_t len = sizeof sa;
    int fd = open_socket(BUFFER_OWN, 0);
    if (fd < 0)
        return 0;
    bool ok = getsockname(fd, (struct sockaddr *)&sa, &len) == 0;
    (void)close(fd);
    return ok ? ntohs(sa.sin_port) / PORTS * PORTS : 0;
}

static bool open_shared(struct wire *w)
{
    for (int i = 0; i < PORTS_TRIES; i++) {
        uint16_t first = find_port();
        if (first > 0 && open_all(w, PORTS, BUFFER / PORTS, first))
            return true;
        close_all(w);
    }
    return false;
}

enum err sl_wire_new(const struct addr *server, size_t clients, struct wire **ret)
{
    if (!sl_addr_is_v4(server))
        return E_UNSUPPORTED;
    bool shared = is_here(server);
    size_t n = shared ? PORTS : clients;
    struct wire *w = calloc(1, sizeof *w + n * sizeof w->fds[0]);
    if (!w)
        return E_MEMORY;
    w->shared = shared;
    if (!(shared ? open_shared(w) : open_all(w, n, BUFFER_OWN, 0))) {
        sl_wire_free(w);
        return E_SYS;
    }
    *ret = w;
    return E_OK;
}

void sl_wire_free(struct wire *w)
{
    if (w)
        close_all(w);
    free(w);
}

/* ---- out ---- */

static void put_control(const struct wire *w, struct batch *b, size_t i, size_t client,
                        size_t segment)
{
    struct msghdr *h = &b->msgs[i].msg_hdr;
    union control *c = &b->controls[i];
    struct in_pktinfo from = {.ipi_spec_dst.s_addr = htonl(address_of(client))};
    uint16_t cut = (uint16_t)segment;
    memset(c, 0, sizeof *c);
    h->msg_control = c->out;
    h->msg_controllen = sizeof c->out;
    struct cmsghdr *at = CMSG_FIRSTHDR(h);
    size_t used = 0;
    if (w->shared) {
        at->cmsg_level = IPPROTO_IP;
        at->cmsg_type = IP_PKTINFO;
        at->cmsg_len = CMSG_LEN(sizeof from);
        memcpy(CMSG_DATA(at), &from, sizeof from);
        used += CMSG_SPACE(sizeof from);
        at = CMSG_NXTHDR(h, at);
    }
    if (segment && at) {
        at->cmsg_level = SOL_UDP;
        at->cmsg_type = UDP_SEGMENT;
        at->cmsg_len = CMSG_LEN(sizeof cut);
        memcpy(CMSG_DATA(at), &cut, sizeof cut);
        used += CMSG_SPACE(sizeof cut);
    }
    h->msg_controllen = used;
    if (used == 0)
        h->msg_control = NULL;
}

static void flush(struct wire *w, struct queue *q)
{
    for (size_t i = 0, k = 1; i < q->out.n; i += k) {
        size_t n = w->shared ? q->out.n - i : 1;
        int sent = sendmmsg(q->fds[i], &q->out.msgs[i], (unsigned)n, 0);
        w->stats.refused += sent <= 0;
        k = sent > 0 ? (size_t)sent : 1;
    }
    q->out.n = q->octets = 0;
}

void sl_wire_send(struct wire *w, size_t client, const struct addr *to, const uint8_t *p,
                  size_t n, size_t segment)
{
    struct queue *q = &w->queues[w->shared ? port_of(w, client) : 0];
    struct batch *b = &q->out;
    if (n > QUEUE_BYTES)
        return;
    if (b->n == WIRE_BATCH || q->octets + n > QUEUE_BYTES)
        flush(w, q);
    size_t i = b->n++;
    uint8_t *at = q->bytes + q->octets;
    memcpy(at, p, n);
    q->octets += n;
    q->fds[i] = w->fds[port_of(w, client)];
    b->names[i] =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(to->port)};
    memcpy(&b->names[i].sin_addr, to->ip + 12, 4);
    b->iovs[i] = (struct iovec){.iov_base = at, .iov_len = n};
    b->msgs[i].msg_hdr = (struct msghdr){.msg_name = &b->names[i],
                                         .msg_namelen = sizeof b->names[i],
                                         .msg_iov = &b->iovs[i],
                                         .msg_iovlen = 1};
    put_control(w, b, i, client, segment);
    w->stats.sent += segment ? (n + segment - 1) / segment : 1;
}

void sl_wire_flush(struct wire *w)
{
    for (size_t i = 0; i < PORTS; i++)
        flush(w, &w->queues[i]);
}

/* ---- in ---- */

static usec usec_of(const struct timespec *t)
{
    return (usec)t->tv_sec * 1000000 + t->tv_nsec / 1000;
}

/* The kernel's stamps are of the wall clock; shift takes them to the monotonic one. */
static usec shift_now(void)
{
    struct timespec wall, mono;
    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    return usec_of(&mono) - usec_of(&wall);
}

static void read_control(const struct wire *w, struct msghdr *h, usec shift,
                         struct wire_in *in)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        struct in_pktinfo to;
        struct timespec t;
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && w->shared) {
            memcpy(&to, CMSG_DATA(c), sizeof to);
            in->client += (size_t)(ntohl(to.ipi_addr.s_addr) - NET) * PORTS;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&t, CMSG_DATA(c), sizeof t);
            in->at = usec_of(&t) + shift;
        }
    }
}

static size_t receive_from(struct wire *w, size_t nth)
{
    for (size_t i = 0; i < WIRE_BATCH; i++) {
        w->in.iovs[i] = (struct iovec){.iov_base = w->bytes[i], .iov_len = WIRE_DATAGRAM};
        w->in.msgs[i].msg_hdr =
            (struct msghdr){.msg_iov = &w->in.iovs[i],
                            .msg_iovlen = 1,
                            .msg_control = w->in.controls[i].in,
                            .msg_controllen = sizeof w->in.controls[i].in};
    }
    int n = recvmmsg(w->fds[nth], w->in.msgs, WIRE_BATCH, 0, NULL);
    usec shift = n > 0 ? shift_now() : 0;
    for (int i = 0; i < n; i++) {
        w->got[i] =
            (struct wire_in){.client = nth, .p = w->bytes[i], .n = w->in.msgs[i].msg_len};
        read_control(w, &w->in.msgs[i].msg_hdr, shift, &w->got[i]);
    }
    return n > 0 ? (size_t)n : 0;
}

size_t sl_wire_receive(struct wire *w, const struct wire_in **ret)
{
    size_t n = 0;
    for (size_t tried = 0; n == 0 && tried < w->fds_n; tried++) {
        n = receive_from(w, w->next);
        w->next = (w->next + 1) % w->fds_n;
    }
    w->stats.received += n;
    *ret = w->got;
    return n;
}

const struct wire_stats *sl_wire_stats(const struct wire *w)
{
    return &w->stats;
}
