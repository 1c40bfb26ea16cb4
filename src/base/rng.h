#pragma once

/*
 * Numbers that look random and can be repeated: xoshiro256** (Blackman, Vigna 2018).
 * For SSRCs, jitter of timers and simulations. Secrets come from crypto/hash instead.
 */

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

struct rng sl_rng_of(uint64_t seed);
uint64_t sl_rng_u64(struct rng *r);

static inline uint32_t rng_u32(struct rng *r)
{
    return (uint32_t)(sl_rng_u64(r) >> 32);
}
