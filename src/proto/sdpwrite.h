#pragma once

/*
 * Writes the lines that sdpline reads. Also those that nobody read: an offer or an answer is
 * composed line by line, from values.
 */

#include "proto/sdpline.h"

/* Appends the line and CRLF. w.bad tells whether it fit. */
void sl_sdp_line_write(struct wr *w, const struct sdp_line *line);
