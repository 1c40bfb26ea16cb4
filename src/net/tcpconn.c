#include "net/tcpconn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net/sa.h"

enum { NUMBERS = UINT16_MAX + 1 };

struct tcpconn_numbers {
    atomic_uint next;
    atomic_bool used[NUMBERS];
};

struct tcpconn_numbers *sl_tcpconn_numbers_new(void)
{
    return calloc(1, sizeof(struct tcpconn_numbers));
}

void sl_tcpconn_numbers_free(struct tcpconn_numbers *n)
{
    free(n);
}

/* In turn, so that a number is not soon used again: what is late for one stream does not reach
 * its successor. 0: none is left. */
static uint16_t take_number(struct tcpconn_numbers *n)
{
    for (int tries = 0; tries < NUMBERS; tries++) {
        uint16_t i =
            (uint16_t)atomic_fetch_add_explicit(&n->next, 1, memory_order_relaxed);
        bool free = false;
        if (tx_is_stream(i) && atomic_compare_exchange_strong(&n->used[i], &free, true))
            return i;
    }
    return 0;
}

enum err sl_tcpconn_new(int fd, const struct addr *from, struct tcpconn_numbers *numbers,
                        struct tcpconn **ret)
{
    static const int one = 1, buffer = TCPCONN_SEND_BUFFER;
    struct tcpconn *c = malloc(sizeof *c);
    uint16_t number = take_number(numbers);
    if (!c || number == 0) {
        if (number)
            atomic_store(&numbers->used[number], false);
        free(c);
        (void)close(fd);
        return number ? E_MEMORY : E_FULL;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    memset(c, 0, offsetof(struct tcpconn, in));
    c->in.at = c->in.n = 0;
    c->rest_at = c->rest_n = 0;
    c->fd = fd;
    c->number = number;
    c->from = *from;
    c->numbers = numbers;
    list_init(&c->by_until);
    list_init(&c->ready);
    *ret = c;
    return E_OK;
}

void sl_tcpconn_shut(struct tcpconn *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

void sl_tcpconn_free(struct tcpconn *c)
{
    if (!c)
        return;
    list_del(&c->by_until);
    list_del(&c->ready);
    sl_tcpconn_shut(c);
    atomic_store(&c->numbers->used[c->number], false);
    free(c);
}

enum err sl_tcpconn_read(struct tcpconn *c)
{
    size_t room;
    uint8_t *to = sl_frames_room(&c->in, &room);
    ssize_t n = recv(c->fd, to, room, MSG_DONTWAIT);
    if (n > 0) {
        sl_frames_put(&c->in, (size_t)n);
        return (size_t)n < room ? E_SHORT : E_OK;
    }
    bool later = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return later ? E_SHORT : E_LATE;
}

static size_t datagrams_in(const struct tx *tx)
{
    return tx->segment ? (tx->n + tx->segment - 1) / tx->segment : 1;
}

static struct span datagram(const struct tx *tx, size_t i)
{
    size_t step = tx->segment ? tx->segment : tx->n, at = i * step;
    return (struct span){tx->p + at, tx->n - at < step ? tx->n - at : step};
}

/* The end of a datagram that began to leave. */
static void keep(struct tcpconn *c, const uint8_t head[FRAMES_HEAD], struct span d,
                 size_t gone)
{
    struct wr w = wr_of(c->rest, sizeof c->rest);
    wr_span(&w, (struct span){head, FRAMES_HEAD});
    wr_span(&w, d);
    c->rest_at = (uint16_t)gone;
    c->rest_n = (uint16_t)w.n;
}

/* How many of the octets the kernel took. */
static enum err push(struct tcpconn *c, struct iovec *iovs, size_t n, size_t *took)
{
    struct msghdr h = {.msg_iov = iovs, .msg_iovlen = n};
    ssize_t sent = sendmsg(c->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
    *took = sent > 0 ? (size_t)sent : 0;
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        return E_LATE;
    return E_OK;
}

static struct iovec iov_of(const void *p, size_t n)
{
    /* The kernel only reads it. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    return (struct iovec){.iov_base = (void *)(uintptr_t)p, .iov_len = n};
}

/* A run as one call takes it: each datagram behind its length. Returns how many. */
static size_t lay(const struct tx *tx, uint8_t heads[TX_RUN_MAX][FRAMES_HEAD],
                  struct iovec *iovs)
{
    size_t n = datagrams_in(tx);
    for (size_t i = 0; i < n; i++) {
        struct span d = datagram(tx, i);
        heads[i][0] = (uint8_t)(d.n >> 8);
        heads[i][1] = (uint8_t)d.n;
        iovs[2 * i] = iov_of(heads[i], FRAMES_HEAD);
        iovs[2 * i + 1] = iov_of(d.p, d.n);
    }
    return n;
}

enum err sl_tcpconn_send(struct tcpconn *c, const struct tx *tx, size_t *sent)
{
    uint8_t heads[TX_RUN_MAX][FRAMES_HEAD];
    struct iovec iovs[2 * TX_RUN_MAX];
    size_t took = 0;
    *sent = 0;
    if (c->blocked)
        return E_OK;
    assert(c->rest_n == 0 && datagrams_in(tx) <= TX_RUN_MAX);
    if (datagram(tx, 0).n > TCPCONN_DATAGRAM_MAX)
        return E_OK;
    size_t n = lay(tx, heads, iovs);
    enum err e = push(c, iovs, 2 * n, &took);
    for (size_t i = 0; i < n; i++) {
        struct span d = datagram(tx, i);
        size_t wire = FRAMES_HEAD + d.n;
        if (took < wire) {
            c->blocked = true;
            if (took > 0) {
                keep(c, heads[i], d, took);
                ++*sent;
            }
            break;
        }
        took -= wire;
        ++*sent;
    }
    return e;
}

enum err sl_tcpconn_unblock(struct tcpconn *c)
{
    size_t took = 0;
    struct iovec left = iov_of(c->rest + c->rest_at, (size_t)(c->rest_n - c->rest_at));
    enum err e = left.iov_len > 0 ? push(c, &left, 1, &took) : E_OK;
    c->rest_at = (uint16_t)(c->rest_at + took);
    if (c->rest_at == c->rest_n) {
        c->rest_at = c->rest_n = 0;
        c->blocked = false;
    }
    return e;
}
