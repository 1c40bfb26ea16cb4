#pragma once

/*
 * For tests: a network in one thread with an exact clock and seeded chance.
 *
 * Packets go over links: a rate that changes at given times, a queue that is so many
 * milliseconds long and drops what comes when it is full, a delay with jitter that never
 * changes the order, and losses by the two states of Gilbert and Elliott. On them meet flows
 * with media/bwe at their sender, and greedy ones that only know loss, as TCP does. Their
 * feedback is real: made by proto/twcc, sent over a link, and read by proto/rtcp.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rng.h"

#include "media/bwe.h"
#include "proto/twcc.h"

struct net_step {
    usec from;
    double bps;
};

enum { NET_STEPS = 12, NET_FLOWS = 4, NET_LAYERS = 4, NET_SAMPLES = 4096 };

struct net_link {
    /* to be set */
    struct net_step steps[NET_STEPS]; /* up to the first of rate 0; none: no limit */
    usec queue, delay;
    double jitter_ms; /* standard deviation; cut at three of them */
    struct net_loss {
        double good, bad;       /* lost in each state, 0 to 1 */
        double to_bad, to_good; /* chance for each packet to change the state */
    } loss;
    /* found */
    usec busy_until, last_out;
    bool is_bad;
    uint64_t octets; /* that passed */
};

/* A flow of one of three kinds: elastic (sends what it is allowed), layered (the highest of
 * some rates that fits, and it asks for the next one), greedy (TCP's way). */
struct net_flow {
    /* to be set */
    struct net_link *there, *back;
    struct bwe_conf conf;
    double most_bps;           /* of an elastic source */
    double layers[NET_LAYERS]; /* of a layered one, rising; else 0 */
    usec from, until;          /* until 0: for ever */
    usec pause_from, pause_until;
    bool cannot_pad;
    bool greedy;
    double file_octets; /* of a greedy one that comes again and again; 0: without end */
    usec file_pause;

    /* found */
    struct net *net;
    struct bwe *bwe;
    struct twcc twcc;
    uint16_t seq;
    double rate_bps; /* of the source */
    usec feedback_at;
    /* of a greedy one */
    double window, threshold;
    uint64_t next, unacked, recover;
    double left;
    usec acked_at;

    /* since net_clear */
    uint64_t sent, arrived, padding; /* octets */
    uint64_t packets, lost;
    uint32_t delays[4000]; /* packets, by ms in the queue */
    /* of the whole run, each NET_EVERY */
    size_t samples_n;
    struct net_sample {
        double seconds, target_kbps, arrived_kbps, capacity_kbps, delay_ms;
        enum bwe_cause cause;
    } samples[NET_SAMPLES];
    uint64_t sampled_octets;
    usec last_delay;
};

#define NET_EVERY MSEC(100)

struct net {
    usec now;
    struct rng rng;
    struct net_flow *flows[NET_FLOWS];
    size_t flows_n;
    struct net_event {
        usec at;
        uint64_t order;
        void (*fn)(struct net_flow *f, uint64_t arg, usec arg2);
        struct net_flow *flow;
        uint64_t arg;
        usec arg2;
    } * heap;
    size_t n, cap;
    uint64_t order;
    struct net_fb *fbs; /* feedback on its way */
};

void net_init(struct net *n, uint64_t seed);
void net_fini(struct net *n); /* and its flows' estimators */
void net_add(struct net *n, struct net_flow *f);
void net_run(struct net *n, usec until);

/* What follows is counted anew. */
void net_clear(struct net_flow *f);

double net_link_bps(const struct net_link *l, usec at);

/* Since net_clear, `span` ago: what arrived, in bits/s; the queue that a share of the packets
 * met at the most, in ms; lost packets of all. */
double net_bps(const struct net_flow *f, usec span);
double net_delay_ms(const struct net_flow *f, double share);
double net_lost(const struct net_flow *f);

/* The first time after `from` at which the target was between the two for a second, and when
 * it was last outside of them before `until`; seconds, counted from `from`. */
double net_settled(const struct net_flow *f, usec from, usec until, double low_bps,
                   double high_bps);

/* Writes SLUICE_BUILD/plots/NAME.svg: for each flow target and arrivals, and the delay. No
 * more than a look at what the checks check. */
void net_plot(const struct net *n, const char *name);
