/*
 * How long packets take to pass, as the load grows: at 10, 50 and 80 % of a worker.
 *
 *     delay SERVER JSON [--check]
 *
 * Rooms of SUBSCRIBERS, to which one publisher sends bursts of 8; more rooms are more load. Outside
 * is what the load generator sees: from the moment it hands a burst to its socket to the kernel's
 * stamp on what arrives. Inside is the server's own histogram: from the kernel's stamp on what it
 * received to the end of its send. The last packet of a burst waits until those before it are sent,
 * however fast the server is: that is the burst's own sending time, the server's CPU time
 * for a packet times the packets that the burst becomes. A row is that of the
 * middle one of three windows.
 * docs/benchmarks.md tells more.
 */
#include "sfu/delay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load.h"
#include "measure.h"
#include "rows.h"
#include "server.h"

#define DELAY_US                                                                         \
    1000 /* the 99th percentile at half load, beyond the burst's own sending time */
#define TOLD SEC(2) /* the server gathers its numbers each second */

enum {
    SUBSCRIBERS = 100,
    TRIES = 5 /* of windows, with those that are measured again */
};

static const struct scene {
    const char *name;
    double load;
    bool judged;
} scenes[] = {{"10 %", 0.1, false}, {"50 %", 0.5, true}, {"80 %", 0.8, false}};

static const struct part {
    const char *name;
    double of_all;
    bool judged;
} parts[] = {{"p50", 0.5, false},
             {"p99", 0.99, true},
             {"p99.9", 0.999, false},
             {"max", 1, false}};

enum {
    SCENES = sizeof scenes / sizeof scenes[0],
    PARTS = sizeof parts / sizeof parts[0]
};

struct bench {
    struct rows rows;
    struct server server;
    struct load *load;
    unsigned rooms; /* that there are */
    uint64_t lost;
};

/* What the windows of a scene showed. */
struct seen {
    struct series outside;
    double inside[PARTS][WINDOWS]; /* microseconds */
    double own;                    /* the burst's sending time */
};

/* What the server has told by now. */
static bool inside(struct bench *b, struct histogram *ret)
{
    sl_load_idle(b->load, TOLD);
    *ret = sl_delay_histogram();
    return server_histogram(&b->server, "sluice_forward_delay_seconds", ret);
}

static void note_inside(struct seen *v, int window, const struct histogram *was,
                        const struct histogram *is)
{
    struct histogram in = sl_delay_histogram();
    for (size_t i = 0; i < in.n; i++)
        in.in[i] = is->in[i] - was->in[i];
    in.above = is->above - was->above;
    for (size_t i = 0; i < PARTS; i++)
        v->inside[i][window] = sl_histogram_at(&in, parts[i].of_all);
}

static bool watch(struct bench *b, const struct scene *sc, struct seen *v)
{
    struct series *out = &v->outside;
    struct histogram was, is;
    if (!measure_calibrate(b->load, &b->server, SUBSCRIBERS, b->rooms, sc->load,
                           &kinds[1], out) ||
        !inside(b, &was))
        return false;
    out->phase.settle = MSEC(500);
    out->phase.duration = SEC(4);
    for (int left = TRIES; out->n < WINDOWS; left--, was = is) {
        struct measured *m = &out->windows[out->n];
        if (!measure(b->load, &b->server, &out->phase, m) || !inside(b, &is))
            return false;
        if (m->disturbed && left > WINDOWS - out->n)
            continue;
        note_inside(v, out->n++, &was, &is);
    }
    return true;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void row(struct bench *b, const struct scene *sc, const struct part *p,
                const char *where, double us, double own, const struct measured *m)
{
    struct row r = {.unit = "us", .value = us};
    if (sc->judged && p->judged)
        r.bar = DELAY_US + own;
    (void)snprintf(r.name, sizeof r.name, "%s %s, load %s", where, p->name, sc->name);
    (void)snprintf(
        r.note, sizeof r.note,
        "%.0f beyond the burst's own %.0f; %u rooms, load %.0f %%, it waited for "
        "others %.1f %%%s",
        us > own ? us - own : 0, own, m->rooms, m->load * 100, m->waited * 100,
        m->disturbed ? ", disturbed" : "");
    rows_add(&b->rows, &r);
}

static bool play(struct bench *b, const struct scene *sc)
{
    struct seen v = {0};
    if (!watch(b, sc, &v))
        return false;
    const struct measured m = measure_median(&v.outside);
    b->lost += m.lost;
    const double outside[PARTS] = {(double)m.p50, (double)m.p99, (double)m.p999,
                                   (double)m.max};
    const double own = kinds[1].phase.burst * SUBSCRIBERS * m.ns / 1e3;
    for (size_t i = 0; i < PARTS; i++)
        row(b, sc, &parts[i], "outside", outside[i], own, &m);
    for (size_t i = 0; i < PARTS; i++) {
        qsort(v.inside[i], WINDOWS, sizeof v.inside[i][0], by_size);
        row(b, sc, &parts[i], "inside", v.inside[i][WINDOWS / 2], own, &m);
    }
    return true;
}

static bool run(struct bench *b)
{
    struct load_joined joined;
    char error[LOAD_ERROR_MAX] = "";
    const struct load_conf conf = {.url = b->server.url,
                                   .room = "delay",
                                   .rooms = b->rooms,
                                   .publishers = 1,
                                   .subscribers = SUBSCRIBERS,
                                   .video = true,
                                   .profile = SRTP_GCM_128};
    if (sl_load_new(&conf, &b->load, error) != E_OK ||
        sl_load_join(b->load, &joined, error) != E_OK) {
        (void)fprintf(stderr, "delay: %s\n", error);
        return false;
    }
    rows_head();
    for (size_t i = 0; i < SCENES; i++)
        if (!play(b, &scenes[i]))
            return false;
    const struct row lost = {
        .name = "packets lost", .unit = "packets", .value = (double)b->lost, .bar = 0.5};
    rows_add(&b->rows, &lost);
    return true;
}

int main(int argc, char **argv)
{
    static struct bench b;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: delay SERVER JSON [--check]\n");
        return EXIT_FAILURE;
    }
    bool check = argc > 3 && strcmp(argv[3], "--check") == 0;
    bool pinned = measure_place();
    /* A fifth more than the guess, should the server be better than that. */
    b.rooms = measure_rooms(scenes[SCENES - 1].load * 1.2, kinds[1].guess_ns, SUBSCRIBERS,
                            &kinds[1].phase);
    if (!server_start(&b.server, argv[1], "127.0.0.1", pinned ? SERVER_CORE : -1))
        return EXIT_FAILURE;
    bool ok = run(&b);
    sl_load_free(b.load);
    server_stop(&b.server);
    if (!ok)
        return EXIT_FAILURE;
    if (!rows_write(&b.rows, argv[2])) {
        perror(argv[2]);
        return EXIT_FAILURE;
    }
    size_t missed = rows_missed(&b.rows);
    (void)printf("%zu rows, %zu missed their bar\n", b.rows.n, missed);
    return check && missed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
