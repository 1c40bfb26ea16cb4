#pragma once

/*
 * What a client receives: which packets came, how long they took, and what a browser would
 * say of them.
 *
 * The first packet of each SSRC is decrypted: the mark in it says from which source it is, and
 * by how much the server has renumbered it. From then on the header says enough, and only a
 * sample is decrypted, to see that it is authentic and still what its number says. Delays are
 * from the moment a source handed a packet to its socket to the receiver's kernel stamp.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

#include "bench/quantiles.h"
#include "bench/source.h"
#include "crypto/srtp.h"
#include "media/stats.h"
#include "proto/twcc.h"

enum {
    SINK_TRACKS_MAX = 32,
    SINK_SAMPLE = 256,    /* one packet of so many is decrypted */
    SINK_RTCP_MAX = 1400, /* octets of one compound */
};

#define SINK_FEEDBACK MSEC(100) /* transport-wide, as browsers send it */
#define SINK_REPORT   SEC(1)

struct sink_track {
    uint32_t ssrc;
    struct source *from; /* NULL: not known yet */
    uint64_t shift;      /* from our number to the source's */
    uint64_t next;       /* number that comes next, if nothing is lost */
    uint32_t to_sample;  /* packets until one is decrypted */
    struct stats stats;
};

/* Of many sinks together. */
struct sink_counts {
    uint64_t packets, octets; /* RTP, with duplicates; whole datagrams */
    uint64_t late;            /* behind one with a higher number */
    uint64_t bad;             /* not authentic, or not what its number says */
    uint64_t repaired;        /* on an RTX SSRC */
    uint64_t rtcp;
    struct quantiles delay; /* microseconds */
};

struct sink {
    struct source *const *sources; /* borrowed: what may come */
    size_t sources_n;
    struct sink_counts *counts; /* borrowed */
    uint8_t twcc_id;            /* 0: not agreed */
    bool unasked;               /* feedback is sent without that: on RTP's own numbers */
    uint32_t ssrc;              /* of its own, in RTCP */
    usec next_report, next_feedback;
    uint64_t taken;    /* packets that count (source.counted) */
    int64_t lost_then; /* when that began */
    size_t tracks_n;
    struct sink_track tracks[SINK_TRACKS_MAX];
    struct twcc twcc;
};

/* A datagram of RTP or RTCP, which may be decrypted in place. */
void sl_sink_input(struct sink *s, struct srtp_in *in, uint8_t *p, size_t n, usec at);

/* Packets that left the server and did not come, as sequence numbers tell. What it withheld has
 * none. */
int64_t sl_sink_lost(const struct sink *s);

/* Tracks that are known. */
size_t sl_sink_flowing(const struct sink *s);

/* When the next report or feedback is due. */
usec sl_sink_deadline(const struct sink *s);

/* Writes and protects what is due, one datagram at a time, to at, which has SINK_RTCP_MAX
 * octets. 0: nothing more. */
size_t sl_sink_poll(struct sink *s, struct srtp_out *out, usec now, uint8_t *at);
