#pragma once

/*
 * What all sections of one transport have in common: numbers of codecs and of header extensions
 * (RFC 9143 §10.1, §8: in one BUNDLE each means the same everywhere).
 *
 * It begins with numbers of our own choice. What the peer calls by other numbers is called so
 * from then on, and what of ours stands in the way of its numbers moves.
 */

#include "room/negotiate.h"

struct codecs {
    struct rtp_params of[2]; /* by enum media_kind: what we offer, the preferred first */
    uint32_t agreed[2];      /* a bit for each codec in them that the peer has named */
    bool ext_agreed[EXTS];
    uint64_t pts[2]; /* a bit for each payload type that the peer has named */
    uint32_t ext_ids;
};

/* It has a number here, and can be offered. */
bool sl_codecs_ours(enum codec codec);

/* With these, the preferred first. */
void sl_codecs_init(struct codecs *c, const enum codec *allowed, size_t n);

/* Learns the peer's numbers from a description of it, section by section. */
void sl_codecs_learn(struct codecs *c, const struct sdp *s,
                     const struct negotiate_conf *conf);

/* The lines of all codecs and extensions of a kind, as an offer has them; formats for its m=
 * line, "96 97 45 46". */
void sl_codecs_write(const struct codecs *c, enum media_kind kind, struct wr *w);
void sl_codecs_formats(const struct codecs *c, enum media_kind kind, struct wr *w);

/* The payload types of a kind include RTX. */
bool sl_codecs_rtx(const struct codecs *c, enum media_kind kind);
