#pragma once

/*
 * Redundant audio, RFC 2198, made for one receiver: each packet carries what was in the one or
 * two before it, so that a loss is mended by the next packet, sooner than any resend.
 *
 * Only for a receiver that negotiated RED for Opus and has lately lost more than 2 % of its
 * packets, and over a path that has the room: it doubles the rate of the sound, and where that
 * is what fills the path, it makes the losses that it is to mend. Its packets are put together
 * one by one where they are encrypted, at the cost of copying their octets. A publisher's own RED passes through,
 * or is opened for those without (sfu/consumer). What is added comes from the encoding's
 * history, so it is there on every worker.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct consumer;
struct job;
struct producer;

enum {
    REDUNDANCY_MAX =
        1200 /* octets of a packet that is made here, its header not counted */
};

/* The source is p: is there Opus that can be wrapped? */
void sl_redundancy_source(struct consumer *c, const struct producer *p);

/* The receiver reports how much it lost, of 256: decides how many blocks are added. */
void sl_redundancy_report(struct consumer *c, uint8_t lost);

/* The path carries so much, and an eighth of it may be spent on what is added to a sound of bps;
 * a fifth where so much is lost that words are. Gives what that takes now. */
uint32_t sl_redundancy_room(struct consumer *c, uint32_t bps, uint64_t path_bps);

/* Writes the payload of j, whose Opus is called pt, to dst. 0: there is nothing to add. */
size_t sl_redundancy_write(const struct job *j, uint8_t pt, uint8_t *dst, usec now);
