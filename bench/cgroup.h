#pragma once

/*
 * A control group for one process, so that the kernel memory which it uses can be told from
 * that of others: slabs, page tables, stacks and the buffers of sockets. To make one takes
 * root, and a kernel that counts; version 1 and 2 will do.
 */

#include <stdbool.h>
#include <stdint.h>

struct cgroup {
    char path[96]; /* empty: there is none */
    bool v2;
};

/* False: it could not be made. */
bool cgroup_make(struct cgroup *c);

/* For the process itself, before it does anything. */
void cgroup_enter(const struct cgroup *c);

/* Octets of kernel memory, in steps of what a core takes in advance. */
uint64_t cgroup_kernel(const struct cgroup *c);
uint64_t cgroup_step(void);

/* Once all processes in it have ended. */
void cgroup_remove(struct cgroup *c);
