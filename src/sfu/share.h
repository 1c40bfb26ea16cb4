#pragma once

/*
 * What each viewer is sent: the bandwidth of its path divided over its tracks
 * (media/allocate), and carried out.
 *
 * It is divided anew each time that something changes which may not wait (what the viewer
 * wants, a source, less bandwidth), and else a few times a second, or once where all have what
 * they want; never for a packet. A layer
 * that was paused at the publisher since nobody wanted it can be had, and is asked for by
 * wanting it (sfu/demand).
 */

#include "base/clock.h"

#include "media/allocate.h"

struct consumer;
struct transport;

#define SHARE_ANY UINT64_MAX

/* Divides what the transport's estimate has for its tracks (estimate.share_bps). Where one has
 * not the best that there is, that is done again soon. */
struct allocate_sum sl_share(struct transport *t, usec now);

/* It is to be done again soon. */
void sl_share_soon(struct transport *t, usec now);

/* It has another source, or none: what was told of the last one holds no more. */
void sl_share_forget(struct consumer *c);

/* The viewer wants this from now on. */
void sl_share_wish(struct consumer *c, const struct rtp_wish *wish, usec now);
