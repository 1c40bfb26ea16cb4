/*
 * The same fan-out through other servers, in the same minute: what a forwarded packet costs
 * there and here, what a subscriber does, and how long a packet takes.
 *
 *     peers SERVER FANOUT_LIMIT JSON [--check] [--only=N]
 *
 * Others ignore loopback addresses. So all of this runs in a network namespace of its own, in
 * which the server's address is that of a cable's end; what is sent to it stays on the machine
 * and goes the way of loopback, which is the way that fanout_limit measures. Every server has
 * one core, the generator another. Servers take turns (A B C, A B C, ...), each started anew;
 * of the turns the median counts. All get the same load: as many rooms as bring the dearest to
 * LOADED of its core, or fewer, until that one loses nothing. Who loses packets nevertheless
 * gets no figure. Feedback is what a browser sends to that server: reports and checks to all,
 * transport-cc to those who agree on it.
 */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "peer.h"
#include "rows.h"

#define ADDRESS "10.77.0.1"
#define LOADED  0.5

enum { PEERS = 3, DEAREST = 1, SIZES = 2, TURNS = 3, TRIES = 8, WHAT_MAX = 24 };

static const unsigned sizes[SIZES] = {10, 100};
static const unsigned rooms_most[SIZES] = {12, 2};

/* Bars: how many times dearer others are, at least. */
static const double cost_bar[KINDS] = {2.5, 6, 2.5};
#define MEMORY_BAR 4
#define DELAY_BAR  1

struct turn {
    double user, kernel; /* octets for each client */
    double join_cpu_us, join_us;
    struct measured kinds[KINDS];
};

struct bench {
    struct peer peers[PEERS];
    const char *limit_program;
    int core;
    struct rows rows;
    struct limits limits;
    struct load_phase phases[KINDS];
    struct turn turns[PEERS][TURNS];
};

/* ---- a place for all of it ---- */

static bool enclose(void)
{
    static const char *const steps[] = {
        "ip link set lo up",
        "ip link add peer0 type veth peer name peer1",
        "ip address add " ADDRESS "/32 dev peer0",
        "ip link set peer0 up",
        "ip link set peer1 up",
        /* A socket may insist on its interface: so the generator's addresses are there. */
        "ip route add local 127.16.0.0/12 dev peer0",
    };
    if (unshare(CLONE_NEWNET) != 0)
        return false;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (system(steps[i]) != 0)
            return false;
    return true;
}

static bool installed(const char *program)
{
    char command[128];
    (void)snprintf(command, sizeof command, "command -v %s >/dev/null", program);
    return system(command) == 0;
}

/* ---- one turn ---- */

struct run {
    struct server s;
    struct load *l;
};

static void end(struct run *r)
{
    sl_load_free(r->l);
    server_stop(&r->s);
}

static bool begin(struct bench *b, const struct peer *p, size_t size, struct run *r,
                  struct turn *t)
{
    char error[LOAD_ERROR_MAX];
    struct load_joined joined;
    *r = (struct run){0};
    if (!p->start(p, &r->s, ADDRESS, b->core))
        goto fail;
    struct load_conf conf = {.url = r->s.url,
                             .room = "bench",
                             .signaling = p->signaling,
                             .rooms = rooms_most[size],
                             .publishers = 1,
                             .subscribers = sizes[size],
                             .audio = true,
                             .video = true,
                             .profile = SRTP_CM_SHA1_80};
    double user = (double)server_resident(&r->s), kernel = (double)server_kernel(&r->s);
    double cpu = (double)server_cpu(&r->s);
    if (sl_load_new(&conf, &r->l, error) != E_OK ||
        sl_load_join(r->l, &joined, error) != E_OK) {
        (void)fprintf(stderr, "%s: %s\n", p->name, error);
        goto fail;
    }
    sl_load_idle(r->l, MSEC(200));
    t->user = ((double)server_resident(&r->s) - user) / joined.clients;
    t->kernel = ((double)server_kernel(&r->s) - kernel) / joined.clients;
    t->join_cpu_us = ((double)server_cpu(&r->s) - cpu) / 1e3 / joined.clients;
    t->join_us = (double)joined.duration / joined.clients;
    return true;

fail:
    end(r);
    return false;
}

static bool take_turn(struct bench *b, const struct peer *p, size_t size, struct turn *t)
{
    struct run r;
    bool ok = begin(b, p, size, &r, t);
    for (size_t k = 0; k < KINDS && ok; k++)
        ok = measure(r.l, &r.s, &b->phases[k], &t->kinds[k]);
    if (ok)
        end(&r);
    return ok;
}

/* ---- the load that all get ---- */

static bool lower(struct load_phase *p)
{
    if (p->rooms > 1)
        p->rooms--;
    else
        p->rate_hz = p->rate_hz * 3 / 4;
    return p->rate_hz > 0;
}

static bool find_load(struct load *l, const struct server *s, size_t size,
                      const struct kind *k, struct load_phase *ret)
{
    struct measured m;
    *ret = k->phase;
    ret->settle = MSEC(300);
    ret->duration = MSEC(1000);
    ret->rooms = 1;
    /* Twice, since a packet costs less under load. */
    for (int i = 0; i < 2; i++) {
        if (!measure(l, s, ret, &m))
            return false;
        double rooms = LOADED * 1e9 / (m.ns * sizes[size] * ret->burst * ret->rate_hz);
        ret->rooms = rooms < 1 ? 1 : (unsigned)rooms;
        if (ret->rooms > rooms_most[size])
            ret->rooms = rooms_most[size];
    }
    for (int i = 0; i < TRIES; i++) {
        if (!measure(l, s, ret, &m))
            return false;
        if (m.lost == 0 && m.load < LOADED * 1.2)
            break;
        if (!lower(ret))
            return false;
    }
    ret->duration = MSEC(1500);
    return true;
}

static bool find_loads(struct bench *b, size_t size)
{
    struct run r;
    struct turn t;
    bool ok = begin(b, &b->peers[DEAREST], size, &r, &t);
    if (!ok)
        return false;
    for (size_t k = 0; k < KINDS && ok; k++)
        ok = find_load(r.l, &r.s, size, &kinds[k], &b->phases[k]);
    end(&r);
    return ok;
}

/* ---- rows ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, TURNS, sizeof *v, by_size);
    return v[TURNS / 2];
}

/* Of all turns of one server and kind of media. NAN: it lost packets. */
struct figure {
    double ns, p50, p99, load, extra;
    uint64_t lost;
};

static struct figure figure_of(const struct turn *turns, size_t kind)
{
    double ns[TURNS], p50[TURNS], p99[TURNS], load[TURNS], extra[TURNS];
    struct figure f = {0};
    for (size_t i = 0; i < TURNS; i++) {
        const struct measured *m = &turns[i].kinds[kind];
        ns[i] = m->ns;
        p50[i] = (double)m->p50;
        p99[i] = (double)m->p99;
        load[i] = m->load;
        extra[i] = m->extra;
        f.lost += m->lost;
    }
    f.ns = f.lost ? (double)NAN : median(ns);
    f.p50 = f.lost ? (double)NAN : median(p50);
    f.p99 = f.lost ? (double)NAN : median(p99);
    f.load = median(load);
    f.extra = median(extra);
    return f;
}

/* value: the other's; limit: ours. */
static void beside(struct bench *b, size_t peer, const char *what, const char *unit,
                   double theirs, double ours, double bar)
{
    struct row row = {
        .unit = unit, .value = theirs, .limit = ours, .bar = bar, .least = bar > 0};
    if (peer == 0)
        return;
    (void)snprintf(row.name, sizeof row.name, "%s / sluice: %s", b->peers[peer].name,
                   what);
    rows_add(&b->rows, &row);
}

static void cost_rows(struct bench *b, size_t size, size_t k)
{
    const struct load_phase *p = &b->phases[k];
    struct figure f[PEERS];
    char what[WHAT_MAX], delay[WHAT_MAX + 16];
    (void)snprintf(what, sizeof what, "%s, N=%u", kinds[k].name, sizes[size]);
    (void)snprintf(delay, sizeof delay, "p99 delay, %s", what);
    for (size_t i = 0; i < PEERS; i++) {
        f[i] = figure_of(b->turns[i], k);
        struct row row = {.unit = "ns", .value = f[i].ns};
        row.limit =
            limits_of(&b->limits, "sendmmsg", &kinds[k], "cm") + RECEIVE_NS * f[i].extra;
        (void)snprintf(row.name, sizeof row.name, "%s: %s", b->peers[i].name, what);
        int n = snprintf(row.note, sizeof row.note,
                         "%u rooms of %u/s, load %.0f %%, delay p50 %.2f p99 %.2f ms",
                         p->rooms, p->burst * p->rate_hz, f[i].load * 100,
                         f[i].p50 / 1000, f[i].p99 / 1000);
        if (f[i].lost > 0)
            (void)snprintf(row.note + n, sizeof row.note - (size_t)n,
                           ", no figure: lost %llu packets",
                           (unsigned long long)f[i].lost);
        rows_add(&b->rows, &row);
    }
    for (size_t i = 0; i < PEERS; i++) {
        beside(b, i, what, "ns", f[i].ns, f[0].ns, cost_bar[k]);
        beside(b, i, delay, "us", f[i].p99, f[0].p99, DELAY_BAR);
    }
}

static void client_rows(struct bench *b, size_t size)
{
    double sum[PEERS], cpu[PEERS];
    char what[WHAT_MAX];
    (void)snprintf(what, sizeof what, "memory, N=%u", sizes[size]);
    for (size_t i = 0; i < PEERS; i++) {
        double user[TURNS], kernel[TURNS], join_cpu[TURNS], join[TURNS];
        for (size_t t = 0; t < TURNS; t++) {
            user[t] = b->turns[i][t].user;
            kernel[t] = b->turns[i][t].kernel;
            join_cpu[t] = b->turns[i][t].join_cpu_us;
            join[t] = b->turns[i][t].join_us;
        }
        double u = median(user), k = fmax(median(kernel), 0); /* below: noise */
        struct row row = {.unit = "octets", .value = sum[i] = u + k};
        cpu[i] = median(join_cpu);
        (void)snprintf(row.name, sizeof row.name, "%s: %s", b->peers[i].name, what);
        (void)snprintf(
            row.note, sizeof row.note,
            "of a client: user %.0f, kernel %.0f; joining: %.0f us of CPU, one "
            "in %.1f ms",
            u, k, cpu[i], median(join) / 1000);
        rows_add(&b->rows, &row);
    }
    for (size_t i = 0; i < PEERS; i++) {
        beside(b, i, what, "octets", sum[i], sum[0], MEMORY_BAR);
        beside(b, i, "CPU of a join", "us", cpu[i], cpu[0], 0);
    }
}

/* ---- the whole ---- */

static bool run_size(struct bench *b, size_t size)
{
    if (!find_loads(b, size) ||
        !limits_ask(b->limit_program, sizes[size], true, b->core >= 0, &b->limits))
        return false;
    for (size_t t = 0; t < TURNS; t++)
        for (size_t i = 0; i < PEERS; i++)
            if (!take_turn(b, &b->peers[i], size, &b->turns[i][t]))
                return false;
    for (size_t k = 0; k < KINDS; k++)
        cost_rows(b, size, k);
    client_rows(b, size);
    return true;
}

int main(int argc, char **argv)
{
    static struct bench b;
    bool check = false;
    unsigned only = 0;
    if (argc < 4) {
        (void)fprintf(stderr,
                      "usage: peers SERVER FANOUT_LIMIT JSON [--check] [--only=N]\n");
        return EXIT_FAILURE;
    }
    for (int i = 4; i < argc; i++) {
        check |= strcmp(argv[i], "--check") == 0;
        if (strncmp(argv[i], "--only=", 7) == 0)
            only = (unsigned)strtoul(argv[i] + 7, NULL, 10);
    }
    b.peers[0] = peer_sluice(argv[1]);
    b.peers[1] = peer_janus;
    b.peers[2] = peer_janus_loop;
    b.limit_program = argv[2];
    for (size_t i = 1; i < PEERS; i++)
        if (!installed(b.peers[i].program)) {
            (void)printf("skip  peers: %s is not installed\n", b.peers[i].program);
            return EXIT_SUCCESS;
        }
    if (!enclose()) {
        (void)printf("skip  peers: no network namespace can be made here\n");
        return EXIT_SUCCESS;
    }
    b.core = measure_place() ? SERVER_CORE : -1;
    rows_head();
    for (size_t i = 0; i < SIZES; i++)
        if ((!only || only == sizes[i]) && !run_size(&b, i))
            return EXIT_FAILURE;
    if (!rows_write(&b.rows, argv[3])) {
        perror(argv[3]);
        return EXIT_FAILURE;
    }
    size_t missed = rows_missed(&b.rows);
    (void)printf("%zu rows, %zu missed their bar\n", b.rows.n, missed);
    return check && missed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
