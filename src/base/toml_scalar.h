#pragma once

/* The values of TOML that stand without quotes: numbers, truths, dates. For toml alone. */

#include "base/toml.h"

/* How many octets of in are one such value, by what may follow it. */
size_t sl_toml_scalar_len(struct span in);

/* Writes type and value into *ret. A date borrows in. False: it is none of them, or out of
 * range. */
bool sl_toml_scalar(struct span in, struct toml_node *ret);
