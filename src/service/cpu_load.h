#pragma once

/*
 * How busy this machine is, as rtcd says it and plugins compare it: one over the processors'
 * worth of time that was idle. 1 means that one processor is left, and it grows beyond bound as
 * nothing is left.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

struct cpu_load {
    uint64_t idle; /* in ticks, of all processors together */
    usec at;       /* 0: none was read yet */
};

/* stat: the text of /proc/stat (proc(5)). E_ABSENT: this is the first; E_EARLY: no time passed;
 * E_MALFORMED. *ret may be infinite. */
MUST_USE enum err sl_cpu_load(struct cpu_load *c, struct span stat, usec now,
                              double *ret);
