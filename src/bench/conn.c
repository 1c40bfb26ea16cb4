#include "bench/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/sa.h"
#include "net/tls.h"

enum { TIMEOUT_S = 10, RECORD = 16 * 1024 };

struct conn {
    int fd;
    struct tls *tls; /* NULL: none */
};

/* ---- octets of the network ---- */

static enum err give(const struct conn *c, struct span s)
{
    while (s.n > 0) {
        ssize_t n = send(c->fd, s.p, s.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return E_SYS;
        s.p += n;
        s.n -= (size_t)n;
    }
    return E_OK;
}

static enum err take(const struct conn *c, uint8_t *p, size_t cap, bool waits,
                     size_t *ret)
{
    for (;;) {
        ssize_t n = recv(c->fd, p, cap, waits ? 0 : MSG_DONTWAIT);
        if (n > 0) {
            *ret = (size_t)n;
            return E_OK;
        }
        if (n == 0)
            return E_SHORT;
        if (errno != EINTR)
            return errno == EAGAIN && !waits ? E_EARLY : E_SYS;
    }
}

/* ---- TLS between ---- */

static enum err flush(struct conn *c)
{
    enum err e = give(c, sl_tls_output(c->tls));
    sl_tls_taken(c->tls);
    return e;
}

static enum err feed(struct conn *c, bool waits)
{
    uint8_t in[RECORD];
    size_t n;
    enum err e = take(c, in, sizeof in, waits, &n);
    return e ? e : sl_tls_input(c->tls, (struct span){in, n});
}

static enum err shake_hands(struct conn *c)
{
    for (;;) {
        enum err e = sl_tls_handshake(c->tls), sent = flush(c);
        if (e != E_SHORT)
            return e ? e : sent;
        e = sent ? sent : feed(c, true);
        if (e)
            return e;
    }
}

/* ---- connections ---- */

static bool dial(struct conn *c, const struct addr *to)
{
    union sa sa = {0};
    socklen_t n = sa_of(to, sl_addr_is_v4(to), &sa);
    const struct timeval patience = {.tv_sec = TIMEOUT_S};
    const int on = 1;
    c->fd = socket(sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return c->fd >= 0 &&
           setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
           setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
           setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
           connect(c->fd, &sa.any, n) == 0;
}

enum err sl_conn_new(const struct addr *to, const struct tls_client *tls,
                     const char *host, struct conn **ret)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return E_MEMORY;
    c->fd = -1;
    enum err e = dial(c, to) ? E_OK : E_SYS;
    if (!e && tls) {
        c->tls = sl_tls_dial(tls, host);
        e = c->tls ? shake_hands(c) : E_MEMORY;
    }
    if (!e) {
        *ret = c;
        return E_OK;
    }
    int was = errno;
    sl_conn_free(c);
    errno = was;
    return e;
}

void sl_conn_free(struct conn *c)
{
    if (!c)
        return;
    sl_tls_free(c->tls);
    if (c->fd >= 0)
        (void)close(c->fd);
    free(c);
}

int sl_conn_fd(const struct conn *c)
{
    return c->fd;
}

enum err sl_conn_send(struct conn *c, struct span s)
{
    if (!c->tls)
        return give(c, s);
    enum err e = s.n > 0 ? sl_tls_write(c->tls, s) : E_OK;
    return e ? e : flush(c);
}

enum err sl_conn_receive(struct conn *c, uint8_t *p, size_t cap, bool waits, size_t *n)
{
    if (!c->tls)
        return take(c, p, cap, waits, n);
    for (;;) {
        enum err e = sl_tls_read(c->tls, p, cap, n);
        /* What is said to that is TLS's own, and the next to send sees whether it can. */
        (void)flush(c);
        if (e != E_SHORT)
            return e == E_ABSENT ? E_SHORT : e;
        e = feed(c, waits);
        if (e)
            return e;
    }
}
