/*
 * A join storm: a thousand viewers come within ten seconds to rooms that are in use.
 *
 *     storm SERVER JSON [--check]
 *
 * The server has one worker and, with all its threads, one core; the load generator (src/bench)
 * another, on which the clients shake hands, too. Rooms of VIEWERS are sent to throughout; LATE
 * more come to each, evenly over the ten seconds. Asked is how soon they get media, and what the
 * delay of packets is for those who were there before, in the seconds before and meanwhile.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/load.h"
#include "measure.h"
#include "rows.h"
#include "server.h"

enum {
    ROOMS = 20,
    VIEWERS = 50,
    LATE = 50, /* of each room: a thousand */
    LATE_HZ = 100,
    PACKETS = 2, /* of a picture */
    SIZE = 1100,
    RATE_HZ = 25,
};
#define DELAY_BAR 2000 /* microseconds that the p99 may grow by */
#define MEDIA_BAR 500  /* milliseconds to media, p95: the budget of a first frame */

struct storm {
    struct rows rows;
    struct server server;
    struct load *load;
};

/* What a phase cost. */
struct seen {
    struct load_result r;
    double server, own; /* shares of a core: of the server, of this process */
};

struct costs {
    const struct server *server;
    double cpu, own; /* nanoseconds, before and then in it */
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
    c->cpu = begins ? cpu : cpu - c->cpu;
    c->own = begins ? own : own - c->own;
}

static bool phase(struct storm *s, unsigned late_hz, usec span, struct seen *ret)
{
    const struct load_phase p = {.rooms = ROOMS,
                                 .burst = PACKETS,
                                 .size = SIZE,
                                 .rate_hz = RATE_HZ,
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
    return true;
}

__attribute__((format(printf, 6, 7))) static void row(struct storm *s, const char *name,
                                                      const char *unit, double value,
                                                      double bar, const char *fmt, ...)
{
    struct row r = {.unit = unit, .value = value, .bar = bar};
    va_list ap;
    (void)snprintf(r.name, sizeof r.name, "%s", name);
    va_start(ap, fmt);
    (void)vsnprintf(r.note, sizeof r.note, fmt, ap);
    va_end(ap);
    rows_add(&s->rows, &r);
}

static double delay(const struct seen *v, unsigned per_mille)
{
    return (double)sl_quantiles_at(&v->r.counts.delay, per_mille);
}

static void delay_rows(struct storm *s, const char *when, const struct seen *v)
{
    char name[ROW_NAME_MAX];
    (void)snprintf(name, sizeof name, "delay p50, %s", when);
    row(s, name, "us", delay(v, 500), 0, "load %.0f %% of a core", v->server * 100);
    (void)snprintf(name, sizeof name, "delay p99, %s", when);
    row(s, name, "us", delay(v, 990), 0, "max %.1f ms",
        (double)v->r.counts.delay.max / 1e3);
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
    uint64_t lost = 0;
    for (int i = 0; i < WINDOWS; i++) {
        if (!phase(s, 0, SEC(4), &all[i]))
            return false;
        lost += all[i].r.lost;
    }
    qsort(all, WINDOWS, sizeof all[0], by_delay);
    *ret = all[WINDOWS / 2];
    ret->r.lost = lost;
    return true;
}

static bool run(struct storm *s)
{
    struct load_joined joined;
    static struct seen was, storm, is;
    char error[LOAD_ERROR_MAX];
    if (sl_load_join(s->load, &joined, error) != E_OK) {
        (void)fprintf(stderr, "storm: %s\n", error);
        return false;
    }
    if (!before(s, &was) ||
        !phase(s, LATE_HZ, (usec)ROOMS * LATE * SEC(1) / LATE_HZ, &storm) ||
        !phase(s, 0, SEC(4), &is))
        return false;
    const struct load_late *l = &storm.r.late;
    row(s, "to media, p50", "ms", (double)sl_quantiles_at(&l->to_media, 500) / 1e3, 0,
        "%u came, %d a second: request, checks, handshake, first packet",
        (unsigned)l->to_media.n, LATE_HZ);
    row(s, "to media, p95", "ms", (double)sl_quantiles_at(&l->to_media, 950) / 1e3,
        MEDIA_BAR, "a picture is sent each %d ms", 1000 / RATE_HZ);
    row(s, "to media, p99", "ms", (double)sl_quantiles_at(&l->to_media, 990) / 1e3, 0,
        "max %.0f ms", (double)l->to_media.max / 1e3);
    row(s, "refused", "viewers", l->refused, 0.5, "of %u", l->asked);
    delay_rows(s, "before", &was);
    delay_rows(s, "meanwhile", &storm);
    delay_rows(s, "after, twice the viewers", &is);
    row(s, "delay p99, added meanwhile", "us", delay(&storm, 990) - delay(&was, 990),
        DELAY_BAR, "of the %d who were there before", ROOMS * VIEWERS);
    row(s, "server meanwhile", "% of a core", storm.server * 100, 0,
        "all its threads, on one core");
    row(s, "generator meanwhile", "% of a core", storm.own * 100, 0,
        "%.0f %% before; the clients' half of handshakes is in it", was.own * 100);
    row(s, "packets lost", "packets", (double)(was.r.lost + storm.r.lost + is.r.lost),
        0.5, "of all phases; after, of those who came as well");
    return true;
}

int main(int argc, char **argv)
{
    static struct storm s;
    bool check = argc > 3 && strcmp(argv[3], "--check") == 0;
    char error[LOAD_ERROR_MAX];
    if (argc < 3) {
        (void)fprintf(stderr, "usage: storm SERVER JSON [--check]\n");
        return EXIT_FAILURE;
    }
    bool pinned = measure_place();
    if (!server_start(&s.server, argv[1], "127.0.0.1", pinned ? SERVER_CORE : -1))
        return EXIT_FAILURE;
    const struct load_conf conf = {.url = s.server.url,
                                   .room = "storm",
                                   .rooms = ROOMS,
                                   .publishers = 1,
                                   .subscribers = VIEWERS,
                                   .late = LATE,
                                   .audio = true,
                                   .video = true,
                                   .profile = SRTP_GCM_128};
    rows_head();
    bool ok = sl_load_new(&conf, &s.load, error) == E_OK;
    if (!ok)
        (void)fprintf(stderr, "storm: %s\n", error);
    ok = ok && run(&s);
    sl_load_free(s.load);
    server_stop(&s.server);
    if (!ok || !rows_write(&s.rows, argv[2]))
        return EXIT_FAILURE;
    size_t missed = rows_missed(&s.rows);
    (void)printf("%zu rows, %zu missed their bar\n", s.rows.n, missed);
    return check && missed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
