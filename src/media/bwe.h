#pragma once

/*
 * What the path of one transport carries: congestion control at the sender
 * (draft-ietf-rmcat-gcc, and what browsers made of it).
 *
 * It is told of each packet that leaves under a transport-wide number, and of the feedback
 * that comes back, and gives the rate that is to be kept. The parts stand by themselves:
 *
 *     sentlog -> groups -> trendline -> aimd ----+
 *             -> ackrate, flood -----^           +-> the target
 *             -> lossrate -----------------------+
 *             -> probe --------------------------+
 *
 * Where only REMB is negotiated, the receiver does the first line by itself; the target is
 * what it says, less if reports of loss say so.
 *
 * One thread, no clock. After whatever has `now` the caller asks for padding and the
 * deadline.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#include "proto/rtcp.h"

/* What the target is set by: the one cause that gives way first when it shall rise. */
enum bwe_cause {
    BWE_START,   /* nothing is known yet */
    BWE_RISING,  /* nothing: it rises */
    BWE_DELAY,   /* a queue grew */
    BWE_LOSS,    /* packets are lost, and more are when more is sent */
    BWE_PROBE,   /* a probe showed that this is what there is */
    BWE_APP,     /* less is sent than may be: more was not tried */
    BWE_REMB,    /* the receiver says so */
    BWE_SILENCE, /* no feedback comes */
    BWE_CEILING, /* the most that may be sent by settings */
    BWE_CAUSES,
};

struct bwe_conf {
    uint32_t start_bps, min_bps, max_bps;
    bool remb; /* no transport-wide numbers, only REMB */
};

struct bwe_state {
    uint64_t target_bps;
    uint64_t acked_bps; /* that arrives; 0: not known */
    enum bwe_cause cause;
    bool over;        /* a queue grows now */
    bool limited;     /* it was seen that there is no more; else more may well pass */
    bool app_limited; /* much less is sent than the target */
    uint8_t lost;     /* of 256, lately */
    usec rtt;         /* smoothed; 0: not known */
    usec changed_at;  /* when the cause last changed */
};

struct bwe;

/* NULL when memory ends. Free takes NULL. */
struct bwe *sl_bwe_new(const struct bwe_conf *conf, usec now);
void sl_bwe_free(struct bwe *b);

/* Octets of one, before it has much on its way. */
size_t sl_bwe_size(bool remb);

/* A packet leaves: its transport-wide number, and its octets as they are on the wire. */
void sl_bwe_sent(struct bwe *b, uint16_t seq, size_t octets, usec now);

/* Starts to bring into the cache where the next packet is written down. Of *b itself, the first
 * line is to be there. */
void sl_bwe_fetch_sent(const struct bwe *b);

/* Starts to bring into the cache what the next feedback reads; then what is known of the packets
 * that it will tell of, with *b there. */
void sl_bwe_fetch(const struct bwe *b);
void sl_bwe_fetch_told(const struct bwe *b);

/* What came back. at: when it did, which may be before now. */
void sl_bwe_feedback(struct bwe *b, struct rtcp_twcc *fb, usec now);
void sl_bwe_remb(struct bwe *b, uint64_t bps, usec now);

/* Of a receiver report: packets that should have come since the last one, and those that did
 * not. rtt: 0 where it is not known. Only where there is no transport-wide feedback. */
void sl_bwe_report(struct bwe *b, unsigned expected, int lost, usec rtt, usec now);

/* The most that could be made use of; probes go no farther. The ceiling until it is told. */
void sl_bwe_want(struct bwe *b, uint64_t bps);

/* Could this be reached? The answer is the target some round trips later. */
void sl_bwe_ask(struct bwe *b, uint64_t bps, usec now);

void sl_bwe_tick(struct bwe *b, usec now);
usec sl_bwe_deadline(const struct bwe *b); /* need not be exact */

/* When padding is due for a probe, which is spoiled by coming late. */
usec sl_bwe_probe_deadline(const struct bwe *b);

/* Octets that are to leave now as padding, or as anything else that is of no use by itself. 0:
 * none. After each packet of them ask again. */
size_t sl_bwe_padding(const struct bwe *b, usec now);

struct bwe_state sl_bwe_state(const struct bwe *b);

/* "delay", "app". Never NULL. */
const char *sl_bwe_cause_name(enum bwe_cause c);
