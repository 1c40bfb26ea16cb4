#pragma once

/* The server that is measured: a process of its own, with one worker. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server {
    pid_t pid;
    char url[64], admin[64];
    char state[64]; /* its directory, removed in the end */
};

/* Starts the program at this address and on this core (-1: anywhere), and waits until it
 * serves. False: why was printed. */
bool server_start(struct server *s, const char *program, const char *address, int core);
void server_stop(struct server *s);

/* CPU time that all its threads have had, in nanoseconds. */
uint64_t server_cpu(const struct server *s);

/* How long its threads were ready to run and did not, in nanoseconds: others had the core. */
uint64_t server_waited(const struct server *s);

/* Octets of memory: its own that are resident; the kernel's that cannot be reclaimed, of the
 * whole machine. */
uint64_t server_resident(const struct server *s);
uint64_t kernel_memory(void);

/* The sum of a metric over its labels. */
double server_metric(const struct server *s, const char *name);
