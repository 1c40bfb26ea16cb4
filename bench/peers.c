/*
 * The same fan-out through other servers, in the same minute: what a forwarded packet costs
 * there and here, what a subscriber does, and how long a packet takes.
 *
 *     peers SERVER FANOUT_LIMIT JSON [--rtcd=PROGRAM,FRONT] [--livekit=PROGRAM]
 *           [--check] [--only=N] [--peer=NAME]
 *
 * Others ignore loopback addresses. So all of this runs in a network namespace of its own, in
 * which the server's address is that of a cable's end; what is sent to it stays on the machine
 * and goes the way of loopback, which is the way that fanout_limit measures. Every server has
 * one core, the generator another. Servers take turns (A B C, A B C, ...), each started anew;
 * of the turns the median counts. All get the same load: as many rooms as bring the dearest to
 * LOADED of its core, or fewer, until nobody loses anything. Who loses packets nevertheless
 * gets no figure. Feedback is what a browser sends to that server: reports and checks to all,
 * transport-cc to those who agree on it. A client has joined when it gets all tracks.
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

enum { PEERS_MAX = 6, SIZES = 2, TURNS = 3, TRIES = 8, WHAT_MAX = 24 };

static const unsigned sizes[SIZES] = {10, 100};
static const unsigned rooms_most[SIZES] = {12, 2};

#define DELAY_BAR 1

struct turn {
    double user, kernel; /* octets for each client */
    double join_cpu_us, join_us;
    struct measured kinds[KINDS];
};

struct bench {
    struct peer peers[PEERS_MAX]; /* ours first */
    size_t n;
    const char *limit_program;
    int core;
    struct rows rows;
    struct limits limits;
    struct load_phase phases[KINDS];
    struct turn turns[PEERS_MAX][TURNS];
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
    char command[512];
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
    r->l = NULL;
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
                             .profile = SRTP_CM_SHA1_80,
                             .heard = true,
                             .data = p->data};
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

/* So many rooms as should bring this server to LOADED of its core. Asked twice, since a packet
 * costs less under load. */
static bool guess_load(struct load *l, const struct server *s, size_t size,
                       const struct kind *k, struct load_phase *ret)
{
    struct measured m;
    *ret = k->phase;
    ret->settle = MSEC(300);
    ret->duration = MSEC(1000);
    ret->rooms = 1;
    for (int i = 0; i < 2; i++) {
        if (!measure(l, s, ret, &m))
            return false;
        double rooms = LOADED * 1e9 / (m.ns * sizes[size] * ret->burst * ret->rate_hz);
        ret->rooms = rooms < 1 ? 1 : (unsigned)rooms;
        if (ret->rooms > rooms_most[size])
            ret->rooms = rooms_most[size];
    }
    return true;
}

/* Less of it, until this server loses nothing, and is not busier than that. */
static bool bear_load(struct load *l, const struct server *s, struct load_phase *p)
{
    struct measured m;
    for (int i = 0; i < TRIES; i++) {
        if (!measure(l, s, p, &m))
            return false;
        if (m.lost == 0 && m.load < LOADED * 1.2)
            return true;
        if (!lower(p))
            return false;
    }
    return true;
}

/* Why was printed. */
static void leave_out(struct bench *b, size_t peer)
{
    (void)printf("skip  peers: %s is left out\n", b->peers[peer].name);
    b->n--;
    memmove(&b->peers[peer], &b->peers[peer + 1], (b->n - peer) * sizeof b->peers[0]);
}

/* The first of the others says what it could be, and all say how much less it must be. False:
 * none of them does what is asked. */
static bool find_loads(struct bench *b, size_t size)
{
    size_t found = 0;
    for (size_t i = 1; i < b->n;) {
        struct run r;
        struct turn t;
        bool ok = begin(b, &b->peers[i], size, &r, &t);
        for (size_t k = 0; k < KINDS && ok; k++)
            ok = (found || guess_load(r.l, &r.s, size, &kinds[k], &b->phases[k])) &&
                 bear_load(r.l, &r.s, &b->phases[k]);
        end(&r);
        found += ok;
        if (ok)
            i++;
        else
            leave_out(b, i);
    }
    for (size_t k = 0; k < KINDS; k++)
        b->phases[k].duration = MSEC(1500);
    return found;
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
    double ns, p50, p99, load, extra, octets;
    uint64_t lost;
};

static struct figure figure_of(const struct turn *turns, size_t kind)
{
    double ns[TURNS], p50[TURNS], p99[TURNS], load[TURNS], extra[TURNS], octets[TURNS];
    struct figure f = {0};
    for (size_t i = 0; i < TURNS; i++) {
        const struct measured *m = &turns[i].kinds[kind];
        ns[i] = m->ns;
        p50[i] = (double)m->p50;
        p99[i] = (double)m->p99;
        load[i] = m->load;
        extra[i] = m->extra;
        octets[i] = m->octets;
        f.lost += m->lost;
    }
    f.ns = f.lost ? (double)NAN : median(ns);
    f.p50 = f.lost ? (double)NAN : median(p50);
    f.p99 = f.lost ? (double)NAN : median(p99);
    f.load = median(load);
    f.extra = median(extra);
    f.octets = median(octets);
    return f;
}

/* value: the other's; limit: ours. Who has no figure is not beside us. */
static void beside(struct bench *b, size_t peer, const char *what, const char *unit,
                   double theirs, double ours, double bar)
{
    struct row row = {
        .unit = unit, .value = theirs, .limit = ours, .bar = bar, .least = bar > 0};
    if (peer == 0 || isnan(theirs))
        return;
    (void)snprintf(row.name, sizeof row.name, "%s / sluice: %s", b->peers[peer].name,
                   what);
    rows_add(&b->rows, &row);
}

static void cost_rows(struct bench *b, size_t size, size_t k)
{
    const struct load_phase *p = &b->phases[k];
    struct figure f[PEERS_MAX];
    char what[WHAT_MAX], delay[WHAT_MAX + 16];
    (void)snprintf(what, sizeof what, "%s, N=%u", kinds[k].name, sizes[size]);
    (void)snprintf(delay, sizeof delay, "p99 delay, %s", what);
    for (size_t i = 0; i < b->n; i++) {
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
    for (size_t i = 0; i < b->n; i++) {
        struct row row = {.unit = "us", .value = f[i].ns * 1e3 / (f[i].octets * 8)};
        (void)snprintf(row.name, sizeof row.name, "%s: a Mbit, %s", b->peers[i].name,
                       what);
        rows_add(&b->rows, &row);
    }
    for (size_t i = 0; i < b->n; i++) {
        beside(b, i, what, "ns", f[i].ns, f[0].ns, b->peers[i].bars->cost[k]);
        beside(b, i, delay, "us", f[i].p99, f[0].p99, DELAY_BAR);
    }
}

static void client_rows(struct bench *b, size_t size)
{
    double sum[PEERS_MAX], cpu[PEERS_MAX], took[PEERS_MAX];
    char what[WHAT_MAX];
    (void)snprintf(what, sizeof what, "memory, N=%u", sizes[size]);
    for (size_t i = 0; i < b->n; i++) {
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
        took[i] = median(join);
        (void)snprintf(row.name, sizeof row.name, "%s: %s", b->peers[i].name, what);
        (void)snprintf(
            row.note, sizeof row.note,
            "of a client: user %.0f, kernel %.0f; joining: %.0f us of CPU, one "
            "in %.1f ms",
            u, k, cpu[i], took[i] / 1000);
        rows_add(&b->rows, &row);
    }
    for (size_t i = 0; i < b->n; i++) {
        beside(b, i, what, "octets", sum[i], sum[0], b->peers[i].bars->memory);
        beside(b, i, "CPU of a join", "us", cpu[i], cpu[0], 0);
        beside(b, i, "time of a join", "us", took[i], took[0], 0);
    }
}

/* ---- the whole ---- */

static bool run_size(struct bench *b, size_t size)
{
    if (!find_loads(b, size) ||
        !limits_ask(b->limit_program, sizes[size], true, b->core >= 0, &b->limits))
        return false;
    for (size_t t = 0; t < TURNS; t++)
        for (size_t i = 0; i < b->n; i++)
            if (!take_turn(b, &b->peers[i], size, &b->turns[i][t]))
                return false;
    for (size_t k = 0; k < KINDS; k++)
        cost_rows(b, size, k);
    client_rows(b, size);
    return true;
}

/* ---- who takes part ---- */

static const struct peer_bars bars = {.cost = {2.5, 6, 2.5}, .memory = 4};

/* only: the one that is asked for, or NULL. */
static void enter(struct bench *b, struct peer p, const char *only)
{
    if (only && b->n > 0 && strncmp(p.name, only, strlen(only)) != 0)
        return;
    if (!p.program || (b->n > 0 && !installed(p.program)))
        (void)printf("skip  peers: %s is not installed\n", p.name);
    else
        b->peers[b->n++] = p;
    b->peers[b->n - 1].bars = &bars;
}

static const char *option(int argc, char **argv, const char *name)
{
    size_t n = strlen(name);
    for (int i = 4; i < argc; i++)
        if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
            return argv[i] + n + 1;
    return NULL;
}

static void enter_all(struct bench *b, int argc, char **argv)
{
    static char rtcd[256];
    const char *only = option(argc, argv, "--peer");
    const char *both = option(argc, argv, "--rtcd");
    const char *livekit = option(argc, argv, "--livekit");
    (void)snprintf(rtcd, sizeof rtcd, "%s", both ? both : "");
    char *front = strchr(rtcd, ',');
    if (front)
        *front++ = '\0';
    enter(b, peer_sluice(argv[1]), only);
    enter(b, peer_janus, only);
    enter(b, peer_janus_loop, only);
    enter(b, peer_rtcd(front ? rtcd : NULL, front), only);
    enter(b, peer_livekit(livekit, false), only);
    enter(b, peer_livekit(livekit, true), only);
}

int main(int argc, char **argv)
{
    static struct bench b;
    if (argc < 4) {
        (void)fprintf(stderr,
                      "usage: peers SERVER FANOUT_LIMIT JSON [--rtcd=PROGRAM,FRONT] "
                      "[--livekit=PROGRAM] [--check] [--only=N] [--peer=NAME]\n");
        return EXIT_FAILURE;
    }
    const struct rows_options o = rows_options(argc, argv, 4);
    unsigned only = o.only ? (unsigned)strtoul(o.only, NULL, 10) : 0;
    b.limit_program = argv[2];
    enter_all(&b, argc, argv);
    if (b.n < 2 || !enclose()) {
        (void)printf("skip  peers: %s\n", b.n < 2
                                              ? "nobody is there to be measured beside us"
                                              : "no network namespace can be made here");
        return EXIT_SUCCESS;
    }
    b.core = measure_place() ? SERVER_CORE : -1;
    rows_head();
    for (size_t i = 0; i < SIZES; i++)
        if ((!only || only == sizes[i]) && !run_size(&b, i))
            return EXIT_FAILURE;
    return rows_conclude(&b.rows, argv[3], o.check);
}
