#pragma once

/*
 * A mail as octets, with what it points to, and back: for captures (sfu/capture.h).
 *
 * Field by field in network order, so that a capture outlives the build that wrote it. What is
 * read is checked as the work of a stranger: what no thread of ours would have sent is refused.
 */

#include "base/err.h"
#include "base/mailbox.h"
#include "base/pkt.h"
#include "base/span.h"

enum { MAILWIRE_MAX = 2048 /* octets of the longest */ };

/* MAIL_LOOK is written as the question that it was, whatever is filled in. */
void sl_mailwire_put(struct wr *w, const struct mail *m);

/* A mail that a shard may be given; a packet in it is taken from `others`, and belongs to the
 * thread that it belonged to. On error nothing is left to free. E_SHORT, E_MALFORMED;
 * E_UNSUPPORTED: it is not for shards, or names a packet of the shard's own (MAIL_BACK); E_FULL:
 * no packet was left; E_MEMORY. */
MUST_USE enum err sl_mailwire_get(struct rd *r, struct pkt_pool *others,
                                  struct mail *ret);
