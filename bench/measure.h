#pragma once

/* What a server costs under a load, and what the machine needs at least for the same. */

#include <stdbool.h>
#include <stdint.h>

#include "bench/load.h"
#include "server.h"

#define RECEIVE_NS                                                                       \
    700 /* of a datagram that a server gets: measured, see fanout_limit.c */

/* The kinds of media that are measured. */
struct kind {
    const char *name;
    struct load_phase phase;
    const char *key; /* of fanout_limit, for one profile */
    double guess_ns; /* of Sluice, for each packet */
};
enum { KINDS = 3 };
extern const struct kind kinds[KINDS];

/* What fanout_limit said. */
struct limits {
    size_t n;
    struct {
        char key[48];
        double ns;
    } v[64];
};

/* Runs fanout_limit for n subscribers and takes the best of its passes, which is the steadiest.
 * read: somebody on another core reads what arrives (-B). pinned: on the server's core. */
bool limits_ask(const char *program, unsigned n, bool read, bool pinned,
                struct limits *ret);

/* "sendmmsg" or "limit", of one kind and profile. 0: it was not said. */
double limits_of(const struct limits *l, const char *which, const struct kind *k,
                 const char *profile);

struct measured {
    double ns;     /* CPU time of the server for each packet */
    double load;   /* of its core */
    double waited; /* part of the time that it was ready, and others had its core */
    double extra;  /* datagrams that it received for each packet */
    double octets; /* of a packet, as it arrived */
    uint64_t lost, p50, p99, p999, max;
    double late; /* part of the bursts that the generator sent too late */
    unsigned rooms;
    bool disturbed; /* others had the cores too often to say much */
};

/* One phase. False: what went wrong was printed. */
bool measure(struct load *l, const struct server *s, const struct load_phase *phase,
             struct measured *ret);

/* The same over and over: what is measured in a row. */
enum { WINDOWS = 3, WINDOWS_MOST = 5 };
struct series {
    struct load *load;
    const struct server *server;
    struct load_phase phase;
    int wanted; /* windows; 0: WINDOWS */
    int n;
    struct measured windows[WINDOWS_MOST];
};

/* So many rooms of n subscribers that the worker is as busy as `load` says, if a packet costs it ns;
 * at least one. */
unsigned measure_rooms(double load, double ns, unsigned n, const struct load_phase *p);

/* Finds out what a packet costs at nearly that load, and makes ret the series of that load, with at
 * most so many rooms. False: what went wrong was printed. */
bool measure_calibrate(struct load *l, const struct server *s, unsigned n, unsigned most,
                       double load, const struct kind *k, struct series *ret);

/* A window of each in turn, so that a bad moment of the machine falls on one window of several
 * and not on all of one. A window in which others had the cores is measured again, as long as
 * enough of them can still be had. False: what went wrong was printed. */
bool measure_all(struct series *all, size_t n);

/* The medians of cost and delay; what was lost in any. */
struct measured measure_median(const struct series *v);

/* Keeps the generator off the server's core, which is the first, and both before what else
 * the machine does. False: there is but one core. */
bool measure_place(void);
enum { SERVER_CORE = 0 };
