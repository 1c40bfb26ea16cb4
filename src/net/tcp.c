#include "net/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/map.h"

#include "net/sa.h"
#include "proto/stun.h"

enum {
    BACKLOG = 128,
    EVENTS = 64,
    ACCEPTS = 8,       /* in one go, so that a flood of them does not hold up media */
    READS = 4,         /* of one stream in one go */
    UNPROVEN_MAX = 32, /* frames before a valid check */
    LISTENER = UINT16_MAX + 1, /* in what epoll gives back: no stream has such a number */
};
#define ACCEPT_AGAIN SEC(1) /* after descriptors have run out */

/* How many streams one address has, as far as limits go (sl_addr_site). */
struct site {
    struct map_node node;
    struct addr addr;
    uint32_t n;
};

struct tcp {
    struct tcp_conf conf;
    int epoll;
    int listeners[TCP_LISTENERS_MAX];
    size_t listeners_n;
    usec deaf_until;           /* no connection is accepted; 0: they are */
    struct list fresh, proven; /* struct tcpconn by its end, the next first */
    struct list closed;        /* those that were proven */
    struct list ready;         /* those with more to read */
    size_t ready_n;
    struct map sites;
    struct tcp_stats stats;
    struct tcpconn *streams[UINT16_MAX + 1]; /* by number */
};

/* ---- opening ---- */

static int listening(const struct addr *at, bool shared)
{
    static const int one = 1;
    bool v4 = sl_addr_is_v4(at);
    union sa sa = {0};
    socklen_t len = sa_of(at, v4, &sa);
    int fd = socket(sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0) &&
        (v4 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0) &&
        bind(fd, &sa.any, len) == 0 && (!shared || listen(fd, BACKLOG) == 0))
        return fd;
    int e = errno;
    (void)close(fd);
    errno = e;
    return -1;
}

enum err sl_tcp_free_ports(const struct addr *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int fd = listening(&at[i], false);
        if (fd < 0)
            return errno == EADDRINUSE ? E_EXISTS : E_SYS;
        (void)close(fd);
    }
    return E_OK;
}

static bool watch(const struct tcp *t, int op, int fd, uint32_t events, uint32_t number)
{
    struct epoll_event ev = {.events = events, .data.u32 = number};
    return epoll_ctl(t->epoll, op, fd, &ev) == 0;
}

static void listen_all(struct tcp *t, bool on)
{
    for (size_t i = 0; i < t->listeners_n; i++)
        (void)watch(t, EPOLL_CTL_MOD, t->listeners[i], on ? EPOLLIN : 0,
                    LISTENER + (uint32_t)i);
}

enum err sl_tcp_new(const struct tcp_conf *conf, struct tcp **ret)
{
    struct tcp *t = calloc(1, sizeof *t);
    if (!t)
        return E_MEMORY;
    t->conf = *conf;
    list_init(&t->fresh);
    list_init(&t->proven);
    list_init(&t->closed);
    list_init(&t->ready);
    sl_map_init(&t->sites, conf->hash_key);
    t->epoll = epoll_create1(EPOLL_CLOEXEC);
    bool ok = t->epoll >= 0 && conf->at_n <= TCP_LISTENERS_MAX;
    for (size_t i = 0; ok && i < conf->at_n; i++) {
        int fd = listening(&conf->at[i], true);
        ok = fd >= 0;
        if (ok) {
            t->listeners[t->listeners_n++] = fd;
            ok = watch(t, EPOLL_CTL_ADD, fd, EPOLLIN, LISTENER + (uint32_t)i);
        }
    }
    if (ok) {
        *ret = t;
        return E_OK;
    }
    int e = errno;
    sl_tcp_free(t);
    errno = e;
    return E_SYS;
}

int sl_tcp_fd(const struct tcp *t)
{
    return t->epoll;
}

/* ---- streams, and whose they are ---- */

static struct site *site_of(const struct tcp *t, const struct addr *from)
{
    struct map_node *n = sl_map_get(&t->sites, sl_addr_site(from));
    return n ? map_entry(n, struct site, node) : NULL;
}

static void count_site(struct tcp *t, const struct addr *from)
{
    struct site *s = site_of(t, from);
    if (s) {
        s->n++;
        return;
    }
    s = malloc(sizeof *s);
    if (!s)
        return; /* it is not counted: memory is what is short then */
    *s = (struct site){.addr = *from, .n = 1};
    if (sl_map_put(&t->sites, sl_addr_site(&s->addr), &s->node) != E_OK)
        free(s);
}

static void uncount_site(struct tcp *t, const struct addr *from)
{
    struct site *s = site_of(t, from);
    if (!s || --s->n > 0)
        return;
    sl_map_del(&t->sites, &s->node);
    free(s);
}

static bool is_ready(const struct tcpconn *c)
{
    return !list_empty(&c->ready);
}

static void make_ready(struct tcp *t, struct tcpconn *c)
{
    if (is_ready(c))
        return;
    list_add(&t->ready, &c->ready);
    t->ready_n++;
}

static void not_ready(struct tcp *t, struct tcpconn *c)
{
    t->ready_n -= is_ready(c);
    list_del(&c->ready);
}

static void put(struct tcp *t, struct tcpconn *c)
{
    t->streams[c->number] = c;
    t->stats.open++;
    count_site(t, &c->from);
    list_add(c->proven ? &t->proven : &t->fresh, &c->by_until);
}

/* Out of all tables. */
static void take(struct tcp *t, struct tcpconn *c)
{
    t->streams[c->number] = NULL;
    t->stats.open--;
    uncount_site(t, &c->from);
    not_ready(t, c);
    list_del(&c->by_until);
}

static void end(struct tcp *t, struct tcpconn *c, uint64_t *reason)
{
    take(t, c);
    ++*reason;
    if (!c->proven) {
        sl_tcpconn_free(c);
        return;
    }
    sl_tcpconn_shut(c);
    list_add(&t->closed, &c->by_until);
}

struct tcpconn *sl_tcp_closed(struct tcp *t)
{
    if (list_empty(&t->closed))
        return NULL;
    struct tcpconn *c = list_entry(t->closed.next, struct tcpconn, by_until);
    list_del(&c->by_until);
    return c;
}

void sl_tcp_free(struct tcp *t)
{
    if (!t)
        return;
    struct list *all[] = {&t->fresh, &t->proven};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        list_each_safe(struct tcpconn, c, all[i], by_until) end(t, c, &t->stats.ended);
    for (struct tcpconn *c; (c = sl_tcp_closed(t));)
        sl_tcpconn_free(c);
    for (size_t i = 0; i < t->listeners_n; i++)
        (void)close(t->listeners[i]);
    if (t->epoll >= 0)
        (void)close(t->epoll);
    sl_map_fini(&t->sites);
    free(t);
}

static void watch_stream(const struct tcp *t, const struct tcpconn *c, int op)
{
    uint32_t events = c->blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
    (void)watch(t, op, c->fd, events, c->number);
}

struct tcpconn *sl_tcp_release(struct tcp *t, uint16_t number)
{
    struct tcpconn *c = t->streams[number];
    if (!c)
        return NULL;
    take(t, c);
    watch_stream(t, c, EPOLL_CTL_DEL);
    return c;
}

void sl_tcp_adopt(struct tcp *t, struct tcpconn *c)
{
    put(t, c);
    watch_stream(t, c, EPOLL_CTL_ADD);
    make_ready(t, c); /* what was read of it, too */
}

void sl_tcp_proved(struct tcp *t, uint16_t number, usec now)
{
    struct tcpconn *c = t->streams[number];
    if (!c)
        return;
    c->proven = true;
    c->until = now + TCP_NEXT_CHECK;
    list_del(&c->by_until);
    list_add(&t->proven, &c->by_until);
}

/* ---- accepting ---- */

/* Whether there is a place for one more, perhaps that of the oldest which proved nothing. */
static bool make_place(struct tcp *t, const struct addr *from)
{
    const struct site *s = site_of(t, from);
    if (s && s->n >= t->conf.conns_per_address)
        return false;
    if (t->stats.open < t->conf.conns_max)
        return true;
    if (list_empty(&t->fresh))
        return false;
    end(t, list_entry(t->fresh.next, struct tcpconn, by_until), &t->stats.unproven);
    return true;
}

static void take_connection(struct tcp *t, int fd, const struct addr *from, usec now)
{
    struct tcpconn *c;
    t->stats.accepted++;
    if (!make_place(t, from)) {
        t->stats.refused++;
        (void)close(fd);
        return;
    }
    if (sl_tcpconn_new(fd, from, t->conf.numbers, &c) != E_OK) {
        t->stats.refused++;
        return;
    }
    c->until = now + TCP_FIRST_CHECK;
    put(t, c);
    watch_stream(t, c, EPOLL_CTL_ADD);
}

static void accept_from(struct tcp *t, int listener, usec now)
{
    for (int i = 0; i < ACCEPTS; i++) {
        union sa sa = {0};
        socklen_t len = sizeof sa;
        int fd = accept4(listener, &sa.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                errno == ENOMEM) {
                /* It would be told again at once, and as much in vain. */
                t->stats.refused++;
                t->deaf_until = now + ACCEPT_AGAIN;
                listen_all(t, false);
            }
            return;
        }
        struct addr from = sa_addr(&sa);
        take_connection(t, fd, &from, now);
    }
}

/* ---- reading ---- */

static void poll_all(struct tcp *t, usec now)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(t->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        uint32_t who = events[i].data.u32;
        if (who >= LISTENER) {
            accept_from(t, t->listeners[who - LISTENER], now);
            continue;
        }
        struct tcpconn *c = t->streams[who];
        if (!c)
            continue; /* it made place for another just now */
        if (c->blocked && events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
            if (sl_tcpconn_unblock(c) != E_OK) {
                end(t, c, &t->stats.ended);
                continue;
            }
            watch_stream(t, c, EPOLL_CTL_MOD);
        }
        make_ready(t, c);
    }
}

/* Nothing but checks from one that has proved nothing, and not many. */
static bool may_come(struct tcpconn *c, struct span frame)
{
    return c->proven ||
           (dgram_of(frame.p[0]) == DGRAM_STUN && c->unproven_n++ < UNPROVEN_MAX);
}

/* Frames that are whole. E_SHORT: no more are; E_FULL: max were taken; E_MALFORMED. */
static enum err take_frames(struct tcp *t, struct tcpconn *c, struct pkt_pool *pool,
                            usec now, struct pkt **ret, size_t max, size_t *got)
{
    struct span frame;
    enum err e;
    while (*got < max) {
        if ((e = sl_frames_next(&c->in, &frame)) != E_OK)
            return e;
        if (!may_come(c, frame))
            return E_MALFORMED;
        struct pkt *p = sl_pkt_new(pool);
        if (!p) {
            t->stats.pool_empty++;
            continue;
        }
        memcpy(p->data, frame.p, frame.n);
        p->n = (uint16_t)frame.n;
        p->port = c->number;
        p->from = c->from;
        p->at = now;
        t->stats.received++;
        t->stats.received_bytes += frame.n;
        ret[(*got)++] = p;
    }
    return E_FULL;
}

static void read_one(struct tcp *t, struct tcpconn *c, struct pkt_pool *pool, usec now,
                     struct pkt **ret, size_t max, size_t *got)
{
    enum err more = E_OK;
    for (int reads = 0;; reads++) {
        enum err e = take_frames(t, c, pool, now, ret, max, got);
        if (e == E_MALFORMED) {
            end(t, c, &t->stats.wrong);
            return;
        }
        if (e == E_FULL || (more == E_OK && reads == READS)) {
            make_ready(t, c);
            return;
        }
        if (more == E_SHORT)
            return;
        more = sl_tcpconn_read(c);
        if (more == E_LATE) {
            end(t, c, &t->stats.ended);
            return;
        }
    }
}

size_t sl_tcp_receive(struct tcp *t, struct pkt_pool *pool, usec now, struct pkt **ret,
                      size_t n)
{
    size_t got = 0;
    poll_all(t, now);
    for (size_t turns = t->ready_n; turns > 0 && got < n && t->ready_n > 0; turns--) {
        struct tcpconn *c = list_entry(t->ready.next, struct tcpconn, ready);
        not_ready(t, c);
        read_one(t, c, pool, now, ret, n, &got);
    }
    return got;
}

bool sl_tcp_ready(const struct tcp *t)
{
    return t->ready_n > 0 || !list_empty(&t->closed);
}

/* ---- sending ---- */

static size_t datagrams_in(const struct tx *tx)
{
    return tx->segment ? (tx->n + tx->segment - 1) / tx->segment : 1;
}

void sl_tcp_send(struct tcp *t, const struct tx *tx, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct tcpconn *c = t->streams[tx[i].port];
        size_t all = datagrams_in(&tx[i]), sent = 0;
        if (!c || !addr_eq(&c->from, &tx[i].to)) {
            t->stats.gone += all;
            continue;
        }
        bool was = c->blocked;
        enum err e = sl_tcpconn_send(c, &tx[i], &sent);
        t->stats.sent += sent;
        t->stats.sent_bytes += sent == all ? tx[i].n : sent * tx[i].segment;
        t->stats.slow += all - sent;
        if (e)
            end(t, c, &t->stats.ended);
        else if (c->blocked && !was)
            watch_stream(t, c, EPOLL_CTL_MOD);
    }
}

/* ---- time ---- */

static void expire(struct tcp *t, struct list *of, usec now, uint64_t *reason)
{
    while (!list_empty(of)) {
        struct tcpconn *c = list_entry(of->next, struct tcpconn, by_until);
        if (c->until > now)
            return;
        end(t, c, reason);
    }
}

void sl_tcp_tick(struct tcp *t, usec now)
{
    expire(t, &t->fresh, now, &t->stats.unproven);
    expire(t, &t->proven, now, &t->stats.silent);
    if (t->deaf_until && now >= t->deaf_until) {
        t->deaf_until = 0;
        listen_all(t, true);
    }
}

usec sl_tcp_deadline(const struct tcp *t)
{
    const struct list *all[] = {&t->fresh, &t->proven};
    usec at = t->deaf_until ? t->deaf_until : USEC_NEVER;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (list_empty(all[i]))
            continue;
        const struct tcpconn *c = list_entry(all[i]->next, struct tcpconn, by_until);
        at = c->until < at ? c->until : at;
    }
    return at;
}

const struct tcp_stats *sl_tcp_stats(const struct tcp *t)
{
    return &t->stats;
}
