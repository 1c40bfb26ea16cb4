#pragma once

/*
 * Audio payloads: Opus (RFC 7587), and Opus with redundancy (RED, RFC 2198).
 *
 * Every audio packet can be decoded by who has nothing, and is whole: `key`, `start` and
 * `end` are set.
 */

#include "media/payload.h"

/* Of RED: the most octets of an older block, and what its header takes. */
enum { RED_BLOCK_MAX = 1023, RED_HEADER = 4 };

struct red_block {
    uint32_t age; /* in ticks, before the primary; below 2^14 */
    struct span payload;
};

static inline struct payload payload_audio(void)
{
    return (struct payload){.key = true, .start = true, .end = true};
}

/* E_MALFORMED: no octet. */
MUST_USE enum err sl_opus_read(struct span in, struct payload *ret);

/* As sl_opus_read, of the primary encoding. */
MUST_USE enum err sl_red_read(struct span in, struct payload *ret);

/* Finds the primary encoding and its payload type: what is forwarded to a viewer without
 * RED. E_MALFORMED: the blocks are longer than the payload. */
MUST_USE enum err sl_red_primary(struct span in, uint8_t *pt, struct span *ret);

/* Writes RED of blocks of one payload type: older ones, the oldest first, and the primary. */
void sl_red_write(struct wr *w, uint8_t pt, const struct red_block *older, size_t n,
                  struct span primary);
