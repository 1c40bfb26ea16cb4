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
    BUFFER = 400 << 20,   /* of the shared socket: for half a second without the CPU */
    BUFFER_OWN = 1 << 20, /* of a client's own */
    NET = 127 << 24 | 16 << 16, /* the first client's address */
    QUEUE_BYTES = 512 * 1024,
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

struct wire {
    bool shared;              /* one socket for all */
    size_t fds_n, next;       /* the one that is read next */
    size_t queued;            /* octets in bytes */
    size_t owner[WIRE_BATCH]; /* of what is queued */
    struct batch out, in;
    struct wire_in got[WIRE_BATCH];
    struct wire_stats stats;
    uint8_t queue[QUEUE_BYTES];
    uint8_t bytes[WIRE_BATCH][WIRE_DATAGRAM];
    int fds[];
};

static bool set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static int open_socket(int buffer)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
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

enum err sl_wire_new(const struct addr *server, size_t clients, struct wire **ret)
{
    if (!sl_addr_is_v4(server))
        return E_UNSUPPORTED;
    bool shared = is_here(server);
    size_t n = shared ? 1 : clients;
    struct wire *w = calloc(1, sizeof *w + n * sizeof w->fds[0]);
    if (!w)
        return E_MEMORY;
    w->shared = shared;
    while (w->fds_n < n) {
        int fd = open_socket(shared ? BUFFER : BUFFER_OWN);
        if (fd < 0) {
            int e = errno;
            sl_wire_free(w);
            errno = e;
            return E_SYS;
        }
        w->fds[w->fds_n++] = fd;
    }
    *ret = w;
    return E_OK;
}

void sl_wire_free(struct wire *w)
{
    for (size_t i = 0; w && i < w->fds_n; i++)
        (void)close(w->fds[i]);
    free(w);
}

/* ---- out ---- */

static void put_control(struct wire *w, size_t i, size_t client, size_t segment)
{
    struct msghdr *h = &w->out.msgs[i].msg_hdr;
    union control *c = &w->out.controls[i];
    struct in_pktinfo from = {.ipi_spec_dst.s_addr = htonl(NET + (uint32_t)client)};
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

void sl_wire_send(struct wire *w, size_t client, const struct addr *to, const uint8_t *p,
                  size_t n, size_t segment)
{
    if (n > QUEUE_BYTES)
        return;
    if (w->out.n == WIRE_BATCH || w->queued + n > QUEUE_BYTES)
        sl_wire_flush(w);
    size_t i = w->out.n++;
    uint8_t *at = w->queue + w->queued;
    memcpy(at, p, n);
    w->queued += n;
    w->owner[i] = client;
    w->out.names[i] =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(to->port)};
    memcpy(&w->out.names[i].sin_addr, to->ip + 12, 4);
    w->out.iovs[i] = (struct iovec){.iov_base = at, .iov_len = n};
    w->out.msgs[i].msg_hdr = (struct msghdr){.msg_name = &w->out.names[i],
                                             .msg_namelen = sizeof w->out.names[i],
                                             .msg_iov = &w->out.iovs[i],
                                             .msg_iovlen = 1};
    put_control(w, i, client, segment);
    w->stats.sent += segment ? (n + segment - 1) / segment : 1;
}

void sl_wire_flush(struct wire *w)
{
    for (size_t i = 0, k = 1; i < w->out.n; i += k) {
        int fd = w->shared ? w->fds[0] : w->fds[w->owner[i]];
        size_t n = w->shared ? w->out.n - i : 1;
        int sent = sendmmsg(fd, &w->out.msgs[i], (unsigned)n, 0);
        w->stats.refused += sent <= 0;
        k = sent > 0 ? (size_t)sent : 1;
    }
    w->out.n = w->queued = 0;
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
            in->client = ntohl(to.ipi_addr.s_addr) - NET;
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
