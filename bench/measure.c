#include "measure.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define DISTURBED 0.05 /* part of the time, or of the bursts */
/* After a window, so that what was sent in it arrives in time, should another load be next. */
#define DRAIN     MSEC(150)
enum { AGAIN = 5 /* windows that are measured again */ };

const struct kind kinds[KINDS] = {
    {"video burst 1", {.burst = 1, .size = 1100, .rate_hz = 120}, "burst1_%s_1100", 2800},
    {"video burst 8", {.burst = 8, .size = 1100, .rate_hz = 30}, "burst8_%s_1100", 1100},
    {"audio",
     {.audio = true, .burst = 1, .size = 100, .rate_hz = 50},
     "burst1_%s_100",
     2700},
};

/* ---- limits ---- */

/* Of large rooms a few rounds are as many packets as many rounds of small ones. Of three passes
 * or more one is not disturbed. Without a reader it is for the note only: one pass. */
static int rounds_for(unsigned n)
{
    return n > 100 ? 5 : 12;
}

static int passes_for(unsigned n, bool read)
{
    return !read ? 1 : n > 10 ? 3 : 5;
}

bool limits_ask(const char *program, unsigned n, bool read, bool pinned,
                struct limits *ret)
{
    char command[512], line[128];
    (void)snprintf(command, sizeof command, "%s -q %s -n %u -l 1100 -l 100 -r %d -p %d%s",
                   program, read ? "-B" : "", n, rounds_for(n), passes_for(n, read),
                   pinned ? " -c 0" : "");
    FILE *f = popen(command, "re");
    ret->n = 0;
    while (f && fgets(line, sizeof line, f) && ret->n < sizeof ret->v / sizeof ret->v[0])
        if (sscanf(line, "%47s %*f %lf", ret->v[ret->n].key, &ret->v[ret->n].ns) == 2)
            ret->n++;
    return f && pclose(f) == 0 && ret->n > 0;
}

double limits_of(const struct limits *l, const char *which, const struct kind *k,
                 const char *profile)
{
    char key[128], name[48];
    (void)snprintf(name, sizeof name, "%s_%s", which, k->key);
    char *at = strstr(name, "%s");
    if (!at)
        return 0;
    *at = '\0';
    (void)snprintf(key, sizeof key, "%s%s%s", name, profile, at + 2);
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].key, key) == 0)
            return l->v[i].ns;
    return 0;
}

/* ---- one measurement ---- */

struct window {
    const struct server *server;
    uint64_t cpu, waited; /* before it, then in it */
};

static void mark(void *ctx, bool begins)
{
    struct window *w = ctx;
    uint64_t cpu = server_cpu(w->server), waited = server_waited(w->server);
    w->cpu = begins ? cpu : cpu - w->cpu;
    w->waited = begins ? waited : waited - w->waited;
}

bool measure(struct load *l, const struct server *s, const struct load_phase *phase,
             struct measured *ret)
{
    struct window w = {.server = s};
    struct load_result r;
    char error[LOAD_ERROR_MAX];
    if (sl_load_run(l, phase, mark, &w, &r, error) != E_OK) {
        (void)fprintf(stderr, "bench: %s\n", error);
        return false;
    }
    double packets = r.counts.packets > 0 ? (double)r.counts.packets : 1;
    *ret = (struct measured){
        .ns = (double)w.cpu / packets,
        .load = (double)w.cpu / 1e3 / (double)r.duration,
        .waited = (double)w.waited / 1e3 / (double)r.duration,
        .extra = (double)r.datagrams / packets,
        .octets = (double)r.counts.octets / packets,
        .lost = r.lost + r.counts.bad,
        .late = r.sent > 0 ? (double)r.overruns * phase->burst / (double)r.sent : 0,
        .p50 = sl_quantiles_at(&r.counts.delay, 500),
        .p99 = sl_quantiles_at(&r.counts.delay, 990),
        .p999 = sl_quantiles_at(&r.counts.delay, 999),
        .max = r.counts.delay.max,
        .rooms = phase->rooms,
    };
    ret->disturbed = ret->waited > DISTURBED || ret->late > DISTURBED;
    return true;
}

/* ---- loads ---- */

unsigned measure_rooms(double load, double ns, unsigned n, const struct load_phase *p)
{
    double rooms = load * 1e9 / (ns * n * p->burst * p->rate_hz);
    return rooms < 1.5 ? 1 : (unsigned)(rooms + 0.5);
}

bool measure_calibrate(struct load *l, const struct server *s, unsigned n, unsigned most,
                       double load, const struct kind *k, struct series *ret)
{
    struct measured m;
    struct load_phase *p = &ret->phase;
    *ret = (struct series){.load = l, .server = s, .phase = k->phase};
    p->rooms = measure_rooms(load * 0.8, k->guess_ns, n, p);
    if (p->rooms > most)
        p->rooms = most;
    p->settle = MSEC(300);
    p->duration = MSEC(600);
    if (!measure(l, s, p, &m))
        return false;
    p->rooms = measure_rooms(load, m.ns, n, p);
    if (p->rooms > most)
        p->rooms = most;
    p->duration = MSEC(1200);
    return true;
}

/* ---- windows ---- */

static int by_cost(const void *a, const void *b)
{
    double x = ((const struct measured *)a)->ns, y = ((const struct measured *)b)->ns;
    return (x > y) - (x < y);
}

static int by_delay(const void *a, const void *b)
{
    uint64_t x = ((const struct measured *)a)->p99, y = ((const struct measured *)b)->p99;
    return (x > y) - (x < y);
}

static int wanted(const struct series *v)
{
    return v->wanted > 0 ? v->wanted : WINDOWS;
}

bool measure_all(struct series *all, size_t n)
{
    int left = AGAIN;
    for (size_t i = 0; i < n; i++)
        left = wanted(&all[i]) + AGAIN > left ? wanted(&all[i]) + AGAIN : left;
    for (; left > 0; left--)
        for (struct series *v = all; v < all + n; v++) {
            if (v->n == wanted(v))
                continue;
            if (!measure(v->load, v->server, &v->phase, &v->windows[v->n]))
                return false;
            sl_load_idle(v->load, DRAIN);
            v->n += !v->windows[v->n].disturbed || left <= wanted(v) - v->n;
        }
    return true;
}

struct measured measure_median(const struct series *v)
{
    struct measured all[WINDOWS_MOST], ret;
    size_t n = (size_t)wanted(v);
    memcpy(all, v->windows, sizeof all);
    qsort(all, n, sizeof all[0], by_cost);
    ret = all[n / 2];
    qsort(all, n, sizeof all[0], by_delay);
    ret.p50 = all[n / 2].p50;
    ret.p99 = all[n / 2].p99;
    ret.p999 = all[n / 2].p999;
    ret.max = all[n / 2].max;
    ret.lost = 0;
    for (size_t i = 0; i < n; i++)
        ret.lost += all[i].lost;
    return ret;
}

/* ---- cores ---- */

bool measure_place(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;
    CPU_ZERO(&set);
    (void)setpriority(PRIO_PROCESS, 0, -15);
    if (cores < 2)
        return false;
    for (long i = 1; i < cores; i++)
        CPU_SET((unsigned)i, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}
