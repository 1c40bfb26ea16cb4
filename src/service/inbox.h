#pragma once

/*
 * Messages from any threads to one: for hosts that embed the server, whose threads are not
 * ours, so that a mailbox, which has one writer, cannot be theirs. A lock is held while a
 * message is linked in or all of them are taken out. Not for the path of a packet.
 */

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

enum { INBOX_MAX = 4096, INBOX_OCTETS_MAX = 16 << 20 }; /* what may wait */

struct inbox;

/* NULL when memory ends. Free takes NULL, and nobody may write any more. */
struct inbox *sl_inbox_new(void);
void sl_inbox_free(struct inbox *in);

/* Copies the message. For any thread; the reader is to be woken. E_FULL: more waits than may. */
MUST_USE enum err sl_inbox_put(struct inbox *in, struct span message);

/* For the reader: gives fn what was there when it was called, in order. */
void sl_inbox_take(struct inbox *in, void (*fn)(void *ctx, struct span message),
                   void *ctx);
