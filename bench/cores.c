/*
 * Whether a second worker carries as much as the first: what a packet costs on each of two cores
 * alone, and on both at once.
 *
 *     cores SERVER JSON [--check] [--only=SCENE]
 *
 * Each worker has the same to do: two get twice the rooms, or a room of twice the viewers. If
 * nothing were shared a packet would cost both what it costs each alone, on average. Alone means
 * without the other worker: the load generator has the second core in all three cases, so a
 * worker there has less of the cache. What is shared shows in counters, too: a packet that came
 * is given to the other worker once, however many viewers are there; datagrams land where their
 * transport lives, and if not they are handed over. The load is low, so that this machine's two
 * cores bear both workers and the generator: most of what the second worker adds is waking it up,
 * which a busy one need not be. docs/benchmarks.md tells more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/load.h"
#include "measure.h"
#include "rows.h"
#include "server.h"

#define TOLD       MSEC(2200) /* the server gathers its numbers each second */
#define PIPED_BAR  1.0
#define HANDED_BAR 1.0 /* percent of datagrams */

static const struct scene {
    const char *name;
    const struct kind *kind;
    unsigned viewers; /* of a room; 0: there is one room */
    /* Of each worker: the generator is on one of the cores, and small rooms are more to do for it,
     * too. */
    double load;
} scenes[] = {{"pictures, rooms of 10", &kinds[1], 10, 0.1},
              {"pictures, rooms of 100", &kinds[1], 100, 0.2},
              {"pictures, one room", &kinds[1], 0, 0.2},
              {"sound, rooms of 100", &kinds[2], 100, 0.2},
              {"sound, one room", &kinds[2], 0, 0.2}};

enum place { FIRST, SECOND, BOTH, PLACES };
static const char *const places[PLACES] = {"first core", "second core", "both"};

struct seen {
    struct measured cost;
    double wakeups; /* of workers, for each packet forwarded */
    double piped;   /* packets given to another worker, for each that came */
    double handed;  /* datagrams handed over, of all that came */
};

struct bench {
    const char *server;
    struct rows rows;
    uint64_t lost;
};

struct counts {
    double forwarded, wakeups, piped, received, handed;
};

static struct counts counts_of(struct load *l, const struct server *s)
{
    sl_load_idle(l, TOLD);
    return (struct counts){
        .forwarded = server_metric(s, "sluice_forwarded_packets_total"),
        .wakeups = server_metric(s, "sluice_wakeups_total"),
        .piped = server_metric(s, "sluice_piped_packets_total"),
        .received = server_metric(s, "sluice_received_datagrams_total"),
        .handed = server_metric(s, "sluice_handed_over_datagrams_total"),
    };
}

/* Subscribers of all rooms that are as much to do as one worker is to have. */
static unsigned viewers_for(const struct scene *sc)
{
    return measure_rooms(sc->load, sc->kind->guess_ns, 1, &sc->kind->phase);
}

static bool with_load(const struct scene *sc, const struct load_conf *conf,
                      const struct server *s, struct seen *ret)
{
    struct load *l = NULL;
    struct load_joined joined;
    char error[LOAD_ERROR_MAX] = "";
    struct series v = {.phase = sc->kind->phase};
    v.phase.rooms = conf->rooms;
    v.phase.settle = MSEC(500);
    v.phase.duration = MSEC(1500);
    if (sl_load_new(conf, &l, error) != E_OK || sl_load_join(l, &joined, error) != E_OK) {
        (void)fprintf(stderr, "cores: %s\n", error);
        sl_load_free(l);
        return false;
    }
    struct counts was = counts_of(l, s);
    bool ok = true;
    while (ok && v.n < WINDOWS)
        ok = measure(l, s, &v.phase, &v.windows[v.n++]);
    struct counts is = counts_of(l, s);
    double forwarded = is.forwarded - was.forwarded;
    *ret = (struct seen){
        .cost = measure_median(&v),
        .wakeups = (is.wakeups - was.wakeups) / forwarded,
        .piped = (is.piped - was.piped) * conf->subscribers / forwarded,
        .handed = (is.handed - was.handed) / (is.received - was.received),
    };
    sl_load_free(l);
    return ok;
}

static bool look(const struct bench *b, const struct scene *sc, enum place at,
                 struct seen *ret)
{
    struct server s;
    unsigned workers = at == BOTH ? 2 : 1, viewers = viewers_for(sc);
    bool ok = at == BOTH ? server_start_two(&s, b->server)
                         : server_start(&s, b->server, "127.0.0.1", at == SECOND);
    if (!ok)
        return false;
    struct load_conf conf = {.url = s.url,
                             .room = "cores",
                             .rooms = 1,
                             .publishers = 1,
                             .subscribers = viewers * workers,
                             .audio = sc->kind->phase.audio,
                             .video = !sc->kind->phase.audio,
                             .profile = SRTP_GCM_128};
    if (sc->viewers > 0) {
        conf.rooms = workers * (viewers / sc->viewers);
        conf.subscribers = sc->viewers;
    }
    ok = with_load(sc, &conf, &s, ret);
    server_stop(&s);
    return ok;
}

static void name(struct row *r, const struct scene *sc, const char *what)
{
    (void)snprintf(r->name, sizeof r->name, "%s: %s", sc->name, what);
}

static void cost_row(struct bench *b, const struct scene *sc, enum place at,
                     const struct seen *v, double limit)
{
    const struct measured *m = &v->cost;
    struct row r = {.unit = "ns", .value = m->ns, .limit = limit};
    name(&r, sc, places[at]);
    (void)snprintf(r.note, sizeof r.note,
                   "load %.0f %%, %.1f wake-ups for 1000 packets%s", m->load * 100,
                   v->wakeups * 1000, m->lost ? ", LOST" : "");
    rows_add(&b->rows, &r);
    b->lost += m->lost;
}

static void count_row(struct bench *b, const struct scene *sc, const char *what,
                      const char *unit, double value, double bar)
{
    struct row r = {.unit = unit, .value = value, .bar = bar};
    name(&r, sc, what);
    rows_add(&b->rows, &r);
}

static bool play(struct bench *b, const struct scene *sc)
{
    struct seen v[PLACES];
    for (enum place at = FIRST; at < PLACES; at++)
        if (!look(b, sc, at, &v[at]))
            return false;
    for (enum place at = FIRST; at < BOTH; at++)
        cost_row(b, sc, at, &v[at], 0);
    cost_row(b, sc, BOTH, &v[BOTH], (v[FIRST].cost.ns + v[SECOND].cost.ns) / 2);
    count_row(b, sc, "piped for each that came", "packets", v[BOTH].piped, PIPED_BAR);
    count_row(b, sc, "handed over", "%", v[BOTH].handed * 100, HANDED_BAR);
    return true;
}

int main(int argc, char **argv)
{
    static struct bench b;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: cores SERVER JSON [--check] [--only=SCENE]\n");
        return EXIT_FAILURE;
    }
    const struct rows_options o = rows_options(argc, argv, 3);
    b.server = argv[1];
    if (!measure_place()) {
        (void)fprintf(stderr, "cores: this machine has but one\n");
        return EXIT_FAILURE;
    }
    rows_head();
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
        if ((!o.only || strcmp(o.only, scenes[i].name) == 0) && !play(&b, &scenes[i]))
            return EXIT_FAILURE;
    rows_say(&b.rows, "packets lost", "packets", (double)b.lost, 0.5, "%s", "");
    return rows_conclude(&b.rows, argv[2], o.check);
}
