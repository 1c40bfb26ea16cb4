/*
 * usage: impair_relay ADDRESS PORT [SEED]
 *
 * Datagrams to a port of 127.0.0.1 go on to ADDRESS:PORT over a bad network, and the answers
 * back over another one. Each client has a socket of its own towards the server, so that the
 * server sees clients apart; all of them share the two networks, like one home's.
 *
 * It prints "port NUMBER", and reads lines:
 *
 *     up|down [rate KBPS] [queue MS] [delay MS] [jitter MS] [reorder] [loss SHARE] [burst N]
 *     stats
 *
 * "down" is towards the clients. What a line does not name is none. "stats" prints one line
 * of JSON. It ends with its standard input.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/impair.h"

enum { CLIENTS = 32, AT_ONCE = 64, LINE = 256, QUEUE_MS = 200 };
enum { UP, DOWN, WAYS };
static const char *const way_names[WAYS] = {"up", "down"};

struct relay {
    int front;
    struct sockaddr_in server;
    struct client {
        int fd;
        struct sockaddr_in addr;
    } clients[CLIENTS];
    unsigned clients_n;
    struct impair *way[WAYS];
    char line[LINE];
    size_t line_n;
};

static usec clock_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (usec)t.tv_sec * SEC(1) + t.tv_nsec / 1000;
}

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct client *client_of(struct relay *r, const struct sockaddr_in *from)
{
    for (unsigned i = 0; i < r->clients_n; i++)
        if (r->clients[i].addr.sin_port == from->sin_port &&
            r->clients[i].addr.sin_addr.s_addr == from->sin_addr.s_addr)
            return &r->clients[i];
    if (r->clients_n == CLIENTS)
        return NULL;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&r->server, sizeof r->server) != 0)
        die("a socket towards the server");
    struct client *c = &r->clients[r->clients_n++];
    *c = (struct client){fd, *from};
    return c;
}

static void receive_front(struct relay *r, usec now)
{
    uint8_t bytes[IMPAIR_DATAGRAM_MAX];
    for (int i = 0; i < AT_ONCE; i++) {
        struct sockaddr_in from = {0};
        socklen_t len = sizeof from;
        ssize_t n =
            recvfrom(r->front, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &len);
        if (n < 0)
            return;
        struct client *c = client_of(r, &from);
        if (c)
            (void)sl_impair_put(r->way[UP], (unsigned)(c - r->clients),
                                (struct span){bytes, (size_t)n}, now);
    }
}

static void receive_back(struct relay *r, unsigned who, usec now)
{
    uint8_t bytes[IMPAIR_DATAGRAM_MAX];
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t n = recv(r->clients[who].fd, bytes, sizeof bytes, 0);
        if (n < 0)
            return;
        (void)sl_impair_put(r->way[DOWN], who, (struct span){bytes, (size_t)n}, now);
    }
}

/* Nobody waits for a socket that takes no more, or for a client that is gone: a network would
 * not, either. */
static void deliver(struct relay *r, usec now)
{
    unsigned who;
    struct span s;
    while (sl_impair_take(r->way[UP], now, &who, &s))
        (void)send(r->clients[who].fd, s.p, s.n, 0);
    while (sl_impair_take(r->way[DOWN], now, &who, &s))
        (void)sendto(r->front, s.p, s.n, 0,
                     (const struct sockaddr *)&r->clients[who].addr,
                     sizeof r->clients[who].addr);
}

static void say_stats(const struct relay *r, usec now)
{
    (void)printf("{\"at\": %.3f", (double)now / 1000);
    for (int w = 0; w < WAYS; w++) {
        struct impair_stats s = sl_impair_stats(r->way[w]);
        (void)printf(
            ", \"%s\": {\"in\": %llu, \"inOctets\": %llu, \"out\": %llu, "
            "\"outOctets\": %llu, \"lost\": %llu, \"full\": %llu, \"waitedMs\": %.3f}",
            way_names[w], (unsigned long long)s.in, (unsigned long long)s.in_octets,
            (unsigned long long)s.out, (unsigned long long)s.out_octets,
            (unsigned long long)s.lost, (unsigned long long)s.full,
            (double)s.waited / 1000);
    }
    (void)printf("}\n");
    (void)fflush(stdout);
}

/* "rate 500 loss 0.1"; false: not understood. */
static bool read_conf(char *words, struct impair_conf *ret)
{
    struct impair_conf c = {.queue = MSEC(QUEUE_MS)};
    char *rest = words;
    for (char *key; (key = strtok_r(rest, " ", &rest));) {
        if (strcmp(key, "reorder") == 0) {
            c.reorder = true;
            continue;
        }
        char *value = strtok_r(rest, " ", &rest), *end = NULL;
        double v = value ? strtod(value, &end) : -1;
        if (!(v >= 0 && v < 1e9) || *end != '\0')
            return false;
        if (strcmp(key, "rate") == 0)
            c.rate_bps = v * 1000;
        else if (strcmp(key, "queue") == 0)
            c.queue = (usec)(v * 1000);
        else if (strcmp(key, "delay") == 0)
            c.delay = (usec)(v * 1000);
        else if (strcmp(key, "jitter") == 0)
            c.jitter = (usec)(v * 1000);
        else if (strcmp(key, "loss") == 0)
            c.loss = v;
        else if (strcmp(key, "burst") == 0)
            c.burst = v;
        else
            return false;
    }
    *ret = c;
    return true;
}

static void obey(struct relay *r, char *line, usec now)
{
    char *rest = line, *word = strtok_r(rest, " ", &rest);
    if (word && strcmp(word, "stats") == 0) {
        say_stats(r, now);
        return;
    }
    struct impair_conf conf;
    for (int w = 0; word && w < WAYS; w++)
        if (strcmp(word, way_names[w]) == 0 && read_conf(rest, &conf)) {
            sl_impair_set(r->way[w], &conf, now);
            return;
        }
    (void)fprintf(stderr, "impair_relay: not understood: %s\n", word ? word : "");
    exit(1);
}

/* False: nobody speaks to us any more. */
static bool read_lines(struct relay *r, usec now)
{
    ssize_t n = read(STDIN_FILENO, r->line + r->line_n, sizeof r->line - r->line_n);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    r->line_n += (size_t)n;
    for (char *end; (end = memchr(r->line, '\n', r->line_n));) {
        size_t used = (size_t)(end - r->line) + 1;
        *end = '\0';
        obey(r, r->line, now);
        r->line_n -= used;
        memmove(r->line, r->line + used, r->line_n);
    }
    return r->line_n < sizeof r->line;
}

/* Until something comes, or is due. */
static void wait_for(const struct relay *r, struct pollfd *fds, nfds_t n)
{
    usec at = sl_impair_deadline(r->way[UP]), down = sl_impair_deadline(r->way[DOWN]);
    at = down < at ? down : at;
    usec wait = at == USEC_NEVER ? SEC(1) : at - clock_now();
    wait = wait > 0 ? wait : 0;
    struct timespec t = {wait / SEC(1), wait % SEC(1) * 1000};
    (void)ppoll(fds, n, &t, NULL);
}

static void run(struct relay *r)
{
    for (;;) {
        struct pollfd fds[2 + CLIENTS] = {{STDIN_FILENO, POLLIN, 0},
                                          {r->front, POLLIN, 0}};
        unsigned n = r->clients_n;
        for (unsigned i = 0; i < n; i++)
            fds[2 + i] = (struct pollfd){r->clients[i].fd, POLLIN, 0};
        wait_for(r, fds, 2 + n);
        usec now = clock_now();
        if (fds[0].revents && !read_lines(r, now))
            return;
        if (fds[1].revents)
            receive_front(r, now);
        for (unsigned i = 0; i < n; i++)
            if (fds[2 + i].revents)
                receive_back(r, i, now);
        deliver(r, now);
    }
}

int main(int argc, char **argv)
{
    static struct relay r;
    r.server.sin_family = AF_INET;
    if (argc < 3 || inet_pton(AF_INET, argv[1], &r.server.sin_addr) != 1) {
        (void)fprintf(stderr, "usage: impair_relay ADDRESS PORT [SEED]\n");
        return 2;
    }
    r.server.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    /* Exact to some microseconds, or what is measured is this program. */
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    for (int w = 0; w < WAYS; w++)
        if (!(r.way[w] = sl_impair_new(seed + (uint64_t)w, clock_now())))
            die("memory");
    struct sockaddr_in here = {.sin_family = AF_INET};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof here;
    r.front = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (r.front < 0 || bind(r.front, (struct sockaddr *)&here, len) != 0 ||
        getsockname(r.front, (struct sockaddr *)&here, &len) != 0)
        die("the socket towards clients");
    (void)printf("port %u\n", ntohs(here.sin_port));
    (void)fflush(stdout);
    run(&r);
    for (int w = 0; w < WAYS; w++)
        sl_impair_free(r.way[w]);
    return 0;
}
