#pragma once

/*
 * Signatures of what we tell back ends, as the Standard Webhooks specification 1.0 has them, so
 * that libraries of most languages can check them: HMAC-SHA256 over "ID.TIME.BODY", with a secret
 * that both sides know.
 */

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#include "crypto/hash.h"

enum { SIGNATURE_LEN = 3 + 44 }; /* "v1," and base64 of 32 octets */

/* The key of a secret: the octets that stand in base64 behind "whsec_", or else the text itself.
 * E_SHORT: less than 24 octets; E_MALFORMED: no base64. */
MUST_USE enum err sl_signature_key(struct span secret, struct hmac_sha256 *ret);

/* Appends "v1,..." for a message of that id, which has no dot, sent at that second of Unix. */
void sl_signature_write(struct wr *w, const struct hmac_sha256 *key, struct span id,
                        int64_t at, struct span body);
