#pragma once

/*
 * Where peers say that they are: their candidates, for a server behind a NAT that must send there
 * before anything from there reaches it.
 */

#include "base/addr.h"
#include "base/span.h"

#include "proto/sdp.h"

/* More than so many of one peer are not told: to each of them something may be sent. */
enum { REMOTES_MAX = 20 };

struct remote_teller {
    void (*fn)(void *ctx, const struct addr *a,
               size_t n); /* NULL: nobody wants to know */
    void *ctx;
};

/* Of a description or a fragment. told: how many this peer has told of before, counted on. */
void sl_remote_sdp(const struct remote_teller *t, const struct sdp *sdp, uint8_t *told);

/* Of one line, "candidate:1 1 udp 1 192.0.2.1 5000 typ host", with or without "a=". */
void sl_remote_line(const struct remote_teller *t, struct span line, uint8_t *told);
