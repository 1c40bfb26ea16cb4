#pragma once

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Octets of the code point that `in` begins with, and the code point; 0 when it does not
 * begin with a whole one. */
size_t sl_utf8_next(struct span in, uint32_t *ret);

bool sl_utf8_valid(struct span in);

/* cp: a code point, not a surrogate. */
void sl_utf8_write(struct wr *w, uint32_t cp);
