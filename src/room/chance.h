#pragma once

/* What nobody can foretell: credentials, keys, SSRCs. */

#include <stddef.h>
#include <stdint.h>

struct random {
    void (*fill)(void *ctx, void *p, size_t n);
    void *ctx;
};

/* n characters, a multiple of 4, at most 40, each of 6 bits and an ice-char (RFC 8839 §5.4), and
 * a NUL. */
void sl_chance_text(const struct random *r, char *ret, size_t n);

/* n hex digits, even and at most 64, and a NUL. */
void sl_chance_hex(const struct random *r, char *ret, size_t n);

uint32_t sl_chance_ssrc(const struct random *r); /* never 0 */
