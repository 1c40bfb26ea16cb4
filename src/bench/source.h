#pragma once

/*
 * A track that a client sends: packets that look like a codec's, in bursts, each of which says
 * in its payload whose and which it is.
 *
 * Each burst is a frame: of VP8, a key frame, so that whoever joins sees the next one; of
 * Opus, as many packets as are asked for. When each packet left is remembered for as long as
 * it can be under way.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

#include "crypto/srtp.h"

enum {
    SOURCE_BURST_MAX = 32,
    SOURCE_SIZE_MIN = 40, /* octets of payload */
    SOURCE_SIZE_MAX = 1300,
    SOURCE_RING = 8192, /* packets whose sending is remembered */
    SOURCE_STRIDE = 1400,
};

struct source {
    uint32_t number; /* its name in the marks */
    bool video;
    uint8_t twcc_id; /* 0: not agreed */
    uint32_t ssrc;
    uint64_t first;   /* index of the first packet */
    uint64_t next;    /* packets so far: the number of the next one */
    uint64_t counted; /* numbers from here on count, for who measures */
    uint16_t *twcc;   /* counts for all sources of one client */
    uint32_t octets;  /* of payload, for sender reports */
    uint32_t ts;      /* of the next burst */
    struct srtp_guard guard;
    usec sent[SOURCE_RING]; /* by number */
};

/* The mark in a payload. */
struct source_mark {
    uint32_t source;
    uint64_t number;
};

/* twcc: borrowed. */
void sl_source_init(struct source *s, uint32_t number, bool video, uint32_t ssrc,
                    uint8_t twcc_id, uint16_t *twcc);

/* Writes and protects the next n packets, each with `size` octets of payload, SOURCE_STRIDE
 * apart. All have the length that is returned; 0: they were refused. rate_hz: bursts in a
 * second, by which time goes on. */
size_t sl_source_burst(struct source *s, struct srtp_out *out, size_t n, size_t size,
                       uint32_t rate_hz, usec now, uint8_t *at);

/* Writes a sender report and protects it; room for 128 octets. Returns its length. */
size_t sl_source_report(const struct source *s, struct srtp_out *out, usec wall,
                        uint8_t *at);

/* Finds the mark in a payload. False: none of ours. */
bool sl_source_mark(struct span payload, struct source_mark *ret);
