#pragma once

/*
 * The RTP streams that an offered m-section announces: simulcast by RID (RFC 8851, 8853),
 * by SSRC (RFC 5576), by both, or one stream.
 */

#include "room/negotiate.h"

/* Fills the encodings of ret, whose params are already matched, and takes the stream id
 * extensions out of them when no stream has an id. */
void sl_streams(const struct sdp_section *s, struct rtp_receive *ret);

/* The stream and track of a section, from a=msid or else from a=ssrc. */
void sl_streams_msid(const struct sdp_section *s, struct span *stream,
                     struct span *track);

/* What an answer to the rid line says behind "recv": its restrictions, with the payload types
 * cut down to those that were agreed. False: none of them was. */
bool sl_streams_restrictions(const struct sdp_rid *rid, const struct rtp_params *params,
                             struct wr *w);

/* NULL: the section sends no stream of this id. */
const struct sdp_rid *sl_streams_rid(const struct sdp_section *s, struct span id);
