#pragma once

/*
 * RTCP of one transport: what the peer says of what we send and of what it sends, and what
 * we say back. Reports are made anew for each hop; requests for key frames and lost packets
 * are merged, and go to whoever sends the track.
 */

#include "base/clock.h"
#include "base/pkt.h"

struct encoding;
struct shard;
struct transport;

#define FEEDBACK_INTERVAL                                                                \
    MSEC(100) /* of transport-wide feedback: 250 ms still ramps up */
#define REPORT_INTERVAL SEC(1)
#define CLOCK_INTERVAL  MSEC(50) /* between the first two reports of a clock */
#define FEEDBACK_STEP   MSEC(5)  /* by which what is no answer may be late */

/* An SRTCP datagram as it came. */
void sl_feedback_take(struct transport *t, struct pkt *p, usec now);

/* Sends what is due. */
void sl_feedback_due(struct transport *t, usec now);

/* Sets the transport's timer to what is due next, but not before `earliest`. */
void sl_feedback_arm(struct transport *t, usec earliest);

/* The peer sends again: it is told what arrives, and what it may send, as long as it does. */
void sl_feedback_awake(struct transport *t, usec now);

/* Something new is forwarded, and its receiver shall know its clock at once (RFC 3550 §6.2). */
void sl_feedback_hurry(struct transport *t, usec now);

/* The clock of e is known from now on: those who forward it already tell it at once. */
void sl_feedback_clock(struct encoding *e, usec now);

/* A key frame of e is wanted: it is asked for where e comes from, unless it was lately. */
void sl_feedback_keyframe(struct shard *s, struct encoding *e, usec now);
