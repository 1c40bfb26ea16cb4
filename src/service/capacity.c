#include "service/capacity.h"

#include <stdio.h>

/* What a round weighs: three quarters of a change are seen after five. */
#define WEIGHT 0.25
#define BUSY   0.25 /* part of its time: then what a packet costs says something */
#define OPENS  0.9  /* of the limit: below that it opens again */

void sl_capacity_init(struct capacity *a, unsigned percent, size_t workers)
{
    *a = (struct capacity){.most = percent / 100.0, .workers_n = workers, .felt = -1};
    for (size_t i = 0; i < workers; i++)
        a->workers[i] = (struct capacity_worker){.load = -1, .cost_ns = CAPACITY_COST_NS};
}

static void blend(double *v, double with)
{
    *v += (with - *v) * WEIGHT;
}

static void take(struct capacity_worker *w, const struct capacity_told *told)
{
    struct capacity_told was = w->last;
    if (told->at <= was.at)
        return;
    w->last = *told;
    if (was.at == 0)
        return; /* since when, nobody knows */
    double span_ns = (double)(told->at - was.at) * 1e3;
    double cpu_ns = (double)(told->cpu_ns - was.cpu_ns);
    double packets = (double)(told->forwarded - was.forwarded);
    double load = cpu_ns / span_ns, pps = packets * 1e9 / span_ns;
    if (w->load < 0) {
        w->load = load;
        w->pps = pps;
    }
    blend(&w->load, load);
    blend(&w->pps, pps);
    if (load >= BUSY && packets > 0)
        blend(&w->cost_ns, cpu_ns / packets);
}

double sl_capacity_predicted(const struct capacity *a)
{
    double coming = a->felt >= 0 && a->consumers > a->felt ? a->consumers - a->felt : 0;
    double most = 0, each = coming * a->consumer_pps / (double)a->workers_n;
    for (size_t i = 0; i < a->workers_n; i++) {
        const struct capacity_worker *w = &a->workers[i];
        double load = (w->load > 0 ? w->load : 0) + each * w->cost_ns / 1e9;
        most = load > most ? load : most;
    }
    return most;
}

static void decide(struct capacity *a)
{
    double limit = a->closed ? a->most * OPENS : a->most;
    a->closed = a->most > 0 && sl_capacity_predicted(a) >= limit;
}

void sl_capacity_round(struct capacity *a, const struct capacity_told *told)
{
    double pps = 0;
    for (size_t i = 0; i < a->workers_n; i++) {
        take(&a->workers[i], &told[i]);
        pps += a->workers[i].pps;
    }
    if (a->felt < 0)
        a->felt = a->consumers;
    blend(&a->felt, a->consumers);
    a->consumer_pps = a->felt >= 1 ? pps / a->felt : 0;
    decide(a);
}

void sl_capacity_consumers(struct capacity *a, size_t n)
{
    a->consumers = (double)n;
    decide(a);
}

/* ---- metrics ---- */

static double load_of(const void *user)
{
    const struct capacity_worker *w = user;
    return w->load > 0 ? w->load : 0;
}

static double cost_of(const void *user)
{
    const struct capacity_worker *w = user;
    return w->cost_ns / 1e9;
}

static double rate_of(const void *user)
{
    const struct capacity_worker *w = user;
    return 1e9 / w->cost_ns;
}

static double predicted_of(const void *user)
{
    return sl_capacity_predicted(user);
}

static double most_of(const void *user)
{
    const struct capacity *a = user;
    return a->most;
}

static double closed_of(const void *user)
{
    const struct capacity *a = user;
    return a->closed;
}

struct row {
    struct metric of;
    double (*fn)(const void *user);
};
#define G(name, help, fn)                                                                \
    {                                                                                    \
        {"sluice_" name, help, METRIC_GAUGE, 0}, fn                                      \
    }
static const struct row of_worker[] = {
    G("load_ratio", "Part of its time that a worker is busy, smoothed.", load_of),
    G("packet_cost_seconds",
      "CPU time of a forwarded packet, with all that goes with it, on a busy worker.",
      cost_of),
    G("capacity_packets_per_second",
      "Packets that a worker could forward, by what one costs.", rate_of),
};
static const struct row of_all[] = {
    G("load_predicted_ratio",
      "The same of the busiest, with consumers that were made lately.", predicted_of),
    G("load_limit_ratio", "From there on nobody is taken in; 0: there is no limit.",
      most_of),
    G("admission_closed", "Nobody is taken in now.", closed_of),
};

enum err sl_capacity_add(struct metrics *m, const struct capacity *a)
{
    enum err e = E_OK;
    for (size_t i = 0; !e && i < a->workers_n * (sizeof of_worker / sizeof of_worker[0]);
         i++) {
        const struct row *r = &of_worker[i / a->workers_n];
        size_t worker = i % a->workers_n;
        char number[4];
        (void)snprintf(number, sizeof number, "%zu", worker % 1000);
        const struct metric_label labels[] = {{"worker", number}, {0}};
        e = sl_metrics_add_fn(m, &r->of, labels, r->fn, &a->workers[worker]);
    }
    for (size_t i = 0; !e && i < sizeof of_all / sizeof of_all[0]; i++)
        e = sl_metrics_add_fn(m, &of_all[i].of, NULL, of_all[i].fn, a);
    return e;
}
