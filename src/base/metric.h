#pragma once

/*
 * Counters, gauges and histograms, and their text for Prometheus (exposition format 0.0.4).
 *
 * A number is a plain uint64_t of the thread that changes it. Where another thread reads it,
 * its owner changes it by count_add or count_set, which cost no more than the plain variable.
 * The registry belongs to the thread that writes the text; it holds names and pointers, never
 * numbers, so nothing has to be told when a number changes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum { HISTOGRAM_MAX = 32, METRIC_LABELS_MAX = 4 };

/* Set n and bounds, which rise, and leave the rest zero. */
struct histogram {
    size_t n;                   /* bounds; at most HISTOGRAM_MAX */
    const uint64_t *bounds;     /* borrowed; a bucket takes what is not above its bound */
    uint64_t in[HISTOGRAM_MAX]; /* each bucket by itself */
    uint64_t above;
    uint64_t sum;
};

static inline uint64_t count_get(const uint64_t *c)
{
    return __atomic_load_n(c, __ATOMIC_RELAXED);
}

static inline void count_set(uint64_t *c, uint64_t to)
{
    __atomic_store_n(c, to, __ATOMIC_RELAXED);
}

/* For the owner only: between the load and the store nobody else may write. */
static inline void count_add(uint64_t *c, uint64_t by)
{
    count_set(c, count_get(c) + by);
}

/* For the owner only. */
void sl_histogram_add(struct histogram *h, uint64_t value);

/* How many values were added. */
static inline uint64_t histogram_count(const struct histogram *h)
{
    uint64_t n = count_get(&h->above);
    for (size_t i = 0; i < h->n; i++)
        n += count_get(&h->in[i]);
    return n;
}

/* The value that this part of all (0 to 1) does not exceed, as if the values of a bucket were spread
 * evenly over it; the last bound for what is above it. 0 when there are none. */
double sl_histogram_at(const struct histogram *h, double part);

struct metrics;

/* What all series of one name share; the name and the help are borrowed. */
struct metric {
    const char *name; /* "sluice_forwarded_packets_total": counters end so */
    const char *help;
    enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM } kind;
    double
        unit; /* what 1 means in the metric's unit, 1e-6 for microseconds; 0: it is 1 */
    bool sparse; /* a series is not written before it has counted something */
};

/* Up to the first without a name; may be NULL for none. */
struct metric_label {
    const char *name, *value;
};

struct metrics *sl_metrics_new(void); /* NULL when memory ends */
void sl_metrics_free(struct metrics *m);

/* Each adds one series, whose number is borrowed until sl_metrics_free; fn is called when
 * the text is written. E_MALFORMED: such a name is not allowed; E_EXISTS: another kind of
 * metric has it, or the same labels are there; E_FULL: more labels than there may be. */
MUST_USE enum err sl_metrics_add(struct metrics *m, const struct metric *of,
                                 const struct metric_label *labels, const uint64_t *n);
MUST_USE enum err sl_metrics_add_fn(struct metrics *m, const struct metric *of,
                                    const struct metric_label *labels,
                                    double (*fn)(const void *user), const void *user);
MUST_USE enum err sl_metrics_add_histogram(struct metrics *m, const struct metric *of,
                                           const struct metric_label *labels,
                                           const struct histogram *h);

/* All series as text of *n octets and a NUL, to be freed with free; NULL when memory ends. */
char *sl_metrics_text(const struct metrics *m, size_t *n);
