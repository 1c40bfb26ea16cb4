#pragma once

/*
 * The m-sections that share one transport (RFC 9143), and the one of them, the tagged, that
 * speaks for it. Of offers and of answers.
 */

#include "room/negotiate.h"

/* The mid is in the first BUNDLE group. */
bool sl_bundle_has(const struct sdp *s, struct span mid);

/* The first section of the group that is accepted in n. NULL: none is. */
const struct sdp_section *sl_bundle_tagged(const struct sdp *s,
                                           const struct negotiated *n);

/* False: it is by a hash that names no certificate (enum media_hash). */
bool sl_bundle_fingerprint(const struct sdp_fingerprint *f,
                           struct media_fingerprint *ret);

/* Fills ufrag, pwd and peer of n from the first accepted section that has credentials, and
 * gives that section, which tells the rest: all attributes of the transport come from one
 * (RFC 9143 §7.2.1). */
MUST_USE enum negotiate_why sl_bundle_transport(const struct sdp *s, struct negotiated *n,
                                                const struct sdp_section **from);
