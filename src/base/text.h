#pragma once

/*
 * Octets written as text, and read back: hexadecimal, base64 and base64url (RFC 4648).
 *
 * Writers append to a struct wr, which turns bad when room ends. Readers take the one
 * canonical form and nothing else: no blanks, no missing or superfluous padding, no stray
 * bits in the last character (RFC 4648 §3.5), so that two texts never mean the same octets.
 */

#include "base/err.h"
#include "base/span.h"

/* Octets of text that n octets become, without a NUL. */
#define HEX_LEN(n)       ((size_t)(n)*2)
#define BASE64_LEN(n)    (((size_t)(n) + 2) / 3 * 4)
#define BASE64URL_LEN(n) (((size_t)(n)*8 + 5) / 6)

/* Lower case. */
void sl_hex_write(struct wr *w, struct span octets);
/* Padded with '='. */
void sl_base64_write(struct wr *w, struct span octets);
/* The alphabet that is safe in URLs, not padded. */
void sl_base64url_write(struct wr *w, struct span octets);

/* Append the octets to w. E_MALFORMED: not in canonical form; E_FULL: w has no room for all
 * of them. On error nothing is appended. */
MUST_USE enum err sl_hex_read(struct span text, struct wr *w); /* in either case */
MUST_USE enum err sl_base64_read(struct span text, struct wr *w);
MUST_USE enum err sl_base64url_read(struct span text, struct wr *w);

/* As printf does. */
void sl_text_put(struct wr *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes (RFC 8259 §7), of names: what is not printable ASCII stands as
 * the code point of its octet. */
void sl_json_write(struct wr *w, struct span text);
