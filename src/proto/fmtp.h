#pragma once

/*
 * Format parameters, "key=value;key=value" (a=fmtp), and what they mean to a forwarder: the
 * profile, that part of them without which a receiver cannot decode what a sender sends.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#include "proto/params.h"

/* Finds the value of key, in any case. False: not there. A key without a value has none. */
bool sl_fmtp_find(struct span params, const char *key, struct span *ret);

/* The profile of struct rtp_codec. False: the parameters are broken, or name a way of packing
 * that nobody here reads (H.264 interleaved, H.265 in several streams). */
bool sl_fmtp_profile(enum codec codec, struct span params, uint32_t *ret);

/* Appends those of the offered parameters that belong into an answer, "" if none does. */
void sl_fmtp_answer(struct wr *w, enum codec codec, struct span offered);

/* Appends what an offer of ours says of the codec, "" if nothing: its profile, at the level that
 * all receivers know, and what we wish for sound. */
void sl_fmtp_offer(struct wr *w, const struct rtp_codec *c);
