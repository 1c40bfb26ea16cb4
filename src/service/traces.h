#pragma once

/*
 * The part of the room API that begins and ends traces: what a participant, or one transport,
 * says and hears, without encryption, in a file for Wireshark (sfu/trace, docs/traces.md). For
 * operators who show its secret; each is said in the log, with who asked. For the control thread.
 */

#include "service/captures.h"

/* For roomapi_conf.traces; ctx is a struct captures. */
void sl_traces_asked(void *ctx, struct roomapi_call *c);

/* A worker has begun, or not, or is done: MAIL_CAPTURE of a tape with a transport. */
void sl_traces_told(struct captures *cs, const struct mail *m);
