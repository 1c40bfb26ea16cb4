#pragma once

/*
 * A slot on a transport in which tracks are sent, one at a time: what of its source is
 * forwarded, and the headers it goes out with.
 *
 * SSRC, sequence numbers and time stamps belong to the slot and go on whatever its source
 * is. A video source begins with a key frame: until one comes, the consumer waits in the
 * list of the encoding that it wants, and what it had before goes on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/line.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pkt.h"

#include "crypto/srtp.h"
#include "media/allocate.h"
#include "media/picmap.h"
#include "media/seqmap.h"
#include "proto/params.h"
#include "proto/rtcp.h"
#include "sfu/batch.h"
#include "sfu/mail.h"
#include "sfu/pick.h"

struct encoding;
struct producer;
struct transport;

enum {
    /* RTP header, mid, transport-cc, send time and the forwarded extensions. */
    CONSUMER_HEADER_MAX = 12 + 4 + 256,
    FACT_MID = 1,         /* the packet carried its mid */
    FACT_MARKER = 8,      /* it begins a talkspurt, or ends a picture */
    FACT_SOURCE = 1,      /* where in the facts the place of its source stands: 2 bits */
    FACT_SOURCE_MASK = 3, /* from bit 4 stand those of sfu/pick.h, */
    FACT_WAIT = 48,       /* and from here what it says by sfu/patience: 9 bits */
    CONSUMER_SOURCES = 4, /* the last sources, whose packets may be asked for again */
    CONSUMER_CLOCKED =
        2, /* sender reports by which a receiver knows a clock and its pace */
};

struct consumer_source {
    struct encoding *encoding;
    uint16_t generation; /* as the seqmap numbers sources */
    uint64_t first;      /* number of its first packet that was forwarded */
    struct picmap shift; /* of its pictures */
};

struct consumer {
    /* hot: read for each packet. The first line of the cache, */
    _Alignas(LINE) struct transport *transport;
    struct encoding *from; /* what is forwarded now; NULL: nothing yet */
    struct seqmap *map;
    uint64_t packets, octets; /* as sender reports count them */
    uint32_t ts_shift;        /* from the source's timestamps to ours */
    uint32_t ssrc;
    bool with_exts;        /* it has header extensions at all */
    bool long_form;        /* and some of them need the two-byte form */
    uint8_t source;        /* place of `from` in sources */
    bool mid_known;        /* the receiver reported on the SSRC, so it knows the mid */
    bool spurt;            /* the next packet begins a talkspurt */
    bool resends_same;     /* no RTX: a resend is the first packet again */
    uint8_t red_pt;        /* of the source: RED to be opened; PT_NONE */
    uint8_t padding_pt;    /* of RTX, for padding; PT_NONE: there can be none */
    uint8_t pt_in, pt_out; /* the payload type that came last, and what it becomes */
    uint16_t wait;         /* what packets say by sfu/patience; 0: nothing */
    /* and the third: the second is for what leaves out of order. */
    _Alignas(LINE) struct srtp_guard guard;
    uint8_t ext_id[EXTS];
    struct {
        uint8_t blocks;       /* that are added to each packet; mostly 0 */
        uint8_t wanted, most; /* by losses; by the room that there is */
        uint8_t opus;         /* of the source: what can be wrapped; PT_NONE */
        uint8_t pt;           /* what it is wrapped in */
        uint8_t lost;         /* that the receiver lately lost, of 256 */
    } red;                    /* RED to be made: sfu/redundancy */
    struct pick pick;         /* of `from` */

    /* warm */
    uint8_t pt_of[128]; /* of a source's payload type; PT_NONE: not to be sent */
    uint32_t place;     /* in the audience of `from` */
    struct srtp_guard rtx_guard;
    uint64_t rtx_next; /* output number of the next RTX packet */
    uint64_t probed; /* output number of the last packet that was sent again as a probe */
    usec probed_at;
    uint8_t rtx_pt_of[128];
    struct consumer_source sources[CONSUMER_SOURCES];
    bool begun;                  /* something was forwarded */
    bool heard;                  /* and a report tells that it came */
    struct picmap pictures;      /* where that stood, once `from` is NULL */
    struct encoding *want;       /* what it waits for, NULL when content */
    struct list in_wanting;      /* of `want` */
    struct list in_producer;     /* all that have this source */
    struct producer *producer;   /* the source; NULL: none */
    struct rtp_wish wish;        /* what the viewer asked for */
    struct allocate_state share; /* and what it gets of the source (sfu/share) */
    uint32_t room_bps;           /* that there is for it on its path; DEMAND_ANY */
    struct mail_share told;      /* to control */
    usec told_at;                /* 0: it was told nothing of this source */

    /* cold */
    uint64_t id;
    struct map_node by_id;
    struct list in_transport;
    uint64_t packets_told; /* in the last sender report */
    uint8_t clocked; /* sender reports of its source's clock; CONSUMER_CLOCKED: enough */
    uint32_t lsr;    /* of our last sender report, and when it left */
    usec lsr_at;
    usec rtt;
    uint8_t lost; /* of 256, between the last two reports */
    struct {
        uint8_t level, lost; /* resends that it waits for; lately, of 256 */
    } patience;
    uint32_t reported_seq; /* by the receiver, with roll-overs; 0: not yet */
    int32_t reported_lost;
    struct rtp_send conf;
};

/* Of a packet that was sent first, or again. */
static inline const struct consumer_source *consumer_source_of(const struct job *j)
{
    return &j->consumer->sources[j->facts >> FACT_SOURCE & FACT_SOURCE_MASK];
}

/* What a source's payload type becomes; PT_NONE: nothing, it is not to be sent. */
static inline uint8_t consumer_pt(struct consumer *c, uint8_t pt)
{
    if (pt != c->pt_in) {
        c->pt_in = pt;
        c->pt_out = c->pt_of[pt];
    }
    return c->pt_out;
}

/* NULL when memory ends. Free takes NULL; the consumer must be out of all lists. */
struct consumer *sl_consumer_new(const struct cmd_consumer *conf, struct transport *t);
void sl_consumer_free(struct consumer *c);

/* Gives it another source, NULL for none. What it wants is asked for by the caller. */
void sl_consumer_source(struct consumer *c, struct producer *p);

/* Nothing of its source is forwarded, until something is wanted again. */
void sl_consumer_pause(struct consumer *c);

/* It shall forward e as soon as that can be begun. */
void sl_consumer_want(struct consumer *c, struct encoding *e);

/* What it waits for begins with this packet: from now on that is forwarded. */
void sl_consumer_switch(struct consumer *c, const struct pkt *first, usec now);

/* What it forwarded was interrupted: nothing is, until what it wants begins. */
void sl_consumer_restart(struct consumer *c);

/* Makes a job of a packet of c->from. E_OK: *ret is to be pushed. What is not to be sent (it
 * is empty, or of a payload type that was not negotiated) leaves no gap: E_ABSENT, or an
 * empty packet if it came late, when its number was already reserved. E_ABSENT, E_EXISTS:
 * too late, or sent before. */
MUST_USE enum err sl_consumer_select(struct consumer *c, struct pkt *p, usec now,
                                     struct job *ret);

/* Makes the job that answers a NACK of output number seq. E_ABSENT; E_EARLY: resent less than
 * a round trip ago; E_FULL: too often. E_LATE: the same or no more there, and without it there
 * is no picture before the next key frame. */
MUST_USE enum err sl_consumer_resend(struct consumer *c, uint16_t seq, usec rtt, usec now,
                                     struct job *ret);

/* Makes a packet to probe the path with: one that was sent lately, again, which may repair
 * something; or padding, of about n octets. *ret has a reference of its own. E_UNSUPPORTED: no
 * RTX was negotiated; E_MEMORY: no packet is left. */
MUST_USE enum err sl_consumer_pad(struct consumer *c, size_t n, usec now,
                                  struct job *ret);

/* Writes the job's RTP header to out->dst and fills the rest of *out. */
void sl_consumer_write(const struct job *j, struct srtp_job *out, usec now);

/* What the receiver says of the SSRC. */
void sl_consumer_report(struct consumer *c, const struct rtcp_block *b, usec now);

/* Lips are out of step until its receiver was told the clock: reports do not wait their turn. */
static inline bool consumer_hurries(const struct consumer *c)
{
    return c->from && c->clocked < CONSUMER_CLOCKED;
}

/* The numbers for a sender report. False: the source's clock is not known yet, or it is silent. */
bool sl_consumer_sender(struct consumer *c, usec now, struct rtcp_sender *ret);
