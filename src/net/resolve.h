#pragma once

/*
 * Names to addresses, by the system's resolver on the loop's pool: it may take long, and the loop
 * goes on. The loop's thread only.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

#include "net/loop.h"

enum { RESOLVE_MAX = 16, RESOLVE_NAME_MAX = 255 };

/* done is called once, later, with what was found; n 0: nothing. An address is found at once as
 * what it is, also in brackets. Before the loop is freed: sl_loop_finish_work. E_MALFORMED: no
 * name is that long; E_MEMORY. */
MUST_USE enum err sl_resolve(struct loop *l, struct span name, uint16_t port,
                             void (*done)(void *user, const struct addr *a, size_t n),
                             void *user);
