/*
 * What forwarding costs: CPU time of the server process for each packet, as rooms grow from 10
 * to 1000 subscribers, beside the least that this machine needs for the same work.
 *
 *     fanout SERVER FANOUT_LIMIT JSON [--check] [--only=N] [--plain]
 *
 * The server has one worker and one core, the load generator (src/bench) another. A row runs
 * at about 70 % of the worker, which more rooms reach, not faster publishers, so that bursts
 * stay what they are. Its limit is what fanout_limit's sendmmsg needs in the same minute on
 * the same core, plus RECEIVE_NS for each datagram that the server gets, feedback included,
 * shared over the packets forwarded. Both are read by somebody who polls on another core (-B):
 * buffers that are freed there come back to the sender's core, a fifth of its time in bursts
 * of 8. The limit without a reader, and the ratio to it, stand in the note, as `alone`.
 * What estimating adds is seen in rooms of 100, beside subscribers who send the same feedback
 * without having offered to, of which no estimate is made.
 * --only=N measures rooms of that size and no others; --plain has subscribers who offer neither
 * transport-cc nor REMB, and send no such feedback. docs/benchmarks.md tells more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load.h"
#include "measure.h"
#include "rows.h"
#include "server.h"

#define LOADED     0.7
#define HALF       0.5
#define RATIO_BAR  1.5
#define MEMORY_BAR 120e3
#define DELAY_US   1000 /* the 99th percentile, beyond the burst's own sending time */
#define ADDED_BAR  1.1  /* by estimating */

enum {
    SIZES = 3,
    PROFILES = 2,
};

static const unsigned sizes[SIZES] = {10, 100, 1000};

static const struct {
    const char *name;
    enum srtp_profile profile;
    const char *key; /* of fanout_limit */
} profiles[PROFILES] = {{"cm", SRTP_CM_SHA1_80, "cm"}, {"gcm", SRTP_GCM_128, "gcm"}};

struct bench {
    const char *server, *limit;
    bool pinned, plain;
    unsigned only; /* 0: all sizes */
    struct rows rows;
    uint64_t lost;
    struct limits limits, alone;
    double joins_per_s, join_cpu_us; /* of the last block */
    unsigned rooms[KINDS];           /* in which the last block was measured */
};

/* ---- rows ---- */

/* Of one block more is measured than what packets cost. */
static bool is_middle(unsigned n, size_t profile)
{
    return n == 100 && profiles[profile].profile == SRTP_GCM_128;
}

static void cost_row(struct bench *b, const struct series *v, unsigned n, size_t profile,
                     const struct kind *k)
{
    struct measured m = measure_median(v);
    struct row row = {.unit = "ns", .bar = RATIO_BAR, .value = m.ns};
    const char *p = profiles[profile].key;
    double extra = RECEIVE_NS * m.extra;
    double alone = limits_of(&b->alone, "sendmmsg", k, p) + extra;
    row.limit = limits_of(&b->limits, "sendmmsg", k, p) + extra;
    b->lost += m.lost;
    (void)snprintf(row.name, sizeof row.name, "%s, %s, N=%u", k->name,
                   profiles[profile].name, n);
    (void)snprintf(row.note, sizeof row.note,
                   "%u rooms, load %.0f %%, alone %.0f (%.2f), limit_* %.0f, delay p99 "
                   "%.1f ms%s%s",
                   m.rooms, m.load * 100, alone, row.value / alone,
                   limits_of(&b->alone, "limit", k, p), (double)m.p99 / 1000,
                   m.lost ? ", LOST" : "", m.disturbed ? ", disturbed" : "");
    rows_add(&b->rows, &row);
}

static bool cost_rows(struct bench *b, struct load *l, const struct server *s, unsigned n,
                      unsigned most, size_t profile)
{
    struct series all[KINDS];
    for (size_t k = 0; k < KINDS; k++)
        if (!measure_calibrate(l, s, n, most, LOADED, &kinds[k], &all[k]))
            return false;
    if (!measure_all(all, KINDS))
        return false;
    for (size_t k = 0; k < KINDS; k++) {
        cost_row(b, &all[k], n, profile, &kinds[k]);
        b->rooms[k] = all[k].phase.rooms;
    }
    return true;
}

static bool lone_row(struct bench *b, struct load *l, const struct server *s)
{
    struct series v = {.load = l, .server = s, .phase = kinds[1].phase};
    struct row row = {.unit = "ns", .name = "one lone room, video burst 8, gcm"};
    v.phase.rooms = 1;
    v.phase.settle = MSEC(300);
    v.phase.duration = SEC(1);
    if (!measure_all(&v, 1))
        return false;
    struct measured m = measure_median(&v);
    row.value = m.ns;
    row.limit =
        limits_of(&b->limits, "sendmmsg", &kinds[1], "gcm") + RECEIVE_NS * m.extra;
    b->lost += m.lost;
    (void)snprintf(row.note, sizeof row.note, "N=100, load %.0f %%", m.load * 100);
    rows_add(&b->rows, &row);
    return true;
}

static void delay_row(struct bench *b, const char *what, uint64_t us, double bar,
                      const struct measured *m)
{
    struct row row = {.unit = "us", .value = (double)us, .bar = bar};
    (void)snprintf(row.name, sizeof row.name, "delay %s, half load, N=100", what);
    (void)snprintf(row.note, sizeof row.note, "%u rooms, burst 8, load %.0f %%", m->rooms,
                   m->load * 100);
    rows_add(&b->rows, &row);
}

static bool delay_rows(struct bench *b, struct load *l, const struct server *s,
                       unsigned most)
{
    struct series v;
    const struct kind *k = &kinds[1];
    if (!measure_calibrate(l, s, 100, most, HALF, k, &v) || !measure_all(&v, 1))
        return false;
    struct measured m = measure_median(&v);
    b->lost += m.lost;
    double own = k->phase.burst * 100 * m.ns / 1000;
    delay_row(b, "p50", m.p50, 0, &m);
    delay_row(b, "p99", m.p99, DELAY_US + own, &m);
    delay_row(b, "max", m.max, 0, &m);
    return true;
}

static void memory_rows(struct bench *b, const struct server *s, double user,
                        double kernel, size_t clients)
{
    struct row row = {.unit = "octets", .value = user / (double)clients};
    (void)snprintf(row.name, sizeof row.name, "memory of a subscriber, user");
    (void)snprintf(row.note, sizeof row.note, "growth of the process over %zu clients",
                   clients);
    rows_add(&b->rows, &row);
    row.value = kernel / (double)clients;
    (void)snprintf(row.name, sizeof row.name, "memory of a subscriber, kernel");
    if (s->group.path[0] != '\0')
        (void)snprintf(row.note, sizeof row.note,
                       "growth of slabs, page tables and socket buffers of its cgroup, "
                       "within %.0f",
                       (double)cgroup_step() / (double)clients);
    else
        (void)snprintf(
            row.note, sizeof row.note,
            "growth of its page tables; for a cgroup, that counts all, be root");
    rows_add(&b->rows, &row);
    row.value = (user + kernel) / (double)clients;
    row.bar = MEMORY_BAR;
    (void)snprintf(row.name, sizeof row.name, "memory of a subscriber");
    row.note[0] = '\0';
    rows_add(&b->rows, &row);
}

/* What the server says that it forwarded, and what came. */
static void cross_check(struct bench *b, struct load *l, const struct server *s)
{
    sl_load_idle(l, MSEC(2200)); /* it gathers its numbers each second */
    double said = server_metric(s, "sluice_forwarded_packets_total");
    double came = (double)sl_load_received(l);
    if (said != came)
        (void)fprintf(stderr, "fanout: forwarded %.0f, received %.0f\n", said, came);
    b->lost += said > came ? (uint64_t)(said - came) : 0;
}

static bool with_clients(struct bench *b, struct load *l, const struct server *s,
                         unsigned n, unsigned rooms, size_t profile)
{
    struct load_joined joined;
    char error[LOAD_ERROR_MAX];
    uint64_t cpu = server_cpu(s);
    double user = (double)server_resident(s), kernel = (double)server_kernel(s);
    if (sl_load_join(l, &joined, error) != E_OK) {
        (void)fprintf(stderr, "fanout: %s\n", error);
        return false;
    }
    b->joins_per_s = joined.clients * 1e6 / (double)joined.duration;
    b->join_cpu_us = (double)(server_cpu(s) - cpu) / 1e3 / joined.clients;
    sl_load_idle(l, MSEC(200));
    user = (double)server_resident(s) - user;
    kernel = (double)server_kernel(s) - kernel;
    if (!cost_rows(b, l, s, n, rooms, profile))
        return false;
    if (is_middle(n, profile)) {
        struct row joins = {.unit = "1/s", .value = b->joins_per_s};
        if (!lone_row(b, l, s) || !delay_rows(b, l, s, rooms))
            return false;
        memory_rows(b, s, user, kernel, joined.clients);
        (void)snprintf(joins.name, sizeof joins.name, "handshakes");
        (void)snprintf(joins.note, sizeof joins.note,
                       "HTTP, ICE and DTLS; %.0f us of the server's CPU for each",
                       b->join_cpu_us);
        rows_add(&b->rows, &joins);
    }
    cross_check(b, l, s);
    return true;
}

static struct load_conf conf_of(const struct bench *b, const struct server *s, unsigned n,
                                unsigned rooms, size_t profile)
{
    return (struct load_conf){.url = s->url,
                              .room = "bench",
                              .rooms = rooms,
                              .publishers = 1,
                              .subscribers = n,
                              .audio = true,
                              .video = true,
                              .plain = b->plain,
                              .profile = profiles[profile].profile};
}

/* All rows of one size and profile, with the same clients. */
static bool block(struct bench *b, unsigned n, size_t profile)
{
    struct server s;
    struct load *l = NULL;
    char error[LOAD_ERROR_MAX];
    unsigned rooms = 1;
    for (size_t k = 0; k < KINDS; k++) {
        /* A fifth more than the guess, should the server be better than that. */
        unsigned r = measure_rooms(LOADED * 1.2, kinds[k].guess_ns, n, &kinds[k].phase);
        rooms = r > rooms ? r : rooms;
    }
    if (!server_start(&s, b->server, "127.0.0.1", b->pinned ? SERVER_CORE : -1))
        return false;
    struct load_conf conf = conf_of(b, &s, n, rooms, profile);
    bool ok = false;
    if (sl_load_new(&conf, &l, error) != E_OK)
        (void)fprintf(stderr, "fanout: %s\n", error);
    else
        ok = with_clients(b, l, &s, n, rooms, profile);
    sl_load_free(l);
    server_stop(&s);
    return ok;
}

/* ---- what estimating adds ---- */

enum { HEARD, UNHEARD, SIDES, WINDOWS_ADDED = 5 };

static void added_row(struct bench *b, const struct kind *k, const struct series *v)
{
    struct measured m[SIDES] = {measure_median(&v[HEARD]), measure_median(&v[UNHEARD])};
    struct row row = {
        .unit = "ns", .bar = ADDED_BAR, .value = m[HEARD].ns, .limit = m[UNHEARD].ns};
    b->lost += m[HEARD].lost + m[UNHEARD].lost;
    (void)snprintf(row.name, sizeof row.name, "estimating, %s, gcm, N=100", k->name);
    (void)snprintf(
        row.note, sizeof row.note,
        "beside the same without; %u rooms, load %.0f %% and %.0f %%, %.3f and "
        "%.3f datagrams in for each%s",
        m[HEARD].rooms, m[HEARD].load * 100, m[UNHEARD].load * 100, m[HEARD].extra,
        m[UNHEARD].extra,
        m[HEARD].disturbed || m[UNHEARD].disturbed ? ", disturbed" : "");
    rows_add(&b->rows, &row);
}

/* The same pictures, a window to those of whose feedback estimates are made, and a window to the
 * others. Of a voice alone there is no estimate. */
static bool added_rows(struct bench *b, struct load *const *l,
                       const struct server s[SIDES])
{
    struct series all[KINDS * SIDES];
    size_t n = 0;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t side = 0; side < SIDES && !kinds[k].phase.audio; side++) {
            struct series *v = &all[n++];
            *v = (struct series){.load = l[side],
                                 .server = &s[side],
                                 .phase = kinds[k].phase,
                                 .wanted = WINDOWS_ADDED};
            v->phase.rooms = b->rooms[k];
            v->phase.settle = SEC(1); /* it has rested: estimates rise again */
            v->phase.duration = SEC(2);
        }
    if (!measure_all(all, n))
        return false;
    for (size_t k = 0, i = 0; k < KINDS; k++)
        if (!kinds[k].phase.audio) {
            added_row(b, &kinds[k], &all[i]);
            i += SIDES;
        }
    return true;
}

/* Each side has a server of its own, on the same core: the one that rests costs the other nothing. */
static bool compare(struct bench *b, unsigned n, size_t profile)
{
    struct server s[SIDES] = {0};
    struct load *l[SIDES] = {NULL};
    struct load_joined joined;
    char error[LOAD_ERROR_MAX] = "";
    bool ok = true;
    unsigned rooms = 1;
    for (size_t k = 0; k < KINDS; k++)
        if (!kinds[k].phase.audio && b->rooms[k] > rooms)
            rooms = b->rooms[k];
    for (size_t side = 0; side < SIDES && ok; side++) {
        ok = server_start(&s[side], b->server, "127.0.0.1", b->pinned ? SERVER_CORE : -1);
        struct load_conf conf = conf_of(b, &s[side], n, rooms, profile);
        conf.plain = conf.unasked = side == UNHEARD;
        ok = ok && sl_load_new(&conf, &l[side], error) == E_OK &&
             sl_load_join(l[side], &joined, error) == E_OK;
        if (ok)
            sl_load_idle(l[side], MSEC(200));
    }
    if (error[0] != '\0')
        (void)fprintf(stderr, "fanout: %s\n", error);
    ok = ok && added_rows(b, l, s);
    for (size_t side = 0; side < SIDES; side++) {
        sl_load_free(l[side]);
        server_stop(&s[side]);
    }
    return ok;
}

static bool run(struct bench *b)
{
    rows_head();
    for (size_t i = 0; i < SIZES; i++) {
        if (b->only && sizes[i] != b->only)
            continue;
        for (size_t p = 0; p < PROFILES; p++) {
            if (!limits_ask(b->limit, sizes[i], true, b->pinned, &b->limits) ||
                (p == 0 &&
                 !limits_ask(b->limit, sizes[i], false, b->pinned, &b->alone))) {
                (void)fprintf(stderr, "fanout: %s does not run\n", b->limit);
                return false;
            }
            if (!block(b, sizes[i], p) ||
                (is_middle(sizes[i], p) && !b->plain && !compare(b, sizes[i], p)))
                return false;
        }
    }
    struct row lost = {
        .name = "packets lost", .unit = "packets", .value = (double)b->lost, .bar = 0.5};
    rows_add(&b->rows, &lost);
    return true;
}

int main(int argc, char **argv)
{
    static struct bench b;
    bool check = false;
    if (argc < 4) {
        (void)fprintf(stderr,
                      "usage: fanout SERVER FANOUT_LIMIT JSON [--check] [--only=N] "
                      "[--plain]\n");
        return EXIT_FAILURE;
    }
    for (int i = 4; i < argc; i++) {
        check |= strcmp(argv[i], "--check") == 0;
        b.plain |= strcmp(argv[i], "--plain") == 0;
        if (strncmp(argv[i], "--only=", 7) == 0)
            b.only = (unsigned)strtoul(argv[i] + 7, NULL, 10);
    }
    b.server = argv[1];
    b.limit = argv[2];
    b.pinned = measure_place();
    if (!run(&b))
        return EXIT_FAILURE;
    if (!rows_write(&b.rows, argv[3])) {
        perror(argv[3]);
        return EXIT_FAILURE;
    }
    size_t missed = rows_missed(&b.rows);
    (void)printf("%zu rows, %zu missed their bar\n", b.rows.n, missed);
    return check && missed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
