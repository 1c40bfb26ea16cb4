#pragma once

/*
 * Media of a client's sessions (sluice_call_join): sockets, clock and threads around bench/caller.
 *
 * The client's thread runs them and calls the host back; a lock that the host's calls take as
 * well, also from within callbacks, stands around all of it.
 */

#include "base/err.h"

#include "service/message.h"

struct calls;

/* say: to the server, for any thread. NULL when memory ends, or there is no certificate. Free
 * takes NULL; its calls go with it. */
struct calls *sl_calls_new(enum sluice_err (*say)(void *ctx,
                                                  const struct sluice_message *m),
                           void *ctx);
void sl_calls_free(struct calls *cs);

/* Readable when there is something to do for sl_calls_run. Milliseconds until then otherwise; -1:
 * for ever. */
int sl_calls_fd(const struct calls *cs);
int sl_calls_wait(struct calls *cs);
void sl_calls_run(struct calls *cs);

/* What the server said. True: it was for a call of ours, and not for the host. */
bool sl_calls_hear(struct calls *cs, const struct sluice_message *m);

/* The functions of sluice.h. */
enum sluice_err sl_calls_join(struct calls *cs, const struct sluice_call_conf *conf,
                              struct sluice_call **ret);
