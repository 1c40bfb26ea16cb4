#pragma once

/*
 * Whether somebody more may come in, by what workers are able to forward.
 *
 * What counts is the CPU time that a worker itself has had: a machine on which others are busy
 * says nothing of that, and is no reason to refuse. Once a second (a round) each worker tells
 * what it has had and forwarded. From that follow, smoothed over some seconds, how busy it is
 * and what a packet costs it, and how many packets a consumer is sent. Consumers that were made
 * lately are not to be seen in those numbers yet, so they are added as what one costs on average;
 * a crowd is refused before it is felt, and not after. What a peer costs depends on its room, and
 * grows with it, for the others too: so consumers are counted, and not peers. The worker that
 * would be the busiest decides, since the kernel chooses where a newcomer lands.
 *
 * A packet costs an idle worker twice as much as a busy one, which has more to do each time it
 * wakes up: it is learned from rounds in which the worker was busy, and assumed until then.
 *
 * Closed at the limit, it opens a tenth below. Sans-IO, of the control thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/metric.h"

#include "sfu/shard.h"

#define CAPACITY_COST_NS 4000 /* of a packet, until it is known: docs/benchmarks.md */

/* What a worker has counted since its start, when it told. */
struct capacity_told {
    usec at;
    uint64_t cpu_ns, forwarded;
};

struct capacity_worker {
    struct capacity_told last;
    double load;    /* part of its time that it is busy, smoothed; < 0: not known */
    double pps;     /* packets that it forwards in a second, smoothed */
    double cost_ns; /* of a packet */
};

struct capacity {
    double most; /* part of a worker's time; 0: everybody may come in */
    size_t workers_n;
    struct capacity_worker workers[SHARD_WORKERS_MAX];
    double consumers;    /* now */
    double felt;         /* smoothed, as is what they are sent; < 0: not known */
    double consumer_pps; /* packets a second that one is sent, on average */
    bool closed;
};

/* percent: of a worker's time; 0: everybody may come in. */
void sl_capacity_init(struct capacity *a, unsigned percent, size_t workers);

/* A round: what each worker told. A worker that told nothing new is as it was. */
void sl_capacity_round(struct capacity *a, const struct capacity_told *told);

/* There are so many now, on all workers and on none yet. */
void sl_capacity_consumers(struct capacity *a, size_t n);

/* How busy the busiest worker will be, with those that are not felt yet; a part of its time. */
double sl_capacity_predicted(const struct capacity *a);

/* Its numbers, for metrics. a is borrowed as long as they are. */
MUST_USE enum err sl_capacity_add(struct metrics *m, const struct capacity *a);
