#pragma once

/*
 * What an offered m-section and we have in common: codecs with their retransmission and
 * feedback, and header extensions.
 */

#include "room/negotiate.h"

/* Fills kind, codecs and ext_id. No codec in it: there is none in common. */
void sl_match(const struct sdp_section *s, const struct negotiate_conf *conf,
              struct rtp_params *ret);

/* The map of a payload type, or what RFC 3551 gives it without one. False: none. */
bool sl_match_rtpmap(const struct sdp_section *s, uint8_t pt, struct sdp_rtpmap *ret);

/* The codec's index in params, or -1. */
int sl_match_pt(const struct rtp_params *params, uint8_t pt);
