#pragma once

/* The server that is measured: a process of its own. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/metric.h"

#include "cgroup.h"

struct server {
    pid_t pid;
    pid_t front; /* who speaks for it to clients, and is not measured; 0: nobody */
    struct cgroup group; /* its own, where that can be */
    char url[64], admin[64];
    char state[64]; /* its directory, removed in the end with what is in it */
};

/* Starts Sluice with one worker at this address and on this core (-1: anywhere), and waits until it
 * serves. False: why was printed. */
bool server_start(struct server *s, const char *program, const char *address, int core);
/* The same with two workers, on the first two cores. */
bool server_start_two(struct server *s, const char *program);
void server_stop(struct server *s);

/* The steps of which that is made, for other programs. All print what goes wrong; what
 * prepare made, and spawn began, is ended by server_stop. */
bool server_prepare(struct server *s);
__attribute__((format(printf, 3, 4))) bool
server_file(const struct server *s, const char *name, const char *fmt, ...);
bool server_spawn(struct server *s, char *const *argv, int core,
                  bool (*ready)(const struct server *s));
/* The same for one that speaks for it, anywhere but on the server's core. */
bool server_front(struct server *s, char *const *argv,
                  bool (*ready)(const struct server *s));

/* A port that nobody uses now, of TCP (or UDP), and whether this page is served. */
uint16_t server_free_port(const char *address, bool udp);
bool server_answers(const char *url, const char *path);

/* CPU time that all its threads have had, in nanoseconds. */
uint64_t server_cpu(const struct server *s);

/* How long its threads were ready to run and did not, in nanoseconds: others had the core; and
 * how long the machine's own host ran others. */
uint64_t server_waited(const struct server *s);

/* Octets of memory: its own that are resident; the kernel's for it, of which only page tables
 * are known when it has no group. */
uint64_t server_resident(const struct server *s);
uint64_t server_kernel(const struct server *s);

/* Adds a histogram of seconds up over its labels. ret has its bounds, in microseconds, and nothing in it.
 * False: there is none of that name. */
bool server_histogram(const struct server *s, const char *name, struct histogram *ret);

/* The sum of a metric over its labels; or of the one series that is so named, but for its brace. */
double server_metric(const struct server *s, const char *name);
