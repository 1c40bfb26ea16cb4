#pragma once

/*
 * What a subscriber's path carries (media/bwe), and which encodings that is enough for.
 *
 * A transport has an estimator once it sends video to somebody who tells what arrives, by
 * transport-wide feedback or by REMB. Probes begin before the first picture does: they are
 * padding on an RTX stream. Until something shows that the path is narrow, and for a moment
 * after the first word, nothing is held back; then the estimate is what the tracks share
 * (sfu/share), and what their next layers need is probed for. For what else the estimate
 * says, control is told when it changes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#include "proto/rtcp.h"

struct bwe;
struct consumer;
struct transport;

struct estimate {
    bool numbered; /* packets have transport-wide numbers; else REMB is all there is */
    uint64_t share_bps; /* what there is to be shared by its tracks; SHARE_ANY */
    uint64_t best_bps;  /* for all that is wanted of them; 0: not known */
    usec heard_at;      /* when the peer first said anything; 0: it did not */
    usec asked_at;      /* whether more could be had, and how much */
    uint64_t asked_bps;
    uint64_t ticked_bps; /* when shares were last computed */
    usec trouble_at;     /* it was cut: with no way to probe, all is tried again later */
    usec told_at;        /* to control */
    uint64_t told_bps;
    uint8_t told_cause;
};

/* c has a source: the transport's first video makes its estimator. */
void sl_estimate_begin(struct transport *t, const struct consumer *c, usec now);

/* With the transport. */
void sl_estimate_free(struct transport *t);

/* A packet of the consumer leaves; if it has a number, it is the transport's last. */
void sl_estimate_sent(struct transport *t, const struct consumer *c, size_t octets,
                      usec now);

/* What the peer says. */
void sl_estimate_feedback(struct transport *t, const struct rtcp_fb *fb, usec now);
void sl_estimate_remb(struct transport *t, const struct rtcp_fb *fb, usec now);
void sl_estimate_report(struct transport *t, struct consumer *c,
                        const struct rtcp_block *b, usec now);

/* Padding that is due, shares, and what they change. Only padding need be exact. */
void sl_estimate_tick(struct transport *t, usec now);
usec sl_estimate_deadline(const struct transport *t);
usec sl_estimate_probe_deadline(const struct transport *t);
