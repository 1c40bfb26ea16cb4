#pragma once

/*
 * The other end of a negotiation: an offer of ours, and what the answer makes of it. For the
 * load generator, which is a client of WHIP and WHEP, and for tests.
 *
 * The offer is plain: Opus, VP8 with RTX, the extensions and feedback of a browser. All
 * sections have one direction, sent by a publisher, received by a viewer.
 */

#include "room/negotiate.h"

/* Payload types that an offer of ours names. */
enum {
    OFFER_PT_OPUS = 111,
    OFFER_PT_VP8 = 96,
    OFFER_PT_RTX = 97,
};

struct offer_section {
    enum media_kind kind;
    uint32_t ssrc;     /* of a publisher */
    uint32_t rtx_ssrc; /* of a publisher's video */
};

struct offer_conf {
    enum negotiate_job job; /* PUBLISH: we send; WATCH: we receive */
    struct negotiate_local local;
    const char *cname;
    uint64_t session;
    const struct offer_section *sections; /* their mids are "0", "1", ... */
    size_t sections_n;                    /* at most SDP_SECTIONS_MAX */
    bool plain; /* neither transport-cc nor REMB: nobody is told what the path carries */
};

/* Appends the offer. Candidates are in it if local has any: a server that is ICE-lite learns
 * our address from our checks. */
void sl_offer_write(struct wr *w, const struct offer_conf *conf);

/* Reads the answer to it. In *ret a section's direction is ours: SDP_SENDONLY with `send`
 * for a publisher, SDP_RECVONLY with `receive` for a viewer; one that was rejected is
 * NEGOTIATE_STOPPED. Spans point into the answer's text.
 * NEGOTIATE_NO_MEDIA: nothing was accepted, or the answer is not to this offer;
 * NEGOTIATE_BAD_SETUP: it leaves the DTLS role open; others: see the list. */
MUST_USE enum negotiate_why sl_offer_read(const struct sdp *answer,
                                          const struct offer_conf *conf,
                                          struct negotiated *ret);

/* The UDP addresses that the answer names, in its order; how many there are, at most max. */
size_t sl_offer_candidates(const struct sdp *answer, struct addr *ret, size_t max);
