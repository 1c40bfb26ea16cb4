/*
 * A join storm: a thousand viewers come within ten seconds to rooms that are in use.
 *
 *     storm SERVER JSON [--check] [--only=storm|crowd]
 *
 * The server has one worker and, with all its threads, one core; the load generator (src/bench)
 * another, on which the clients shake hands, too. Rooms of VIEWERS are sent to throughout; LATE
 * more come to each, evenly over the ten seconds. Asked is how soon they get media, and what the
 * delay of packets is for those who were there before, in the seconds before and meanwhile.
 *
 * Then a crowd that is too large for half of the worker's time, which is what it may be busy here
 * (limits.load), so that the generator can keep up: more is refused, and nobody loses anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/load.h"
#include "measure.h"
#include "rows.h"
#include "server.h"

enum { SIZE = 1100, LATE_HZ = 100 };

static const struct scene {
    const char *name;
    unsigned rooms, viewers, late; /* the last two: of each room */
    unsigned packets, rate_hz;     /* of a picture; pictures a second */
    const char *load;              /* limits.load; NULL: as it comes */
} thousand = {"storm", 20, 50, 50, 2, 25, NULL},
  crowd = {"crowd", 10, 20, 150, 8, 30, "50"};

#define DELAY_BAR    2000 /* microseconds that the p99 may grow by */
#define WITHHELD_BAR 0.1  /* percent of the packets */
#define MEDIA_BAR    500  /* milliseconds to media, p95: the budget of a first frame */

struct storm {
    struct rows rows;
    const char *program;
    bool pinned;
    const struct scene *scene;
    struct server server;
    struct load *load;
};

/* What a phase cost. */
struct seen {
    struct load_result r;
    double server, own; /* shares of a core: of the server, of this process */
    double waited;      /* part of the time that others had the server's core */
};

struct costs {
    const struct server *server;
    double cpu, own, waited; /* nanoseconds, before and then in it */
};

static double own_cpu(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void mark(void *ctx, bool begins)
{
    struct costs *c = ctx;
    double cpu = (double)server_cpu(c->server), own = own_cpu();
    double waited = (double)server_waited(c->server);
    c->cpu = begins ? cpu : cpu - c->cpu;
    c->own = begins ? own : own - c->own;
    c->waited = begins ? waited : waited - c->waited;
}

static bool phase(struct storm *s, unsigned late_hz, usec span, struct seen *ret)
{
    const struct load_phase p = {.rooms = s->scene->rooms,
                                 .burst = s->scene->packets,
                                 .size = SIZE,
                                 .rate_hz = s->scene->rate_hz,
                                 .late_hz = late_hz,
                                 .settle = MSEC(500),
                                 .duration = span};
    struct costs c = {.server = &s->server};
    char error[LOAD_ERROR_MAX];
    if (sl_load_run(s->load, &p, mark, &c, &ret->r, error) != E_OK) {
        (void)fprintf(stderr, "storm: %s\n", error);
        return false;
    }
    ret->server = c.cpu / 1e3 / (double)ret->r.duration;
    ret->own = c.own / 1e3 / (double)ret->r.duration;
    ret->waited = c.waited / 1e3 / (double)ret->r.duration;
    return true;
}

static double delay(const struct seen *v, unsigned per_mille)
{
    return (double)sl_quantiles_at(&v->r.counts.delay, per_mille);
}

static void delay_rows(struct storm *s, const char *when, const struct seen *v)
{
    char name[ROW_NAME_MAX];
    (void)snprintf(name, sizeof name, "delay p50, %s", when);
    rows_say(&s->rows, name, "us", delay(v, 500), 0,
             "load %.0f %% of a core; it waited for others %.1f %% of the time",
             v->server * 100, v->waited * 100);
    (void)snprintf(name, sizeof name, "delay p99, %s", when);
    rows_say(&s->rows, name, "us", delay(v, 990), 0, "max %.1f ms",
             (double)v->r.counts.delay.max / 1e3);
}

/* Of all phases; of those who came, from when they are in. An estimate that falls short for a
 * moment withholds a picture, which is no loss, but not what the viewer came for either. */
static void lost_rows(struct storm *s, const char *whose,
                      const struct seen *const seen[3])
{
    uint64_t expected = 0, lost = 0, on_way = 0;
    char name[ROW_NAME_MAX];
    for (int i = 0; i < 3; i++) {
        expected += seen[i]->r.expected;
        lost += seen[i]->r.lost;
        on_way += seen[i]->r.on_way;
    }
    (void)snprintf(name, sizeof name, "%spackets lost", whose);
    rows_say(&s->rows, name, "packets", (double)on_way, 0.5, "of %.0f", (double)expected);
    (void)snprintf(name, sizeof name, "%spackets withheld", whose);
    rows_say(&s->rows, name, "%",
             100 * (double)(lost > on_way ? lost - on_way : 0) / (double)expected,
             WITHHELD_BAR, "by estimates of paths");
}

static int by_delay(const void *a, const void *b)
{
    double x = delay(a, 990), y = delay(b, 990);
    return (x > y) - (x < y);
}

/* The median of some windows: a single one may fall on a bad moment of the machine. */
static bool before(struct storm *s, struct seen *ret)
{
    static struct seen all[WINDOWS];
    uint64_t lost = 0, on_way = 0;
    for (int i = 0; i < WINDOWS; i++) {
        if (!phase(s, 0, SEC(4), &all[i]))
            return false;
        lost += all[i].r.lost;
        on_way += all[i].r.on_way;
    }
    qsort(all, WINDOWS, sizeof all[0], by_delay);
    *ret = all[WINDOWS / 2];
    ret->r.lost = lost;
    ret->r.on_way = on_way;
    return true;
}

/* While all who are late come. */
static bool come(struct storm *s, struct seen *ret)
{
    usec each = SEC(1) / LATE_HZ;
    return phase(s, LATE_HZ, (usec)s->scene->rooms * s->scene->late * each, ret);
}

static bool storm(struct storm *s)
{
    static struct seen was, storm, is;
    if (!before(s, &was) || !come(s, &storm) || !phase(s, 0, SEC(4), &is))
        return false;
    const struct load_late *l = &storm.r.late;
    rows_say(&s->rows, "to media, p50", "ms",
             (double)sl_quantiles_at(&l->to_media, 500) / 1e3, 0,
             "%u came, %d a second: request, checks, handshake, first packet",
             (unsigned)l->to_media.n, LATE_HZ);
    rows_say(&s->rows, "to media, p95", "ms",
             (double)sl_quantiles_at(&l->to_media, 950) / 1e3, MEDIA_BAR,
             "a picture is sent each %d ms", 1000 / thousand.rate_hz);
    rows_say(&s->rows, "to media, p99", "ms",
             (double)sl_quantiles_at(&l->to_media, 990) / 1e3, 0, "max %.0f ms",
             (double)l->to_media.max / 1e3);
    rows_say(&s->rows, "refused", "viewers", l->refused, 0.5, "of %u", l->asked);
    delay_rows(s, "before", &was);
    delay_rows(s, "meanwhile", &storm);
    delay_rows(s, "after, twice the viewers", &is);
    rows_say(&s->rows, "delay p99, added meanwhile", "us",
             delay(&storm, 990) - delay(&was, 990), DELAY_BAR,
             "of the %u who were there before", thousand.rooms * thousand.viewers);
    rows_say(&s->rows, "server meanwhile", "% of a core", storm.server * 100, 0,
             "all its threads, on one core");
    rows_say(&s->rows, "generator meanwhile", "% of a core", storm.own * 100, 0,
             "%.0f %% before; the clients' half of handshakes is in it", was.own * 100);
    lost_rows(s, "", (const struct seen *[]){&was, &storm, &is});
    return true;
}

/* More than can be: who is in is served, the others are told to come later. */
static bool too_many(struct storm *s)
{
    static struct seen was, rush, is;
    if (!phase(s, 0, SEC(4), &was) || !come(s, &rush) || !phase(s, 0, SEC(8), &is))
        return false;
    const struct load_late *l = &rush.r.late;
    double each = (double)crowd.packets * crowd.rate_hz;
    double room = server_metric(&s->server, "sluice_capacity_packets_per_second") *
                  server_metric(&s->server, "sluice_load_limit_ratio");
    rows_say(&s->rows, "crowd: taken in", "viewers", l->asked - l->refused, 0,
             "of %u, besides %u; %u before the first was refused", l->asked,
             crowd.rooms * crowd.viewers, l->before_refusal);
    rows_say(&s->rows, "crowd: capacity, as predicted", "viewers", room / each, 0,
             "%.0f packets a second, %.0f for each viewer", room, each);
    struct row refused = {.name = "crowd: refused",
                          .unit = "viewers",
                          .value = l->refused,
                          .bar = 1,
                          .least = true};
    (void)snprintf(refused.note, sizeof refused.note, "503, Retry-After %lld s",
                   (long long)(l->retry_after / SEC(1)));
    rows_add(&s->rows, &refused);
    delay_rows(s, "crowd, before", &was);
    delay_rows(s, "crowd, meanwhile", &rush);
    delay_rows(s, "crowd, all who are in", &is);
    lost_rows(s, "crowd: ", (const struct seen *[]){&was, &rush, &is});
    return true;
}

static bool play(struct storm *s, const struct scene *scene, bool (*run)(struct storm *s))
{
    struct load_joined joined;
    char error[LOAD_ERROR_MAX] = "";
    s->scene = scene;
    (void)unsetenv("SLUICE_LIMITS_LOAD");
    if (scene->load)
        (void)setenv("SLUICE_LIMITS_LOAD", scene->load, 1);
    if (!server_start(&s->server, s->program, "127.0.0.1", s->pinned ? SERVER_CORE : -1))
        return false;
    const struct load_conf conf = {.url = s->server.url,
                                   .room = scene->name,
                                   .rooms = scene->rooms,
                                   .publishers = 1,
                                   .subscribers = scene->viewers,
                                   .late = scene->late,
                                   .audio = true,
                                   .video = true,
                                   .profile = SRTP_GCM_128};
    s->load = NULL;
    bool ok = sl_load_new(&conf, &s->load, error) == E_OK &&
              sl_load_join(s->load, &joined, error) == E_OK;
    if (!ok)
        (void)fprintf(stderr, "storm: %s\n", error);
    ok = ok && run(s);
    sl_load_free(s->load);
    server_stop(&s->server);
    return ok;
}

static const struct {
    const struct scene *of;
    bool (*run)(struct storm *s);
} scenes[] = {{&thousand, storm}, {&crowd, too_many}};

int main(int argc, char **argv)
{
    static struct storm s;
    bool ok = true;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: storm SERVER JSON [--check] [--only=SCENE]\n");
        return EXIT_FAILURE;
    }
    const struct rows_options o = rows_options(argc, argv, 3);
    s.program = argv[1];
    s.pinned = measure_place();
    rows_head();
    for (size_t i = 0; ok && i < sizeof scenes / sizeof scenes[0]; i++)
        if (!o.only || strcmp(o.only, scenes[i].of->name) == 0)
            ok = play(&s, scenes[i].of, scenes[i].run);
    return ok ? rows_conclude(&s.rows, argv[2], o.check) : EXIT_FAILURE;
}
