#pragma once

/*
 * RTCP: compound packets and reports (RFC 3550 §6), feedback (RFC 4585, 5104), REMB
 * (draft-alvestrand-rmcat-remb-03), and the reading of transport-wide feedback
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01; it is written by proto/twcc).
 *
 * Reading copies nothing: spans and readers point into the datagram. Every list is walked
 * by a `next` that ends by itself, at the latest where the packet does. Reduced-size packets
 * (RFC 5506) are compounds like others: nothing is asked of their first packet.
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

enum rtcp_type {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_APP = 204,
    RTCP_RTPFB = 205,
    RTCP_PSFB = 206,
    RTCP_XR = 207,
};

/* In the place of the count, of RTPFB and of PSFB. */
enum { RTPFB_NACK = 1, RTPFB_TWCC = 15 };
enum { PSFB_PLI = 1, PSFB_FIR = 4, PSFB_REMB = 15 };

/* One packet of a compound. */
struct rtcp {
    uint8_t type;     /* enum rtcp_type, or another */
    uint8_t count;    /* of blocks, chunks or sources; of feedback, its format */
    struct span body; /* after the header word, without padding */
};

/* Checks the headers of all packets, so that a compound is taken whole or not at all. Walk
 * it with sl_rtcp_next. E_SHORT: a length goes past the end; E_MALFORMED: version, padding. */
MUST_USE enum err sl_rtcp_parse(struct span in, struct rd *ret);
bool sl_rtcp_next(struct rd *compound, struct rtcp *ret);

/* ---- reports ---- */

struct rtcp_sender {
    uint64_t ntp;
    uint32_t rtp_ts;
    uint32_t packets, octets;
};

struct rtcp_block {
    uint32_t ssrc;     /* whose reception this is */
    uint8_t fraction;  /* lost since the last report, of 256 */
    int32_t lost;      /* in all, 24 bits; negative by duplicates */
    uint32_t last_seq; /* highest, with its roll-overs */
    uint32_t jitter;   /* in ticks of the RTP clock */
    uint32_t lsr;      /* middle of the NTP time of the last SR; 0: none yet */
    uint32_t dlsr;     /* since then, in 1/65536 s */
};

struct rtcp_report {
    uint32_t ssrc;             /* who reports */
    struct rtcp_sender sender; /* zero in an RR */
    struct rd blocks;
};

/* Of an SR or RR. E_SHORT: it ends before its last block. */
MUST_USE enum err sl_rtcp_report(const struct rtcp *p, struct rtcp_report *ret);
bool sl_rtcp_block_next(struct rd *blocks, struct rtcp_block *ret);

/* Walks the chunks of an SDES that have a CNAME; start with rd_of(p->body). */
bool sl_rtcp_cname_next(struct rd *chunks, uint32_t *ssrc, struct span *cname);

/* Of a BYE: the SSRCs that leave; read them by rd_u32 while ret->n > 0. */
MUST_USE enum err sl_rtcp_bye(const struct rtcp *p, struct rd *ret);

/* ---- feedback ---- */

struct rtcp_fb {
    uint32_t sender, media;
    struct rd fci; /* what follows, by format */
};

/* Of RTPFB or PSFB. A PLI is no more than this. */
MUST_USE enum err sl_rtcp_fb(const struct rtcp *p, struct rtcp_fb *ret);

/* Walks the sequence numbers of a generic NACK, 17 at most for each of its words. */
struct rtcp_nacks {
    struct rd fci;
    uint16_t seq;  /* of the lowest bit of left */
    uint32_t left; /* those that are still to be told */
};

static inline struct rtcp_nacks rtcp_nacks_of(const struct rtcp_fb *fb)
{
    return (struct rtcp_nacks){.fci = fb->fci};
}

bool sl_rtcp_nack_next(struct rtcp_nacks *it, uint16_t *seq);

/* Walks the entries of an FIR; start with fb.fci. A repeated seq is the same request. */
bool sl_rtcp_fir_next(struct rd *fci, uint32_t *ssrc, uint8_t *seq);

struct rtcp_remb {
    uint64_t bps;    /* at most INT64_MAX */
    struct rd ssrcs; /* read by rd_u32 */
};

/* E_UNSUPPORTED: another application's feedback. */
MUST_USE enum err sl_rtcp_remb(const struct rtcp_fb *fb, struct rtcp_remb *ret);

/* ---- transport-wide feedback ---- */

enum {
    TWCC_TICK_US = 250,   /* of deltas */
    TWCC_REF_US = 64000,  /* of the reference time, which has 24 bits */
    TWCC_RUN_MAX = 8191,  /* packets in one run-length chunk */
    TWCC_COUNT_MAX = 8192 /* we refuse longer feedback: 40 octets could tell of 65535 */
};

#define TWCC_WRAP_US ((usec)TWCC_REF_US << 24)

struct rtcp_arrival {
    uint16_t seq;
    bool received;
    /* When received: its time on the clock of the feedback's sender, modulo TWCC_WRAP_US up
     * to the deltas. Otherwise that of the last one received. */
    usec at;
};

struct rtcp_twcc {
    uint16_t base_seq;
    uint16_t count;   /* of packets told of, received and not */
    uint8_t fb_count; /* one more than in the feedback before */
    uint32_t ref;     /* reference time, 24 bits */
    /* where sl_rtcp_twcc_next stands */
    uint16_t done;
    uint16_t run;     /* packets left of the chunk */
    uint16_t symbols; /* their statuses, next one on top */
    uint8_t bits;     /* of one status; 0 in a run */
    usec at;
    struct rd chunks, deltas;
};

/* Checks all of it, so that the walk ends after count packets and not before. */
MUST_USE enum err sl_rtcp_twcc(const struct rtcp_fb *fb, struct rtcp_twcc *ret);
bool sl_rtcp_twcc_next(struct rtcp_twcc *it, struct rtcp_arrival *ret);

/* ---- writing; w.bad tells whether it fit ---- */

enum { RTCP_COUNT_MAX = 31 }; /* blocks in one packet, 5 bits */

/* More than 31 blocks go on in RRs behind the first packet. No sender: an RR. */
void sl_rtcp_build_report(struct wr *w, uint32_t ssrc, const struct rtcp_sender *sender,
                          const struct rtcp_block *blocks, size_t n);

/* An SDES with one chunk, a CNAME of at most 255 octets. */
void sl_rtcp_build_cname(struct wr *w, uint32_t ssrc, struct span cname);
void sl_rtcp_build_bye(struct wr *w, uint32_t ssrc);

/* seqs stand in their (wrapping) order, n >= 1. */
void sl_rtcp_build_nack(struct wr *w, uint32_t sender, uint32_t media,
                        const uint16_t *seqs, size_t n);
void sl_rtcp_build_pli(struct wr *w, uint32_t sender, uint32_t media);
void sl_rtcp_build_fir(struct wr *w, uint32_t sender, uint32_t media, uint8_t seq);

/* n <= 255. The bit rate is rounded down to 18 bits. */
void sl_rtcp_build_remb(struct wr *w, uint32_t sender, uint64_t bps,
                        const uint32_t *ssrcs, size_t n);
