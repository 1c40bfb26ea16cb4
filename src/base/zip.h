#pragma once

/*
 * Compressed data in zlib's format (RFC 1950). What comes of a peer's octets is as long as the
 * caller has room for, and not an octet longer.
 */

#include "base/err.h"
#include "base/span.h"

/* Appends what was compressed; octets behind its end are not looked at. E_FULL: w has no room for
 * all of it; E_SHORT: it ends too early; E_MALFORMED; E_MEMORY. After an error w is as before. */
MUST_USE enum err sl_unzip(struct wr *w, struct span in);

/* Appends it, compressed. E_FULL, E_MEMORY, as above. */
MUST_USE enum err sl_zip(struct wr *w, struct span in);
