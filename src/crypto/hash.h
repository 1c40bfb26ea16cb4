#pragma once

/*
 * Digests, keyed digests and chance.
 *
 * A message may lie in pieces, so they all take an array of spans. A key that is used again
 * and again (STUN checks one for each datagram, RFC 8489 §14.5) is prepared once: what
 * remains of it is the state of the hash behind the padded key (RFC 2104 §4), a plain value
 * that may be copied. Nothing here allocates, and nothing fails.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum { SHA1_LEN = 20, SHA256_LEN = 32 };

struct hmac_sha1 {
    uint32_t inner[5], outer[5];
};

struct hmac_sha256 {
    uint32_t inner[8], outer[8];
};

/* For protocols that prescribe it where nothing rests on it (RFC 6455 §4.2.2). */
void sl_sha1(const struct span *parts, size_t n, uint8_t ret[SHA1_LEN]);
void sl_sha256(const struct span *parts, size_t n, uint8_t ret[SHA256_LEN]);

/* The state is as secret as the key: sl_wipe it in the end. */
struct hmac_sha1 sl_hmac_sha1_of(struct span key);
void sl_hmac_sha1(const struct hmac_sha1 *key, const struct span *parts, size_t n,
                  uint8_t ret[SHA1_LEN]);

struct hmac_sha256 sl_hmac_sha256_of(struct span key);
void sl_hmac_sha256(const struct hmac_sha256 *key, const struct span *parts, size_t n,
                    uint8_t ret[SHA256_LEN]);

/* The CRC-32 of Ethernet, as FINGERPRINT has it before its XOR (RFC 8489 §14.7). */
uint32_t sl_crc32(struct span in);

/* Takes the same time wherever they differ. The lengths are no secret. */
bool sl_secret_eq(struct span a, struct span b);

/* Overwrites what nobody shall find, also where the compiler sees no reader. */
void sl_wipe(void *p, size_t n);

/* n octets that nobody can guess. Ends the process when there are none to be had, which the
 * kernel does not let happen: no caller could go on. */
void sl_random(void *p, size_t n);
