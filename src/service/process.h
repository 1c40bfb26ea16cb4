#pragma once

/*
 * What this process takes of the machine, under the names that metrics of processes have, or
 * those that rtcd gives them; the heap under one of ours. Numbers are read when the text is written.
 */

#include "base/metric.h"

MUST_USE enum err sl_process_add(struct metrics *m, bool as_rtcd);

/* Octets of memory in RAM that is no file's, as the kernel counts them. Takes no lock of the heap. */
double sl_process_anonymous(void);
